//! A function URL: HTTP requests to one function in payload format 2.0, either signed or public.
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>

mod authorizer;
mod response;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Lambda;
use super::error::LambdaError;
use super::function_name::FunctionName;
use super::invoke_request::{InvokeRequest, with_request_id};
use crate::aws::{LAMBDA_MAX_REQUEST, REGION};
use crate::cors::CorsConfiguration;
use crate::http::read_body;
use crate::payload::{ApiDescription, ProxyRequest};
use crate::recorder::{EntryPoint, Recording};
use crate::trace;

/// The configuration of a function URL.
#[derive(Debug)]
pub(crate) struct FunctionUrl {
    pub function: String,
    pub auth: UrlAuth,
    pub mode: InvokeMode,
    /// The CORS configuration of the URL; `None` leaves CORS to the function.
    pub cors: Option<Arc<CorsConfiguration>>,
}

/// The `AuthType` of a function URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UrlAuth {
    /// Requests must be signed, and the principal needs a permission.
    AwsIam,
    /// Everybody may send requests.
    None,
}

/// The `InvokeMode` of a function URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvokeMode {
    /// The response is sent when it is complete.
    Buffered,
    /// The response is sent chunk by chunk.
    ResponseStream,
}

impl FunctionUrl {
    /// The id of the URL, which is the first part of its host name: 32 characters derived from the
    /// function's name.
    pub(crate) fn id(&self) -> String {
        Uuid::new_v5(&Uuid::NAMESPACE_URL, self.function.as_bytes())
            .simple()
            .to_string()
    }
}

pub(super) fn router(lambda: Lambda, url: FunctionUrl) -> Router {
    Router::new()
        .fallback(handle)
        .with_state(Arc::new(Endpoint { lambda, url }))
}

#[derive(Debug)]
struct Endpoint {
    lambda: Lambda,
    url: FunctionUrl,
}

async fn handle(
    State(endpoint): State<Arc<Endpoint>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let recording = endpoint
        .lambda
        .recorder
        .begin(EntryPoint::FunctionUrl, &parts);
    recording.function(&endpoint.url.function);
    if let Some(cors) = &endpoint.url.cors {
        recording.cors(cors);
    }
    let preflight = endpoint
        .url
        .cors
        .as_ref()
        .and_then(|cors| cors.preflight(&parts));
    let mut response = match preflight {
        Some(response) => response,
        None => endpoint.answer(&parts, body, peer, &recording).await,
    };
    if let Some(cors) = &endpoint.url.cors {
        cors.append_to_response(parts.headers.get("origin"), &mut response);
    }
    recording.respond(response)
}

impl Endpoint {
    async fn answer(
        &self,
        parts: &Parts,
        body: axum::body::Body,
        peer: SocketAddr,
        recording: &Recording,
    ) -> Response {
        let request_id = Uuid::new_v4().to_string();
        let trace_id = parts
            .headers
            .get("x-amzn-trace-id")
            .and_then(|value| value.to_str().ok());
        let trace_id = trace_id.map_or_else(trace::new_root, str::to_owned);
        recording.ids(&request_id, &trace_id);
        let answer = self
            .invoke(parts, body, peer, (&request_id, &trace_id), recording)
            .await;
        if let Err(error) = &answer {
            recording.refused(error.refusal());
        }
        let mut answer = with_request_id(answer, &request_id);
        if let Ok(trace_id) = HeaderValue::from_str(&trace_id) {
            answer.headers_mut().insert("x-amzn-trace-id", trace_id);
        }
        answer
    }

    async fn invoke(
        &self,
        parts: &Parts,
        body: axum::body::Body,
        peer: SocketAddr,
        (request_id, trace_id): (&str, &str),
        recording: &Recording,
    ) -> Result<Response, LambdaError> {
        let body = read_body(body, LAMBDA_MAX_REQUEST).await?;
        recording.body(&body);
        let id = self.url.id();
        let domain_name = format!("{id}.lambda-url.{REGION}.on.aws");
        let proxy_request = ProxyRequest {
            parts,
            body: &body,
            peer,
            request_id,
            trace_id,
            api: ApiDescription {
                id: &id,
                domain_name: &domain_name,
                route_key: "$default",
            },
            path_parameters: &[],
            authorizer: self.authorize(parts, &body, recording)?,
        };
        let event = proxy_request.event();
        recording.event(&event);
        let invocation = recording.invocation(&self.url.function);
        let invoke_request = InvokeRequest {
            name: FunctionName::parse(&self.url.function, None)?,
            request_id: request_id.to_owned(),
            trace_id: invocation.request(request_id, Some(trace_id), &event),
            payload: event,
            cognito_identity: None,
            client_context: None,
            tenant: None,
            wants_log: false,
            recording: invocation.handle(),
        };
        let refused = |error: &LambdaError| invocation.refused(error.refusal());
        Ok(match self.url.mode {
            InvokeMode::Buffered => {
                let outcome = invoke_request.outcome(&self.lambda).await;
                response::buffered(outcome.inspect_err(refused)?)
            }
            InvokeMode::ResponseStream => {
                let answer = invoke_request.function_response(&self.lambda).await;
                response::streamed(answer.inspect_err(refused)?).await
            }
        })
    }

    /// The authorizer's context of the event. A caller that does not sign or has no permission gets
    /// one and the same error.
    fn authorize(
        &self,
        parts: &Parts,
        body: &Bytes,
        recording: &Recording,
    ) -> Result<Option<Value>, LambdaError> {
        if self.url.auth == UrlAuth::None {
            return Ok(None);
        }
        let query = parts.uri.query().unwrap_or_default();
        let is_signed =
            parts.headers.contains_key("authorization") || query.contains("X-Amz-Signature=");
        if !is_signed {
            recording.signature_refused(None);
            return Err(LambdaError::UrlForbidden);
        }
        let caller = self
            .lambda
            .access
            .authenticate(parts, body)
            .inspect_err(|error| recording.signature_refused(error.mismatch()))?;
        if let Some(caller) = &caller {
            recording.signed_by(&caller.principal.arn());
        }
        self.lambda
            .access
            .authorize(caller.as_ref(), &self.url.function)
            .map_err(|_| LambdaError::UrlForbidden)?;
        Ok(caller.map(|caller| json!({ "iam": authorizer::iam(&caller) })))
    }
}

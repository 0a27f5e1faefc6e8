//! An API Gateway REST API: one resource with a Cognito authorizer and Lambda proxy integrations in
//! payload format 1.0, whose responses are buffered at one stage and streamed at another.
//!
//! It has stages, the authorizer, the proxy integration, gateway responses and their errors, and
//! nothing else of API Gateway. `OPTIONS` requests go to the function without a token, as they do
//! at AWS where no mock integration answers them. In AWS, two stages with different integrations
//! are two APIs with different host names; here the stage tells them apart.

mod authorizer;
mod error;
mod event;
mod integration;
mod response;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::aws::{API_GATEWAY_MAX_BODY, API_GATEWAY_MAX_HEADERS};
use crate::http::{HttpClient, head_length, read_body};
use crate::jwt::{JwtConfiguration, Verifier};
use crate::recorder::{EntryPoint, Recorder, Recording};
use crate::signer::Signer;
use crate::throttle::{ThrottlingLimits, TokenBucket};
use crate::trace;
use authorizer::CognitoAuthorizer;
pub(crate) use error::GatewayResponses;
use error::RestError;
use event::ProxyRequest;
use integration::Integration;
pub(crate) use integration::{StreamLimits, TransferMode};

/// The configuration of the API.
#[derive(Debug)]
pub(crate) struct RestApiConfiguration {
    /// The stages, of which the name of one is the first segment of every path.
    pub stages: Vec<Stage>,
    /// The limits beyond which requests to a stage are refused; `None` for no limit.
    pub throttling: Option<ThrottlingLimits>,
    /// The path of the API's one resource.
    pub resource: String,
    /// The methods of the resource that require a token.
    pub methods: Vec<Method>,
    /// The issuer and the audience of the ID tokens that the authorizer accepts.
    pub jwt: JwtConfiguration,
    /// The headers of the errors that the API returns itself.
    pub gateway_responses: GatewayResponses,
    /// The URL of the Lambda endpoint.
    pub lambda: String,
    /// Signs the requests to Lambda.
    pub signer: Signer,
    /// Receives a record of each request.
    pub recorder: Recorder,
}

/// A stage with the integration of its deployment.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The name of the stage.
    pub name: &'static str,
    /// The name of the function that the integration invokes.
    pub function: &'static str,
    /// Whether the integration buffers or streams the function's response.
    pub transfer_mode: TransferMode,
}

#[derive(Debug, Clone)]
pub(crate) struct RestApi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    configuration: RestApiConfiguration,
    /// The bucket of each stage, in their order.
    buckets: Vec<TokenBucket>,
    authorizer: CognitoAuthorizer,
    http: HttpClient,
}

/// The ids of one request.
#[derive(Debug)]
struct RequestIds {
    /// The id in `x-amzn-requestid` and in the event.
    request_id: String,
    /// The id in `x-amz-apigw-id`: 16 characters, of which the last is `=`.
    extended_request_id: String,
    trace_id: String,
}

impl RequestIds {
    fn of(parts: &Parts) -> Self {
        let trace_id = parts
            .headers
            .get("x-amzn-trace-id")
            .and_then(|value| value.to_str().ok());
        Self {
            request_id: Uuid::new_v4().to_string(),
            extended_request_id: URL_SAFE.encode(&Uuid::new_v4().as_bytes()[..11]),
            trace_id: trace_id.map_or_else(trace::new_root, str::to_owned),
        }
    }

    fn add_to(&self, response: &mut Response) {
        for (name, value) in [
            ("x-amzn-requestid", &self.request_id),
            ("x-amz-apigw-id", &self.extended_request_id),
            ("x-amzn-trace-id", &self.trace_id),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
}

impl RestApi {
    /// Creates the API. It sends no request before it receives one.
    pub(crate) fn new(configuration: RestApiConfiguration) -> Self {
        let http = HttpClient::new();
        let authorizer =
            CognitoAuthorizer::new(Verifier::new(configuration.jwt.clone(), http.clone()));
        let buckets = configuration.throttling.map(|limits| {
            let stages = configuration.stages.iter();
            stages.map(|_| TokenBucket::new(limits)).collect()
        });
        Self(Arc::new(Inner {
            buckets: buckets.unwrap_or_default(),
            configuration,
            authorizer,
            http,
        }))
    }

    /// The router that handles every request to the API.
    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }
}

async fn handle(
    State(api): State<RestApi>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let ids = RequestIds::of(&parts);
    let recording = api
        .0
        .configuration
        .recorder
        .begin(EntryPoint::RestApi, &parts);
    recording.ids(&ids.request_id, &ids.trace_id);
    let answer = api.0.respond(&parts, body, peer, &ids, &recording).await;
    if let Some(refusal) = answer.as_ref().err().and_then(RestError::refusal) {
        recording.refused(refusal);
    }
    let mut response = answer.unwrap_or_else(|error| {
        error.into_response(&api.0.configuration.gateway_responses, &parts)
    });
    ids.add_to(&mut response);
    recording.respond(response)
}

impl Inner {
    async fn respond(
        &self,
        parts: &Parts,
        body: Body,
        peer: SocketAddr,
        ids: &RequestIds,
        recording: &Recording,
    ) -> Result<Response, RestError> {
        if head_length(parts) > API_GATEWAY_MAX_HEADERS {
            return Err(RestError::HeadersTooLarge);
        }
        let (at, stage, path) = self.stage(parts).ok_or(RestError::NoStage)?;
        let has_method =
            parts.method == Method::OPTIONS || self.configuration.methods.contains(&parts.method);
        if path != self.configuration.resource || !has_method {
            return Err(RestError::NoMethod);
        }
        recording.route(&format!("{} {path}", parts.method));
        if self.buckets.get(at).is_some_and(|bucket| !bucket.take()) {
            return Err(RestError::TooManyRequests);
        }
        let claims = self.authorize(parts, recording).await?;
        let body = read_body(body, API_GATEWAY_MAX_BODY).await?;
        recording.body(&body);
        let proxy_request = ProxyRequest {
            parts,
            stage: stage.name,
            path,
            body: &body,
            peer,
            ids,
            claims,
        };
        let event = proxy_request.event();
        recording.event(&event);
        let trace_id = recording.trace_for_lambda(&ids.trace_id);
        let integration = Integration {
            http: &self.http,
            lambda: &self.configuration.lambda,
            signer: &self.configuration.signer,
            function: stage.function,
        };
        integration
            .invoke(stage.transfer_mode, event, &trace_id)
            .await
    }

    /// The index of the stage that the path names, the stage, and the path without it.
    fn stage<'a>(&self, parts: &'a Parts) -> Option<(usize, &Stage, &'a str)> {
        let path = parts.uri.path().strip_prefix('/')?;
        let (name, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
        let mut stages = self.configuration.stages.iter().enumerate();
        stages
            .find(|(_, stage)| stage.name == name)
            .map(|(at, stage)| (at, stage, rest))
    }

    async fn authorize(
        &self,
        parts: &Parts,
        recording: &Recording,
    ) -> Result<Option<Map<String, Value>>, RestError> {
        if parts.method == Method::OPTIONS {
            return Ok(None);
        }
        let start = Instant::now();
        let verdict = self.authorizer.authorize(parts).await;
        let (verdict, rendered) = match verdict {
            Ok((claims, rendered)) => (Ok(claims), Ok(Some(rendered))),
            Err((refusal, error)) => (Err(refusal), Err(error)),
        };
        recording.authorized(start, verdict);
        rendered
    }
}

#[cfg(test)]
mod tests;

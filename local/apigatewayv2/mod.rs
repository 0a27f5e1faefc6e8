//! An API Gateway HTTP API: routes, a JWT authorizer, CORS and Lambda proxy integrations in payload
//! format 2.0.
//!
//! It does what `template.yaml` asks of API Gateway, with API Gateway's status codes and messages.
//! It reaches Lambda and the user pool by their URLs only.

mod authorizer;
mod claims;
mod error;
mod response;
mod route;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::response::Response;
use base64::Engine;

use crate::aws::{API_GATEWAY_MAX_BODY, API_GATEWAY_MAX_HEADERS, HTTP_API_INTEGRATION_TIMEOUT};
use crate::cors::CorsConfiguration;
use crate::http::{HttpClient, RequestError, head_length, read_body};
use crate::jwt::{JwtConfiguration, Verifier};
use crate::payload::{ApiDescription, ProxyRequest, header_text};
use crate::recorder::{EntryPoint, Recorder, Recording};
use crate::signer::Signer;
use crate::throttle::{ThrottlingLimits, TokenBucket};
use crate::trace;
use authorizer::{Authorizer, JwtAuthorizerContext};
use error::GatewayError;
pub use route::{Route, Routes};

/// The id of the API, which events carry.
const API_ID: &str = "local0api0";

/// The configuration of an HTTP API.
#[derive(Debug)]
pub struct HttpApiConfiguration {
    /// The routes of the API.
    pub routes: Routes,
    /// The issuer and the audience of the tokens that the JWT authorizer accepts.
    pub jwt: JwtConfiguration,
    /// The CORS configuration, as `CorsConfiguration` in a template.
    pub cors: CorsConfiguration,
    /// The URL of the Lambda endpoint.
    pub lambda: String,
    /// Signs the requests to Lambda.
    pub signer: Signer,
    /// The limits beyond which requests are refused; `None` for no limit.
    pub throttling: Option<ThrottlingLimits>,
    /// Receives a record of each request.
    pub recorder: Recorder,
}

/// An HTTP API. Clones share one state.
#[derive(Debug, Clone)]
pub struct HttpApi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    routes: Routes,
    authorizer: Authorizer,
    cors: Arc<CorsConfiguration>,
    lambda: String,
    signer: Signer,
    throttle: Option<TokenBucket>,
    recorder: Recorder,
    http: HttpClient,
}

impl HttpApi {
    /// Creates the API. It sends no request before it receives one.
    pub fn new(configuration: HttpApiConfiguration) -> Self {
        let http = HttpClient::new();
        Self(Arc::new(Inner {
            authorizer: Authorizer::new(Verifier::new(configuration.jwt, http.clone())),
            routes: configuration.routes,
            cors: Arc::new(configuration.cors),
            lambda: configuration.lambda,
            signer: configuration.signer,
            throttle: configuration.throttling.map(TokenBucket::new),
            recorder: configuration.recorder,
            http,
        }))
    }

    /// The router that handles every request to the API.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }
}

async fn handle(
    State(api): State<HttpApi>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    api.0.handle(peer, request).await
}

/// A request while the API handles it.
struct Exchange<'a> {
    parts: &'a Parts,
    peer: SocketAddr,
    request_id: String,
    trace_id: String,
    recording: &'a Recording,
}

impl Inner {
    async fn handle(&self, peer: SocketAddr, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let recording = self.recorder.begin(EntryPoint::HttpApi, &parts);
        let exchange = Exchange {
            parts: &parts,
            peer,
            // API Gateway's request ids have 16 characters, of which the last is `=`.
            request_id: base64::engine::general_purpose::URL_SAFE
                .encode(&uuid::Uuid::new_v4().as_bytes()[..11]),
            trace_id: header_text(&parts.headers, "x-amzn-trace-id")
                .unwrap_or_else(trace::new_root),
            recording: &recording,
        };
        recording.ids(&exchange.request_id, &exchange.trace_id);
        recording.cors(&self.cors);
        let mut response = match self.respond(&exchange, body).await {
            Ok(response) => response,
            Err(error) => {
                if let Some(refusal) = error.refusal() {
                    recording.refused(refusal);
                }
                error.response()
            }
        };
        self.cors
            .apply_to_response(parts.headers.get("origin"), &mut response);
        if let Ok(id) = HeaderValue::from_str(&exchange.request_id) {
            response
                .headers_mut()
                .insert(HeaderName::from_static("apigw-requestid"), id);
        }
        recording.respond(response)
    }

    async fn respond(&self, exchange: &Exchange<'_>, body: Body) -> Result<Response, GatewayError> {
        let Exchange {
            parts, recording, ..
        } = exchange;
        if head_length(parts) > API_GATEWAY_MAX_HEADERS {
            return Err(GatewayError::HeadersTooLarge);
        }
        let Some(route_match) = self.routes.find(&parts.method, parts.uri.path()) else {
            return self.cors.preflight(parts).ok_or(GatewayError::NotFound);
        };
        recording.route(&route_match.route.key);
        if self.throttle.as_ref().is_some_and(|bucket| !bucket.take()) {
            return Err(GatewayError::TooManyRequests);
        }
        let authorizer_context = match route_match.route.authorization_scopes() {
            Some(scopes) => {
                let start = Instant::now();
                let authorized = self.authorizer.authorize(parts, scopes).await;
                let verdict = authorized
                    .as_ref()
                    .map(|context| Arc::clone(&context.claims))
                    .map_err(|(refusal, _)| refusal.clone());
                recording.authorized(start, verdict);
                Some(authorized.map_err(|(_, error)| error)?)
            }
            None => None,
        };
        let body = read_body(body, API_GATEWAY_MAX_BODY).await?;
        recording.body(&body);
        let host = header_text(&parts.headers, "host").unwrap_or_default();
        let proxy_request = ProxyRequest {
            parts,
            body: &body,
            peer: exchange.peer,
            request_id: &exchange.request_id,
            trace_id: &exchange.trace_id,
            api: ApiDescription {
                id: API_ID,
                domain_name: &host,
                route_key: &route_match.route.key,
            },
            path_parameters: &route_match.path_parameters,
            authorizer: authorizer_context
                .as_ref()
                .map(JwtAuthorizerContext::to_json),
        };
        let event = proxy_request.event();
        recording.event(&event);
        let trace_id = recording.trace_for_lambda(&exchange.trace_id);
        self.integrate(&route_match.route.function, event, &trace_id)
            .await
    }

    async fn integrate(
        &self,
        function: &str,
        event: Bytes,
        trace_id: &str,
    ) -> Result<Response, GatewayError> {
        let uri = format!(
            "{}/2015-03-31/functions/{function}/invocations",
            self.lambda
        );
        let headers = [
            ("content-type", "application/json"),
            ("x-amzn-trace-id", trace_id),
        ];
        let request = self
            .signer
            .post(&uri, &headers, event)
            .map_err(GatewayError::Integration)?;
        match self.http.send(request, HTTP_API_INTEGRATION_TIMEOUT).await {
            Ok(lambda_response) => response::from_lambda(&lambda_response),
            Err(RequestError::TimedOut(_)) => Err(GatewayError::Unavailable(
                "the integration took longer than 30 s".to_owned(),
            )),
            Err(RequestError::OutOfDescriptors(why)) => Err(GatewayError::Unavailable(why)),
            Err(RequestError::Connection(why)) => Err(GatewayError::Integration(why)),
        }
    }
}

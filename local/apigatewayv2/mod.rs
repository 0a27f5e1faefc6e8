//! An API Gateway HTTP API: routes, a JWT authorizer, CORS and Lambda proxy integrations in payload
//! format 2.0.
//!
//! It does what `template.yaml` asks of API Gateway, with API Gateway's status codes and messages.
//! It reaches Lambda and the user pool by their URLs only.

mod authorizer;
mod claims;
mod error;
mod observation;
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
use http_body_util::{BodyExt, Limited};

use crate::aws::{API_GATEWAY_MAX_BODY, API_GATEWAY_MAX_HEADERS, HTTP_API_INTEGRATION_TIMEOUT};
use crate::cors::CorsConfiguration;
use crate::http::{HttpClient, RequestError, head_length};
use crate::jwt::{JwtConfiguration, Verifier};
use crate::payload::{ApiDescription, ProxyRequest, header_text};
use crate::recorder::Recorder;
use crate::signer::Signer;
use authorizer::{Authorizer, JwtAuthorizerContext};
use error::GatewayError;
use observation::Observation;
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
    /// Whether to print one line for each request.
    pub access_log: bool,
    /// Receives a record of each request for the console.
    pub recorder: Recorder,
}

/// An HTTP API. Clones share one state.
#[derive(Debug, Clone)]
pub struct HttpApi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    routes: Routes,
    authorizer: Authorizer,
    cors: CorsConfiguration,
    lambda: String,
    signer: Signer,
    access_log: bool,
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
            cors: configuration.cors,
            lambda: configuration.lambda,
            signer: configuration.signer,
            access_log: configuration.access_log,
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

impl Inner {
    async fn handle(&self, peer: SocketAddr, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let mut observation = Observation::start(&parts, peer);
        self.recorder.begin(&observation.trace_id);
        let mut response = match self.respond(&parts, body, &mut observation).await {
            Ok(response) => response,
            Err(error) => {
                observation.error = error.reason();
                error.response()
            }
        };
        self.cors
            .apply_to_response(parts.headers.get("origin"), response.headers_mut());
        if let Ok(id) = HeaderValue::from_str(&observation.request_id) {
            response
                .headers_mut()
                .insert(HeaderName::from_static("apigw-requestid"), id);
        }
        if self.access_log {
            observation.print(&parts, &response);
        }
        if self.recorder.has_subscribers() {
            return self.record(&parts, observation, response).await;
        }
        self.recorder.discard(&observation.trace_id);
        response
    }

    async fn respond(
        &self,
        parts: &Parts,
        body: Body,
        observation: &mut Observation,
    ) -> Result<Response, GatewayError> {
        if head_length(parts) > API_GATEWAY_MAX_HEADERS {
            return Err(GatewayError::HeadersTooLarge);
        }
        let Some(route_match) = self.routes.find(&parts.method, parts.uri.path()) else {
            return self.cors.preflight(parts).ok_or(GatewayError::NotFound);
        };
        if let Some(scopes) = route_match.route.authorization_scopes() {
            let start = Instant::now();
            let authorized = self.authorizer.authorize(parts, scopes).await;
            observation.authorizer_time = start.elapsed();
            observation.authorizer_context = Some(authorized?);
        }
        observation.body = Limited::new(body, API_GATEWAY_MAX_BODY)
            .collect()
            .await
            .map_err(|_| GatewayError::TooLarge)?
            .to_bytes();
        let host = header_text(&parts.headers, "host").unwrap_or_default();
        let proxy_request = ProxyRequest {
            parts,
            body: &observation.body,
            peer: observation.peer,
            request_id: &observation.request_id,
            trace_id: &observation.trace_id,
            api: ApiDescription {
                id: API_ID,
                domain_name: &host,
                route_key: &route_match.route.key,
            },
            path_parameters: &route_match.path_parameters,
            authorizer: observation
                .authorizer_context
                .as_ref()
                .map(JwtAuthorizerContext::to_json),
        };
        observation.event = proxy_request.event();
        let start = Instant::now();
        let response = self
            .integrate(
                &route_match.route.function,
                observation.event.clone(),
                &observation.trace_id,
            )
            .await;
        observation.integration_time = start.elapsed();
        response
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
            Err(RequestError::Connection(why)) => Err(GatewayError::Integration(why)),
        }
    }

    async fn record(
        &self,
        parts: &Parts,
        observation: Observation,
        response: Response,
    ) -> Response {
        let (head, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        let record = observation.record(parts, &head, &body, &self.cors.allow_origins);
        self.recorder.end(&observation.trace_id, record);
        Response::from_parts(head, Body::from(body))
    }
}

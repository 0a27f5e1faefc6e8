//! An API Gateway HTTP API on one machine: routes, JWT authorizer, CORS, and Lambda behind in payload format 2.0.
//!
//! It does what `template.yaml` asks of API Gateway and answers in API Gateway's words. Lambda and the user pool are
//! reached by URL alone.

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

use crate::aws::{API_GATEWAY_MAX_BODY, HTTP_API_INTEGRATION_TIMEOUT, HTTP_API_MAX_HEADERS};
use crate::cors::CorsConfiguration;
use crate::http::{HttpClient, NoAnswer};
use crate::jwt::{JwtConfiguration, Verifier};
use crate::payload::{Api, Incoming, text};
use crate::recorder::Recorder;
use crate::signer::Signer;
use authorizer::{Authorized, Authorizer};
use error::GatewayError;
use observation::Observation;
pub use route::{Route, Routes};

/// The API's id.
const API_ID: &str = "local0api0";

/// What the API is made of.
#[derive(Debug)]
pub struct Configuration {
    /// Its routes.
    pub routes: Routes,
    /// Its JWT authorizer.
    pub jwt: JwtConfiguration,
    /// Its CORS configuration.
    pub cors: CorsConfiguration,
    /// The URL of Lambda.
    pub lambda: String,
    /// Signs what is sent there.
    pub signer: Signer,
    /// Whether each request is told of in the terminal.
    pub access_log: bool,
    /// Who is told of each request in whole.
    pub recorder: Recorder,
}

/// The API.
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
    /// An API as configured; nothing is sent.
    pub fn new(configuration: Configuration) -> Self {
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

    /// Everything the API answers.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }
}

async fn handle(State(api): State<HttpApi>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    api.0.handle(peer, request).await
}

impl Inner {
    async fn handle(&self, peer: SocketAddr, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let mut seen = Observation::start(&parts, peer);
        self.recorder.begin(&seen.trace_id);
        let mut response = match self.answer(&parts, body, &mut seen).await {
            Ok(response) => response,
            Err(error) => {
                seen.error = error.reason();
                error.response()
            }
        };
        self.cors.on_answer(parts.headers.get("origin"), response.headers_mut());
        if let Ok(id) = HeaderValue::from_str(&seen.request_id) {
            response.headers_mut().insert(HeaderName::from_static("apigw-requestid"), id);
        }
        if self.access_log {
            seen.print(&parts, &response);
        }
        if self.recorder.is_on() {
            return self.record(&parts, seen, response).await;
        }
        self.recorder.forget(&seen.trace_id);
        response
    }

    async fn answer(&self, parts: &Parts, body: Body, seen: &mut Observation) -> Result<Response, GatewayError> {
        check_headers(parts)?;
        let Some(found) = self.routes.find(&parts.method, parts.uri.path()) else {
            return self.cors.preflight(parts).ok_or(GatewayError::NotFound);
        };
        if let Some(scopes) = found.route.authorization_scopes() {
            let start = Instant::now();
            let authorized = self.authorizer.authorize(parts, scopes).await;
            seen.authorizer = start.elapsed();
            seen.authorized = Some(authorized?);
        }
        seen.body = Limited::new(body, API_GATEWAY_MAX_BODY).collect().await.map_err(|_| GatewayError::TooLarge)?.to_bytes();
        let host = text(&parts.headers, "host").unwrap_or_default();
        let incoming = Incoming {
            parts,
            body: &seen.body,
            peer: seen.peer,
            request_id: &seen.request_id,
            trace_id: &seen.trace_id,
            api: Api { id: API_ID, domain_name: &host, route_key: &found.route.key },
            path_parameters: &found.path_parameters,
            authorizer: seen.authorized.as_ref().map(Authorized::to_json),
        };
        seen.event = incoming.event();
        let start = Instant::now();
        let answer = self.integrate(&found.route.function, seen.event.clone(), &seen.trace_id).await;
        seen.integration = start.elapsed();
        answer
    }

    async fn integrate(&self, function: &str, event: Bytes, trace_id: &str) -> Result<Response, GatewayError> {
        let uri = format!("{}/2015-03-31/functions/{function}/invocations", self.lambda);
        let headers = [("content-type", "application/json"), ("x-amzn-trace-id", trace_id)];
        let request = self.signer.post(&uri, &headers, event).map_err(GatewayError::Integration)?;
        match self.http.send(request, HTTP_API_INTEGRATION_TIMEOUT).await {
            Ok(answer) => response::from_lambda(&answer),
            Err(NoAnswer::TimedOut(_)) => Err(GatewayError::Unavailable("the integration took longer than 30 s".to_owned())),
            Err(NoAnswer::Broken(why)) => Err(GatewayError::Integration(why)),
        }
    }

    async fn record(&self, parts: &Parts, seen: Observation, response: Response) -> Response {
        let (head, body) = response.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let record = seen.record(parts, &head, &body, &self.cors.allow_origins);
        self.recorder.end(&seen.trace_id, record);
        Response::from_parts(head, Body::from(body))
    }
}

fn check_headers(parts: &Parts) -> Result<(), GatewayError> {
    let line = parts.method.as_str().len() + parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if line + headers > HTTP_API_MAX_HEADERS { Err(GatewayError::HeadersTooLarge) } else { Ok(()) }
}

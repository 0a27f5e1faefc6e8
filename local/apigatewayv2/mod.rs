//! An API Gateway HTTP API on one machine: routes, JWT authorizer, CORS, and Lambda behind in payload format 2.0.
//!
//! It does what `template.yaml` asks of API Gateway and answers in API Gateway's words. Lambda and the user pool are
//! reached by URL alone.

mod authorizer;
mod claims;
mod cors;
mod error;
mod event;
mod response;
mod route;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::response::Response;
use base64::Engine;
use http_body_util::{BodyExt, Full, Limited};

use crate::http::{HttpClient, NoAnswer};
use crate::jwt::{JwtConfiguration, Verifier};
use crate::trace;
use authorizer::Authorizer;
pub use cors::CorsConfiguration;
use error::GatewayError;
use event::Incoming;
pub use route::{Route, Routes};

/// What a request's line and headers may take, in bytes.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const MAX_HEADERS: usize = 10_240;
/// What a request's body may take, in bytes.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// How long an integration may take.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

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
    /// Whether each request is told of in the terminal.
    pub access_log: bool,
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
    access_log: bool,
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
            access_log: configuration.access_log,
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
        let mut access = AccessLog::start(&request);
        let (parts, body) = request.into_parts();
        let origin = parts.headers.get("origin").cloned();
        let request_id = request_id();
        let mut response = match self.answer(&parts, body, peer, &request_id, &mut access).await {
            Ok(response) => response,
            Err(error) => {
                access.error = error.reason();
                error.response()
            }
        };
        self.cors.on_answer(origin.as_ref(), response.headers_mut());
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(HeaderName::from_static("apigw-requestid"), id);
        }
        if self.access_log {
            access.print(&response);
        }
        response
    }

    async fn answer(
        &self,
        parts: &Parts,
        body: Body,
        peer: SocketAddr,
        request_id: &str,
        access: &mut AccessLog,
    ) -> Result<Response, GatewayError> {
        check_headers(parts)?;
        let Some(found) = self.routes.find(&parts.method, parts.uri.path()) else {
            return self.cors.preflight(parts).ok_or(GatewayError::NotFound);
        };
        let authorized = match found.route.authorization_scopes() {
            Some(scopes) => Some(self.authorizer.authorize(parts, scopes).await?),
            None => None,
        };
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| GatewayError::TooLarge)?.to_bytes();
        let trace_id = parts.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
        let trace_id = trace_id.map_or_else(trace::new_root, str::to_owned);
        let incoming = Incoming { parts, body: &body, peer, request_id, trace_id: &trace_id, found: &found };
        let event = incoming.event(authorized.as_ref());
        let start = Instant::now();
        let answer = self.integrate(&found.route.function, event, &trace_id).await;
        access.integration = start.elapsed();
        answer
    }

    async fn integrate(&self, function: &str, event: Bytes, trace_id: &str) -> Result<Response, GatewayError> {
        let uri = format!("{}/2015-03-31/functions/{function}/invocations", self.lambda);
        let request = Request::post(uri)
            .header("content-type", "application/json")
            .header("x-amzn-trace-id", trace_id)
            .body(Full::new(event))
            .map_err(|error| GatewayError::Integration(error.to_string()))?;
        match self.http.send(request, INTEGRATION_TIMEOUT).await {
            Ok(answer) => response::from_lambda(&answer),
            Err(NoAnswer::TimedOut(_)) => Err(GatewayError::Unavailable("the integration took longer than 30 s".to_owned())),
            Err(NoAnswer::Broken(why)) => Err(GatewayError::Integration(why)),
        }
    }
}

fn check_headers(parts: &Parts) -> Result<(), GatewayError> {
    let line = parts.method.as_str().len() + parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if line + headers > MAX_HEADERS { Err(GatewayError::HeadersTooLarge) } else { Ok(()) }
}

/// 16 characters of which the last is `=`, as API Gateway's are.
fn request_id() -> String {
    base64::engine::general_purpose::STANDARD.encode(&uuid::Uuid::new_v4().as_bytes()[..11])
}

/// One line for each request, with the gateway's own share of its time.
struct AccessLog {
    start: Instant,
    request: String,
    integration: Duration,
    error: Option<String>,
}

impl AccessLog {
    fn start(request: &Request) -> Self {
        let request = format!("{} {}", request.method(), request.uri().path());
        Self { start: Instant::now(), request, integration: Duration::ZERO, error: None }
    }

    fn print(&self, response: &Response) {
        let total = self.start.elapsed();
        let own = total.saturating_sub(self.integration);
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let error = self.error.as_deref().map(|error| format!(" · {error}")).unwrap_or_default();
        let status = response.status().as_u16();
        println!(
            " api │ {} → {status} in {:.2} ms, {:.2} ms of them the gateway's own{error}",
            self.request,
            millis(total),
            millis(own)
        );
    }
}

//! An API Gateway REST API on one machine: one resource with a Cognito authorizer, and Lambda behind in payload format 1.0.
//!
//! Small: stage, authorizer, proxy integration and the errors of both. `OPTIONS` goes to the function without a token, as
//! where no mock integration answers it.

mod authorizer;
mod error;
mod event;
mod response;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::aws::{API_GATEWAY_MAX_BODY, REST_API_INTEGRATION_TIMEOUT};
use crate::http::{HttpClient, RequestError};
use crate::jwt::{JwtConfiguration, Verifier};
use crate::signer::Signer;
use crate::trace;
use authorizer::CognitoAuthorizer;
use error::RestError;
use event::ProxyRequest;

/// The stage, which every path begins with.
pub const STAGE: &str = "prod";

/// What the API is made of.
#[derive(Debug)]
pub struct RestApiConfiguration {
    /// Its one resource.
    pub resource: String,
    /// The methods of it that want a token.
    pub methods: Vec<Method>,
    /// The function behind it.
    pub function: String,
    /// The user pool whose ID tokens are taken.
    pub jwt: JwtConfiguration,
    /// The URL of Lambda.
    pub lambda: String,
    /// Signs what is sent there.
    pub signer: Signer,
}

/// The API.
#[derive(Debug, Clone)]
pub struct RestApi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    configuration: RestApiConfiguration,
    authorizer: CognitoAuthorizer,
    http: HttpClient,
}

impl RestApi {
    /// An API as configured; nothing is sent.
    pub fn new(configuration: RestApiConfiguration) -> Self {
        let http = HttpClient::new();
        let authorizer = CognitoAuthorizer::new(Verifier::new(configuration.jwt.clone(), http.clone()));
        Self(Arc::new(Inner { configuration, authorizer, http }))
    }

    /// Everything the API answers.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }
}

async fn handle(State(api): State<RestApi>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = Uuid::new_v4().to_string();
    let mut response = api.0.answer(&parts, body, peer, &request_id).await.unwrap_or_else(RestError::into_response);
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

impl Inner {
    async fn answer(&self, parts: &Parts, body: Body, peer: SocketAddr, request_id: &str) -> Result<Response, RestError> {
        let path = self.path(parts).ok_or(RestError::NoMethod)?;
        let claims = self.authorize(parts).await?;
        let body = Limited::new(body, API_GATEWAY_MAX_BODY).collect().await.map_err(|_| RestError::TooLarge)?.to_bytes();
        let trace_id = parts.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
        let trace_id = trace_id.map_or_else(trace::new_root, str::to_owned);
        let proxy_request = ProxyRequest { parts, path, body: &body, peer, request_id, trace_id: &trace_id, claims };
        self.integrate(proxy_request.event(), &trace_id).await
    }

    /// The path within the stage, where there is a method for it.
    fn path<'a>(&self, parts: &'a Parts) -> Option<&'a str> {
        let path = parts.uri.path().strip_prefix('/')?.strip_prefix(STAGE)?;
        let has_method = parts.method == Method::OPTIONS || self.configuration.methods.contains(&parts.method);
        (path == self.configuration.resource && has_method).then_some(path)
    }

    async fn authorize(&self, parts: &Parts) -> Result<Option<Map<String, Value>>, RestError> {
        if parts.method == Method::OPTIONS {
            return Ok(None);
        }
        self.authorizer.authorize(parts).await.map(Some)
    }

    async fn integrate(&self, event: Bytes, trace_id: &str) -> Result<Response, RestError> {
        let RestApiConfiguration { lambda, function, signer, .. } = &self.configuration;
        let uri = format!("{lambda}/2015-03-31/functions/{function}/invocations");
        let headers = [("content-type", "application/json"), ("x-amzn-trace-id", trace_id)];
        let request = signer.post(&uri, &headers, event).map_err(RestError::Malformed)?;
        match self.http.send(request, REST_API_INTEGRATION_TIMEOUT).await {
            Ok(answer) => response::from_lambda(&answer),
            Err(RequestError::TimedOut(_)) => Err(RestError::TimedOut),
            Err(RequestError::Connection(why)) => Err(RestError::Malformed(why)),
        }
    }
}

//! An API Gateway REST API: one resource with a Cognito authorizer and a Lambda proxy integration
//! in payload format 1.0.
//!
//! It has a stage, the authorizer, the proxy integration and their errors, and nothing else of API
//! Gateway. `OPTIONS` requests go to the function without a token, as they do at AWS where no mock
//! integration answers them.

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

/// The name of the stage, which is the first segment of every path.
pub(crate) const STAGE: &str = "prod";

/// The configuration of the API.
#[derive(Debug)]
pub(crate) struct RestApiConfiguration {
    /// The path of the API's one resource.
    pub resource: String,
    /// The methods of the resource that require a token.
    pub methods: Vec<Method>,
    /// The name of the function that the integration invokes.
    pub function: String,
    /// The issuer and the audience of the ID tokens that the authorizer accepts.
    pub jwt: JwtConfiguration,
    /// The URL of the Lambda endpoint.
    pub lambda: String,
    /// Signs the requests to Lambda.
    pub signer: Signer,
}

#[derive(Debug, Clone)]
pub(crate) struct RestApi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    configuration: RestApiConfiguration,
    authorizer: CognitoAuthorizer,
    http: HttpClient,
}

impl RestApi {
    /// Creates the API. It sends no request before it receives one.
    pub(crate) fn new(configuration: RestApiConfiguration) -> Self {
        let http = HttpClient::new();
        let authorizer =
            CognitoAuthorizer::new(Verifier::new(configuration.jwt.clone(), http.clone()));
        Self(Arc::new(Inner {
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
    let request_id = Uuid::new_v4().to_string();
    let mut response = api
        .0
        .respond(&parts, body, peer, &request_id)
        .await
        .unwrap_or_else(RestError::into_response);
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

impl Inner {
    async fn respond(
        &self,
        parts: &Parts,
        body: Body,
        peer: SocketAddr,
        request_id: &str,
    ) -> Result<Response, RestError> {
        let path = self.path(parts).ok_or(RestError::NoMethod)?;
        let claims = self.authorize(parts).await?;
        let body = Limited::new(body, API_GATEWAY_MAX_BODY)
            .collect()
            .await
            .map_err(|_| RestError::TooLarge)?
            .to_bytes();
        let trace_id = parts
            .headers
            .get("x-amzn-trace-id")
            .and_then(|value| value.to_str().ok());
        let trace_id = trace_id.map_or_else(trace::new_root, str::to_owned);
        let proxy_request = ProxyRequest {
            parts,
            path,
            body: &body,
            peer,
            request_id,
            trace_id: &trace_id,
            claims,
        };
        self.integrate(proxy_request.event(), &trace_id).await
    }

    /// The path without the stage; `None` if the API has no such method.
    fn path<'a>(&self, parts: &'a Parts) -> Option<&'a str> {
        let path = parts.uri.path().strip_prefix('/')?.strip_prefix(STAGE)?;
        let has_method =
            parts.method == Method::OPTIONS || self.configuration.methods.contains(&parts.method);
        (path == self.configuration.resource && has_method).then_some(path)
    }

    async fn authorize(&self, parts: &Parts) -> Result<Option<Map<String, Value>>, RestError> {
        if parts.method == Method::OPTIONS {
            return Ok(None);
        }
        self.authorizer.authorize(parts).await.map(Some)
    }

    async fn integrate(&self, event: Bytes, trace_id: &str) -> Result<Response, RestError> {
        let RestApiConfiguration {
            lambda,
            function,
            signer,
            ..
        } = &self.configuration;
        let uri = format!("{lambda}/2015-03-31/functions/{function}/invocations");
        let headers = [
            ("content-type", "application/json"),
            ("x-amzn-trace-id", trace_id),
        ];
        let request = signer
            .post(&uri, &headers, event)
            .map_err(RestError::Malformed)?;
        match self.http.send(request, REST_API_INTEGRATION_TIMEOUT).await {
            Ok(lambda_response) => response::from_lambda(&lambda_response),
            Err(RequestError::TimedOut(_)) => Err(RestError::TimedOut),
            Err(RequestError::Connection(why)) => Err(RestError::Malformed(why)),
        }
    }
}

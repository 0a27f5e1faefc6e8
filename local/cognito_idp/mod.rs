//! A Cognito user pool on one machine: sign-in, tokens that verify, and the documents by which they do.
//!
//! Speaks the JSON protocol of `cognito-idp`; one file for each operation. What it does not have it refuses by name.

mod discovery;
mod error;
mod initiate_auth;
mod keys;
mod token;
mod user;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use crate::http::json;
use error::CognitoError;
use keys::Keys;
pub use token::Tokens;
pub use user::User;
use user::Users;

/// The pool's id: its part before `_` is the region, as clients read it.
pub const POOL_ID: &str = "us-east-1_InferEdge";
/// The app client's id.
pub const CLIENT_ID: &str = "3inferenceedgelocalclient1";

/// A user pool with one app client.
#[derive(Debug, Clone)]
pub struct UserPool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: String,
    keys: Keys,
    users: Users,
}

impl UserPool {
    /// A pool at a URL, with two new RSA keys: ID and access tokens are signed by one each.
    pub fn new(url: &str, users: Vec<User>) -> Result<Self, String> {
        let keys = Keys::generate().map_err(|_| "no RSA keys could be made".to_owned())?;
        Ok(Self(Arc::new(Inner { issuer: format!("{url}/{POOL_ID}"), keys, users: Users::new(users) })))
    }

    /// What stands in `iss`.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Tokens for a user, as a sign-in gives them.
    pub fn tokens_of(&self, username: &str) -> Option<Tokens> {
        self.0.users.find(username).map(|user| self.0.mint(&user))
    }

    /// Everything the pool answers.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }
}

async fn handle(State(pool): State<UserPool>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = match (method.as_str(), uri.path()) {
        ("OPTIONS", _) => preflight(),
        ("POST", "/") => pool.0.operate(&headers, &body).unwrap_or_else(|error| error.response()),
        ("GET", path) => discovery::document(&pool.0, path),
        _ => json(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#),
    };
    let headers = response.headers_mut();
    headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
    headers.insert("access-control-expose-headers", HeaderValue::from_static(EXPOSED));
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    response
}

const EXPOSED: &str = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date";

fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert("access-control-allow-methods", HeaderValue::from_static("POST,GET"));
    let allowed = "content-type,x-amz-target,x-amz-user-agent,cache-control,amz-sdk-invocation-id,amz-sdk-request,authorization";
    headers.insert("access-control-allow-headers", HeaderValue::from_static(allowed));
    headers.insert("access-control-max-age", HeaderValue::from_static("172800"));
    response
}

impl Inner {
    fn operate(&self, headers: &HeaderMap, body: &Bytes) -> Result<Response, CognitoError> {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let operation = target.strip_prefix("AWSCognitoIdentityProviderService.");
        let answer = match operation {
            Some("InitiateAuth") => initiate_auth::run(self, parse(body)?)?,
            _ => return Err(CognitoError::UnknownOperation(operation.unwrap_or(target).to_owned())),
        };
        let mut response = json(StatusCode::OK, answer.to_string());
        response.headers_mut().insert("content-type", HeaderValue::from_static(PROTOCOL));
        Ok(response)
    }
}

/// The content type of the JSON protocol.
const PROTOCOL: &str = "application/x-amz-json-1.1";

fn parse<T: for<'de> Deserialize<'de>>(body: &Bytes) -> Result<T, CognitoError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| CognitoError::Serialization(error.to_string()))?;
    serde_json::from_value(value).map_err(|error| CognitoError::InvalidParameter(error.to_string()))
}

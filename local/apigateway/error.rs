//! What the API itself answers, in a REST API's words. No CORS headers: those come from gateway responses, which it has none of.

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::json;

/// A request that does not end with the integration's answer.
#[derive(Debug, PartialEq, Eq)]
pub enum RestError {
    /// No resource has that path and method.
    NoMethod,
    /// There is no token, or one that is not taken.
    Unauthorized,
    /// The token's time is over.
    Expired,
    /// The body is too large.
    TooLarge,
    /// Lambda is busy.
    Throttled,
    /// The integration failed, or gave what is no response; why.
    Malformed(String),
    /// The integration took too long.
    TimedOut,
}

impl RestError {
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        const INTERNAL: &str = "Internal server error";
        match self {
            Self::NoMethod => (StatusCode::FORBIDDEN, "MissingAuthenticationTokenException", "Missing Authentication Token"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UnauthorizedException", "Unauthorized"),
            Self::Expired => (StatusCode::UNAUTHORIZED, "UnauthorizedException", "The incoming token has expired"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException", "Request Too Long"),
            Self::Throttled => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerErrorException", INTERNAL),
            Self::Malformed(_) => (StatusCode::BAD_GATEWAY, "InternalServerErrorException", INTERNAL),
            Self::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "GatewayTimeoutException", "Endpoint request timed out"),
        }
    }

    /// The answer.
    pub fn into_response(self) -> Response {
        let (status, name, message) = self.parts();
        let mut response = crate::http::json(status, json!({ "message": message }).to_string());
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(name));
        response
    }
}

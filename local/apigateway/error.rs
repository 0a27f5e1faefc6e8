//! The errors that a REST API returns itself, with API Gateway's status codes and messages.
//!
//! They carry no CORS headers: at API Gateway these come from configured gateway responses, and
//! this API has none.

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::json;

/// The reason why the API returns an error of its own in place of the integration's response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RestError {
    /// No resource has this path and method.
    NoMethod,
    /// The request has no token, or the token is invalid.
    Unauthorized,
    /// The token has expired.
    Expired,
    /// The request body exceeds API Gateway's limit.
    TooLarge,
    /// Lambda has throttled the invocation.
    Throttled,
    /// The integration failed or did not return a valid response. Holds the reason.
    Malformed(String),
    /// The integration did not respond within the integration time-out.
    TimedOut,
}

impl RestError {
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        const INTERNAL: &str = "Internal server error";
        match self {
            Self::NoMethod => (
                StatusCode::FORBIDDEN,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "UnauthorizedException",
                "Unauthorized",
            ),
            Self::Expired => (
                StatusCode::UNAUTHORIZED,
                "UnauthorizedException",
                "The incoming token has expired",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLargeException",
                "Request Too Long",
            ),
            Self::Throttled => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerErrorException",
                INTERNAL,
            ),
            Self::Malformed(_) => (
                StatusCode::BAD_GATEWAY,
                "InternalServerErrorException",
                INTERNAL,
            ),
            Self::TimedOut => (
                StatusCode::GATEWAY_TIMEOUT,
                "GatewayTimeoutException",
                "Endpoint request timed out",
            ),
        }
    }

    pub(super) fn into_response(self) -> Response {
        let (status, name, message) = self.parts();
        let mut response = crate::http::json(status, json!({ "message": message }).to_string());
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static(name));
        response
    }
}

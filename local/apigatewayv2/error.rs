//! What the gateway itself answers, in API Gateway's words.

use axum::http::StatusCode;
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::response::Response;

use crate::http::json;

/// A request that does not end with the integration's answer.
#[derive(Debug, PartialEq, Eq)]
pub enum GatewayError {
    /// No route matches.
    NotFound,
    /// The authorizer refuses the token; its `www-authenticate` line.
    Unauthorized(String),
    /// The token is good and lacks the route's scopes; its `www-authenticate` line.
    InsufficientScope(String),
    /// The request line and headers are too long.
    HeadersTooLarge,
    /// The body is too large.
    TooLarge,
    /// The integration failed or gave what is no response; why.
    Integration(String),
    /// The integration was throttled, or took too long; why.
    Unavailable(String),
}

impl GatewayError {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::InsufficientScope(_) => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::HeadersTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::Integration(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }

    /// What the access log tells beside the status.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Unauthorized(why) | Self::InsufficientScope(why) | Self::Integration(why) | Self::Unavailable(why) => {
                Some(why.clone())
            }
            Self::NotFound => Some("no route matches".to_owned()),
            Self::HeadersTooLarge => Some("the request line and headers pass 10,240 bytes".to_owned()),
            Self::TooLarge => Some("the body is larger than the integration takes".to_owned()),
        }
    }

    /// The response.
    pub fn response(&self) -> Response {
        let (status, message) = self.parts();
        let mut response = json(status, format!("{{\"message\":\"{message}\"}}"));
        if let Self::Unauthorized(line) | Self::InsufficientScope(line) = self
            && let Ok(line) = HeaderValue::from_str(line)
        {
            response.headers_mut().insert(WWW_AUTHENTICATE, line);
        }
        response
    }
}

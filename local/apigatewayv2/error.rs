//! The errors that an HTTP API returns itself, with API Gateway's status codes and messages.

use axum::http::StatusCode;
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::response::Response;

use crate::http::{BodyError, json};
use crate::recorder::{Refusal, Rule};

/// The reason why the API returns an error of its own in place of the integration's response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GatewayError {
    /// No route matches the request.
    NotFound,
    /// The authorizer refused the token. Holds the `www-authenticate` header.
    Unauthorized(String),
    /// The token is valid but has none of the route's scopes. Holds the `www-authenticate` header.
    InsufficientScope(String),
    /// The rate or the burst of requests exceeds the limit.
    TooManyRequests,
    /// The request line and the headers exceed the limit.
    HeadersTooLarge,
    /// The request body exceeds the limit.
    TooLarge,
    /// The client ended the request before the end of its body.
    Incomplete,
    /// The integration failed or did not return a valid response. Holds the reason.
    Integration(String),
    /// The integration was throttled or did not respond in time. Holds the reason.
    Unavailable(String),
}

impl GatewayError {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::InsufficientScope(_) => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Request Header Fields Too Large",
            ),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::Incomplete => (StatusCode::BAD_REQUEST, "Bad Request"),
            Self::Integration(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }

    /// What the record says of the error; `None` for those of the authorizer, whose verdict it has.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let (rule, why) = match self {
            Self::Unauthorized(_) | Self::InsufficientScope(_) => return None,
            Self::NotFound => (Rule::Route, "no route matches"),
            Self::TooManyRequests => (
                Rule::Concurrency,
                "throttled: --no-throttling switches the template's limits off",
            ),
            Self::HeadersTooLarge => (
                Rule::Size,
                "the request line and the headers are larger than 10,240 bytes",
            ),
            Self::TooLarge => (Rule::Size, "the body is larger than the integration takes"),
            Self::Incomplete => (Rule::Form, BodyError::INCOMPLETE),
            Self::Integration(why) => (Rule::Response, why.as_str()),
            Self::Unavailable(why) => (Rule::TimeOut, why.as_str()),
        };
        Some(Refusal {
            rule,
            why: why.to_owned(),
        })
    }

    pub(super) fn response(&self) -> Response {
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

impl From<BodyError> for GatewayError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Incomplete => Self::Incomplete,
        }
    }
}

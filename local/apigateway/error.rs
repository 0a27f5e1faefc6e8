//! The errors that a REST API returns itself, with API Gateway's status codes and messages, and the
//! headers that gateway responses add to them.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html>

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::json;

use crate::http::BodyError;
use crate::recorder::{Refusal, Rule};

/// The reason why the API returns an error of its own in place of the integration's response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RestError {
    /// The API has no such stage.
    NoStage,
    /// No resource has this path and method.
    NoMethod,
    /// The request has no token, or the token is invalid.
    Unauthorized,
    /// The token has expired.
    Expired,
    /// The request line and the headers exceed the limit.
    HeadersTooLarge,
    /// The request body exceeds API Gateway's limit.
    TooLarge,
    /// The client ended the request before the end of its body.
    Incomplete,
    /// The stage has had more requests than its rate and burst limits allow.
    TooManyRequests,
    /// Lambda has throttled the invocation.
    Throttled,
    /// The integration failed or did not return a valid response. Holds the reason.
    Malformed(String),
    /// The integration did not respond within the integration time-out.
    TimedOut,
}

/// The response parameters of the gateway responses `DEFAULT_4XX` and `DEFAULT_5XX`.
#[derive(Debug, Default)]
pub(crate) struct GatewayResponses {
    /// The name of each header, with its value: static in single quotes, or
    /// `method.request.header.` and the name of the request's header that gives it.
    pub headers: Vec<(&'static str, &'static str)>,
}

impl GatewayResponses {
    fn add_to(&self, response: &mut Response, parts: &Parts) {
        for (name, mapping) in &self.headers {
            let value = match mapping.strip_prefix("method.request.header.") {
                Some(name) => parts.headers.get(name).cloned(),
                None => HeaderValue::from_str(mapping.trim_matches('\'')).ok(),
            };
            if let (Ok(name), Some(value)) = (HeaderName::try_from(*name), value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
}

impl RestError {
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        const INTERNAL: &str = "Internal server error";
        match self {
            Self::NoStage => (StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden"),
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
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "BadRequestException",
                "Request Header Fields Too Large",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLargeException",
                "Request Too Long",
            ),
            Self::Incomplete => (
                StatusCode::BAD_REQUEST,
                "BadRequestException",
                "Bad Request",
            ),
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "Too Many Requests",
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

    /// What the record says of the error; `None` for those of the authorizer, whose verdict it has.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let (rule, why) = match self {
            Self::Unauthorized | Self::Expired => return None,
            Self::NoStage => (Rule::Route, "no stage has this name"),
            Self::HeadersTooLarge => (
                Rule::Size,
                "the request line and the headers are larger than 10,240 bytes",
            ),
            Self::NoMethod => (Rule::Route, "no resource has this path and method"),
            Self::TooLarge => (Rule::Size, "the body is larger than 10 MB"),
            Self::Incomplete => (Rule::Form, BodyError::INCOMPLETE),
            Self::TooManyRequests => (
                Rule::Concurrency,
                "throttled: --no-throttling switches the template's limits off",
            ),
            Self::Throttled => (Rule::Concurrency, "Lambda has throttled the function"),
            Self::Malformed(why) => (Rule::Response, why.as_str()),
            Self::TimedOut => (Rule::TimeOut, "the integration took longer than 29 s"),
        };
        Some(Refusal {
            rule,
            why: why.to_owned(),
        })
    }

    pub(super) fn into_response(self, responses: &GatewayResponses, request: &Parts) -> Response {
        let (status, name, message) = self.parts();
        let mut response = crate::http::json(status, json!({ "message": message }).to_string());
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static(name));
        responses.add_to(&mut response, request);
        response
    }
}

impl From<BodyError> for RestError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Incomplete => Self::Incomplete,
        }
    }
}

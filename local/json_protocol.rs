//! The JSON protocol of both Cognito services: `POST /` with the operation's name in
//! `x-amz-target`.
//!
//! Errors have AWS's names in the body and in `x-amzn-ErrorType`. As at AWS, scripts of every
//! origin may read every response.

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

/// The name of the one error that is not the client's.
const INTERNAL_ERROR: &str = "InternalErrorException";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// The response headers that scripts may read.
const EXPOSED_HEADERS: &str = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date";
/// The request headers that browsers may send: those of Amplify and of the AWS SDK for JavaScript.
const ALLOWED_HEADERS: &str = "content-type,x-amz-target,x-amz-user-agent,cache-control,amz-sdk-invocation-id,amz-sdk-request,authorization,x-amz-date,x-amz-security-token,x-amz-content-sha256";

/// The error of a refused request, with the name and the message that AWS uses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServiceError {
    name: &'static str,
    message: String,
}

impl ServiceError {
    /// Creates an error with the name of AWS's exception.
    pub(crate) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            message: message.into(),
        }
    }

    /// The credentials are wrong or no longer valid.
    pub(crate) fn not_authorized(message: impl Into<String>) -> Self {
        Self::new("NotAuthorizedException", message)
    }

    /// A parameter is missing or has a value that is not allowed.
    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// The service itself has failed. Holds the reason.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(INTERNAL_ERROR, message)
    }

    /// The service does not have this operation.
    pub(crate) fn not_supported(operation: &str) -> Self {
        Self::new(
            "UnknownOperationException",
            format!("{operation} is not supported here"),
        )
    }

    pub(crate) fn response(&self) -> Response {
        let body = json!({ "__type": self.name, "message": self.message });
        let status = match self.name {
            INTERNAL_ERROR => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut response = json_response(status, &body);
        let headers = response.headers_mut();
        // AWS writes this colon after the name.
        if let Ok(name) = HeaderValue::from_str(&format!("{}:", self.name)) {
            headers.insert("x-amzn-errortype", name);
        }
        if let Ok(message) = HeaderValue::from_str(&self.message) {
            headers.insert("x-amzn-errormessage", message);
        }
        response
    }
}

/// The name of the requested operation; the whole target if it names another service.
pub(crate) fn operation<'a>(headers: &'a HeaderMap, service: &str) -> &'a str {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    target
        .strip_prefix(service)
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(target)
}

/// Parses the input of an operation.
pub(crate) fn parse<T: for<'de> Deserialize<'de>>(body: &Bytes) -> Result<T, ServiceError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| ServiceError::new("SerializationException", error.to_string()))?;
    serde_json::from_value(value)
        .map_err(|error| ServiceError::invalid_parameter(error.to_string()))
}

/// The response with an operation's output or error.
pub(crate) fn respond(result: Result<Value, ServiceError>) -> Response {
    result.map_or_else(
        |error| error.response(),
        |output| json_response(StatusCode::OK, &output),
    )
}

/// The response to a browser's preflight.
pub(crate) fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(
        "access-control-allow-methods",
        HeaderValue::from_static("POST,GET"),
    );
    headers.insert(
        "access-control-allow-headers",
        HeaderValue::from_static(ALLOWED_HEADERS),
    );
    headers.insert("access-control-max-age", HeaderValue::from_static("172800"));
    response
}

/// Adds the headers that every response has: CORS and the request id.
pub(crate) fn with_common_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
    headers.insert(
        "access-control-expose-headers",
        HeaderValue::from_static(EXPOSED_HEADERS),
    );
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = crate::http::json(status, body.to_string());
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static(CONTENT_TYPE));
    response
}

//! Errors of the Invoke API, in Lambda's words and shapes.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use sigv4::SignatureError;

/// A request that Lambda itself refuses; the function did not run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LambdaError {
    /// No such function, version or alias.
    NotFound(String),
    /// A parameter breaks a constraint of the API's model.
    Validation { value: String, at: &'static str, constraint: String },
    /// The name's qualifier and the query's differ.
    QualifierConflict,
    /// The payload is not JSON.
    InvalidRequestContent(String),
    /// The payload is larger than Lambda takes.
    RequestTooLarge,
    /// All environments that may run are busy.
    TooManyRequests,
    /// The signature does not hold.
    Signature(SignatureError),
    /// The caller may not invoke the function.
    AccessDenied(String),
    /// A function URL with `AWS_IAM` was called by somebody who does not sign, or may not call.
    UrlForbidden,
    /// An operation that the stack does not have.
    Unsupported(String),
}

impl LambdaError {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
            Self::Validation { .. } => (StatusCode::BAD_REQUEST, "ValidationException"),
            Self::QualifierConflict => (StatusCode::BAD_REQUEST, "InvalidParameterValueException"),
            Self::InvalidRequestContent(_) => (StatusCode::BAD_REQUEST, "InvalidRequestContentException"),
            Self::RequestTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
            Self::Signature(refused) => (StatusCode::FORBIDDEN, refused.name),
            Self::AccessDenied(_) | Self::UrlForbidden => (StatusCode::FORBIDDEN, "AccessDeniedException"),
            Self::Unsupported(_) => (StatusCode::NOT_IMPLEMENTED, "UnsupportedOperationException"),
        }
    }

    /// What the error says.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NotFound(text) => text.clone(),
            Self::Validation { value, at, constraint } => {
                format!("1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {constraint}")
            }
            Self::QualifierConflict => {
                "The derived qualifier from the function name does not match the specified qualifier.".to_owned()
            }
            Self::InvalidRequestContent(why) => {
                format!("Could not parse request body into json: Could not parse payload into json: {why}")
            }
            Self::RequestTooLarge => "Request must be smaller than 6291456 bytes for the InvokeFunction operation".to_owned(),
            Self::TooManyRequests => "Rate Exceeded.".to_owned(),
            Self::Signature(refused) => refused.message.clone(),
            Self::AccessDenied(text) => text.clone(),
            Self::UrlForbidden => "Forbidden. For troubleshooting Function URL authorization issues, see: \
                 https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
                .to_owned(),
            Self::Unsupported(operation) => {
                format!("{operation} is not supported here: the stack has Invoke and InvokeWithResponseStream alone")
            }
        }
    }

    /// Lambda's errors differ in the case of one key.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>
    fn body(&self) -> Value {
        let message = self.message();
        match self {
            Self::NotFound(_) => json!({ "Type": "User", "Message": message }),
            Self::Validation { .. } | Self::Signature(_) => json!({ "message": message }),
            Self::AccessDenied(_) | Self::UrlForbidden => json!({ "Message": message }),
            Self::TooManyRequests => {
                json!({ "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User", "message": message })
            }
            Self::QualifierConflict | Self::InvalidRequestContent(_) | Self::RequestTooLarge | Self::Unsupported(_) => {
                json!({ "Type": "User", "message": message })
            }
        }
    }
}

impl LambdaError {
    /// An `X-Amz-Invocation-Type` that the operation does not have.
    pub(crate) fn invocation_type(value: &str, set: &str) -> Self {
        let constraint = format!("Member must satisfy enum value set: {set}");
        Self::Validation { value: value.to_owned(), at: "invocationType", constraint }
    }
}

impl IntoResponse for LambdaError {
    fn into_response(self) -> Response {
        let (status, name) = self.parts();
        let headers = [("content-type", "application/json"), ("x-amzn-errortype", name)];
        (status, headers, self.body().to_string()).into_response()
    }
}

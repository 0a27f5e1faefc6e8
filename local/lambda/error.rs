//! The errors of the Invoke API, with Lambda's names, messages and JSON members.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use sigv4::{Mismatch, SignatureError};

use crate::aws::LAMBDA_MAX_REQUEST;
use crate::http::BodyError;
use crate::recorder::{Refusal, Rule};

/// An error of Lambda itself: the function was not invoked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LambdaError {
    /// There is no such function, version or alias. Holds the message.
    NotFound(String),
    /// A parameter violates a constraint of the API's model.
    Validation {
        value: String,
        at: &'static str,
        constraint: String,
    },
    /// The qualifiers of the function name and of the query differ.
    QualifierConflict,
    /// The payload is not valid JSON. Holds the parser's message.
    InvalidRequestContent(String),
    /// `X-Amz-Client-Context` is not a JSON object in base64, or is too long.
    InvalidClientContext,
    /// The payload exceeds Lambda's limit. Holds the limit in bytes.
    RequestTooLarge(usize),
    /// All environments are busy, and no further one may be started.
    TooManyRequests(ThrottleReason),
    /// The signature is missing or invalid.
    Signature(SignatureError),
    /// The caller has no permission to invoke the function. Holds the message.
    AccessDenied(String),
    /// A request to a function URL with `AWS_IAM` is not signed, or its principal has no
    /// permission.
    UrlForbidden,
    /// The stack does not have this operation.
    Unsupported(String),
}

/// The limit that a throttled request has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ThrottleReason {
    /// The concurrency of all functions without a reserved concurrency together.
    Unreserved,
    /// The reserved concurrency of the function.
    Reserved,
}

impl ThrottleReason {
    /// The member `Reason` of the error.
    fn name(self) -> &'static str {
        match self {
            Self::Unreserved => "ConcurrentInvocationLimitExceeded",
            Self::Reserved => "ReservedFunctionConcurrentInvocationLimitExceeded",
        }
    }
}

impl LambdaError {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
            Self::Validation { .. } => (StatusCode::BAD_REQUEST, "ValidationException"),
            Self::QualifierConflict => (StatusCode::BAD_REQUEST, "InvalidParameterValueException"),
            Self::InvalidRequestContent(_) | Self::InvalidClientContext => {
                (StatusCode::BAD_REQUEST, "InvalidRequestContentException")
            }
            Self::RequestTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException"),
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
            Self::Signature(refused) => (StatusCode::FORBIDDEN, refused.name),
            Self::AccessDenied(_) | Self::UrlForbidden => {
                (StatusCode::FORBIDDEN, "AccessDeniedException")
            }
            Self::Unsupported(_) => (StatusCode::NOT_IMPLEMENTED, "UnsupportedOperationException"),
        }
    }

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
            Self::InvalidClientContext => "Client context must be a valid Base64-encoded JSON object.".to_owned(),
            Self::RequestTooLarge(limit) => {
                format!("Request must be smaller than {limit} bytes for the InvokeFunction operation")
            }
            Self::TooManyRequests(_) => "Rate Exceeded.".to_owned(),
            Self::Signature(refused) => refused.message.clone(),
            Self::AccessDenied(text) => text.clone(),
            Self::UrlForbidden => "Forbidden. For troubleshooting Function URL authorization issues, see: \
                 https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
                .to_owned(),
            Self::Unsupported(operation) => {
                format!("{operation} is not supported here: the stack only has Invoke and InvokeWithResponseStream")
            }
        }
    }

    /// Lambda's errors differ in the case of the member `message`.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>
    fn body(&self) -> Value {
        let message = self.message();
        match self {
            Self::NotFound(_) => json!({ "Type": "User", "Message": message }),
            Self::Validation { .. } | Self::Signature(_) => json!({ "message": message }),
            Self::AccessDenied(_) | Self::UrlForbidden => json!({ "Message": message }),
            Self::TooManyRequests(reason) => {
                json!({ "Reason": reason.name(), "Type": "User", "message": message })
            }
            Self::QualifierConflict
            | Self::InvalidRequestContent(_)
            | Self::InvalidClientContext
            | Self::RequestTooLarge(_)
            | Self::Unsupported(_) => {
                json!({ "Type": "User", "message": message })
            }
        }
    }
}

impl From<BodyError> for LambdaError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::RequestTooLarge(LAMBDA_MAX_REQUEST),
            BodyError::Incomplete => Self::InvalidRequestContent(BodyError::INCOMPLETE.to_owned()),
        }
    }
}

impl LambdaError {
    /// What the record says of the error.
    pub(crate) fn refusal(&self) -> Refusal {
        let rule = match self {
            Self::NotFound(_) | Self::Unsupported(_) => Rule::Route,
            Self::Validation { .. }
            | Self::QualifierConflict
            | Self::InvalidRequestContent(_)
            | Self::InvalidClientContext => Rule::Form,
            Self::RequestTooLarge(_) => Rule::Size,
            Self::TooManyRequests(_) => Rule::Concurrency,
            Self::Signature(_) => Rule::Signature,
            Self::AccessDenied(_) | Self::UrlForbidden => Rule::Permission,
        };
        Refusal {
            rule,
            why: self.message(),
        }
    }

    /// What the client signed instead, if the error is a signature that does not match.
    pub(crate) fn mismatch(&self) -> Option<&Mismatch> {
        match self {
            Self::Signature(error) => error.mismatch.as_ref(),
            _ => None,
        }
    }

    /// The error for an `X-Amz-Invocation-Type` that the operation does not support.
    pub(crate) fn invocation_type(value: &str, set: &str) -> Self {
        let constraint = format!("Member must satisfy enum value set: {set}");
        Self::Validation {
            value: value.to_owned(),
            at: "invocationType",
            constraint,
        }
    }
}

impl IntoResponse for LambdaError {
    fn into_response(self) -> Response {
        let (status, name) = self.parts();
        let headers = [
            ("content-type", "application/json"),
            ("x-amzn-errortype", name),
        ];
        (status, headers, self.body().to_string()).into_response()
    }
}

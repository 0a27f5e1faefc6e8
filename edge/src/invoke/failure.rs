//! What an answer that is no result says becomes an [`EdgeError`].

use aws_sdk_lambda::error::ErrorMetadata;
use hyper::http::response::Parts;

use crate::error::{EdgeError, short, told};
use crate::http::HttpError;

/// Seconds to wait where Lambda does not say.
const RETRY_AFTER: u32 = 1;
/// An error whose text quotes the payload that it is about.
const QUOTES_PAYLOAD: &str = "InvalidRequestContentException";

/// No answer.
pub fn of_http(error: &HttpError) -> EdgeError {
    EdgeError::CoreUnreachable(told(error))
}

/// An error that Lambda named; one without a name is not Lambda's answer.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>
pub fn of_lambda(error: Option<&ErrorMetadata>, answer: &Parts) -> EdgeError {
    let Some((error, name)) = error.and_then(|error| Some((error, error.code()?))) else {
        return EdgeError::CoreUnreachable(format!("an answer with status {} and no error name", answer.status.as_u16()));
    };
    let message = error.message().filter(|_| name != QUOTES_PAYLOAD).unwrap_or_default();
    let cause = short(&format!("{name}: {message}"));
    match name {
        // The local Lambda of SAM CLI leaves `Exception` out of its error names.
        "ResourceNotFoundException" | "ResourceNotFound" => EdgeError::CoreNotFound(cause),
        "RequestTooLargeException" => EdgeError::RequestTooLarge(cause),
        "AccessDeniedException" => EdgeError::CoreAccessDenied(cause),
        "TooManyRequestsException"
        | "ResourceNotReadyException"
        | "ENINotReadyException"
        | "ENILimitReachedException"
        | "EC2ThrottledException" => EdgeError::CoreThrottled { retry_after: retry_after(answer), cause },
        _ => EdgeError::InvocationFailure(cause),
    }
}

fn retry_after(answer: &Parts) -> u32 {
    let header = answer.headers.get("retry-after").and_then(|seconds| seconds.to_str().ok());
    header.and_then(|seconds| seconds.parse().ok()).unwrap_or(RETRY_AFTER)
}

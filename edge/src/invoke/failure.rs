//! What the SDK says of a failed call becomes an [`EdgeError`].
//!
//! Of the SDK's errors only the chain of messages is kept, and not much of it: printed in whole they hold the answer's body.

use std::error::Error;

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::DispatchFailure;

use super::at_most_once::causes;
use crate::error::EdgeError;

/// Seconds to wait where Lambda does not say.
const RETRY_AFTER: u32 = 1;
/// How much of an error is logged, in characters.
const LOGGED: usize = 300;
/// An error whose text quotes the payload that it is about.
const QUOTES_PAYLOAD: &str = "InvalidRequestContentException";

/// Maps every way in which a call fails before an answer has begun.
pub fn of<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E>) -> EdgeError {
    let cause = || told(error);
    match error {
        SdkError::ServiceError(service) => of_service(service.err(), service.raw()).unwrap_or_else(|| {
            EdgeError::CoreUnreachable(format!("an answer with status {} and no error name", service.raw().status()))
        }),
        SdkError::ResponseError(_) | SdkError::TimeoutError(_) => EdgeError::CoreUnreachable(cause()),
        SdkError::DispatchFailure(dispatch) if is_the_networks(dispatch) => EdgeError::CoreUnreachable(cause()),
        _ => EdgeError::InvocationFailure(cause()),
    }
}

/// Whether the connection failed, or brought no HTTP; missing credentials are dispatch failures too.
fn is_the_networks(dispatch: &DispatchFailure) -> bool {
    let is_http = dispatch.as_connector_error().is_some_and(|error| causes(error).any(|cause| cause.is::<hyper::Error>()));
    dispatch.is_io() || dispatch.is_timeout() || is_http
}

/// An error that Lambda named; one without a name is not Lambda's answer.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>
fn of_service(error: &impl ProvideErrorMetadata, answer: &HttpResponse) -> Option<EdgeError> {
    let name = error.code()?;
    let message = error.message().filter(|_| name != QUOTES_PAYLOAD).unwrap_or_default();
    let cause = short(&format!("{name}: {message}"));
    Some(match name {
        "ResourceNotFoundException" => EdgeError::CoreNotFound(cause),
        "AccessDeniedException" => EdgeError::CoreAccessDenied(cause),
        "TooManyRequestsException"
        | "ResourceNotReadyException"
        | "ENINotReadyException"
        | "ENILimitReachedException"
        | "EC2ThrottledException" => EdgeError::CoreThrottled { retry_after: retry_after(answer), cause },
        _ => EdgeError::InvocationFailure(cause),
    })
}

fn retry_after(answer: &HttpResponse) -> u32 {
    answer.headers().get("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or(RETRY_AFTER)
}

/// An error and its causes, in a line that is not long.
pub fn told(error: &(dyn Error + 'static)) -> String {
    let messages: Vec<_> = causes(error).map(ToString::to_string).collect();
    short(&messages.join(": "))
}

fn short(text: &str) -> String {
    text.chars().take(LOGGED).collect()
}

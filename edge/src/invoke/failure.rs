//! What the SDK says of a failed call becomes an [`EdgeError`].

use aws_sdk_lambda::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_smithy_runtime_api::client::result::DispatchFailure;

use super::at_most_once::causes;
use crate::error::EdgeError;

/// Seconds to wait where Lambda does not say.
const RETRY_AFTER: u32 = 1;

/// Maps every way in which `Invoke` fails.
pub fn of(error: &SdkError<InvokeError>) -> EdgeError {
    let cause = || DisplayErrorContext(error).to_string();
    match error {
        SdkError::ServiceError(service) => of_service(service.err()).unwrap_or_else(|| EdgeError::CoreUnreachable(cause())),
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
fn of_service(error: &InvokeError) -> Option<EdgeError> {
    let name = error.code()?;
    Some(match name {
        "ResourceNotFoundException" => EdgeError::CoreNotFound,
        "AccessDeniedException" => EdgeError::CoreAccessDenied,
        "TooManyRequestsException"
        | "ResourceNotReadyException"
        | "ENINotReadyException"
        | "ENILimitReachedException"
        | "EC2ThrottledException" => EdgeError::CoreThrottled(retry_after(error)),
        name => EdgeError::InvocationFailure(format!("{name}: {}", error.message().unwrap_or_default())),
    })
}

fn retry_after(error: &InvokeError) -> u32 {
    let InvokeError::TooManyRequestsException(throttled) = error else { return RETRY_AFTER };
    throttled.retry_after_seconds().and_then(|seconds| seconds.parse().ok()).unwrap_or(RETRY_AFTER)
}

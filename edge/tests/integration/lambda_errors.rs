//! Every error that the Invoke API names, and what the contract makes of it.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>

use testkit::endpoint::{Endpoint, Script};
use testkit::http::last_answer;

use crate::clients::invoke;

/// An error of the Invoke API.
pub struct LambdaError {
    pub status: u16,
    pub name: &'static str,
    /// The contract's code.
    pub code: &'static str,
    /// How often the call is made.
    pub attempts: usize,
}

/// Status, name, the contract's code, and how often the call is made.
const LAMBDA_ERRORS: &str = "\
400 InvalidParameterValueException invocation_failure 1
400 InvalidRequestContentException invocation_failure 1
400 ModeNotSupportedException invocation_failure 1
400 NoPublishedVersionException invocation_failure 1
400 RecursiveInvocationException invocation_failure 1
400 SnapStartException invocation_failure 1
400 ValidationException invocation_failure 1
402 ServiceQuotaExceededException invocation_failure 1
403 AccessDeniedException core_access_denied 1
403 EFSMountFailureException invocation_failure 1
403 ExpiredTokenException invocation_failure 1
403 InvalidSignatureException invocation_failure 1
403 S3FilesMountFailureException invocation_failure 1
403 UnrecognizedClientException invocation_failure 1
404 ResourceNotFound core_not_found 1
404 ResourceNotFoundException core_not_found 1
408 EFSMountConnectivityException invocation_failure 1
408 EFSMountTimeoutException invocation_failure 1
408 S3FilesMountConnectivityException invocation_failure 1
408 S3FilesMountTimeoutException invocation_failure 1
408 SnapStartTimeoutException invocation_failure 1
409 CodeArtifactUserDeletedException invocation_failure 1
409 CodeArtifactUserFailedException invocation_failure 1
409 CodeArtifactUserPendingException invocation_failure 1
409 DurableExecutionAlreadyStartedException invocation_failure 1
409 ResourceConflictException invocation_failure 1
409 RuntimeAliasDeletedException invocation_failure 1
409 RuntimeVersionDeletedException invocation_failure 1
409 SnapStartNotReadyException invocation_failure 3
409 SnapStartRegenerationFailureException invocation_failure 1
410 EFSIOException invocation_failure 1
413 RequestTooLargeException request_too_large 1
413 SerializedRequestEntityTooLargeException invocation_failure 1
415 UnsupportedMediaTypeException invocation_failure 1
429 TooManyRequestsException core_throttled 3
500 ServiceException invocation_failure 1
502 EC2AccessDeniedException invocation_failure 1
502 EC2ThrottledException core_throttled 1
502 EC2UnexpectedException invocation_failure 1
502 ENILimitReachedException core_throttled 1
502 ENINotReadyException core_throttled 3
502 InvalidRuntimeException invocation_failure 1
502 InvalidSecurityGroupIDException invocation_failure 1
502 InvalidSubnetIDException invocation_failure 1
502 InvalidZipFileException invocation_failure 1
502 KMSAccessDeniedException invocation_failure 1
502 KMSDisabledException invocation_failure 1
502 KMSInvalidStateException invocation_failure 1
502 KMSNotFoundException invocation_failure 1
502 ResourceNotReadyException core_throttled 3
502 SubnetIPAddressLimitReachedException invocation_failure 1";

pub fn lambda_errors() -> Vec<LambdaError> {
    let read = |line: &'static str| {
        let [status, name, code, attempts] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("not four words: {line}")
        };
        LambdaError {
            status: status.parse().expect("a status"),
            name,
            code,
            attempts: attempts.parse().expect("a number"),
        }
    };
    LAMBDA_ERRORS.lines().map(read).collect()
}

#[tokio::test]
async fn every_error_of_lambda_becomes_the_contracts_and_only_those_that_cannot_have_run_core_are_tried_again()
 {
    let mut failures = Vec::new();
    for error in lambda_errors() {
        let (status, name) = (error.status, error.name);
        let headers = format!("x-amzn-ErrorType: {name}:http://internal\r\n");
        let body = r#"{"Type":"User","Message":"why","message":"why"}"#;
        let lambda = Endpoint::start(Script::answering(last_answer(status, &headers, body))).await;
        let refused = invoke(&lambda.url).await.expect_err(name);
        let expected = (error.code, error.attempts);
        let got = (refused.code(), lambda.requests().len());
        if got != expected {
            failures.push(format!("{status} {name}: {got:?}, not {expected:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

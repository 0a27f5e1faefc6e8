//! One invocation: what the function receives, and its response or error.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::error::LambdaError;
use crate::aws::LAMBDA_MAX_RESPONSE;
use crate::recorder::InvocationHandle;

/// An invocation that is queued for an environment.
#[derive(Debug)]
pub(super) struct Invocation {
    pub request_id: String,
    pub payload: Bytes,
    /// The ARN of the function, with the qualifier that the caller has used.
    pub invoked_arn: String,
    /// The decoded `X-Amz-Client-Context`.
    pub client_context: Option<String>,
    /// The Cognito identity of the caller, as JSON.
    pub cognito_identity: Option<String>,
    /// The `X-Amz-Tenant-Id`.
    pub tenant: Option<String>,
    /// The trace header for the function.
    pub trace_id: String,
    /// Whether the caller has requested the tail of the log.
    pub wants_log: bool,
    /// The record of the invocation.
    pub recording: InvocationHandle,
    /// Whether the caller does not wait for the response.
    pub is_event: bool,
    /// The channel to the caller. It receives an error if the function could not be started because
    /// of a limit.
    pub done: oneshot::Sender<Result<FunctionResponse, LambdaError>>,
    /// The permit, once an environment has the invocation.
    pub permit: Option<ConcurrencyPermit>,
}

/// Counts an invocation as in flight until it is dropped.
#[derive(Debug)]
pub(super) struct ConcurrencyPermit(Arc<AtomicUsize>);

impl ConcurrencyPermit {
    pub(super) fn acquire(in_flight: &Arc<AtomicUsize>) -> Self {
        in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(in_flight))
    }
}

impl Drop for ConcurrencyPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The response of a function.
#[derive(Debug)]
pub(super) enum FunctionResponse {
    /// A response that is whole.
    Whole(Outcome),
    /// A streamed response, of which the first chunk may not have arrived yet.
    Streaming(StreamedResponse),
}

/// A response of which the function may still send chunks.
#[derive(Debug)]
pub(super) struct StreamedResponse {
    /// The content type that the function has set.
    pub content_type: String,
    /// The chunks. The channel holds one, which gives back-pressure: the function waits for a slow
    /// reader.
    pub chunks: mpsc::Receiver<Bytes>,
    pub end: oneshot::Receiver<StreamEnd>,
}

/// The end of a streamed response.
#[derive(Debug, Default)]
pub(super) struct StreamEnd {
    /// The error payload, if the response is incomplete.
    pub error: Option<Bytes>,
    /// The last 4 KB of the invocation's log, if the caller has requested it.
    pub log_tail: Option<String>,
}

impl StreamedResponse {
    /// Waits for the end of the response, after the last chunk.
    pub(super) async fn ended(self) -> StreamEnd {
        self.end.await.unwrap_or_else(|_| StreamEnd {
            error: Some(PlatformError::Truncated.payload("")),
            log_tail: None,
        })
    }
}

impl FunctionResponse {
    /// Collects a streamed response for a caller that did not request a stream. A prelude stays
    /// part of the payload.
    pub(super) async fn whole(self) -> Outcome {
        let mut streamed = match self {
            Self::Whole(outcome) => return outcome,
            Self::Streaming(streamed) => streamed,
        };
        let mut payload = Vec::new();
        while let Some(chunk) = streamed.chunks.recv().await {
            payload.extend_from_slice(&chunk);
            if payload.len() > LAMBDA_MAX_RESPONSE {
                let payload = PlatformError::ResponseTooLarge.payload("");
                return Outcome {
                    payload,
                    is_function_error: true,
                    log_tail: None,
                };
            }
        }
        let StreamEnd { error, log_tail } = streamed.ended().await;
        let is_function_error = error.is_some();
        Outcome {
            payload: error.unwrap_or_else(|| payload.into()),
            is_function_error,
            log_tail,
        }
    }
}

/// The outcome of an invocation that has reached the function.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The result or the error payload.
    pub payload: Bytes,
    /// Whether the payload is an error payload.
    pub is_function_error: bool,
    /// The last 4 KB of the invocation's log, if the caller has requested it.
    pub log_tail: Option<String>,
}

/// The response to a function's request for its next invocation.
#[derive(Debug)]
pub(super) struct NextInvocation {
    pub request_id: String,
    pub payload: Bytes,
    /// The headers of the Runtime API except the request id.
    pub headers: Vec<(&'static str, String)>,
}

impl Invocation {
    /// Splits the invocation into the channel to its caller, its permit and what the function
    /// receives. The deadline is `timeout` from now. <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next>
    pub(super) fn into_next(
        self,
        timeout: Duration,
    ) -> (
        oneshot::Sender<Result<FunctionResponse, LambdaError>>,
        Option<ConcurrencyPermit>,
        NextInvocation,
    ) {
        let deadline = (SystemTime::now() + timeout)
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let mut headers = vec![
            (
                "lambda-runtime-deadline-ms",
                deadline.as_millis().to_string(),
            ),
            ("lambda-runtime-invoked-function-arn", self.invoked_arn),
            ("lambda-runtime-trace-id", self.trace_id),
        ];
        let optional = [
            ("lambda-runtime-client-context", self.client_context),
            ("lambda-runtime-cognito-identity", self.cognito_identity),
            ("lambda-runtime-aws-tenant-id", self.tenant),
        ];
        headers.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        (
            self.done,
            self.permit,
            NextInvocation {
                request_id: self.request_id,
                payload: self.payload,
                headers,
            },
        )
    }
}

/// The errors with which Lambda itself ends an invocation, with Lambda's payloads.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PlatformError {
    /// The function exceeded its time-out.
    TimedOut { timeout: Duration },
    /// The process ended. Holds the exit status unless it was 0.
    Exited { status: Option<String> },
    /// The response exceeds Lambda's limit.
    ResponseTooLarge,
    /// The function closed the connection before its streamed response was complete.
    Truncated,
}

impl PlatformError {
    /// The error payload, which the caller receives.
    pub(super) fn payload(&self, request_id: &str) -> Bytes {
        let (name, message) = self.type_and_message(request_id);
        json!({ "errorType": name, "errorMessage": message })
            .to_string()
            .into()
    }

    pub(super) fn type_and_message(&self, request_id: &str) -> (&'static str, String) {
        match self {
            Self::TimedOut { timeout } => (
                "Sandbox.Timedout",
                format!(
                    "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
                    timeout.as_secs_f64()
                ),
            ),
            Self::Exited { status: None } => (
                "Runtime.ExitError",
                format!("RequestId: {request_id} Error: Runtime exited without providing a reason"),
            ),
            Self::Exited {
                status: Some(status),
            } => (
                "Runtime.ExitError",
                format!("RequestId: {request_id} Error: Runtime exited with error: {status}"),
            ),
            Self::Truncated => (
                "Runtime.TruncatedResponse",
                "Response body is truncated".to_owned(),
            ),
            Self::ResponseTooLarge => (
                "Function.ResponseSizeTooLarge",
                format!(
                    "Response payload size exceeded maximum allowed payload size ({LAMBDA_MAX_RESPONSE} bytes)."
                ),
            ),
        }
    }
}

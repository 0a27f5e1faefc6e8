//! One invocation on its way: what the function gets, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::aws::LAMBDA_MAX_RESPONSE;

/// An invocation that waits for an environment.
#[derive(Debug)]
pub(super) struct Invocation {
    /// Its request id.
    pub request_id: String,
    /// The event.
    pub payload: Bytes,
    /// The function's ARN, as it was addressed.
    pub invoked_arn: String,
    /// `X-Amz-Client-Context`, decoded.
    pub client_context: Option<String>,
    /// The Cognito identity of the caller, as JSON.
    pub cognito_identity: Option<String>,
    /// `X-Amz-Tenant-Id`.
    pub tenant: Option<String>,
    /// The trace header for the function.
    pub trace_id: String,
    /// Whether the caller asked for the log's tail.
    pub wants_log: bool,
    /// Who waits for the outcome.
    pub done: oneshot::Sender<FunctionResponse>,
    /// The place that it takes in an environment, once it has one.
    pub permit: Option<ConcurrencyPermit>,
}

/// A place in an environment, free again when this is dropped, wherever that happens.
#[derive(Debug)]
pub(super) struct ConcurrencyPermit(Arc<AtomicUsize>);

impl ConcurrencyPermit {
    /// Counts one more.
    pub(super) fn taken(in_flight: &Arc<AtomicUsize>) -> Self {
        in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(in_flight))
    }
}

impl Drop for ConcurrencyPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a function answers.
#[derive(Debug)]
pub(super) enum FunctionResponse {
    /// In one piece.
    Whole(Outcome),
    /// In pieces, of which the first is on its way.
    Streaming(StreamedResponse),
}

/// An answer in pieces.
#[derive(Debug)]
pub(super) struct StreamedResponse {
    /// The type that the function gave it.
    pub content_type: String,
    /// The pieces; one waits at the most, so that a slow reader holds the function back.
    pub pieces: mpsc::Receiver<Bytes>,
    /// How it ended.
    pub end: oneshot::Receiver<StreamEnd>,
}

/// How a streamed answer ended.
#[derive(Debug, Default)]
pub(super) struct StreamEnd {
    /// The error payload, where it did not end well.
    pub error: Option<Bytes>,
    /// The last 4 KB of what was logged meanwhile, where it was asked for.
    pub log_tail: Option<String>,
}

impl StreamedResponse {
    /// Waits for the end, when there are no more pieces.
    pub(super) async fn ended(self) -> StreamEnd {
        self.end.await.unwrap_or_else(|_| StreamEnd { error: Some(PlatformError::Truncated.payload("")), log_tail: None })
    }
}

impl FunctionResponse {
    /// The answer as a caller gets it who did not ask for a stream: a function's own form of a stream is not taken apart.
    pub(super) async fn whole(self) -> Outcome {
        let mut streamed = match self {
            Self::Whole(outcome) => return outcome,
            Self::Streaming(streamed) => streamed,
        };
        let mut payload = Vec::new();
        while let Some(piece) = streamed.pieces.recv().await {
            payload.extend_from_slice(&piece);
            if payload.len() > LAMBDA_MAX_RESPONSE {
                let payload = PlatformError::ResponseTooLarge.payload("");
                return Outcome { payload, is_function_error: true, log_tail: None };
            }
        }
        let StreamEnd { error, log_tail } = streamed.ended().await;
        let is_function_error = error.is_some();
        Outcome { payload: error.unwrap_or_else(|| payload.into()), is_function_error, log_tail }
    }
}

/// What became of an invocation that a function got.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The result, or the error payload.
    pub payload: Bytes,
    /// Whether it is an error payload.
    pub is_function_error: bool,
    /// The last 4 KB of what was logged meanwhile, where it was asked for.
    pub log_tail: Option<String>,
}

/// What the function is given by the Runtime API.
#[derive(Debug)]
pub(super) struct NextInvocation {
    /// The request id.
    pub request_id: String,
    /// The event.
    pub payload: Bytes,
    /// Headers beside the request id, whose names are the Runtime API's.
    pub headers: Vec<(&'static str, String)>,
}

impl Invocation {
    /// Parts the invocation into who waits for it and what the function gets, from now until `timeout`.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next>
    pub(super) fn into_next(
        self,
        timeout: Duration,
    ) -> (oneshot::Sender<FunctionResponse>, Option<ConcurrencyPermit>, NextInvocation) {
        let deadline = (SystemTime::now() + timeout).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut headers = vec![
            ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
            ("lambda-runtime-invoked-function-arn", self.invoked_arn),
            ("lambda-runtime-trace-id", self.trace_id),
        ];
        let optional = [
            ("lambda-runtime-client-context", self.client_context),
            ("lambda-runtime-cognito-identity", self.cognito_identity),
            ("lambda-runtime-aws-tenant-id", self.tenant),
        ];
        headers.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        (self.done, self.permit, NextInvocation { request_id: self.request_id, payload: self.payload, headers })
    }
}

/// How the platform itself ends an invocation. The payloads are those that Lambda sends.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PlatformError {
    /// The function took longer than it may.
    TimedOut { seconds: f64 },
    /// The process ended; its exit status, where it was not 0.
    Exited { status: Option<String> },
    /// The function returned more than Lambda takes.
    ResponseTooLarge,
    /// The function broke its answer off.
    Truncated,
}

impl PlatformError {
    /// The error payload.
    pub(super) fn payload(&self, request_id: &str) -> Bytes {
        let (name, message) = match self {
            Self::TimedOut { seconds } => {
                ("Sandbox.Timedout", format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds"))
            }
            Self::Exited { status: None } => {
                ("Runtime.ExitError", format!("RequestId: {request_id} Error: Runtime exited without providing a reason"))
            }
            Self::Exited { status: Some(status) } => {
                ("Runtime.ExitError", format!("RequestId: {request_id} Error: Runtime exited with error: {status}"))
            }
            Self::Truncated => ("Runtime.TruncatedResponse", "Response body is truncated".to_owned()),
            Self::ResponseTooLarge => (
                "Function.ResponseSizeTooLarge",
                format!("Response payload size exceeded maximum allowed payload size ({LAMBDA_MAX_RESPONSE} bytes)."),
            ),
        };
        json!({ "errorType": name, "errorMessage": message }).to_string().into()
    }
}

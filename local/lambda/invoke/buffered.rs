//! The response of `Invoke` to a caller that waits: the payload, and the rest in headers.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_ResponseSyntax>

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::lambda::invocation::Outcome;

/// The response with the outcome of an invocation.
pub(super) fn response(outcome: Outcome, trace_id: &str) -> Response {
    let mut response = crate::http::json(StatusCode::OK, outcome.payload);
    let headers = response.headers_mut();
    let remapped = HeaderValue::from_static("0");
    headers.insert("x-amzn-remapped-content-length", remapped);
    if outcome.is_function_error {
        headers.insert(
            "x-amz-function-error",
            HeaderValue::from_static("Unhandled"),
        );
    }
    if let Some(log) = outcome
        .log_tail
        .and_then(|log| HeaderValue::from_str(&STANDARD.encode(log)).ok())
    {
        headers.insert("x-amz-log-result", log);
    }
    if let Ok(trace_id) = HeaderValue::from_str(trace_id) {
        headers.insert("x-amzn-trace-id", trace_id);
    }
    response
}

//! The operation `Invoke` with the invocation types `RequestResponse`, `Event` and `DryRun`.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use super::Lambda;
use super::error::LambdaError;
use super::invocation::Outcome;
use super::invoke_request::{InvokeQuery, InvokeRequest, with_request_id};

pub(super) async fn invoke(
    State(lambda): State<Lambda>,
    Path(name): Path<String>,
    Query(query): Query<InvokeQuery>,
    request: Request,
) -> Response {
    let request_id = Uuid::new_v4().to_string();
    with_request_id(
        run(&lambda, (&name, &query), request, &request_id).await,
        &request_id,
    )
}

/// Refuses every other operation of Lambda.
pub(super) async fn unsupported(method: Method, uri: Uri) -> LambdaError {
    LambdaError::Unsupported(format!("{method} {}", uri.path()))
}

async fn run(
    lambda: &Lambda,
    function: (&str, &InvokeQuery),
    request: Request,
    id: &str,
) -> Result<Response, LambdaError> {
    let (invoke_request, invocation_type) =
        InvokeRequest::read(lambda, function, request, id).await?;
    match invocation_type.as_str() {
        "DryRun" => Ok(StatusCode::NO_CONTENT.into_response()),
        "Event" => {
            // The caller does not wait. Lambda's two retries of a failed event are not implemented.
            tokio::spawn(invoke_request.submit(lambda)?);
            Ok(StatusCode::ACCEPTED.into_response())
        }
        "RequestResponse" => {
            let trace_id = invoke_request.trace_id.clone();
            Ok(respond(invoke_request.outcome(lambda).await?, &trace_id))
        }
        other => Err(LambdaError::invocation_type(
            other,
            "[Event, RequestResponse, DryRun]",
        )),
    }
}

fn respond(outcome: Outcome, trace_id: &str) -> Response {
    let mut response = crate::http::json(StatusCode::OK, outcome.payload);
    let headers = response.headers_mut();
    headers.insert(
        "x-amz-executed-version",
        HeaderValue::from_static("$LATEST"),
    );
    headers.insert(
        "x-amzn-remapped-content-length",
        HeaderValue::from_static("0"),
    );
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

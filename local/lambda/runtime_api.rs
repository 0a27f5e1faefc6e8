//! The Runtime API of one environment, from which its process gets invocations and to which it
//! sends responses. <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body::Frame;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::json;
use tokio::net::TcpListener;

use super::environment::{Environment, ResponseRejected};
use super::invocation::PlatformError;
use crate::aws::LAMBDA_MAX_RESPONSE;
use crate::throttle::Pacer;

/// Serves the Runtime API until the task is aborted.
pub(super) async fn serve(listener: TcpListener, environment: Arc<Environment>) {
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .with_state(environment);
    let router = crate::http::with_host_check(router);
    // The function sends nothing while it works, which may take as long as its time-out.
    crate::http::serve_without_timeout(listener, router).await;
}

async fn next(State(environment): State<Arc<Environment>>) -> Response {
    if environment.is_busy() {
        let text = "State transition is not allowed: an invocation waits for its answer";
        return refuse(StatusCode::FORBIDDEN, "InvalidStateTransition", text);
    }
    let next = environment.next().await;
    let mut response = Response::new(Body::from(next.payload));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let id = ("lambda-runtime-aws-request-id", next.request_id);
    for (name, value) in [id].into_iter().chain(next.headers) {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(name, value);
        }
    }
    response
}

async fn response(
    State(environment): State<Arc<Environment>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    match header("lambda-runtime-function-response-mode") {
        "streaming" => stream(&environment, &id, header("content-type").to_owned(), body).await,
        "" => complete(&environment, &id, body, false).await,
        other => refuse(
            StatusCode::BAD_REQUEST,
            "InvalidFunctionResponseMode",
            &format!("Invalid response mode: {other}"),
        ),
    }
}

/// Passes chunks on as they arrive, no faster than the function's bandwidth allows. If the caller is gone, the rest of the response is read all the
/// same, as Lambda does.
async fn stream(
    environment: &Environment,
    id: &str,
    content_type: String,
    mut body: Body,
) -> Response {
    let Ok(chunks) = environment.begin_stream(id, content_type) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "InvalidRequestID",
            "Invalid request ID",
        );
    };
    let mut error = None;
    let mut pacer = Pacer::new(environment.stream_bandwidth());
    while let Some(frame) = body.frame().await {
        if !environment.is_in_flight(id) {
            return refuse(
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "Invalid request ID",
            );
        }
        match frame.map(Frame::into_data) {
            Ok(Ok(chunk)) => {
                pacer.pass(chunk.len()).await;
                environment.record_piece(id, &chunk);
                drop(chunks.send(chunk).await)
            }
            Ok(Err(trailers)) => {
                error = trailers
                    .into_trailers()
                    .ok()
                    .and_then(|trailers| error_of(&trailers))
            }
            Err(_) => error = Some(PlatformError::Truncated.payload(id)),
        }
    }
    drop(chunks);
    environment.end_stream(id, error);
    accepted()
}

/// The error that a function reports in the trailers of a streamed response.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>
fn error_of(trailers: &HeaderMap) -> Option<Bytes> {
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok());
    let error_type = text("lambda-runtime-function-error-type")?;
    let body =
        text("lambda-runtime-function-error-body").and_then(|body| STANDARD.decode(body).ok());
    Some(body.map_or_else(
        || {
            json!({ "errorType": error_type, "errorMessage": "" })
                .to_string()
                .into()
        },
        Bytes::from,
    ))
}

async fn error(
    State(environment): State<Arc<Environment>>,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    complete(&environment, &id, body, true).await
}

async fn init_error(State(environment): State<Arc<Environment>>, body: Body) -> Response {
    environment.fail_init(read(body).await.unwrap_or_default());
    accepted()
}

async fn complete(
    environment: &Environment,
    id: &str,
    body: Body,
    is_function_error: bool,
) -> Response {
    let Some(body) = read(body).await else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "TruncatedHTTPRequest",
            "HTTP request detected as truncated",
        );
    };
    match environment.complete(id, body, is_function_error) {
        Ok(()) => accepted(),
        Err(ResponseRejected::InvalidRequestId) => refuse(
            StatusCode::BAD_REQUEST,
            "InvalidRequestID",
            "Invalid request ID",
        ),
        Err(ResponseRejected::TooLarge) => {
            let text =
                format!("Exceeded maximum allowed payload size ({LAMBDA_MAX_RESPONSE} bytes).");
            refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                &text,
            )
        }
    }
}

/// Reads a response; `None` if it is truncated. One that is too large becomes one byte more than
/// the limit, which suffices to reject it.
async fn read(body: Body) -> Option<Bytes> {
    match Limited::new(body, LAMBDA_MAX_RESPONSE).collect().await {
        Ok(whole) => Some(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Some(Bytes::from(vec![b' '; LAMBDA_MAX_RESPONSE + 1]))
        }
        Err(_) => None,
    }
}

fn accepted() -> Response {
    (
        StatusCode::ACCEPTED,
        [(CONTENT_TYPE, "application/json")],
        r#"{"status":"OK"}"#,
    )
        .into_response()
}

fn refuse(status: StatusCode, name: &str, text: &str) -> Response {
    let body = json!({ "errorMessage": text, "errorType": name }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

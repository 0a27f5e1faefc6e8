//! The operations `Invoke` and `InvokeWithResponseStream`: the invocation types that each has, and the
//! way from a request to an invocation. The two differ only in how they answer.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

mod buffered;
mod event;
mod event_stream;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use uuid::Uuid;

use super::Lambda;
use super::error::LambdaError;
use super::invoke_request::{InvokeQuery, InvokeRequest, ReceivedRequest, with_request_id};
pub(super) use event::EventRetries;

/// An operation that invokes a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Invoke,
    InvokeWithResponseStream,
}

/// The routes of both operations. Every other operation of Lambda is refused.
pub(super) fn router() -> Router<Lambda> {
    let handler = |operation| {
        post(move |lambda, name, query, request| handle(operation, lambda, name, query, request))
    };
    Router::new()
        .route(
            "/2015-03-31/functions/{name}/invocations",
            handler(Operation::Invoke),
        )
        .route(
            "/2021-11-15/functions/{name}/response-streaming-invocations",
            handler(Operation::InvokeWithResponseStream),
        )
        .fallback(unsupported)
}

async fn handle(
    operation: Operation,
    State(lambda): State<Lambda>,
    Path(name): Path<String>,
    Query(query): Query<InvokeQuery>,
    request: Request,
) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let recording = lambda.recorder.invocation(&parts, &name);
    let received = ReceivedRequest {
        parts,
        body,
        request_id: &request_id,
        recording: &recording,
    };
    let answer = operation.run(&lambda, (&name, &query), received).await;
    if let Err(error) = &answer {
        recording.refused(error.refusal());
    }
    recording.respond(with_request_id(answer, &request_id))
}

/// Adds the version of the function that was executed.
fn executed(mut response: Response) -> Response {
    let version = HeaderValue::from_static("$LATEST");
    response
        .headers_mut()
        .insert("x-amz-executed-version", version);
    response
}

async fn unsupported(method: Method, uri: Uri) -> LambdaError {
    LambdaError::Unsupported(format!("{method} {}", uri.path()))
}

impl Operation {
    async fn run(
        self,
        lambda: &Lambda,
        function: (&str, &InvokeQuery),
        received: ReceivedRequest<'_>,
    ) -> Result<Response, LambdaError> {
        let (invoke_request, invocation_type) =
            InvokeRequest::read(lambda, function, received).await?;
        match (invocation_type.as_str(), self) {
            ("DryRun", _) => Ok(StatusCode::NO_CONTENT.into_response()),
            ("Event", Self::Invoke) => {
                event::submit(invoke_request, lambda)?;
                Ok(StatusCode::ACCEPTED.into_response())
            }
            ("RequestResponse", Self::Invoke) => {
                let trace_id = invoke_request.trace_id.clone();
                let outcome = invoke_request.outcome(lambda).await?;
                Ok(executed(buffered::response(outcome, &trace_id)))
            }
            ("RequestResponse", Self::InvokeWithResponseStream) => {
                let response = invoke_request.function_response(lambda).await?;
                Ok(executed(event_stream::response(response)))
            }
            (other, _) => Err(LambdaError::invocation_type(other, self.invocation_types())),
        }
    }

    /// The invocation types of the operation, as Lambda's errors list them.
    fn invocation_types(self) -> &'static str {
        match self {
            Self::Invoke => "[Event, RequestResponse, DryRun]",
            Self::InvokeWithResponseStream => "[RequestResponse, DryRun]",
        }
    }
}

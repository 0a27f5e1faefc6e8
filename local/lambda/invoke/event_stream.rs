//! The response of `InvokeWithResponseStream`: an event stream with one event for each chunk, and one
//! at the end. <https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html>

use std::convert::Infallible;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue as EventHeader, Message};
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, Stream};
use serde_json::{Map, json};

use crate::lambda::invocation::{FunctionResponse, Outcome, StreamEnd, StreamedResponse};

/// The event stream of a function's response.
pub(super) fn response(function_response: FunctionResponse) -> Response {
    let body = match function_response {
        FunctionResponse::Whole(outcome) => Body::from(whole(outcome)),
        FunctionResponse::Streaming(streamed) => Body::from_stream(chunks(streamed)),
    };
    let content_type = (CONTENT_TYPE, "application/vnd.amazon.eventstream");
    ([content_type], body).into_response()
}

/// The events of a function that does not stream: one chunk, or none if it has failed.
fn whole(outcome: Outcome) -> Bytes {
    let Outcome {
        payload,
        is_function_error,
        log_tail,
    } = outcome;
    if is_function_error {
        return complete_event(StreamEnd {
            error: Some(payload),
            log_tail,
        });
    }
    [
        chunk_event(payload),
        complete_event(StreamEnd {
            error: None,
            log_tail,
        }),
    ]
    .concat()
    .into()
}

fn chunks(streamed: StreamedResponse) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(Some(streamed), |streamed| async {
        let mut streamed = streamed?;
        match streamed.chunks.recv().await {
            Some(chunk) => Some((Ok(chunk_event(chunk)), Some(streamed))),
            None => Some((Ok(complete_event(streamed.ended().await)), None)),
        }
    })
}

fn chunk_event(payload: Bytes) -> Bytes {
    event("PayloadChunk", "application/octet-stream", payload)
}

/// The event `InvokeComplete`, with the error if there is one.
fn complete_event(end: StreamEnd) -> Bytes {
    let mut members = Map::new();
    if let Some(error) = end.error {
        members.insert("ErrorCode".to_owned(), json!("Unhandled"));
        members.insert(
            "ErrorDetails".to_owned(),
            json!(String::from_utf8_lossy(&error)),
        );
    }
    if let Some(log) = end.log_tail {
        members.insert("LogResult".to_owned(), json!(STANDARD.encode(log)));
    }
    event(
        "InvokeComplete",
        "application/json",
        json!(members).to_string().into(),
    )
}

fn event(event_type: &'static str, content_type: &'static str, payload: Bytes) -> Bytes {
    let header = |name: &'static str, value: &'static str| {
        Header::new(name, EventHeader::String(value.into()))
    };
    let message = Message::new(payload)
        .add_header(header(":message-type", "event"))
        .add_header(header(":event-type", event_type))
        .add_header(header(":content-type", content_type));
    let mut frame = Vec::with_capacity(message.payload().len() + 128);
    // An `Err` means that the message exceeds the limit of a frame, which no chunk of a function's
    // response does.
    let _ = write_message_to(&message, &mut frame);
    frame.into()
}

//! A streamed integration response: metadata as JSON, eight NUL bytes, then the body, in the chunks
//! of `InvokeWithResponseStream`.
//!
//! Nothing is sent to the client before the metadata is whole and valid. A failure after that
//! closes the connection before the body is complete.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html>

use std::io;
use std::time::Duration;

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::response::Response;
use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use super::response;
use crate::throttle::Pacer;

/// The delimiter between the metadata and the body.
const DELIMITER: [u8; 8] = [0; 8];
/// Within how many bytes of a response the delimiter must end.
const MAX_METADATA: usize = 16 * 1024;

/// The reason why a streamed response ends before it is complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StreamError {
    /// The function was silent for too long, or the response takes too long.
    TimedOut,
    /// The function failed, or its response cannot be read. Holds the reason.
    Failed(String),
}

/// The events of an invocation, read no faster than the client reads.
#[derive(Debug)]
pub(super) struct EventStream {
    body: BodyDataStream,
    decoder: MessageFrameDecoder,
    /// The bytes that are not decoded yet.
    bytes: BytesMut,
    /// How long the function may be silent.
    idle: Duration,
    deadline: Instant,
}

impl EventStream {
    pub(super) fn new(body: Body, idle: Duration, deadline: Instant) -> Self {
        Self {
            body: body.into_data_stream(),
            decoder: MessageFrameDecoder::new(),
            bytes: BytesMut::new(),
            idle,
            deadline,
        }
    }

    /// The next chunk of the function's response; `None` at the end of a complete one.
    async fn next(&mut self) -> Result<Option<Bytes>, StreamError> {
        loop {
            let message = self.message().await?;
            match event_type(&message) {
                Some("PayloadChunk") => return Ok(Some(message.payload().clone())),
                Some("InvokeComplete") => return end(message.payload()),
                _ => {}
            }
        }
    }

    async fn message(&mut self) -> Result<Message, StreamError> {
        loop {
            let decoded = self.decoder.decode_frame(&mut self.bytes);
            match decoded.map_err(|error| StreamError::Failed(error.to_string()))? {
                DecodedFrame::Complete(message) => return Ok(message),
                DecodedFrame::Incomplete => {
                    let until = self.deadline.min(Instant::now() + self.idle);
                    let bytes = timeout_at(until, self.body.next()).await;
                    let bytes = bytes.map_err(|_| StreamError::TimedOut)?;
                    let bytes = bytes.unwrap_or_else(|| {
                        Err(axum::Error::new(io::Error::other(
                            "Lambda's event stream ended without InvokeComplete",
                        )))
                    });
                    let bytes = bytes.map_err(|error| StreamError::Failed(error.to_string()))?;
                    self.bytes.extend_from_slice(&bytes);
                }
            }
        }
    }
}

fn event_type(message: &Message) -> Option<&str> {
    let mut headers = message.headers().iter();
    let header = headers.find(|header| header.name().as_str() == ":event-type")?;
    Some(header.value().as_string().ok()?.as_str())
}

/// The end that `InvokeComplete` describes.
fn end(payload: &[u8]) -> Result<Option<Bytes>, StreamError> {
    let members: Map<String, Value> = serde_json::from_slice(payload).unwrap_or_default();
    if members.contains_key("ErrorCode") {
        let details = members.get("ErrorDetails").and_then(Value::as_str);
        return Err(StreamError::Failed(format!(
            "the function failed: {}",
            details.unwrap_or_default()
        )));
    }
    Ok(None)
}

/// Waits for the metadata and returns the response, whose body is the rest of the events.
pub(super) async fn respond(
    mut events: EventStream,
    mut pacer: Pacer,
) -> Result<Response, StreamError> {
    let mut start = Vec::new();
    let length = loop {
        let Some(chunk) = events.next().await? else {
            return Err(no_metadata("it ended without the eight NUL bytes"));
        };
        start.extend_from_slice(&chunk);
        let searched = &start[..start.len().min(MAX_METADATA)];
        let mut windows = searched.windows(DELIMITER.len());
        match windows.position(|window| window == DELIMITER) {
            Some(length) => break length,
            None if start.len() >= MAX_METADATA => {
                return Err(no_metadata("its first 16 KB have no eight NUL bytes"));
            }
            None => {}
        }
    };
    let mut response =
        response::from_metadata(&start[..length]).map_err(|why| no_metadata(&why))?;
    let first = Bytes::from(start.split_off(length + DELIMITER.len()));
    pacer.pass(first.len()).await;
    *response.body_mut() = body(first, events, pacer);
    Ok(response)
}

fn no_metadata(why: &str) -> StreamError {
    StreamError::Failed(format!("the function's response has no metadata: {why}"))
}

fn body(first: Bytes, events: EventStream, pacer: Pacer) -> Body {
    let chunks = stream::unfold((first, Some((events, pacer))), |(first, rest)| async move {
        if !first.is_empty() {
            return Some((Ok(first), (Bytes::new(), rest)));
        }
        let (mut events, mut pacer) = rest?;
        match events.next().await {
            Ok(chunk) => {
                let chunk = chunk?;
                pacer.pass(chunk.len()).await;
                Some((Ok(chunk), (Bytes::new(), Some((events, pacer)))))
            }
            Err(error) => {
                // Lets the server write the chunks before: an error discards what is not written
                // yet.
                tokio::task::yield_now().await;
                Some((
                    Err(io::Error::other(format!("{error:?}"))),
                    (Bytes::new(), None),
                ))
            }
        }
    });
    Body::from_stream(chunks)
}

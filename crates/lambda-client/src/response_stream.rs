//! The event stream of `InvokeWithResponseStream`, decoded one event at a time: what the reader
//! does not poll for is not read.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_eventstream::smithy::parse_response_headers;
use aws_smithy_types::event_stream::Message;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::FusedStream;
use hyper::body::{Body, Incoming};
use serde::Deserialize;
use serde_json::json;

use crate::error::InvokeError;

/// The largest message of an event stream, in bytes.
const MAX_MESSAGE: usize = 24 * 1024 * 1024;

/// A part of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseEvent {
    /// Bytes of the function's answer; never empty.
    PayloadChunk(Bytes),
    /// The function failed; its error payload. Nothing follows.
    FunctionError(Vec<u8>),
}

/// The events of a streamed answer. It ends without an error only if Lambda said that the answer is
/// complete; after its end or an error it may be polled again, and gives `None`.
pub struct ResponseStream<B = Incoming> {
    body: B,
    buffer: BytesMut,
    decoder: MessageFrameDecoder,
    is_done: bool,
}

/// The payload of `InvokeComplete`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InvokeComplete {
    error_code: Option<String>,
    error_details: Option<String>,
}

/// What a message of the stream means.
enum Decoded {
    Event(ResponseEvent),
    Complete,
    Skipped,
}

impl<B> ResponseStream<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    /// The events of an answer with this body.
    pub fn new(body: B) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
            decoder: MessageFrameDecoder::new(),
            is_done: false,
        }
    }

    /// The next event; `None` when the answer is complete.
    fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<ResponseEvent>, InvokeError>> {
        loop {
            if let DecodedFrame::Complete(message) = self
                .decoder
                .decode_frame(&mut self.buffer)
                .map_err(InvokeError::unreachable)?
            {
                match decode(&message)? {
                    Decoded::Event(event) => return Poll::Ready(Ok(Some(event))),
                    Decoded::Complete => return Poll::Ready(Ok(None)),
                    Decoded::Skipped => continue,
                }
            }
            if self.buffer.len() > MAX_MESSAGE {
                return Poll::Ready(Err(InvokeError::unreachable(
                    "a message that is too large for an event stream",
                )));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
                Some(Err(error)) => return Poll::Ready(Err(InvokeError::unreachable(error))),
                None => {
                    return Poll::Ready(Err(InvokeError::unreachable(
                        "the stream ended before the function was done",
                    )));
                }
            }
        }
    }
}

impl<B> Stream for ResponseStream<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    type Item = Result<ResponseEvent, InvokeError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        let event = ready!(self.poll_event(cx)).transpose();
        self.is_done = !matches!(event, Some(Ok(ResponseEvent::PayloadChunk(_))));
        Poll::Ready(event)
    }
}

impl<B> FusedStream for ResponseStream<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.is_done
    }
}

impl<B> fmt::Debug for ResponseStream<B> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("ResponseStream")
            .field("is_done", &self.is_done)
            .finish_non_exhaustive()
    }
}

/// Reads a message; one of a type that is not known is skipped, as the AWS SDK does.
fn decode(message: &Message) -> Result<Decoded, InvokeError> {
    let headers = parse_response_headers(message).map_err(InvokeError::unreachable)?;
    let payload = message.payload();
    match (headers.message_type.as_str(), headers.smithy_type.as_str()) {
        ("event", "PayloadChunk") => {
            let content_type = headers.content_type().unwrap_or_default();
            if content_type != "application/octet-stream" {
                return Err(InvokeError::unreachable(format!(
                    "a chunk of type `{content_type}`"
                )));
            }
            if payload.is_empty() {
                return Ok(Decoded::Skipped);
            }
            Ok(Decoded::Event(match function_error_in_chunk(payload) {
                Some(error) => ResponseEvent::FunctionError(error),
                None => ResponseEvent::PayloadChunk(payload.clone()),
            }))
        }
        ("event", "InvokeComplete") => {
            let json: &[u8] = if payload.is_empty() { b"{}" } else { payload };
            let complete: InvokeComplete =
                serde_json::from_slice(json).map_err(InvokeError::unreachable)?;
            let error = function_error_of_complete(complete.error_code, complete.error_details);
            Ok(error.map_or(Decoded::Complete, |error| {
                Decoded::Event(ResponseEvent::FunctionError(error))
            }))
        }
        ("event", _) => Ok(Decoded::Skipped),
        (_, name) => Err(InvokeError::unreachable(format!(
            "{name}: {}",
            String::from_utf8_lossy(payload)
        ))),
    }
}

/// The error payload in a chunk that Lambda's Rust runtime writes where a stream failed: it has the
/// form of trailers.
pub fn function_error_in_chunk(chunk: &[u8]) -> Option<Vec<u8>> {
    let text =
        std::str::from_utf8(chunk.strip_prefix(b"Lambda-Runtime-Function-Error-Type: ")?).ok()?;
    let (error_type, rest) = text.split_once("\r\n")?;
    let body = rest
        .trim()
        .strip_prefix("Lambda-Runtime-Function-Error-Body: ")?;
    let message = STANDARD
        .decode(body)
        .ok()
        .map(|message| String::from_utf8_lossy(&message).into_owned());
    Some(
        json!({ "errorType": error_type, "errorMessage": message })
            .to_string()
            .into_bytes(),
    )
}

/// The error payload of `InvokeComplete`: the details, or one made of the code where the details
/// are not a JSON object.
pub fn function_error_of_complete(
    code: Option<String>,
    details: Option<String>,
) -> Option<Vec<u8>> {
    let code = code?;
    let details = details.unwrap_or_default();
    if details.starts_with('{') {
        return Some(details.into_bytes());
    }
    Some(
        json!({ "errorType": code, "errorMessage": details })
            .to_string()
            .into_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_that_the_rust_runtime_writes_into_a_stream_is_a_function_error() {
        let chunk =
            b"Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: aXQgYnJva2U=\r\n";
        let payload = function_error_in_chunk(chunk).expect("an error");
        let payload = String::from_utf8(payload).expect("UTF-8");
        assert_eq!(
            payload,
            r#"{"errorMessage":"it broke","errorType":"Runtime.StreamError"}"#
        );
        assert!(
            function_error_in_chunk(b"Lambda-Runtime-Function-Error-Type is a header").is_none()
        );
    }

    #[test]
    fn the_details_of_a_failed_invocation_are_its_error_payload_if_they_are_an_object() {
        let payload = |code: &str, details: &str| {
            let payload =
                function_error_of_complete(Some(code.to_owned()), Some(details.to_owned()));
            String::from_utf8(payload.expect("an error")).expect("UTF-8")
        };
        assert_eq!(
            payload("Unhandled", r#"{"errorType":"X"}"#),
            r#"{"errorType":"X"}"#
        );
        assert_eq!(
            payload("Unhandled", "why"),
            r#"{"errorMessage":"why","errorType":"Unhandled"}"#
        );
        assert_eq!(
            function_error_of_complete(None, Some("why".to_owned())),
            None
        );
    }
}

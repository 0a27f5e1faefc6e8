//! What the runtime sends to the Runtime API for one event.

use bytes::Bytes;
use lambda_runtime::Diagnostic;

use super::record::Record;
use super::stream_body::StreamBody;

/// The answer to an event, in the form that the Runtime API takes.
pub enum Reply<'a> {
    /// The function's result: JSON in one piece.
    Result(Vec<u8>, Record<'a>),
    /// A function error: its type is the code, its message the public message.
    Failure(Diagnostic, Record<'a>),
    /// A response that is streamed.
    Stream(Head, StreamBody<'a>),
}

/// What the Runtime API receives before the body of a stream.
#[derive(Debug)]
pub struct Head {
    /// The content type of the request to the Runtime API.
    pub content_type: String,
    /// Status and headers with their delimiter; empty for a direct Invoke.
    pub prelude: Bytes,
}

//! The messages of `InvokeWithResponseStream`, as Lambda frames them.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};

/// A message with these headers.
pub fn message(headers: &[(&'static str, &str)], payload: &str) -> Vec<u8> {
    let header = |(name, value): &(&'static str, &str)| {
        Header::new(*name, HeaderValue::String((*value).to_owned().into()))
    };
    let headers = headers.iter().map(header).collect();
    let message = Message::new_from_parts(headers, payload.to_owned());
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).expect("a message");
    bytes
}

/// An event of a type.
pub fn event(event_type: &str, content_type: &str, payload: &str) -> Vec<u8> {
    let headers = [
        (":message-type", "event"),
        (":event-type", event_type),
        (":content-type", content_type),
    ];
    message(&headers, payload)
}

/// An exception of a type.
pub fn exception(exception_type: &str, payload: &str) -> Vec<u8> {
    let headers = [
        (":message-type", "exception"),
        (":exception-type", exception_type),
        (":content-type", "application/json"),
    ];
    message(&headers, payload)
}

/// A `PayloadChunk`.
pub fn chunk(payload: &str) -> Vec<u8> {
    event("PayloadChunk", "application/octet-stream", payload)
}

/// `InvokeComplete`; its payload is `{}` for a function that succeeded.
pub fn complete(payload: &str) -> Vec<u8> {
    event("InvokeComplete", "application/json", payload)
}

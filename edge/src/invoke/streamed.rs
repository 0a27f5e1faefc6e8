//! The event stream of `InvokeWithResponseStream` becomes [`CoreEvent`]s. One chunk is held at a time: what is not asked for is not read.

use aws_sdk_lambda::operation::invoke_with_response_stream::InvokeWithResponseStreamOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvokeWithResponseStreamCompleteEvent, InvokeWithResponseStreamResponseEvent as Event};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;

use super::{CoreEvent, CoreStream};
use crate::error::{EdgeError, told};

/// What Lambda's own answer is, and nothing that core said.
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// Reads an answer that has begun.
pub fn stream(mut output: InvokeWithResponseStreamOutput) -> CoreStream {
    let content_type = output.response_stream_content_type.take().filter(|kind| kind != EVENT_STREAM);
    let events = stream::unfold(Some(output), |output| async {
        let mut output = output?;
        let event = next(&mut output).await.transpose()?;
        let goes_on = matches!(event, Ok(CoreEvent::Bytes(_)));
        Some((event, goes_on.then_some(output)))
    });
    CoreStream { content_type, events: Box::pin(events) }
}

/// A stream that ends without a word is broken: Lambda says when it is complete.
async fn next(output: &mut InvokeWithResponseStreamOutput) -> Result<Option<CoreEvent>, EdgeError> {
    loop {
        match output.event_stream.recv().await {
            Ok(Some(Event::PayloadChunk(chunk))) => {
                let bytes = chunk.payload.map(Blob::into_inner).unwrap_or_default();
                if let Some(payload) = runtimes_error(&bytes) {
                    return Ok(Some(CoreEvent::Failed(payload)));
                }
                if !bytes.is_empty() {
                    return Ok(Some(CoreEvent::Bytes(bytes.into())));
                }
            }
            Ok(Some(Event::InvokeComplete(complete))) => return Ok(error_payload(complete).map(CoreEvent::Failed)),
            // A kind of event that this version of the SDK does not know.
            Ok(Some(_)) => {}
            Ok(None) => return Err(EdgeError::CoreUnreachable("the stream ended before core was done".to_owned())),
            Err(error) => return Err(EdgeError::CoreUnreachable(told(&error))),
        }
    }
}

/// Lambda's Rust runtime tells of a stream that failed in the stream itself, in the form of trailers.
fn runtimes_error(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"Lambda-Runtime-Function-Error-Type: ")?).ok()?;
    let (error_type, rest) = text.split_once("\r\n")?;
    let body = rest.trim().strip_prefix("Lambda-Runtime-Function-Error-Body: ")?;
    let message = STANDARD.decode(body).ok().map(|message| String::from_utf8_lossy(&message).into_owned());
    Some(serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string().into_bytes())
}

/// Core's error payload, or one made of the code where the details are none.
fn error_payload(complete: InvokeWithResponseStreamCompleteEvent) -> Option<Vec<u8>> {
    let code = complete.error_code?;
    let details = complete.error_details.unwrap_or_default();
    if details.starts_with('{') {
        return Some(details.into_bytes());
    }
    Some(serde_json::json!({ "errorType": code, "errorMessage": details }).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_rust_runtime_says_of_a_broken_stream_is_an_error_and_no_answer() {
        let chunk =
            b"Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: aXQgYnJva2U=\r\n";
        let payload = runtimes_error(chunk).expect("an error");
        assert_eq!(
            String::from_utf8(payload).expect("UTF-8"),
            r#"{"errorMessage":"it broke","errorType":"Runtime.StreamError"}"#
        );
        assert!(runtimes_error(b"Lambda-Runtime-Function-Error-Type is a header").is_none());
    }
}

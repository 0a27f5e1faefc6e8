//! The event stream of `InvokeWithResponseStream`: our reader and the AWS SDK's own, on the same
//! bytes.
//!
//! An input is a line with a letter, and the stream. After `r` the bytes stand as they are; after
//! `m` each part is a message: a line with message type, event type and content type, and the
//! payload. Then the target writes lengths and checksums, which no mutation would hit.

use std::sync::{LazyLock, Mutex, PoisonError};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_lambda::types::InvokeWithResponseStreamResponseEvent as SdkEvent;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use lambda_client::{
    ResponseEvent, ResponseStream, function_error_in_chunk, function_error_of_complete,
};
use tokio::runtime::{Builder, Runtime};

use crate::{Target, parts};

pub const TARGET: Target = Target {
    name: "event_stream",
    run,
    words: &[
        "m",
        "r",
        "\n---\n",
        "event PayloadChunk application/octet-stream\n",
        "event InvokeComplete application/json\n",
        "exception ServiceException application/json\n",
        "error InternalFailure text/plain\n",
        "{\"ErrorCode\":\"Unhandled\"",
        "\"ErrorDetails\":\"{\\\"errorType\\\":\\\"X\\\"}\"",
        "\"LogResult\":\"",
        "Lambda-Runtime-Function-Error-Type: ",
        "Lambda-Runtime-Function-Error-Body: ",
        "\r\n",
        "event initial-response application/json\n",
    ],
};

/// How an answer went.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    bytes: Vec<u8>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Complete,
    FunctionError(Vec<u8>),
    Broken,
}

static RUNTIME: LazyLock<Mutex<Runtime>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build();
    Mutex::new(runtime.expect("a runtime"))
});

fn run(input: &[u8]) {
    let (kind, described) = input.split_at(input.len().min(2));
    let body = match kind {
        b"m\n" => messages(described),
        _ => described.to_vec(),
    };
    let runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (whole, pieces, sdks) = runtime.block_on(async {
        let pieces = body.chunks(7).map(Bytes::copy_from_slice).collect();
        (
            ours(vec![body.clone().into()]).await,
            ours(pieces).await,
            of_sdk(body.clone()).await,
        )
    });
    assert_eq!(whole, pieces, "in pieces of 7 bytes");
    // What is no JSON in a member that nobody reads, each of the two passes over in its own way.
    let is_odd = has_odd_json(described);
    assert!(
        whole == sdks || is_odd,
        "ours {whole:?}, the SDK's {sdks:?}"
    );
}

/// Whether a payload is not JSON, or may name a member twice.
fn has_odd_json(described: &[u8]) -> bool {
    parts(described).any(|part| {
        let end = part.iter().position(|byte| *byte == b'\n');
        let payload = end.map_or(&[][..], |end| &part[end + 1..]);
        let text = String::from_utf8_lossy(payload);
        serde_json::from_slice::<serde_json::Value>(payload).is_err()
            || text.matches("Error").count() > 2
            || text.contains("\\u")
    })
}

fn messages(described: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts(described).take(20) {
        let end = part.iter().position(|byte| *byte == b'\n');
        let (head, payload) = part.split_at(end.unwrap_or(part.len()));
        let head = String::from_utf8_lossy(head);
        let mut words = head.split(' ');
        let mut header = |name: &'static str| {
            let value = words.next().unwrap_or_default().to_owned();
            (!value.is_empty()).then(|| Header::new(name, HeaderValue::String(value.into())))
        };
        let message_type = header(":message-type");
        let is_exception = head.starts_with("exception");
        let name = if is_exception {
            ":exception-type"
        } else {
            ":event-type"
        };
        let headers = [message_type, header(name), header(":content-type")];
        let payload = payload.get(1..).unwrap_or_default().to_vec();
        let headers = headers.into_iter().flatten().collect();
        let message = Message::new_from_parts(headers, payload);
        if write_message_to(&message, &mut body).is_err() {
            return body;
        }
    }
    body
}

async fn ours(pieces: Vec<Bytes>) -> Outcome {
    let frames = pieces
        .into_iter()
        .map(|piece| Ok::<_, std::io::Error>(Frame::data(piece)));
    let mut events = ResponseStream::new(StreamBody::new(stream::iter(frames)));
    let mut bytes = Vec::new();
    loop {
        let end = match events.next().await {
            Some(Ok(ResponseEvent::PayloadChunk(chunk))) => {
                assert!(!chunk.is_empty(), "a chunk is never empty");
                bytes.extend_from_slice(&chunk);
                continue;
            }
            Some(Ok(ResponseEvent::FunctionError(payload))) => End::FunctionError(payload),
            Some(Err(_)) => End::Broken,
            None => End::Complete,
        };
        assert!(events.next().await.is_none(), "nothing follows the end");
        break Outcome { bytes, end };
    }
}

/// Sends every request the same answer: the bytes that it holds.
#[derive(Debug, Clone)]
struct Answer(Vec<u8>);

impl HttpConnector for Answer {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let body = SdkBody::from(self.0.clone());
        let mut response = HttpResponse::new(200.try_into().expect("a status"), body);
        response
            .headers_mut()
            .insert("content-type", "application/vnd.amazon.eventstream");
        HttpConnectorFuture::ready(Ok(response))
    }
}

async fn of_sdk(body: Vec<u8>) -> Outcome {
    let broken = |bytes| Outcome {
        bytes,
        end: End::Broken,
    };
    let connector = SharedHttpConnector::new(Answer(body));
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            None,
            None,
            "fuzz",
        ))
        .retry_config(RetryConfig::disabled())
        .endpoint_url("http://localhost:4004")
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let call = Client::from_conf(config).invoke_with_response_stream();
    let Ok(mut output) = call.function_name("core").send().await else {
        return broken(Vec::new());
    };
    let mut bytes = Vec::new();
    loop {
        match output.event_stream.recv().await {
            Ok(Some(SdkEvent::PayloadChunk(chunk))) => {
                let chunk = chunk.payload.unwrap_or_default().into_inner();
                if let Some(payload) = function_error_in_chunk(&chunk) {
                    let end = End::FunctionError(payload);
                    break Outcome { bytes, end };
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(Some(SdkEvent::InvokeComplete(complete))) => {
                let error = function_error_of_complete(complete.error_code, complete.error_details);
                let end = error.map_or(End::Complete, End::FunctionError);
                break Outcome { bytes, end };
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break broken(bytes),
        }
    }
}

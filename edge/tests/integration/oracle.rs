//! The AWS SDK's own client as the oracle of ours: what both send, and what each answer becomes.

use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use edge::error::EdgeError;
use edge::stages::enrich::Enriched;
use edge::stages::invoke::{Call, CoreEvent, InvokeCore, LambdaCore, SdkCore};
use futures_util::StreamExt;

use crate::invoke::{LAMBDA_ERRORS, Server, client, http, sdk};

/// Headers that differ: when and by whom a request is sent, and what the SDK says of its own
/// attempts.
const DIFFERENT: [&str; 4] = [
    "authorization",
    "x-amz-date",
    "user-agent",
    "x-amz-user-agent",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Invoke,
    InvokeWithResponseStream,
}
use Operation::{Invoke, InvokeWithResponseStream};

/// What came of a call: the payload and whether it is a function error, or the code of the error.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Payload(String, bool),
    /// A stream: its content type, its bytes, and how it ended.
    Stream(Option<String>, String, String),
    Error(&'static str, Option<u32>),
}

async fn call(core: &impl InvokeCore, operation: Operation) -> Verdict {
    let enriched = Enriched {
        payload: br#"{"input":{}}"#.to_vec(),
        tenant: Some("a tenant".to_owned()),
    };
    let trace_id =
        Some("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1");
    let call = Call {
        enriched,
        trace_id,
        budget: Duration::from_secs(10),
    };
    match operation {
        Invoke => match core.invoke(call).await {
            Ok(reply) => Verdict::Payload(
                String::from_utf8(reply.payload).expect("UTF-8"),
                reply.is_function_error,
            ),
            Err(error) => error_verdict(&error),
        },
        InvokeWithResponseStream => match core.invoke_streamed(call).await {
            Ok(mut stream) => {
                let (mut bytes, mut end) = (String::new(), "complete".to_owned());
                while let Some(event) = stream.events.next().await {
                    match event {
                        Ok(CoreEvent::Bytes(more)) => {
                            bytes.push_str(&String::from_utf8_lossy(&more))
                        }
                        Ok(CoreEvent::Failed(payload)) => {
                            end = String::from_utf8(payload).expect("UTF-8")
                        }
                        Err(error) => end = error.code().to_owned(),
                    }
                }
                Verdict::Stream(stream.content_type, bytes, end)
            }
            Err(error) => error_verdict(&error),
        },
    }
}

fn error_verdict(error: &EdgeError) -> Verdict {
    let retry_after = match error {
        EdgeError::CoreThrottled { retry_after, .. } => Some(*retry_after),
        _ => None,
    };
    Verdict::Error(error.code(), retry_after)
}

/// The verdicts of our client and of the SDK's on the same answer, and how often each one sent the
/// request.
async fn verdicts(answer: &[u8], operation: Operation) -> ((Verdict, usize), (Verdict, usize)) {
    let (for_ours, for_sdks) = (
        Server::answering(answer).await,
        Server::answering(answer).await,
    );
    let ours = call(
        &LambdaCore::new(&sdk(&for_ours.url).await, client(), "core").await,
        operation,
    )
    .await;
    let sdks = call(&SdkCore::new(&sdk(&for_sdks.url).await, "core"), operation).await;
    (
        (ours, for_ours.requests().len()),
        (sdks, for_sdks.requests().len()),
    )
}

/// A request's first line, its headers in order of their names but for those that differ, and its
/// body.
fn comparable(request: &str) -> (String, Vec<String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").expect("a request");
    let (first, headers) = head.split_once("\r\n").expect("headers");
    let is_same = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        !DIFFERENT.contains(&name.as_str()) && !name.starts_with("amz-sdk-")
    };
    let mut headers: Vec<_> = headers.lines().filter(is_same).map(str::to_owned).collect();
    headers.sort_unstable();
    (first.to_owned(), headers, body.to_owned())
}

#[tokio::test]
async fn both_send_the_same_request() {
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:core:$LATEST";
    for (operation, function, prefix) in [
        (Invoke, "core", ""),
        (Invoke, arn, ""),
        (Invoke, "a-b_c:1.2~3", "/a/prefix"),
        (InvokeWithResponseStream, "core", ""),
        (InvokeWithResponseStream, arn, "/a/prefix"),
    ] {
        let server = Server::answering(http(200, "", "{}")).await;
        let sdk = sdk(&format!("{}{prefix}", server.url)).await;
        call(&LambdaCore::new(&sdk, client(), function).await, operation).await;
        call(&SdkCore::new(&sdk, function), operation).await;
        let requests = server.requests();
        let [ours, sdks] = requests.as_slice() else {
            panic!("{requests:?}")
        };
        assert_eq!(
            comparable(ours),
            comparable(sdks),
            "{operation:?} {function}"
        );
        let (first, headers, _) = comparable(ours);
        assert!(
            first.contains("/functions/") && headers.len() >= 5,
            "{first} {headers:?}"
        );
    }
}

#[tokio::test]
async fn both_read_every_error_of_lambda_in_the_same_way() {
    let mut failures = Vec::new();
    for (status, name, code, attempts) in LAMBDA_ERRORS {
        for (headers, body) in [
            (
                format!("x-amzn-ErrorType: {name}:http://internal\r\nRetry-After: 7\r\n"),
                r#"{"Type":"User","Message":"why"}"#,
            ),
            (format!("x-amzn-ErrorType: {name}\r\n"), ""),
        ] {
            let retry_after =
                (code == "core_throttled").then_some(if body.is_empty() { 1 } else { 7 });
            for operation in [Invoke, InvokeWithResponseStream] {
                let (ours, sdks) =
                    verdicts(http(status, &headers, body).as_bytes(), operation).await;
                // The SDK's retries are off, because they would also send what may have run. Ours
                // send what cannot have run.
                let expected = |attempts| (Verdict::Error(code, retry_after), attempts);
                if (&ours, &sdks) != (&expected(attempts), &expected(1)) {
                    failures.push(format!(
                        "{operation:?} {status} {name}: ours {ours:?}, the SDK's {sdks:?}"
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn both_read_every_other_answer_in_the_same_way() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"cut\":";
    let named = "x-amzn-ErrorType: ServiceException\r\n";
    for (name, answer) in [
        ("a result", http(200, "", r#"{ "b": 1.10, "a": 1e400 }"#)),
        ("an empty result", http(200, "", "")),
        (
            "a function error",
            http(
                200,
                "X-Amz-Function-Error: Unhandled\r\n",
                r#"{"errorType":"X"}"#,
            ),
        ),
        (
            "an empty function error header",
            http(200, "X-Amz-Function-Error: Handled\r\n", "{}"),
        ),
        ("accepted", http(202, "", "")),
        ("nothing", String::new()),
        ("half an answer", cut.to_owned()),
        ("not HTTP", "SSH-2.0-OpenSSH_9.2\r\n".to_owned()),
        ("a redirect", http(302, "Location: /\r\n", "")),
        ("a proxy's 502", http(502, "", "<html>")),
        ("a proxy's 503", http(503, "", "")),
        (
            "an error whose body is not JSON",
            http(500, named, "<html>"),
        ),
        (
            "an error whose body is not an object",
            http(500, named, "[1]"),
        ),
        (
            "an error whose body is cut",
            http(500, named, r#"{"message":"#),
        ),
        (
            "an error named in its body",
            http(
                404,
                "",
                r#"{"__type":"aws#ResourceNotFoundException","message":"why"}"#,
            ),
        ),
        (
            "an error named by its code",
            http(429, "", r#"{"code":"TooManyRequestsException"}"#),
        ),
        (
            "an error without a name",
            http(500, "", r#"{"message":"why"}"#),
        ),
        (
            "an error with a namespace",
            http(
                404,
                "x-amzn-ErrorType: aws#ResourceNotFoundException\r\n",
                "{}",
            ),
        ),
        (
            "an error that is to come",
            http(418, "x-amzn-ErrorType: NewException\r\n", "{}"),
        ),
    ] {
        let ((ours, _), (sdks, attempts)) = verdicts(answer.as_bytes(), Invoke).await;
        assert_eq!(ours, sdks, "{name}");
        assert_eq!(attempts, 1, "{name}");
    }
}

fn message(headers: &[(&'static str, &str)], payload: &str) -> Vec<u8> {
    let message = headers.iter().fold(
        Message::new(payload.to_owned()),
        |message, (name, value)| {
            message.add_header(Header::new(
                *name,
                HeaderValue::String((*value).to_owned().into()),
            ))
        },
    );
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).expect("a message");
    bytes
}

fn event(event_type: &str, content_type: &str, payload: &str) -> Vec<u8> {
    message(
        &[
            (":message-type", "event"),
            (":event-type", event_type),
            (":content-type", content_type),
        ],
        payload,
    )
}

fn chunk(payload: &str) -> Vec<u8> {
    event("PayloadChunk", "application/octet-stream", payload)
}

fn complete(payload: &str) -> Vec<u8> {
    event("InvokeComplete", "application/json", payload)
}

#[tokio::test]
async fn both_read_every_stream_in_the_same_way() {
    let trailers = "Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: aXQ=\r\n";
    let mut damaged = chunk("abc");
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let exception = message(
        &[(":message-type", "exception"), (":exception-type", "X")],
        r#"{"message":"why"}"#,
    );
    for (name, messages) in [
        (
            "whole",
            vec![chunk("a"), chunk(""), chunk("b"), complete("{}")],
        ),
        ("complete without a payload", vec![chunk("a"), complete("")]),
        (
            "complete with members to come",
            vec![
                chunk("a"),
                complete(r#"{"LogResult":"x","New":[1],"ErrorCode":null}"#),
            ],
        ),
        ("complete with null", vec![chunk("a"), complete("null")]),
        ("complete, but not JSON", vec![chunk("a"), complete("{")]),
        (
            "complete with a code that is not text",
            vec![chunk("a"), complete(r#"{"ErrorCode":1}"#)],
        ),
        (
            "failed",
            vec![
                chunk("a"),
                complete(r#"{"ErrorCode":"Unhandled","ErrorDetails":"{\"errorType\":\"X\"}"}"#),
            ],
        ),
        (
            "failed in words",
            vec![complete(
                r#"{"ErrorCode":"Unhandled","ErrorDetails":"why"}"#,
            )],
        ),
        (
            "failed without details",
            vec![complete(r#"{"ErrorCode":"Unhandled"}"#)],
        ),
        (
            "failed in the Rust runtime",
            vec![chunk("a"), chunk(trailers), complete("{}")],
        ),
        ("more after its end", vec![complete("{}"), chunk("a")]),
        ("without its end", vec![chunk("a")]),
        ("empty", vec![]),
        (
            "cut within a message",
            vec![chunk("a"), chunk("b")[..9].to_vec()],
        ),
        (
            "a damaged message",
            vec![chunk("a"), damaged, complete("{}")],
        ),
        (
            "an event to come",
            vec![
                event("New", "application/json", "{}"),
                chunk("a"),
                complete("{}"),
            ],
        ),
        (
            "a chunk of another type",
            vec![event("PayloadChunk", "text/plain", "a"), complete("{}")],
        ),
        (
            "a chunk without a type",
            vec![message(
                &[(":message-type", "event"), (":event-type", "PayloadChunk")],
                "a",
            )],
        ),
        ("an exception", vec![chunk("a"), exception]),
        (
            "a message to come",
            vec![message(&[(":message-type", "new")], "a"), complete("{}")],
        ),
        (
            "a message without headers",
            vec![message(&[], "a"), complete("{}")],
        ),
        (
            "not an event stream",
            vec![b"{\"a\":1} and more than the length of a prelude".to_vec()],
        ),
    ] {
        for content_type in ["application/vnd.amazon.eventstream", "text/event-stream"] {
            let body = messages.concat();
            let head = format!(
                "HTTP/1.1 200 X\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let ((ours, _), (sdks, _)) =
                verdicts(&[head.as_bytes(), &body].concat(), InvokeWithResponseStream).await;
            assert_eq!(ours, sdks, "{name}");
            assert!(matches!(ours, Verdict::Stream(..)), "{name}: {ours:?}");
        }
    }
}

//! Both clients read every event stream in the same way.

use testkit::event_stream::{chunk, complete, event, message};
use testkit::http::answer;

use super::{InvokeWithResponseStream, Verdict, verdicts};

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
            let answer = answer(200, &format!("Content-Type: {content_type}\r\n"), &body);
            let ((ours, _), (sdks, _)) = verdicts(&answer, InvokeWithResponseStream).await;
            assert_eq!(ours, sdks, "{name}");
            assert!(matches!(ours, Verdict::Stream(..)), "{name}: {ours:?}");
        }
    }
}

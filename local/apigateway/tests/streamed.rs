//! Responses that are passed on while the function still works: in pieces, and never as whole where
//! they are not.

use std::time::Duration;

use serde_json::json;
use testkit::endpoint::{Endpoint, Gate, Script, Step};
use testkit::event_stream::{chunk, complete};
use testkit::http::last_answer;

use crate::throttle::Bandwidth;

use super::{LONG, StreamLimits, answer, api_before, read_until, received_event, send};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nConnection: close\r\n\r\n";
const METADATA: &str =
    "{\"statusCode\":200,\"headers\":{\"Content-Type\":\"text/plain\"}}\0\0\0\0\0\0\0\0one";

/// A Lambda endpoint that begins an event stream, and then takes these steps.
async fn streaming(steps: impl IntoIterator<Item = Step>) -> Endpoint {
    let head = [Step::Send(HEAD.into())];
    Endpoint::start(Script::after_request(head.into_iter().chain(steps))).await
}

/// A Lambda endpoint whose stream is these bytes.
async fn streaming_bytes(bytes: Vec<u8>) -> Endpoint {
    streaming([Step::Send(bytes), Step::Close]).await
}

#[tokio::test]
async fn a_stream_is_passed_on_chunk_by_chunk() {
    let gate = Gate::closed();
    // Cut within a frame, and within the delimiter.
    let (first, second) = METADATA.split_at(METADATA.len() - 7);
    let (begin, rest) = (chunk(first)[..5].to_vec(), chunk(first)[5..].to_vec());
    let lambda = streaming([
        Step::Send(begin),
        Step::Send(rest),
        Step::Send(chunk(second)),
        Step::WaitFor(gate.clone()),
        Step::Send(chunk("two")),
        Step::WaitFor(gate.clone()),
        Step::Send(complete("{}")),
        Step::Close,
    ])
    .await;
    let address = api_before(&lambda, LONG).await;
    let mut connection = send(&address, "/stream/inference", "Connection: close\r\n").await;
    let request = lambda.request(1).await;
    assert_eq!(
        request.path(),
        "/2021-11-15/functions/edge/response-streaming-invocations"
    );
    assert_eq!(
        received_event(&request)["requestContext"]["stage"],
        json!("stream")
    );
    read_until(&mut connection, "one").await;
    gate.open();
    read_until(&mut connection, "two").await;
    gate.open();
    read_until(&mut connection, "\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn a_stream_that_is_no_response_is_an_error_before_the_first_byte() {
    let failed = complete(r#"{"ErrorCode":"Unhandled","ErrorDetails":"it broke"}"#);
    let long = format!(
        "{{\"statusCode\":200,\"headers\":{{\"X-A\":\"{}\"}}}}\0\0\0\0\0\0\0\0",
        "a".repeat(16 * 1024)
    );
    let completed = |payload: &str| [chunk(payload), complete("{}")].concat();
    for (name, stream) in [
        (
            "a function that does not stream",
            completed(r#"{"statusCode":200,"body":"b"}"#),
        ),
        ("an empty response", complete("{}")),
        ("a failure before the metadata", failed.clone()),
        (
            "a failure within the metadata",
            [chunk("{\"statusCode\""), failed].concat(),
        ),
        (
            "metadata that is not JSON",
            completed("hello\0\0\0\0\0\0\0\0"),
        ),
        ("metadata that is too long", completed(&long)),
        ("an end without InvokeComplete", chunk("{")),
        ("what is no event stream", b"{\"statusCode\":200}".to_vec()),
    ] {
        let lambda = streaming_bytes(stream).await;
        let address = api_before(&lambda, LONG).await;
        let response = answer(&address, "/stream/inference", "").await;
        assert!(
            response.starts_with("HTTP/1.1 502") && response.contains("x-static: yes"),
            "{name}: {response}"
        );
    }
    let lambda = Endpoint::start(Script::answering(last_answer(429, "", ""))).await;
    let address = api_before(&lambda, LONG).await;
    let response = answer(&address, "/stream/inference", "").await;
    assert!(response.starts_with("HTTP/1.1 500"), "{response}");
}

#[tokio::test]
async fn a_stream_that_fails_later_never_looks_complete() {
    let failed = complete(r#"{"ErrorCode":"Unhandled"}"#);
    for (name, last) in [
        ("a failure", failed),
        ("an end without InvokeComplete", Vec::new()),
    ] {
        let lambda = streaming_bytes([chunk(METADATA), last].concat()).await;
        let address = api_before(&lambda, LONG).await;
        let response = answer(&address, "/stream/inference", "").await;
        assert!(
            response.starts_with("HTTP/1.1 200") && !response.ends_with("0\r\n\r\n"),
            "{name}: {response}"
        );
    }
}

#[tokio::test]
async fn a_silent_function_and_a_long_response_are_timed_out() {
    let limited = |total, idle| StreamLimits {
        total: Duration::from_millis(total),
        idle: Duration::from_millis(idle),
        bandwidth: None,
    };
    for (name, limits) in [
        ("idle", limited(900_000, 100)),
        ("total", limited(100, 300_000)),
    ] {
        let silent = streaming([Step::Hold]).await;
        let address = api_before(&silent, limits).await;
        let response = answer(&address, "/stream/inference", "").await;
        assert!(
            response.starts_with("HTTP/1.1 504") && response.contains("Endpoint request timed out"),
            "{name}: {response}"
        );
    }
    let silent_later = streaming([Step::Send(chunk(METADATA)), Step::Hold]).await;
    let idle = api_before(&silent_later, limited(900_000, 2000)).await;
    let more = Step::SendForever {
        bytes: chunk("."),
        pause: Duration::from_millis(20),
    };
    let endless = streaming([Step::Send(chunk(METADATA)), more]).await;
    let total = api_before(&endless, limited(3000, 300_000)).await;
    let (idle, total) = tokio::join!(
        answer(&idle, "/stream/inference", ""),
        answer(&total, "/stream/inference", "")
    );
    for (name, response) in [("idle", idle), ("total", total)] {
        assert!(
            response.contains("one") && !response.ends_with("0\r\n\r\n"),
            "{name}: {response}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_leaves_closes_the_invocations_connection() {
    for (first, seen) in [(Vec::new(), None), (chunk(METADATA), Some("one"))] {
        let lambda = streaming([Step::Send(first), Step::AwaitClose]).await;
        let address = api_before(&lambda, LONG).await;
        let mut connection = send(&address, "/stream/inference", "").await;
        lambda.request(1).await;
        if let Some(text) = seen {
            read_until(&mut connection, text).await;
        }
        drop(connection);
        lambda.closed().await;
    }
}

#[tokio::test]
async fn a_stream_passes_no_faster_than_its_bandwidth_allows() {
    let frames = [
        chunk(METADATA),
        chunk("1234567890"),
        chunk("1234567890"),
        complete("{}"),
    ];
    let lambda = streaming_bytes(frames.concat()).await;
    let bandwidth = Some(Bandwidth {
        burst: 13,
        rate: 20,
    });
    let address = api_before(&lambda, StreamLimits { bandwidth, ..LONG }).await;
    let start = std::time::Instant::now();
    let response = answer(&address, "/stream/inference", "").await;
    assert!(
        response.contains("one") && response.ends_with("\r\n0\r\n\r\n"),
        "{response}"
    );
    // 13 bytes at once, and ten in half a second.
    let passed = start.elapsed();
    assert!(passed >= Duration::from_millis(500), "{passed:?}");
}

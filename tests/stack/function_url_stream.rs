//! A function URL with response streaming, signed by the caller.

#[cfg(target_os = "linux")]
use std::path::PathBuf;
#[cfg(target_os = "linux")]
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request};
use http_body_util::Full;
use inference_edge::http::HttpClient;
use serde_json::json;

use crate::chunked::ChunkedBody;
use crate::harness::{Stack, TEST_TIMEOUT, header, send, value};
use crate::hold::Hold;
use crate::question::QUESTION;

#[tokio::test]
async fn a_streamed_answer_comes_sentence_by_sentence() {
    let stack = Stack::start(&[]);
    let question = QUESTION.replace("What was the revenue?", "How did it go?");
    let chunks = ChunkedBody::of(stack.signed(
        Method::POST,
        &format!("{}/", stack.ready_value("/streamFunctionUrl")),
        &question,
    ))
    .await;
    assert_eq!(
        chunks.headers().get("content-type").expect("a type"),
        "text/event-stream"
    );
    let (all, is_whole) = chunks.rest().await;
    assert!(
        is_whole && all.matches("data: {\"text\"").count() > 2 && all.contains("event: done"),
        "{all}"
    );
}

#[tokio::test]
async fn the_first_bytes_arrive_while_core_still_runs() {
    let stack = Stack::scripted(&[]);
    let hold = Hold::new();
    let mut chunks = ChunkedBody::of(ask_stream(&stack, &hold.question())).await;
    assert_eq!(
        chunks.next().await.expect("a chunk").expect("bytes"),
        "data: {\"text\":\"one \"}\n\n"
    );
    // The core function waits for the file, so it cannot have sent more.
    hold.release();
    let (rest, is_whole) = chunks.rest().await;
    assert_eq!(
        (rest.as_str(), is_whole),
        ("data: {\"text\":\"two\"}\n\n", true)
    );
}

#[tokio::test]
async fn a_truncated_response_never_looks_complete() {
    let stack = Stack::scripted(&[]);
    let (text, is_whole) = ChunkedBody::of(ask_stream(&stack, "break-off:text "))
        .await
        .rest()
        .await;
    assert!(!is_whole && text == "text one\n\n", "{text}");
    let (text, is_whole) = ChunkedBody::of(ask_stream(&stack, "trailer"))
        .await
        .rest()
        .await;
    assert!(!is_whole && text == "one", "{text}");
    // A stream of server-sent events, which is recognized by its first bytes, ends with an error
    // event instead.
    let events = ChunkedBody::of(ask_stream(&stack, "break-off:data: ")).await;
    events.ends_with_truncation_error("data: one\n\n").await;
}

#[tokio::test]
async fn an_error_before_the_first_byte_is_an_ordinary_response() {
    let stack = Stack::scripted(&[]);
    let url = format!("{}/", stack.ready_value("/streamFunctionUrl"));
    let wrong = stack.send_signed(Method::POST, &url, "{}").await;
    assert_eq!(
        (wrong.status.as_u16(), &value(&wrong)["code"]),
        (400, &json!("missing_fields"))
    );
    let failed = HttpClient::new()
        .send(ask_stream(&stack, "throw"), TEST_TIMEOUT)
        .await
        .expect("an answer");
    assert_eq!(
        (
            failed.status.as_u16(),
            &value(&failed)["detail"]["errorType"]
        ),
        (502, &json!("Boom"))
    );
    let whole = HttpClient::new()
        .send(ask_stream(&stack, "echo"), TEST_TIMEOUT)
        .await
        .expect("an answer");
    assert_eq!(
        (whole.status.as_u16(), header(&whole, "content-type")),
        (200, "application/json")
    );
    let origin = [
        ("origin", "http://localhost:5173".to_owned()),
        ("access-control-request-method", "POST".to_owned()),
    ];
    let asked = (
        "access-control-request-headers",
        "authorization,content-type,x-amz-date,x-amz-security-token".to_owned(),
    );
    let preflight = send(
        Method::OPTIONS,
        &url,
        &[origin[0].clone(), origin[1].clone(), asked],
        "",
    )
    .await;
    assert_eq!(
        (
            preflight.status.as_u16(),
            header(&preflight, "access-control-allow-origin")
        ),
        (204, "http://localhost:5173")
    );
    let unsigned = send(Method::POST, &url, &[origin[0].clone()], QUESTION).await;
    assert_eq!(
        (
            unsigned.status.as_u16(),
            header(&unsigned, "access-control-allow-origin")
        ),
        (403, "http://localhost:5173")
    );
}

#[tokio::test]
async fn a_core_that_does_not_stream_gets_a_buffered_response() {
    let raw = Stack::scripted(&[]);
    let proxy = Stack::scripted(&["--env", "CORE_REPLY=proxy"]);
    for (stack, question, status, body) in [
        (&raw, "nothing", 200, "{}"),
        (&raw, "white-space", 200, " \n"),
        (&raw, "brace", 200, "{"),
        (&proxy, "proxy-reply", 201, "made"),
        (&proxy, "white-space", 200, "{\"raw\":\" \\n\"}"),
        (&proxy, "nothing", 200, "{}"),
    ] {
        // One environment handles all of them: none of them may end it.
        let chunks = ChunkedBody::of(ask_stream(stack, question)).await;
        let got = chunks.status();
        assert_eq!(
            (got, chunks.rest().await),
            (status, (body.to_owned(), true)),
            "{question}"
        );
    }
    assert!(
        !raw.written().contains("panicked") && !proxy.written().contains("panicked"),
        "{}",
        proxy.written()
    );
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_slow_reader_gives_back_pressure_to_core() {
    let stack = Stack::scripted(&["--no-throttling"]);
    let mut chunks = ChunkedBody::of(ask_stream(&stack, "flood:100")).await;
    let first = chunks.next().await.expect("a chunk").expect("bytes").len();
    // While the test does not read, the response fills the buffers of the sockets and no more.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (rest, is_whole) = chunks.rest().await;
    assert_eq!((first + rest.len(), is_whole), (100 * 1024 * 1024, true));
    let peak = peak_memory_kib("function", "edge");
    // The lower bound proves that the process was found.
    assert!(
        (1024..64 * 1024).contains(&peak),
        "the edge took {peak} KiB for 100 MiB"
    );
}

#[tokio::test]
async fn a_stream_passes_no_faster_than_lambda_streams() {
    let stack = Stack::scripted(&[]);
    let start = std::time::Instant::now();
    let chunks = ChunkedBody::of(ask_stream(&stack, "flood:8")).await;
    let (bytes, is_whole) = chunks.rest().await;
    assert_eq!((bytes.len(), is_whole), (8 << 20, true));
    // 6 MiB at once, and the rest at 2 MiB/s.
    let passed = start.elapsed();
    assert!(passed >= Duration::from_secs(1), "{passed:?}");
}

fn ask_stream(stack: &Stack, question: &str) -> Request<Full<Bytes>> {
    let body =
        json!({ "partner": "x", "year": 2023, "period": "Q1", "question": question }).to_string();
    stack.signed(
        Method::POST,
        &format!("{}/", stack.ready_value("/streamFunctionUrl")),
        &body,
    )
}

/// The peak memory of the processes with these two consecutive arguments, in KiB.
#[cfg(target_os = "linux")]
fn peak_memory_kib(first: &str, second: &str) -> u64 {
    let processes = std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| Some(entry.ok()?.path()));
    processes
        .filter_map(|process| peak_of(process, first, second))
        .max()
        .unwrap_or_default()
}

#[cfg(target_os = "linux")]
fn peak_of(process: PathBuf, first: &str, second: &str) -> Option<u64> {
    let words = std::fs::read_to_string(process.join("cmdline")).ok()?;
    let words: Vec<_> = words.split('\0').collect();
    if !words.windows(2).any(|pair| pair == [first, second]) {
        return None;
    }
    let status = std::fs::read_to_string(process.join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

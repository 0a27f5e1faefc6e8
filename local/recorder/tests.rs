//! What is kept of requests, which of them belong together, and how they end.

use std::time::Instant;

use super::*;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt;

fn parts() -> Parts {
    let request = Request::post("/inference").header("authorization", "Bearer eyJh.eyJi.c2ln");
    request.body(()).expect("a request").into_parts().0
}

async fn answer(recording: Recording, body: &str) {
    let response = recording.respond(Response::new(Body::from(body.to_owned())));
    let _ = response.into_body().collect().await;
}

#[tokio::test]
async fn a_record_has_the_invocations_that_its_request_caused_and_no_signature() {
    let recorder = Recorder::default();
    let recording = recorder.begin(EntryPoint::HttpApi, &parts());
    recording.ids("one", "Root=1-a-b");
    let header = recording.trace_for_lambda("Root=1-a-b");
    let mut lambda_parts = parts();
    let trace = header.parse().expect("a header");
    lambda_parts.headers.insert("x-amzn-trace-id", trace);
    let invocation = recorder.invocation(&lambda_parts, "edge");
    let header = invocation.request("two", Some(&header), b"{}");
    let trace = header.parse().expect("a header");
    lambda_parts.headers.insert("x-amzn-trace-id", trace);
    drop(recorder.invocation(&lambda_parts, "core"));
    drop(invocation);
    answer(recording, "{}").await;
    let record = recorder.find("one").expect("a record");
    let functions: Vec<_> = record.invocations.iter().map(|one| &one.function).collect();
    assert_eq!(functions, ["edge", "core"]);
    let authorization = &record.request.headers["authorization"];
    assert_eq!(authorization, "Bearer eyJh.eyJi.[signature removed]");
    assert_eq!(
        recorder.find("two").map(|record| record.summary.id),
        Some(1)
    );
}

#[tokio::test]
async fn requests_at_once_with_one_trace_root_do_not_mix() {
    let recorder = Recorder::default();
    let recordings = [(); 2].map(|()| recorder.begin(EntryPoint::HttpApi, &parts()));
    for (recording, function) in recordings.iter().zip(["edge", "edge-open"]) {
        let header = recording.trace_for_lambda("Root=1-a-b");
        let mut parts = parts();
        let trace = header.parse().expect("a header");
        parts.headers.insert("x-amzn-trace-id", trace);
        drop(recorder.invocation(&parts, function));
    }
    let functions = ["1", "2"].map(|id| {
        let record = recorder.find(id).expect("a record");
        record
            .invocations
            .iter()
            .map(|one| one.function.clone())
            .collect::<Vec<_>>()
    });
    assert_eq!(functions, [["edge"], ["edge-open"]]);
}

#[tokio::test]
async fn a_request_that_the_client_aborts_ends_as_aborted() {
    let recorder = Recorder::default();
    drop(recorder.begin(EntryPoint::HttpApi, &parts()));
    let recording = recorder.begin(EntryPoint::HttpApi, &parts());
    drop(recording.respond(Response::new(Body::from("not read"))));
    answer(recorder.begin(EntryPoint::HttpApi, &parts()), "read").await;
    // The server drops a body that the status does not allow.
    let mut no_content = Response::new(Body::from("not read"));
    *no_content.status_mut() = axum::http::StatusCode::NO_CONTENT;
    drop(
        recorder
            .begin(EntryPoint::HttpApi, &parts())
            .respond(no_content),
    );
    let states = ["1", "2", "3", "4"].map(|id| recorder.find(id).map(|one| one.summary.state));
    use RecordState::{Aborted, Complete};
    let expected = [Aborted, Aborted, Complete, Complete];
    assert_eq!(states, expected.map(Some));
}

#[tokio::test]
async fn the_number_and_the_memory_of_the_records_are_bounded() {
    let recorder = Recorder::default();
    let body = vec![b'x'; 1024 * 1024];
    let mut open = Vec::new();
    for _ in 0..3 * MAX_RECORDS {
        let recording = recorder.begin(EntryPoint::HttpApi, &parts());
        recording.body(&body);
        recording.trace_for_lambda("Root=1-a-b");
        for _ in 0..20 {
            let invocation = recording.invocation("edge");
            invocation.request("id", None, &body);
        }
        open.push(recording);
    }
    let (count, bytes) = {
        let history = recorder.0.history.lock();
        (history.records.len(), history.bytes)
    };
    assert!(
        count < MAX_RECORDS && bytes <= MAX_BYTES,
        "{count}, {bytes}"
    );
    assert!(count > 10, "{count} records are kept");
    let kept: usize = recorder
        .0
        .history
        .lock()
        .records
        .iter()
        .map(|entry| entry.facts.lock().body.kept.capacity())
        .sum();
    assert!(kept <= bytes + count * 1024, "{kept} of {bytes}");
    // What was dropped holds no body, although its request is still open.
    let spans = recorder.0.spans.lock().len();
    assert!(spans <= 22 * count, "{spans} spans of {count} records");
    drop(open);
}

#[test]
fn a_record_of_the_last_seconds_can_be_read_although_it_is_not_listed_any_more() {
    let recorder = Recorder::default();
    let mut last = None;
    for _ in 0..3 * MAX_RECORDS {
        last = Some(recorder.begin(EntryPoint::HttpApi, &parts()));
    }
    let newest = 3 * MAX_RECORDS as u64;
    let first_listed = newest + 1 - MAX_RECORDS as u64;
    let ids = |records: Vec<Summary>| records.iter().map(|one| one.id).collect::<Vec<_>>();
    let expected: Vec<_> = (first_listed..=newest).collect();
    assert_eq!(ids(recorder.changes_since(0).records), expected);
    let newest_first: Vec<_> = expected.iter().rev().copied().collect();
    assert_eq!(ids(recorder.list(&Filter::default())), newest_first);
    assert_eq!(recorder.find("1").map(|record| record.summary.id), Some(1));
    let entry = recorder.0.entries().pop().expect("a record");
    recorder.0.grow_at(&entry, 0, Instant::now() + MIN_AGE);
    assert!(recorder.find("1").is_none(), "it is older now");
    assert_eq!(ids(recorder.changes_since(0).records), expected);
    drop(last);
}

#[test]
fn another_attempt_at_an_event_is_an_invocation_of_its_own() {
    let recorder = Recorder::default();
    let invocation = recorder.invocation(&parts(), "core");
    invocation.request("one", None, b"{}");
    let first = invocation.handle();
    drop(invocation);
    first.finished(b"failed", true, 0);
    let second = first.next_attempt();
    second.finished(b"done", false, 0);
    let record = recorder.find("one").expect("a record");
    let attempts: Vec<_> = record
        .invocations
        .iter()
        .map(|one| (one.request_id.as_str(), one.is_function_error))
        .collect();
    assert_eq!(attempts, [("one", true), ("one", false)]);
}

#[test]
fn nothing_is_recorded_when_recording_is_off() {
    let recorder = Recorder::default();
    recorder.disable();
    drop(recorder.begin(EntryPoint::HttpApi, &parts()));
    recorder.mail("a@example.edu", "SignUp", "123456");
    let changes = recorder.changes_since(0);
    assert!(changes.records.is_empty() && changes.mail.is_empty());
}

//! The Lambda client of the edge against an endpoint that answers as Lambda does, or does not: what
//! is sent, what an answer becomes, and that nothing is sent twice.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use edge::stages::enrich::Enriched;
use edge::stages::invoke::{Call, InvokeCore, LambdaCore};
use testkit::endpoint::{ClosedPort, Endpoint, Script, Step};
use testkit::http::last_answer;

use crate::clients::{client, invoke, invoke_with, sdk};

fn call(budget: Duration) -> Call<'static> {
    let enriched = Enriched {
        payload: b"{}".to_vec(),
        tenant: None,
    };
    Call {
        enriched,
        trace_id: None,
        budget,
    }
}

#[tokio::test]
async fn what_is_not_lambdas_answer_is_unreachable_and_never_tried_again() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"cut\":";
    for (name, answer) in [
        ("the connection is closed without an answer", String::new()),
        ("the answer is cut short", cut.to_owned()),
        (
            "the answer is not HTTP",
            "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        ),
        (
            "a proxy's 502",
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"
                .to_owned(),
        ),
        (
            "a proxy's 503",
            "HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        ),
    ] {
        let server = Endpoint::start(Script::answering(answer)).await;
        let error = invoke(&server.url).await.expect_err(name);
        assert_eq!(
            (error.code(), server.requests().len()),
            ("core_unreachable", 1),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn where_nobody_listens_core_is_unreachable() {
    let port = ClosedPort::take();
    let error = invoke(&format!("http://{}", port.address))
        .await
        .expect_err("nobody listens");
    assert_eq!(error.code(), "core_unreachable", "{error:?}");
}

#[tokio::test]
async fn a_core_that_takes_too_long_is_given_up_and_never_tried_again() {
    let lambda = Endpoint::start(Script::after_request([Step::Hold])).await;
    let budget = Duration::from_millis(200);
    let error = invoke_with(&lambda.url, None, None, budget)
        .await
        .expect_err("no answer");
    assert_eq!(error.code(), "core_timed_out");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(lambda.counts(), (1, 1), "core was called twice");
}

#[tokio::test]
async fn a_call_that_was_given_up_leaves_nothing_behind_for_the_next() {
    let answer = |json| last_answer(200, "", json);
    let late = [
        Step::Pause(Duration::from_millis(300)),
        Step::Send(answer("\"late\"")),
    ];
    let lambda = Endpoint::start(Script::after_request(late)).await;
    let core = LambdaCore::new(&sdk(&lambda.url).await, client(), "core").await;
    let given_up = core
        .invoke(call(Duration::from_millis(100)))
        .await
        .expect_err("no answer in time");
    assert_eq!(given_up.code(), "core_timed_out");
    let later = [
        Step::Pause(Duration::from_millis(400)),
        Step::Send(answer("\"second\"")),
    ];
    lambda.follow(Script::after_request(later));
    let reply = core.invoke(call(Duration::from_secs(5))).await;
    assert_eq!(reply.expect("an answer").payload, b"\"second\"");
}

#[tokio::test]
async fn cores_payload_comes_back_byte_for_byte() {
    for (name, headers, body, is_error) in [
        ("a result", "", r#"{ "b": 1.10, "a": 1e400 }"#, false),
        ("nothing", "", "", false),
        (
            "an error",
            "X-Amz-Function-Error: Unhandled\r\n",
            r#"{"errorType":"X"}"#,
            true,
        ),
        (
            "an error of the old kind",
            "X-Amz-Function-Error: Handled\r\n",
            "{}",
            true,
        ),
    ] {
        let server = Endpoint::start(Script::answering(last_answer(200, headers, body))).await;
        let reply = invoke(&server.url).await.expect(name);
        let got = (
            String::from_utf8(reply.payload).expect("UTF-8"),
            reply.is_function_error,
        );
        assert_eq!(got, (body.to_owned(), is_error), "{name}");
    }
}

#[tokio::test]
async fn the_call_carries_payload_tenant_trace_and_signature() {
    let server = Endpoint::start(Script::answering_json("{}")).await;
    let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
    invoke_with(
        &server.url,
        Some("blue"),
        Some(trace),
        Duration::from_secs(10),
    )
    .await
    .expect("an answer");
    let request = server.requests().remove(0).to_wire();
    let lower = request.to_lowercase();
    assert!(
        request.starts_with("POST /2015-03-31/functions/core/invocations HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(lower.contains("\r\nx-amz-tenant-id: blue\r\n"), "{request}");
    assert!(
        lower.contains(&format!(
            "\r\nx-amzn-trace-id: {}\r\n",
            trace.to_lowercase()
        )),
        "{request}"
    );
    assert!(
        lower.contains("/us-east-1/lambda/aws4_request"),
        "{request}"
    );
    assert!(request.ends_with("\r\n\r\n{\"input\":{}}"), "{request}");
}

#[tokio::test]
async fn a_trace_header_that_no_http_header_can_hold_is_left_out() {
    let server = Endpoint::start(Script::answering_json("{}")).await;
    invoke_with(&server.url, None, Some("Root=\n"), Duration::from_secs(10))
        .await
        .expect("an answer");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn without_credentials_the_invocation_fails_and_nothing_is_sent() {
    let server = Endpoint::start(Script::answering_json("{}")).await;
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&server.url)
        .region(Region::new("us-east-1"))
        .build();
    let core = LambdaCore::new(&config, client(), "core").await;
    let error = core
        .invoke(call(Duration::from_secs(10)))
        .await
        .expect_err("no credentials");
    assert_eq!(
        (error.code(), server.requests().len()),
        ("invocation_failure", 0),
        "{error:?}"
    );
}

/// Lambda's text for a payload that is not JSON quotes it.
#[tokio::test]
async fn the_payload_that_lambda_quotes_in_an_error_is_not_in_the_cause() {
    for (name, is_quoted) in [
        ("InvalidRequestContentException", false),
        ("ServiceException", true),
    ] {
        let headers = format!("x-amzn-ErrorType: {name}\r\n");
        let body = r#"{"message":"Could not parse: my question"}"#;
        let server = Endpoint::start(Script::answering(last_answer(400, &headers, body))).await;
        let cause = invoke(&server.url)
            .await
            .expect_err(name)
            .cause()
            .expect("a cause");
        assert!(cause.starts_with(name), "{cause}");
        assert_eq!(cause.contains("my question"), is_quoted, "{cause}");
    }
}

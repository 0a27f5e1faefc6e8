//! The two operations: what is sent, how often, and what an answer becomes. How each of Lambda's
//! errors is answered stands in the tests of the package `edge`, beside the same table for the AWS
//! SDK's client.

use std::time::{Duration, SystemTime};

use aws_smithy_types::date_time::{DateTime, Format};
use futures_util::StreamExt;
use lambda_client::{Client, HttpClient, Invocation, InvokeError, ResponseEvent, Roots};
use testkit::aws::sdk_config;
use testkit::endpoint::{Endpoint, Script};
use testkit::event_stream::{chunk, event};
use testkit::http::{Request, answer};

async fn client(endpoint: &Endpoint, function: &str) -> Client {
    let sdk = sdk_config(&endpoint.url).load().await;
    Client::new(&sdk, HttpClient::new(Roots::Amazon), function)
        .await
        .expect("a client")
}

fn invocation() -> Invocation<'static> {
    Invocation {
        payload: "{}".into(),
        tenant_id: None,
        trace_id: None,
    }
}

#[tokio::test]
async fn a_name_or_an_arn_is_percent_encoded_in_the_path() {
    for (function, expected) in [
        ("core", "core"),
        ("core:live", "core%3Alive"),
        (
            "arn:aws:lambda:us-east-1:1:function:a-b_c:$LATEST",
            "arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Aa-b_c%3A%24LATEST",
        ),
    ] {
        let endpoint = Endpoint::start(Script::in_turn(vec![answer(200, "", b"{}")], 1)).await;
        client(&endpoint, function)
            .await
            .invoke(&invocation())
            .await
            .expect("an answer");
        let expected = format!("POST /2015-03-31/functions/{expected}/invocations HTTP/1.1\r\n");
        assert!(
            endpoint.requests()[0].head.starts_with(&expected),
            "{:?}",
            endpoint.requests()
        );
    }
}

/// The form of `x-amz-date`, from the request.
fn signed_date(request: &Request) -> &str {
    request.header("x-amz-date").expect("a date")
}

fn amz_date(time: SystemTime) -> String {
    let text = DateTime::from(time).fmt(Format::DateTime).expect("a date");
    text.chars()
        .filter(|character| !matches!(character, '-' | ':'))
        .take(13)
        .collect()
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_by_lambdas_and_the_call_made_once_more() {
    let theirs = SystemTime::now() + Duration::from_secs(3 * 3600);
    let date = DateTime::from(theirs)
        .fmt(Format::HttpDate)
        .expect("a date");
    let refused = answer(
        403,
        &format!("x-amzn-ErrorType: InvalidSignatureException\r\nDate: {date}\r\n"),
        br#"{"message":"Signature expired"}"#,
    );
    let endpoint = Endpoint::start(Script::in_turn(
        vec![refused.clone(), answer(200, "", b"{}")],
        100,
    ))
    .await;
    let client_with_wrong_clock = client(&endpoint, "core").await;
    for _ in 0..2 {
        client_with_wrong_clock
            .invoke(&invocation())
            .await
            .expect("an answer");
    }
    let requests = endpoint.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        signed_date(&requests[0]) < signed_date(&requests[1]),
        "{requests:?}"
    );
    for request in &requests[1..] {
        // To the minute; a minute may begin meanwhile.
        let near = [theirs, theirs + Duration::from_secs(60)].map(amz_date);
        assert!(
            near.iter()
                .any(|date| signed_date(request).starts_with(date)),
            "{near:?} {request:?}"
        );
    }

    // Where Lambda goes on refusing, and where its clock is ours, nothing more is tried.
    let now = DateTime::from(SystemTime::now())
        .fmt(Format::HttpDate)
        .expect("a date");
    let in_time = answer(
        403,
        &format!("x-amzn-ErrorType: InvalidSignatureException\r\nDate: {now}\r\n"),
        br#"{"message":"no match"}"#,
    );
    for (refused, attempts) in [(refused, 2), (in_time, 1)] {
        let endpoint = Endpoint::start(Script::in_turn(vec![refused], 100)).await;
        let error = client(&endpoint, "core")
            .await
            .invoke(&invocation())
            .await
            .expect_err("refused");
        assert!(
            matches!(&error, InvokeError::Service(error) if error.name == "InvalidSignatureException"),
            "{error:?}"
        );
        assert_eq!(endpoint.counts().1, attempts);
    }
}

#[tokio::test]
async fn an_answer_that_is_larger_than_lambdas_limit_is_not_read() {
    let bytes = 8 * 1024 * 1024;
    for status in [200, 500] {
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {bytes}\r\n\r\n").into_bytes();
        let endpoint = Endpoint::start(Script::in_turn(vec![head], 100)).await;
        let error = client(&endpoint, "core")
            .await
            .invoke(&invocation())
            .await
            .expect_err("too large");
        assert!(
            matches!(error, InvokeError::AnswerTooLarge { bytes: known } if known == bytes),
            "{error:?}"
        );
        assert_eq!(endpoint.counts(), (1, 1));
    }
}

#[tokio::test]
async fn a_stream_gives_its_chunks_and_after_its_end_nothing_however_often_it_is_polled() {
    let complete = event("InvokeComplete", "application/json", "{}");
    let failed = event(
        "InvokeComplete",
        "application/json",
        r#"{"ErrorCode":"Unhandled","ErrorDetails":"why"}"#,
    );
    let error = br#"{"errorMessage":"why","errorType":"Unhandled"}"#;
    let payload = |text: &'static str| Some(ResponseEvent::PayloadChunk(text.into()));
    for (name, body, expected) in [
        (
            "whole",
            [chunk("a"), chunk(""), chunk("b"), complete].concat(),
            vec![payload("a"), payload("b")],
        ),
        (
            "failed",
            [chunk("a"), failed].concat(),
            vec![
                payload("a"),
                Some(ResponseEvent::FunctionError(error.to_vec())),
            ],
        ),
        ("without its end", chunk("a"), vec![payload("a"), None]),
        (
            "within a message",
            [chunk("a"), chunk("b")[..9].to_vec()].concat(),
            vec![payload("a"), None],
        ),
        (
            "an event of a kind to come",
            [event("New", "application/json", "{}"), chunk("a")].concat(),
            vec![payload("a"), None],
        ),
        (
            "not an event stream",
            b"{\"a\":1} and more than the length of a prelude".to_vec(),
            vec![None],
        ),
    ] {
        let endpoint = Endpoint::start(Script::in_turn(
            vec![answer(200, "Content-Type: text/plain\r\n", &body)],
            1,
        ))
        .await;
        let output = client(&endpoint, "core")
            .await
            .invoke_with_response_stream(&invocation())
            .await
            .expect(name);
        assert_eq!(output.content_type.as_deref(), Some("text/plain"), "{name}");
        let mut events = output.events;
        for expected in expected {
            assert_eq!(events.next().await.expect(name).ok(), expected, "{name}");
        }
        for _ in 0..2 {
            assert!(events.next().await.is_none(), "{name}");
        }
    }
}

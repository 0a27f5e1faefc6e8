//! The rows of the edge's status table but those of core's failures, with requests that pass through
//! the API, a real edge process and a real core process.

use axum::http::Method;
use inference_edge::http::BufferedResponse;
use serde_json::{Value, json};

use crate::harness::{Stack, header, send, text, value};

pub fn failure(answer: &BufferedResponse) -> (u16, Value, Value) {
    let body = value(answer);
    assert_eq!(
        body["requestId"].as_str(),
        Some(header(answer, "x-request-id")),
        "{body}"
    );
    (
        answer.status.as_u16(),
        body["code"].clone(),
        body["error"].clone(),
    )
}

pub fn row(status: u16, code: &str, error: &str) -> (u16, Value, Value) {
    (status, json!(code), json!(error))
}

#[tokio::test]
async fn the_sample_core_answers_a_signed_in_user() {
    let stack = Stack::start(&[]);
    let question =
        r#"{"partner":"AAPL","year":2023,"period":"Q1","question":"What was the revenue?"}"#;
    let answer = stack.ask(question).await;
    let body = value(&answer);
    assert_eq!(answer.status, 200, "{body}");
    assert!(
        body["answer"]
            .as_str()
            .is_some_and(|answer| answer.contains("$117,154 million")),
        "{body}"
    );
    assert_eq!(body["meta"]["model"], "embedded-facts");
    for (name, value) in [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(header(&answer, name), value, "{name}");
    }
    assert!(
        header(&answer, "server-timing").starts_with("core;dur="),
        "{:?}",
        answer.headers
    );
    let wrong = stack
        .ask(r#"{"partner":"AAPL","year":"soon","period":"Q1","question":"?"}"#)
        .await;
    assert_eq!(value(&wrong)["detail"]["errorType"], "InvalidRequest");
    let unknown = stack
        .ask(r#"{"partner":"Initech","year":2023,"period":"Q1","question":"?"}"#)
        .await;
    assert_eq!(value(&unknown)["meta"]["found"], false);
}

#[tokio::test]
async fn core_gets_the_envelope_and_its_json_comes_back_byte_for_byte() {
    let stack = Stack::scripted(&[]);
    let body = "{ \"partner\":\"\\u0041\",\"year\":2023.10,\"period\":\"Q1\",\"question\":\"echo\",\"big\":123456789012345678901234567890 }";
    let answer = stack.ask(body).await;
    let envelope = text(&answer);
    assert!(
        envelope.starts_with(&format!("{{\"input\":{body},\"identity\":{{\"sub\":\"")),
        "{envelope}"
    );
    let envelope = value(&answer);
    assert_eq!(
        envelope["identity"]["email"],
        stack.ready_value("/user/username")
    );
    assert_eq!(envelope["requestMeta"]["ip"], "127.0.0.1");
    assert_eq!(
        envelope["requestMeta"]["requestId"],
        header(&answer, "x-request-id")
    );
}

#[tokio::test]
async fn what_core_returns_is_200() {
    let stack = Stack::scripted(&[]);
    for (question, body) in [
        ("text", r#"{"raw":"plain text"}"#),
        ("nothing", "{}"),
        ("sleep:1", r#"{"slept":true}"#),
    ] {
        let answer = stack.ask_core(question).await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer).as_str()),
            (200, body),
            "{question}"
        );
    }
}

#[tokio::test]
async fn a_preflight_is_204_from_the_gateway_and_from_the_edge() {
    let stack = Stack::scripted(&[]);
    let origin = "http://localhost:5173";
    let headers = [
        ("origin", origin.to_owned()),
        ("access-control-request-method", "POST".to_owned()),
        (
            "access-control-request-headers",
            "authorization,content-type".to_owned(),
        ),
    ];
    let answer = send(
        Method::OPTIONS,
        &format!("{}/inference", stack.ready_value("/apiUrl")),
        &headers,
        "",
    )
    .await;
    assert_eq!(answer.status, 204);
    assert_eq!(header(&answer, "access-control-allow-origin"), origin);
    assert_eq!(
        header(&answer, "access-control-allow-headers"),
        "content-type,authorization"
    );
    let own = stack.replay("http-api/preflight").await;
    assert_eq!(own["statusCode"], 204);
}

#[tokio::test]
async fn an_invalid_request_is_refused_with_its_code() {
    let stack = Stack::scripted(&[]);
    for (body, expected) in [
        ("", row(400, "missing_body", "Missing request body")),
        (
            "{\"partner\":",
            row(400, "invalid_json", "Body must be valid JSON"),
        ),
        (
            "[]",
            row(400, "not_an_object", "Body must be a JSON object"),
        ),
        (
            "{\"partner\":\"p\",\"question\":\"\"}",
            row(
                400,
                "missing_fields",
                "Missing fields: year, period, question",
            ),
        ),
    ] {
        assert_eq!(failure(&stack.ask(body).await), expected, "{body}");
    }
    let access_token = stack.sign_in().await["AccessToken"]
        .as_str()
        .expect("a token")
        .to_owned();
    let answer = stack.ask_with(&access_token, "{}").await;
    assert_eq!(failure(&answer), row(403, "forbidden", "Forbidden"));
    for (event, status, code) in [
        ("no-token", 401, "unauthorized"),
        ("method-not-allowed", 405, "method_not_allowed"),
    ] {
        let answer = stack.replay(&format!("http-api/{event}")).await;
        let body: Value =
            serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
        assert_eq!(
            (&answer["statusCode"], &body["code"]),
            (&json!(status), &json!(code)),
            "{event}"
        );
    }
}

#[tokio::test]
async fn an_enriched_request_over_6_mib_is_413() {
    let stack = Stack::scripted(&["--env", "ALLOW_ANONYMOUS=true"]);
    let event = json!({ "partner": "x".repeat(6_291_456 - 60), "year": 1, "period": "Q1", "question": "echo" });
    let answer = stack.invoke("edge", &[], &event.to_string()).await;
    assert_eq!(header(&answer, "x-amz-function-error"), "Unhandled");
    assert_eq!(
        value(&answer),
        json!({ "errorType": "request_too_large", "errorMessage": "Request too large" })
    );
    let small = json!({ "partner": "x", "year": 1, "period": "Q1", "question": "echo" });
    let answer = stack.invoke("edge", &[], &small.to_string()).await;
    assert_eq!(
        (
            header(&answer, "x-amz-function-error"),
            &value(&answer)["input"]
        ),
        ("", &small)
    );
}

#[tokio::test]
async fn one_environment_serves_several_requests_at_once_where_lambda_asks_for_it() {
    let stack = Stack::scripted(&["--env", "AWS_LAMBDA_MAX_CONCURRENCY=4"]);
    let ask = || stack.ask_core("sleep:300");
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    assert!([a, b, c, d].iter().all(|answer| answer.status == 200));
    stack.ask_core("text").await;
    let written = stack.written();
    assert_eq!(
        written.matches("\"coldStart\":true").count(),
        1,
        "{written}"
    );
}

#[tokio::test]
async fn every_failure_may_be_read_by_an_allowed_origin_and_by_no_other() {
    let stack = Stack::scripted(&[]);
    let url = format!("{}/inference", stack.ready_value("/apiUrl"));
    for (origin, allowed) in [
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://evil.example", ""),
    ] {
        for token in [
            stack.ready_value("/idToken").to_owned(),
            "nonsense".to_owned(),
        ] {
            let headers = [
                ("origin", origin.to_owned()),
                ("authorization", format!("Bearer {token}")),
            ];
            let answer = send(Method::POST, &url, &headers, "{}").await;
            assert_eq!(
                header(&answer, "access-control-allow-origin"),
                allowed,
                "{}",
                text(&answer)
            );
        }
    }
}

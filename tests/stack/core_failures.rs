//! The rows of the edge's status table in which core, or Lambda in its place, fails.

use serde_json::json;
use testkit::endpoint::{Endpoint, Script};
use testkit::http::last_answer;

use crate::harness::{Stack, header, scripted_core, value};
use crate::status_table::{failure, row};

#[tokio::test]
async fn a_function_error_of_core_is_502_with_its_type_and_message_and_no_stack() {
    let stack = Stack::scripted(&[]);
    let answer = stack.ask_core("throw").await;
    assert_eq!(
        failure(&answer),
        row(502, "core_error", "Core lambda error")
    );
    assert_eq!(
        value(&answer)["detail"],
        json!({ "errorType": "Boom", "errorMessage": "it broke" })
    );
    let answer = stack.ask_core("exit:3").await;
    assert_eq!(
        failure(&answer),
        row(502, "core_error", "Core lambda error")
    );
    let detail = value(&answer)["detail"].clone();
    assert_eq!(detail["errorType"], "Runtime.ExitError");
    assert!(
        detail["errorMessage"]
            .as_str()
            .is_some_and(|text| text.ends_with("exit status 3")),
        "{detail}"
    );
    assert_eq!(
        stack.ask_core("text").await.status,
        200,
        "core is started again after it died"
    );
}

#[tokio::test]
async fn a_response_that_exceeds_lambdas_limit_is_502() {
    let stack = Stack::scripted(&[]);
    for question in ["bytes:6291556", "quotes:2500000"] {
        let answer = stack.ask_core(question).await;
        assert_eq!(
            failure(&answer),
            row(502, "core_answer_too_large", "Core lambda answer too large"),
            "{question}"
        );
    }
    let answer = stack.ask_core("bytes:6000000").await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.len()),
        (200, 6_000_000)
    );
}

#[tokio::test]
async fn a_core_that_does_not_exist_is_500() {
    let stack = Stack::scripted(&["--env", "TARGET_LAMBDA_NAME=nobody"]);
    assert_eq!(
        failure(&stack.ask_core("text").await),
        row(500, "core_not_found", "Target lambda not found")
    );
}

#[tokio::test]
async fn a_lambda_that_refuses_is_500() {
    for (name, expected) in [
        (
            "AccessDeniedException",
            row(
                500,
                "core_access_denied",
                "Not allowed to invoke the target lambda",
            ),
        ),
        (
            "KMSDisabledException",
            row(500, "invocation_failure", "Invocation failure"),
        ),
    ] {
        let headers = format!("x-amzn-ErrorType: {name}\r\n");
        let error = last_answer(403, &headers, r#"{"Type":"User","Message":"no"}"#);
        let lambda = Endpoint::start(Script::answering(error)).await;
        let endpoint = format!("AWS_ENDPOINT_URL_LAMBDA={}", lambda.url);
        let stack = Stack::scripted(&["--env", &endpoint]);
        assert_eq!(failure(&stack.ask_core("text").await), expected);
    }
}

#[tokio::test]
async fn a_lambda_that_cannot_be_reached_is_502() {
    let stack = Stack::scripted(&["--env", "AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:1"]);
    assert_eq!(
        failure(&stack.ask_core("text").await),
        row(502, "core_unreachable", "Invocation failure")
    );
}

#[tokio::test]
async fn a_throttled_core_is_503_with_retry_after() {
    let stack = Stack::scripted(&["--core-concurrency", "0"]);
    let answer = stack.ask_core("text").await;
    assert_eq!(
        failure(&answer),
        row(503, "core_throttled", "Core lambda is busy")
    );
    assert_eq!(header(&answer, "retry-after"), "1");
}

#[tokio::test]
async fn a_core_that_takes_too_long_is_504_and_runs_once() {
    let stack = Stack::scripted(&["--env", "CORE_TIMEOUT_MS=300"]);
    let answer = stack.ask_core("sleep:1000").await;
    assert_eq!(
        failure(&answer),
        row(504, "core_timed_out", "Core lambda timed out")
    );
    assert_eq!(stack.ask_core("text").await.status, 200);
    let runs = stack.written().matches("scripted core: sleep").count();
    assert_eq!(runs, 1, "{}", stack.written());
}

#[tokio::test]
async fn an_error_of_core_that_is_too_large_to_be_shown_is_still_its_502() {
    let stack = Stack::start(&["--env", "ERROR_DETAIL=full", "--core", &scripted_core()]);
    let answer = stack.ask_core("throw-bytes:6000000").await;
    assert_eq!(
        failure(&answer),
        row(502, "core_error", "Core lambda error")
    );
    assert_eq!(value(&answer).get("detail"), None);
}

//! What a developer sets for the functions: hints and warnings where that is likely a mistake, and
//! what Lambda makes of it.

use serde_json::{Value, json};

use crate::harness::{Stack, header, text, value};
use crate::question::QUESTION;

#[tokio::test]
async fn a_core_that_responds_as_a_proxy_integration_gets_one_hint() {
    let stack = Stack::scripted(&[]);
    for _ in 0..2 {
        assert_eq!(
            value(&stack.ask_core("proxy-reply").await)["statusCode"],
            201
        );
    }
    stack.wait_for("start the stack with --env CORE_REPLY=proxy");
    assert_eq!(stack.written().matches("CORE_REPLY=proxy").count(), 1);
    let unwrapped = Stack::scripted(&["--env", "CORE_REPLY=proxy"]);
    let answer = unwrapped.ask_core("proxy-reply").await;
    assert_eq!(
        (
            answer.status.as_u16(),
            text(&answer).as_str(),
            header(&answer, "x-core")
        ),
        (201, "made", "yes")
    );
    assert!(
        !unwrapped.written().contains("start the stack with"),
        "{}",
        unwrapped.written()
    );
}

#[test]
fn an_unknown_variable_of_the_edge_gives_a_warning() {
    let stack = Stack::start(&["--env", "allowed_groups=students"]);
    stack.wait_for(
        "--env allowed_groups: the edge does not read this variable: did you mean ALLOWED_GROUPS?",
    );
}

#[tokio::test]
async fn an_empty_aws_variable_counts_as_unset() {
    let stack = Stack::start(&[
        "--env",
        "AWS_ENDPOINT_URL=",
        "--env",
        "AWS_ROLE_ARN=",
        "--env",
        "AWS_PROFILE=",
        "--env",
        "AWS_LAMBDA_LOG_LEVEL=",
        "--env",
        "AWS_CONFIG_FILE=",
    ]);
    assert!(text(&stack.ask(QUESTION).await).contains("$117,154 million"));
    // An endpoint of its own that is empty leaves the SDK's default: Lambda in us-east-1, and no
    // panic.
    let elsewhere = Stack::start(&[
        "--env",
        "AWS_ENDPOINT_URL_LAMBDA=",
        "--env",
        "AWS_ENDPOINT_URL=http://127.0.0.1:9",
    ]);
    assert_eq!(
        value(&elsewhere.ask(QUESTION).await)["code"],
        "core_unreachable"
    );
}

#[tokio::test]
async fn the_time_out_of_the_core_function_is_504() {
    let stack = Stack::scripted(&[]);
    let answer = stack.ask_core("time-out").await;
    let expected = json!([504, "core_timed_out", "Core lambda timed out", Value::Null]);
    let body = value(&answer);
    assert_eq!(
        json!([
            answer.status.as_u16(),
            body["code"],
            body["error"],
            body["detail"]
        ]),
        expected
    );
}

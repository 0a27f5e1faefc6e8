//! The environments of the local Lambda service: how many there are, how they end, and what a
//! function finds in one.

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::harness::{header, text, value};
use crate::lambda::{LambdaService, error};

#[tokio::test]
async fn a_function_that_takes_too_long_is_killed_and_started_again() {
    let service = LambdaService::start(|function| function.timeout = Duration::from_secs(1)).await;
    let answer = service.ask("sleep:60000").await;
    assert_eq!(
        (
            answer.status.as_u16(),
            header(&answer, "x-amz-function-error")
        ),
        (200, "Unhandled")
    );
    let body = value(&answer);
    assert_eq!(body["errorType"], "Sandbox.Timedout");
    assert!(
        body["errorMessage"]
            .as_str()
            .is_some_and(|text| text.ends_with("Error: Task timed out after 1.00 seconds")),
        "{body}"
    );
    assert_eq!(text(&service.ask("text").await), "plain text");
    service.lambda.stop().await;
}

#[tokio::test]
async fn a_function_that_exits_is_an_exit_error() {
    let service = LambdaService::start(|_| {}).await;
    for (question, end) in [
        ("exit:0", "Error: Runtime exited without providing a reason"),
        (
            "exit:127",
            "Error: Runtime exited with error: exit status 127",
        ),
    ] {
        let body = value(&service.ask(question).await);
        assert_eq!(body["errorType"], "Runtime.ExitError");
        assert!(
            body["errorMessage"]
                .as_str()
                .is_some_and(|text| text.ends_with(end)),
            "{body}"
        );
    }
    service.lambda.stop().await;
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_an_exit_error() {
    let service =
        LambdaService::start(|function| function.command = vec!["/no/such/program".to_owned()])
            .await;
    let body = value(&service.ask("text").await);
    assert_eq!(body["errorType"], "Runtime.ExitError");
    let problem = service
        .lambda
        .warm_up("core")
        .await
        .expect_err("it cannot start");
    assert!(
        problem
            .exit_description
            .contains("`/no/such/program` cannot be started"),
        "{problem}"
    );
}

#[tokio::test]
async fn an_answer_over_the_limit_is_a_function_error() {
    let service = LambdaService::start(|_| {}).await;
    let answer = service.ask("bytes:6291556").await;
    assert_eq!(
        (header(&answer, "x-amz-function-error"), answer.body.len()),
        ("", 6_291_556)
    );
    let answer = service.ask("bytes:6291557").await;
    let body = value(&answer);
    assert_eq!(body["errorType"], "Function.ResponseSizeTooLarge");
    assert_eq!(
        body["errorMessage"],
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    );
    service.lambda.stop().await;
}

#[tokio::test]
async fn concurrent_invocations_get_an_environment_each_and_reserved_concurrency_throttles() {
    let service = LambdaService::start(|function| function.reserved_concurrency = Some(2)).await;
    let (one, two, three) = tokio::join!(
        service.ask("sleep:500"),
        service.ask("sleep:500"),
        service.ask("sleep:500")
    );
    let mut statuses: Vec<_> = [&one, &two, &three]
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429]);
    let throttled = [one, two, three]
        .into_iter()
        .find(|answer| answer.status == 429)
        .expect("one");
    let expected = json!({ "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded." });
    assert_eq!(
        error(&throttled),
        (429, "TooManyRequestsException".to_owned(), expected)
    );
    service.lambda.stop().await;
}

#[tokio::test]
async fn many_concurrent_invocations_are_all_answered() {
    let service = std::sync::Arc::new(LambdaService::start(|_| {}).await);
    let mut asked = tokio::task::JoinSet::new();
    for n in 0..100 {
        let service = std::sync::Arc::clone(&service);
        asked.spawn(async move {
            service
                .ask(if n % 2 == 0 { "text" } else { "sleep:5" })
                .await
        });
    }
    let answers = asked.join_all().await;
    let ids: HashSet<_> = answers
        .iter()
        .map(|answer| header(answer, "x-amzn-requestid"))
        .collect();
    assert_eq!(
        (
            ids.len(),
            answers.iter().filter(|answer| answer.status == 200).count()
        ),
        (100, 100)
    );
    service.lambda.stop().await;
}

#[tokio::test]
async fn sequential_invocations_share_one_environment() {
    let service = LambdaService::start(|function| function.reserved_concurrency = Some(1)).await;
    let log = async || {
        let tail = [("x-amz-log-type", "Tail".to_owned())];
        let answer = service
            .invoke("core", &tail, r#"{"question":"text"}"#)
            .await;
        let log = STANDARD.decode(header(&answer, "x-amz-log-result"));
        String::from_utf8(log.expect("base64")).expect("UTF-8")
    };
    let first = log().await;
    assert!(first.contains("Init Duration"), "{first}");
    for _ in 0..200 {
        assert_eq!(service.ask("text").await.status, 200);
    }
    let last = log().await;
    assert!(
        !last.contains("Init Duration"),
        "the first environment answers still: {last}"
    );
    service.lambda.stop().await;
}

#[tokio::test]
async fn the_functions_variables_are_those_of_a_runtime_provided() {
    let service = LambdaService::start(|function| {
        let own = ("OWN".to_owned(), "yes".to_owned());
        function.environment.push(own);
    })
    .await;
    let folder = std::env::current_dir().expect("a folder");
    for (name, expected) in [
        ("LAMBDA_TASK_ROOT", folder.to_str()),
        ("_HANDLER", Some("bootstrap")),
        ("AWS_EXECUTION_ENV", None),
        ("AWS_REGION", Some("us-east-1")),
        ("OWN", Some("yes")),
    ] {
        let answer = service.ask(&format!("variable:{name}")).await;
        assert_eq!(value(&answer), json!(expected), "{name}");
    }
    service.lambda.stop().await;
}

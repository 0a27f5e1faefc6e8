//! The tail of a function's log, as callers get it who ask for it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inference_edge::http::BufferedResponse;
use serde_json::Value;

use crate::harness::header;
use crate::lambda::LambdaService;

async fn ask_with_tail(service: &LambdaService, question: &str) -> BufferedResponse {
    let tail = [("x-amz-log-type", "Tail".to_owned())];
    let event = serde_json::json!({ "question": question }).to_string();
    service.invoke("core", &tail, &event).await
}

fn tail(answer: &BufferedResponse) -> String {
    let tail = STANDARD.decode(header(answer, "x-amz-log-result"));
    String::from_utf8(tail.expect("base64")).expect("UTF-8")
}

#[tokio::test]
async fn the_tail_has_what_the_function_wrote_before_it_responded() {
    let service = LambdaService::start(|_| {}).await;
    for n in 0..100 {
        let log = tail(&ask_with_tail(&service, "text").await);
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(
            lines.get(1),
            Some(&"scripted core: text"),
            "invocation {n}: {log}"
        );
    }
    service.lambda.stop().await;
}

#[tokio::test]
async fn a_tail_of_the_format_json_has_the_time_out_and_the_error() {
    let service = LambdaService::start(|function| {
        function.timeout = Duration::from_millis(300);
        let format = ("AWS_LAMBDA_LOG_FORMAT".to_owned(), "JSON".to_owned());
        function.environment.push(format);
    })
    .await;
    for (question, status, error_type) in [
        ("text", "success", Value::Null),
        ("sleep:60000", "timeout", Value::Null),
        ("exit:3", "error", "Runtime.ExitError".into()),
    ] {
        let answer = ask_with_tail(&service, question).await;
        let id = header(&answer, "x-amzn-requestid");
        let log = tail(&answer);
        let events: Vec<Value> = log
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let find = |kind: &str| events.iter().find(|event| event["type"] == kind);
        let report = find("platform.report").expect("a report");
        assert_eq!(report["record"]["status"], status, "{question}: {log}");
        assert_eq!(report["record"]["errorType"], error_type, "{question}");
        assert_eq!(report["record"]["requestId"], id, "{question}");
        assert!(find("platform.start").is_some(), "{question}: {log}");
        assert_eq!(
            find("platform.runtimeDone").is_some(),
            status != "success",
            "{question}: {log}"
        );
    }
    service.lambda.stop().await;
}

#[tokio::test]
async fn a_tail_says_that_the_function_has_timed_out_or_exited() {
    let service =
        LambdaService::start(|function| function.timeout = Duration::from_millis(300)).await;
    for (question, line, status) in [
        (
            "sleep:60000",
            " Task timed out after 0.30 seconds",
            "Status: timeout",
        ),
        (
            "exit:3",
            "Runtime exited with error: exit status 3",
            "Status: error\tError Type: Runtime.ExitError",
        ),
    ] {
        let log = tail(&ask_with_tail(&service, question).await);
        assert!(
            log.contains(line) && log.trim_end().ends_with(status),
            "{log}"
        );
    }
    service.lambda.stop().await;
}

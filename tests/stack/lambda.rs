//! The local Lambda service, tested over its API: what the AWS SDKs rely on.

use std::collections::HashSet;
use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inference_edge::http::{BufferedResponse, serve};
use inference_edge::lambda::{AccessControl, ConcurrencyLimits, Function, Lambda};
use inference_edge::recorder::Recorder;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{header, scripted_core, send, text, value};

/// Lambda with the scripted core function, of which no signature is checked.
pub struct LambdaService {
    pub lambda: Lambda,
    pub url: String,
}

impl LambdaService {
    pub async fn start(change: impl Fn(&mut Function)) -> Self {
        Self::start_with(ConcurrencyLimits::default(), change).await
    }

    pub async fn start_with(limits: ConcurrencyLimits, change: impl Fn(&mut Function)) -> Self {
        let mut function = Function {
            name: "core".to_owned(),
            command: vec![scripted_core()],
            environment: Vec::new(),
            timeout: Duration::from_secs(20),
            memory: 128,
            reserved_concurrency: None,
            inherits_environment: false,
            response_hint: None,
            echo_log: false,
        };
        change(&mut function);
        let lambda = Lambda::new(
            vec![function],
            Recorder::default(),
            AccessControl::Disabled,
            limits,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(serve(listener, lambda.router()));
        Self { lambda, url }
    }

    pub async fn invoke(
        &self,
        name: &str,
        headers: &[(&str, String)],
        payload: &str,
    ) -> BufferedResponse {
        send(
            Method::POST,
            &format!("{}/2015-03-31/functions/{name}/invocations", self.url),
            headers,
            payload,
        )
        .await
    }

    pub async fn ask(&self, question: &str) -> BufferedResponse {
        self.invoke("core", &[], &json!({ "question": question }).to_string())
            .await
    }
}

fn error(answer: &BufferedResponse) -> (u16, String, Value) {
    (
        answer.status.as_u16(),
        header(answer, "x-amzn-errortype").to_owned(),
        value(answer),
    )
}

#[tokio::test]
async fn a_result_comes_with_the_headers_of_lambda() {
    let service = LambdaService::start(|_| {}).await;
    let tail = [("x-amz-log-type", "Tail".to_owned())];
    let answer = service
        .invoke("core", &tail, r#"{"question":"text"}"#)
        .await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer).as_str()),
        (200, "plain text")
    );
    assert_eq!(header(&answer, "x-amz-executed-version"), "$LATEST");
    assert!(header(&answer, "x-amzn-trace-id").starts_with("Root=1-"));
    let log = STANDARD
        .decode(header(&answer, "x-amz-log-result"))
        .expect("base64");
    let log = String::from_utf8(log).expect("UTF-8");
    let id = header(&answer, "x-amzn-requestid");
    assert!(
        log.starts_with(&format!("START RequestId: {id} Version: $LATEST\n")),
        "{log}"
    );
    assert!(
        log.contains(&format!(
            "END RequestId: {id}\nREPORT RequestId: {id}\tDuration: "
        )),
        "{log}"
    );
    assert!(
        log.contains("Memory Size: 128 MB") && log.contains("Init Duration"),
        "{log}"
    );
    let without = service.ask("text").await;
    assert_eq!(header(&without, "x-amz-log-result"), "");
    service.lambda.stop().await;
}

#[tokio::test]
async fn the_function_gets_context_tenant_and_trace() {
    let service = LambdaService::start(|_| {}).await;
    let context = r#"{"client":{"app_title":"app"},"custom":{"a":"b"}}"#;
    let headers = [
        ("x-amz-client-context", STANDARD.encode(context)),
        ("x-amz-tenant-id", "blue".to_owned()),
        (
            "x-amzn-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1".to_owned(),
        ),
    ];
    let answer = service
        .invoke("core:$LATEST", &headers, r#"{"question":"headers"}"#)
        .await;
    let got = text(&answer).replace("\\\"", "\"");
    for part in [
        format!("lambda-runtime-client-context: {context}"),
        "lambda-runtime-aws-tenant-id: blue".to_owned(),
        "lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:core:$LATEST".to_owned(),
        "lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=".to_owned(),
        ";Sampled=1".to_owned(),
        "lambda-runtime-deadline-ms: ".to_owned(),
    ] {
        assert!(got.contains(&part), "{part} is not in {got}");
    }
    service.lambda.stop().await;
}

#[tokio::test]
async fn events_and_dry_runs_are_answered_at_once_and_empty() {
    let service = LambdaService::start(|_| {}).await;
    for (kind, status) in [("Event", 202), ("DryRun", 204)] {
        let kind = [("x-amz-invocation-type", kind.to_owned())];
        let answer = service
            .invoke("core", &kind, r#"{"question":"sleep:10000"}"#)
            .await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0));
    }
    service.lambda.stop().await;
}

#[tokio::test]
async fn invalid_requests_get_lambdas_errors() {
    let service = LambdaService::start(|_| {}).await;
    let arn = "arn:aws:lambda:us-east-1:123456789012:function";
    let kind = [("x-amz-invocation-type", "Later".to_owned())];
    let large = format!("\"{}\"", "x".repeat(6_291_456));
    let large_event = format!("\"{}\"", "x".repeat(1_048_576 - 1));
    let event = [("x-amz-invocation-type", "Event".to_owned())];
    let log_type = [("x-amz-log-type", "All".to_owned())];
    let context = |context: &str| [("x-amz-client-context", context.to_owned())];
    let no_context = "Client context must be a valid Base64-encoded JSON object.";
    for (name, answer, status, error_type, message) in [
        (
            "unknown",
            service.invoke("nobody", &[], "{}").await,
            404,
            "ResourceNotFoundException",
            format!("Function not found: {arn}:nobody:$LATEST"),
        ),
        (
            "alias",
            service.invoke("core:live", &[], "{}").await,
            404,
            "ResourceNotFoundException",
            format!("Function not found: {arn}:core:live"),
        ),
        (
            "JSON",
            service.invoke("core", &[], "{").await,
            400,
            "InvalidRequestContentException",
            "Could not parse request body into json".to_owned(),
        ),
        (
            "kind",
            service.invoke("core", &kind, "{}").await,
            400,
            "ValidationException",
            "1 validation error detected: Value 'Later'".to_owned(),
        ),
        (
            "log type",
            service.invoke("core", &log_type, "{}").await,
            400,
            "ValidationException",
            "1 validation error detected: Value 'All' at 'logType' failed to satisfy constraint: \
             Member must satisfy enum value set: [None, Tail]"
                .to_owned(),
        ),
        (
            "a client context that is not base64",
            service.invoke("core", &context("{}"), "{}").await,
            400,
            "InvalidRequestContentException",
            no_context.to_owned(),
        ),
        (
            "a client context that is no object",
            service
                .invoke("core", &context(&STANDARD.encode("7")), "{}")
                .await,
            400,
            "InvalidRequestContentException",
            no_context.to_owned(),
        ),
        (
            "size of an event",
            service.invoke("core", &event, &large_event).await,
            413,
            "RequestTooLargeException",
            "Request must be smaller than 1048576 bytes for the InvokeFunction operation"
                .to_owned(),
        ),
        (
            "size",
            service.invoke("core", &[], &large).await,
            413,
            "RequestTooLargeException",
            "Request must be smaller than 6291456 bytes".to_owned(),
        ),
    ] {
        let (got, got_type, body) = error(&answer);
        let text = body["Message"]
            .as_str()
            .or(body["message"].as_str())
            .unwrap_or_default();
        assert_eq!((got, got_type.as_str()), (status, error_type), "{name}");
        assert!(text.starts_with(&message), "{name}: {text}");
    }
    service.lambda.stop().await;
}

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

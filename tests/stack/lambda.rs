//! The local Lambda service, tested over its API: what the AWS SDKs rely on.

use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inference_edge::http::BufferedResponse;
use inference_edge::lambda::{AccessControl, ConcurrencyLimits, Function, Lambda};
use inference_edge::recorder::Recorder;
use serde_json::{Value, json};

use crate::harness::{header, scripted_core, send, serve_on_free_port, text, value};

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
            stream_bandwidth: None,
            echo_log: false,
        };
        change(&mut function);
        let lambda = Lambda::new(
            vec![function],
            Recorder::default(),
            AccessControl::Disabled,
            limits,
        );
        let url = serve_on_free_port(lambda.router()).await;
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

pub fn error(answer: &BufferedResponse) -> (u16, String, Value) {
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

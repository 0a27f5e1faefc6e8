//! The binary itself: run by hand, and against a Runtime API on loopback, at the addresses that
//! Lambda and its emulators give.

use std::process::{Child, Command, Stdio};

use serde_json::Value;
use testkit::runtime_api::{Invocation, RuntimeApi};

const EVENT: &str =
    r#"{"input":{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}}"#;

/// The binary with nothing but what `variables` set.
fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_core-function"));
    command
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Ends the process with the test, whether that passes or not.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn run_by_hand_it_says_that_it_is_a_lambda_function_and_how_to_run_it() {
    let with_an_empty_address = [
        ("AWS_LAMBDA_RUNTIME_API", ""),
        ("AWS_LAMBDA_FUNCTION_NAME", "core-function"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ];
    for variables in [&[][..], &with_an_empty_address] {
        let output = command(variables).output().expect("a process");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{text}");
        for part in [
            "AWS_LAMBDA_RUNTIME_API",
            "not set: this is a Lambda function",
            "`cargo run`",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        assert!(
            !text.contains("panicked") && text.trim_end().lines().count() == 1,
            "{text}"
        );
    }
}

#[test]
fn an_invalid_address_is_reported_without_a_panic() {
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", "/next"),
        ("AWS_LAMBDA_FUNCTION_NAME", "core-function"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ];
    let output = command(&variables).output().expect("a process");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("AWS_LAMBDA_RUNTIME_API: `/next`") && !text.contains("panicked"),
        "{text}"
    );
}

#[tokio::test]
async fn it_answers_at_an_address_with_and_without_a_scheme_and_a_path() {
    for (scheme, path) in [
        ("", ""),
        ("http://", ""),
        ("http://", "/.rt/core-function"),
        ("http://", "/.rt/core-function/"),
    ] {
        for response in ["buffered", "stream"] {
            let api = RuntimeApi::start().await;
            let address = format!("{scheme}{}{path}", api.address);
            let variables = [
                ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "core-function"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "4096"),
                ("RESPONSE", response),
            ];
            let process = command(&variables)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("a process");
            let _process = KillOnDrop(process);
            api.invoke(Invocation::new("8476a536", EVENT));
            let answer = api.posted().await;
            let runtime = format!(
                "{}/2018-06-01/runtime/invocation",
                path.trim_end_matches('/')
            );
            assert_eq!(api.poll_paths()[0], format!("{runtime}/next"), "{address}");
            assert_eq!(
                answer.path(),
                format!("{runtime}/8476a536/response"),
                "{address}"
            );
            let body = answer.text();
            assert!(
                body.contains("revenue of $117,154 million"),
                "{address} {response}: {body}"
            );
            assert_eq!(
                body.contains("event: done"),
                response == "stream",
                "{address}: {body}"
            );
            if response == "buffered" {
                let body: Value = serde_json::from_str(&body).expect("JSON");
                assert_eq!(
                    body["meta"]["sources"][0]["title"],
                    "Apple Inc., Form 10-Q for Q1 of fiscal 2023, filed 2023-02-03"
                );
            }
        }
    }
}

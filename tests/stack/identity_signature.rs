//! `IDENTITY_SIGNING_KEY`: core functions that accept only what the edge has signed, in Rust and in
//! Python.

use serde_json::{Value, json};

use crate::harness::{Stack, program, value};
use crate::not_run::not_run;

const KEY: &str = "IDENTITY_SIGNING_KEY=0123456789abcdef0123456789abcdef";
const INPUT: &str =
    r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;

/// An event as the edge makes it, but for the signature.
fn forged(signature: Option<&str>) -> String {
    let input: Value = serde_json::from_str(INPUT).expect("JSON");
    let mut event = json!({
        "input": input,
        "identity": { "sub": "forged", "email": "ada@example.edu" },
        "requestMeta": { "ip": null, "userAgent": null, "requestId": "1" },
    });
    if let Some(signature) = signature {
        event["identitySignature"] = signature.into();
    }
    event.to_string()
}

/// What the caller gets through the edge, and what whoever invokes core directly gets.
async fn check(stack: &Stack, wrong: &str) {
    let answer = stack.ask(INPUT).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (name, event, why) in [
        ("none", forged(None), "identitySignature is absent"),
        ("not a token", forged(Some("x")), wrong),
        (
            "another key's",
            forged(Some("eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")),
            wrong,
        ),
    ] {
        let answer = stack.invoke("core", &[], &event).await;
        let error = value(&answer);
        assert_eq!(error["errorType"], "UntrustedIdentity", "{name}: {error}");
        let message = error["errorMessage"].as_str().unwrap_or_default();
        assert!(message.starts_with(why), "{name}: {error}");
    }
}

#[tokio::test]
async fn the_sample_core_refuses_an_identity_that_the_edge_has_not_signed() {
    let stack = Stack::start(&["--env", KEY]);
    check(&stack, "identitySignature is not of this key").await;
}

#[tokio::test]
async fn a_core_in_python_refuses_it_with_ten_lines_of_the_standard_library() {
    let python = std::process::Command::new("python3")
        .arg("--version")
        .output();
    if python.is_err() {
        not_run(
            "the verifier in Python",
            "python3 is not installed",
            "install Python 3",
        );
        return;
    }
    let core = format!(
        "python3 {}/tests/cores/handler.py",
        env!("CARGO_MANIFEST_DIR")
    );
    let stack = Stack::start(&["--env", KEY, "--core", &core]);
    check(&stack, "identitySignature is absent, or not of this key").await;
}

#[tokio::test]
async fn without_a_key_core_receives_no_signature() {
    let stack = Stack::scripted(&["--env", "REQUIRED_FIELDS="]);
    let answer = value(&stack.ask_core("event").await);
    assert!(answer.to_string().contains("requestMeta"), "{answer}");
    assert!(
        !answer.to_string().contains("identitySignature"),
        "{answer}"
    );
}

#[test]
fn a_stack_whose_key_is_too_short_does_not_start_and_does_not_print_it() {
    let output = program(&["--port", "0", "--env", "IDENTITY_SIGNING_KEY=tiny-secret"])
        .output()
        .expect("the program");
    let written = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{written}");
    assert!(
        written.contains("IDENTITY_SIGNING_KEY: it has 11 bytes: give it 32 or more"),
        "{written}"
    );
    assert!(!written.contains("tiny-secret"), "{written}");
}

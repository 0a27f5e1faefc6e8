//! The log of the edge function: what it contains, and what it must never contain.

use serde_json::{Value, json};

use crate::harness::{Stack, header};

#[tokio::test]
async fn a_request_leaves_one_line_that_is_its_metrics_too() {
    let stack = Stack::scripted(&[]);
    let answer = stack.ask_core("text").await;
    let id = header(&answer, "x-request-id");
    let line = json_of(&stack.wait_for(&format!("\"requestId\":\"{id}\"")));
    let fields =
        ["message", "eventSource", "status", "code", "coldStart"].map(|name| line[name].clone());
    assert_eq!(json!(fields), json!(["request", "http-api", 200, "", true]));
    assert!(
        line["CoreLatency"].is_f64() && line["EdgeLatency"].is_f64(),
        "{line}"
    );
    assert_eq!(
        (&line["FunctionName"], &line["Count"], &line["5xx"]),
        (&json!("edge"), &json!(1), &json!(0))
    );
    assert_eq!(
        line["_aws"]["CloudWatchMetrics"][0]["Namespace"],
        "inference-edge"
    );
    let request = stack.wait_for("POST /inference → 200 in ");
    let hops = ["(HTTP API ", ", JWT authorizer ", ", edge ", ", core "];
    for hop in hops {
        assert!(request.contains(hop), "{request}");
    }
    let lines = stack
        .written()
        .lines()
        .filter(|line| line.contains("\"message\":\"request\""))
        .count();
    assert_eq!(lines, 1);
}

#[tokio::test]
async fn no_token_no_body_and_no_address_is_logged_at_any_level() {
    let stack = Stack::scripted(&["--env", "LOG_LEVEL=trace", "--env", "RUST_LOG=trace"]);
    stack
        .ask(r#"{"partner":"SECRET-BODY","year":1,"period":"Q1","question":"throw"}"#)
        .await;
    stack.ask(r#"{"partner":"SECRET-BODY""#).await;
    let log = stack.wait_for("\"code\":\"invalid_json\"");
    assert!(log.contains("\"status\":400"), "{log}");
    let edge: String = stack
        .written()
        .lines()
        .filter(|line| line.starts_with("edge │"))
        .map(|line| format!("{line}\n"))
        .collect();
    let token = stack.ready_value("/idToken");
    for secret in [
        "SECRET-BODY",
        "ada@example.edu",
        &token[token.len() - 40..],
        "secret.py",
        "it broke",
    ] {
        assert!(!edge.contains(secret), "{secret} is in the log:\n{edge}");
    }
}

fn json_of(line: &str) -> Value {
    let (_, line) = line.split_once('│').expect("a prefix");
    serde_json::from_str(line.trim()).expect("JSON")
}

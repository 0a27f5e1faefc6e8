//! Requests that are listed, shown and sent again, by the command line and by the console.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Stack, program, send, value};
use crate::records::{QUESTION, record};

/// Runs a subcommand against a stack and returns what it prints.
fn run(stack: &Stack, arguments: &[&str]) -> String {
    let file = stack.ready_file().display().to_string();
    let output = program(&[arguments, &["--ready-file", &file]].concat())
        .output()
        .expect("the program");
    let printed = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&printed).into_owned()
}

#[tokio::test]
async fn the_command_line_lists_shows_and_replays() {
    let stack = Stack::scripted(&[]);
    stack.ask_core("text").await;
    stack.ask("{}").await;
    let list = run(&stack, &["requests"]);
    assert!(
        list.contains("http-api") && list.contains("✗ edge: missing_fields"),
        "{list}"
    );
    let one = run(&stack, &["requests", "2"]);
    for part in [
        "✓ JWT authorizer",
        "✗ validate: missing_fields",
        "→ Give partner",
        "· core",
    ] {
        assert!(one.contains(part), "{part} is not in {one}");
    }
    let json: Value =
        serde_json::from_str(&run(&stack, &["requests", "--json", "2"])).expect("JSON");
    assert_eq!(json, record(&stack, 2).await);
    let filtered: Value =
        serde_json::from_str(&run(&stack, &["requests", "--json", "--status", "2xx"]))
            .expect("JSON");
    assert_eq!(filtered["records"].as_array().map(Vec::len), Some(1));
    let replayed = run(&stack, &["replay", "1"]);
    assert!(
        replayed.contains("#3 POST") && replayed.contains("repeats #1"),
        "{replayed}"
    );
    let replayed = record(&stack, 3).await;
    assert_eq!(
        (&replayed["replayOf"], &replayed["status"]),
        (&json!(1), &json!(200))
    );
    let original = record(&stack, 1).await;
    assert_eq!(replayed["request"]["body"], original["request"]["body"]);
    for (arguments, message) in [
        (["requests", "99"], "there is no record 99"),
        (["replay", "99"], "there is no record 99"),
    ] {
        let printed = run(&stack, &arguments);
        assert!(printed.contains(message), "{printed}");
    }
    let nowhere = program(&["requests", "--port", "1"])
        .output()
        .expect("the program");
    let printed = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(
        !nowhere.status.success() && printed.contains("give its --port or --ready-file"),
        "{printed}"
    );
}

#[tokio::test]
async fn a_signed_request_is_signed_anew_when_it_is_replayed_and_changed() {
    let stack = Stack::scripted(&[]);
    stack.invoke_as("userCredentials", "edge", QUESTION).await;
    let url = format!("{}/records/1/replay", stack.ready_value("/consoleUrl"));
    let changes = json!({ "body": "{}" }).to_string();
    let sent = value(&send(Method::POST, &url, &[], &changes).await);
    let replayed = record(&stack, sent["id"].as_u64().expect("a number")).await;
    assert_eq!(replayed["stop"]["rule"], "validate", "{replayed}");
    assert_eq!(replayed["request"]["body"]["text"], "{}");
}

#[tokio::test]
async fn a_token_that_has_expired_since_is_replaced_in_a_replay_which_is_said() {
    let stack = Stack::scripted(&["--token-life", "5"]);
    // On a busy machine a token may expire before it is used.
    let token = loop {
        let tokens = stack.sign_in().await;
        let token = tokens["IdToken"].as_str().expect("a token").to_owned();
        if stack.ask_with(&token, QUESTION).await.status == 200 {
            break token;
        }
    };
    let passed = stack.console("records?status=200&limit=1").await["records"][0]["id"].to_string();
    let refused = loop {
        if stack.ask_with(&token, QUESTION).await.status == 401 {
            break stack.console("records?limit=1").await["records"][0]["id"].to_string();
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    let console = stack.ready_value("/consoleUrl");
    let lab = send(
        Method::POST,
        &format!("{console}/lab/expired-token"),
        &[],
        "",
    )
    .await;
    let experiment = value(&lab)["id"].to_string();
    let note =
        "the ID token of ada@example.edu has expired since #N: a new one of the same user was sent";
    let note = note.replace('N', &passed);
    let changed = json!({ "headers": { "authorization": format!("Bearer {token}x") } });
    for (name, id, changes, status, expected) in [
        ("valid when it was sent", &passed, None, 200, json!(note)),
        ("refused when it was sent", &refused, None, 401, Value::Null),
        ("of the error lab", &experiment, None, 401, Value::Null),
        ("another token", &passed, Some(changed), 401, Value::Null),
    ] {
        let url = format!("{console}/records/{id}/replay");
        let changes = changes.map(|changes| changes.to_string());
        let changes = changes.unwrap_or_default();
        let sent = value(&send(Method::POST, &url, &[], &changes).await);
        assert_eq!(
            (&sent["status"], &sent["note"]),
            (&json!(status), &expected),
            "{name}: {sent}"
        );
    }
    let replayed = run(&stack, &["replay", &passed]);
    assert!(
        replayed.contains(" → 200 in ") && replayed.contains(&format!("note: {note}\n")),
        "{replayed}"
    );
}

//! What the console keeps to itself: no page of another origin reads it or acts through it, and no
//! secret and no signature is in what it sends.

use axum::http::Method;
use serde_json::json;
use testkit::endpoint::{Endpoint, Script};
use testkit::http::answer;

use super::driver::{Browser, browser_is_missing};
use crate::harness::{Stack, send, text};

/// What a page of another origin tries: each way to read, each way to act.
const ATTEMPTS: &str = "
    const [console, done] = arguments;
    const reads = async (path, options) => {
        try { return (await (await fetch(console + path, options)).text()).length; } catch { return 'blocked'; }
    };
    const listens = () => new Promise((resolve) => {
        const source = new EventSource(`${console}/live`);
        source.onmessage = () => { source.close(); resolve('heard'); };
        source.onerror = () => { source.close(); resolve('blocked'); };
    });
    const frames = () => new Promise((resolve) => {
        const frame = document.createElement('iframe');
        frame.src = console;
        frame.onload = () => { let seen = 'blocked'; try { seen = frame.contentDocument?.body?.innerText ?? 'blocked'; } catch { } resolve(seen); };
        document.body.append(frame);
    });
    (async () => done([
        await reads('/configuration.json'), await reads('/records'), await reads('/records/1'), await reads('/lab'),
        await reads('/records/1/replay', { method: 'POST' }), await reads('/lab/not-json', { method: 'POST' }), await reads('/send', { method: 'POST', body: '{}' }),
        (await reads('/records', { mode: 'no-cors' })), await listens(), await frames(),
    ]))();";

#[tokio::test]
async fn a_page_of_another_origin_reads_nothing_and_sends_nothing() {
    if browser_is_missing() {
        return;
    }
    let stack = Stack::start(&[]);
    stack.ask("{}").await;
    let headers = "Content-Type: text/html\r\nConnection: close\r\n";
    let page = answer(200, headers, b"<body>another page</body>");
    let other_origin = Endpoint::start(Script::answering(page)).await;
    let browser = Browser::start().await;
    browser.open(&other_origin.url).await;
    let console = stack.ready_value("/consoleUrl");
    let tried = browser
        .client
        .execute_async(ATTEMPTS, vec![json!(console)])
        .await
        .expect("attempts");
    assert_eq!(tried, json!(vec!["blocked"; 10]), "{tried}");
    let records = stack.console("records").await;
    let count = records["records"].as_array().map(Vec::len);
    assert_eq!(count, Some(1), "another page has sent a request: {records}");
    browser.end().await;
}

#[tokio::test]
async fn actions_are_refused_to_other_origins_by_name() {
    let stack = Stack::start(&[]);
    let console = stack.ready_value("/consoleUrl");
    for path in ["/lab/not-json", "/send", "/records/1/replay"] {
        let headers = [("origin", "http://evil.example".to_owned())];
        let answer = send(Method::POST, &format!("{console}{path}"), &headers, "").await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(
            text(&answer).contains("only the console's own page may do this"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn no_secret_and_no_signature_leaves_the_process() {
    let stack = Stack::scripted(&[]);
    stack.ask_core("headers").await;
    stack
        .invoke_as("userCredentials", "edge", r#"{"question":"text"}"#)
        .await;
    stack
        .invoke("edge", &[], r#"{"secretAccessKey": "abc-secret"}"#)
        .await;
    let mut seen = stack.console("records").await.to_string();
    for id in 1..=3 {
        seen += &stack.console(&format!("records/{id}")).await.to_string();
    }
    for name in ["idToken", "accessToken"] {
        let token = stack.ready_value(&format!("/{name}"));
        let signature = token.rsplit('.').next().expect("a signature");
        assert!(
            !seen.contains(signature),
            "the signature of {name} is in a record"
        );
    }
    for secret in [
        "/credentials/secretAccessKey",
        "/userCredentials/secretAccessKey",
        "/userCredentials/sessionToken",
    ] {
        assert!(
            !seen.contains(stack.ready_value(secret)),
            "{secret} is in a record"
        );
    }
    assert!(
        seen.contains("[signature removed]") && !seen.contains("abc-secret"),
        "{seen}"
    );
}

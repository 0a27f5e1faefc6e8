//! One request in the console: its chain, the verdict of each hop, what the edge added, logs, the
//! pieces of a stream, and what a record becomes outside of the page.

use serde_json::{Value, json};

use super::console::{console, run_in_shell, signed_in};
use super::driver::{Browser, browser_is_missing};
use crate::harness::{Stack, scripted_core, value};
use crate::hold::Hold;

/// The state of each node of the chain's picture.
const NODES: &str = "return [...document.querySelectorAll('.node')].map((node) => [node.querySelector('.name').textContent, node.classList[1]]);";

/// Sends the sample question from the page, and waits for its record.
async fn sent(browser: &Browser) {
    browser.click("#send").await;
    browser.find("#record-title").await;
    browser.sees("Together").await;
}

#[tokio::test]
async fn the_times_of_the_hops_add_up_and_cold_starts_are_marked() {
    let Some((_stack, browser)) = console(&[]).await else {
        return;
    };
    signed_in(&browser).await;
    sent(&browser).await;
    browser.sees("200: ").await;
    browser.find(".node.passed:nth-child(5)").await;
    let nodes = browser.value(NODES).await;
    let expected = ["Browser", "HTTP API", "JWT authorizer", "edge", "core"];
    assert_eq!(nodes, json!(expected.map(|name| [name, "passed"])));
    browser.sees("cold start ").await;
    let id = record_id(&browser).await;
    let sum = browser
        .value(&format!(
            "const request = new XMLHttpRequest();
             request.open('GET', 'records/{id}', false);
             request.send();
             const record = JSON.parse(request.responseText);
             return [record.hops.reduce((sum, hop) => sum + hop.ms, 0), record.ms];"
        ))
        .await;
    let (sum, whole) = (
        sum[0].as_f64().expect("a sum"),
        sum[1].as_f64().expect("ms"),
    );
    assert!((sum - whole).abs() < 0.001, "{sum} is not {whole}");
    browser.end().await;
}

/// The number of the record that is shown.
async fn record_id(browser: &Browser) -> String {
    let text = browser.text_of("#record-title").await;
    let number = text.split('#').nth(1).expect("a number");
    number.chars().take_while(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn the_verdicts_say_by_which_rule_each_hop_let_the_request_pass() {
    let Some((_stack, browser)) = console(&[]).await else {
        return;
    };
    signed_in(&browser).await;
    sent(&browser).await;
    for verdict in [
        "may read the response",
        "kid is a key of the pool",
        "aud is this app client",
        "made by apigateway.amazonaws.com",
        "apigateway.amazonaws.com may lambda:InvokeFunction on edge",
        "assumed-role/edge-role/edge may lambda:InvokeFunction on core",
        "validate",
    ] {
        browser.sees(verdict).await;
    }
    browser.end().await;
}

#[tokio::test]
async fn data_additions_of_the_edge_and_logs_are_one_click_away() {
    let Some((_stack, browser)) = console(&[]).await else {
        return;
    };
    signed_in(&browser).await;
    sent(&browser).await;
    browser.click("#tab-data").await;
    browser.sees("\"token_use\": \"id\"").await;
    browser.sees("Claims of the verified token").await;
    browser.passes("console-data").await;
    browser.click("#tab-added").await;
    browser.sees("+     \"email\": \"ada@example.edu\"").await;
    let added = browser
        .value("return [...document.querySelectorAll('.line.new')].map((line) => line.textContent).join('');")
        .await;
    let added = added.as_str().expect("a text");
    assert!(
        added.contains("identity") && added.contains("requestMeta"),
        "{added}"
    );
    assert!(!added.contains("What was the revenue"), "{added}");
    browser.passes("console-added").await;
    browser.click("#tab-logs").await;
    for text in ["\"message\":\"asked\"", "ms billed", "of 256 MB"] {
        browser.sees(text).await;
    }
    browser.passes("console-logs").await;
    browser.end().await;
}

#[tokio::test]
async fn a_record_becomes_a_curl_line_that_works_without_what_browsers_add() {
    let Some((_stack, browser)) = console(&[]).await else {
        return;
    };
    signed_in(&browser).await;
    sent(&browser).await;
    browser.catch_copies().await;
    browser.press("Copy as curl").await;
    browser.sees("Copied").await;
    let line = browser.copied("curl -sS").await;
    for noise in ["sec-", "user-agent", "accept-encoding", "referer", "origin"] {
        assert!(!line.contains(noise), "{noise} is in {line}");
    }
    let answer = run_in_shell(&line);
    assert!(answer.contains("$117,154 million"), "{line}\n{answer}");
    browser.end().await;
}

#[tokio::test]
async fn a_request_is_edited_and_sent_again_through_each_entry_point() {
    let Some((stack, browser)) = console(&[]).await else {
        return;
    };
    signed_in(&browser).await;
    for (target, title) in [
        ("rest-api", "Cognito authorizer"),
        ("open", "Function URL"),
        ("edge", "Function URL"),
        ("edge-stream", "core-stream"),
        ("invoke", "Lambda"),
    ] {
        browser
            .value(&format!(
                "document.getElementById('target').value = '{target}'; return true;"
            ))
            .await;
        browser.click("#send").await;
        let name = format!("through {target}");
        browser.sees_after("200", &name).await;
        browser.sees(title).await;
    }
    // The last one was a direct Invoke: it is signed anew when it is sent again.
    browser.press("Edit and replay").await;
    browser.sees("change the body and send it").await;
    browser.fill("#body", r#"{"partner":"Apple"}"#).await;
    browser.click("#send").await;
    browser.sees("repeats #").await;
    browser.sees("Give year, period, question a value.").await;
    let records: Value = stack.console("records").await;
    let replayed = &records["records"][0];
    assert_eq!(replayed["entryPoint"], "invoke");
    assert!(replayed["replayOf"].is_u64(), "{replayed}");
    browser.end().await;
}

#[tokio::test]
async fn the_pieces_of_a_stream_appear_while_core_still_works() {
    if browser_is_missing() {
        return;
    }
    let core = scripted_core();
    let stack = Stack::start(&["--core", &core]);
    let browser = Browser::start().await;
    browser.open(stack.ready_value("/consoleUrl")).await;
    browser.sees("live").await;
    let hold = Hold::new();
    let body = json!({ "partner": "p", "year": 1, "period": "Q1", "question": hold.question() });
    browser
        .value("document.getElementById('target').value = 'edge-stream'; return true;")
        .await;
    browser.fill("#body", &body.to_string()).await;
    browser.click("#send").await;
    // The page shows what it has sent when it is answered; the list has it before.
    browser.click("#requests .open").await;
    browser.sees("in progress").await;
    browser.click("#tab-data").await;
    browser.sees("data: {\"text\":\"one \"}").await;
    hold.release();
    browser.sees("data: {\"text\":\"two\"}").await;
    browser.sees("Pieces of the stream").await;
    browser.end().await;
}

#[tokio::test]
async fn a_saved_event_file_is_what_the_function_received_and_invokes_the_edge_again() {
    let Some((stack, browser)) = console(&[]).await else {
        return;
    };
    signed_in(&browser).await;
    sent(&browser).await;
    browser.catch_downloads().await;
    let file = saved_event(&browser).await;
    let record = stack
        .console(&format!("records/{}", record_id(&browser).await))
        .await;
    assert_eq!(record["event"]["text"], file.as_str(), "every byte");
    let again = value(&stack.invoke("edge", &[], &file).await);
    assert_eq!(again["statusCode"], 200, "{again}");
    let answer = |body: &Value| -> Value {
        let body: Value = serde_json::from_str(body.as_str().expect("a body")).expect("JSON");
        body["answer"].clone()
    };
    let first = answer(&record["response"]["body"]["text"]);
    assert!(first.is_string(), "{record}");
    assert_eq!(answer(&again["body"]), first);
    let received = stack.console("records?limit=1").await["records"][0]["id"].clone();
    let received = stack.console(&format!("records/{received}")).await;
    assert_eq!(
        received["invocations"][0]["payload"]["text"],
        file.as_str(),
        "{received}"
    );
    browser.end().await;
}

#[tokio::test]
async fn a_saved_payload_of_an_invoke_keeps_its_numbers_and_white_space() {
    let Some((_stack, browser)) = console(&[]).await else {
        return;
    };
    signed_in(&browser).await;
    // JSON that a script would write otherwise after reading it.
    let payload = r#"{ "partner":"Apple", "year":2023.0, "period":"Q1", "question":"revenue", "n":12345678901234567890 }"#;
    browser
        .value("document.getElementById('target').value = 'invoke'; return true;")
        .await;
    browser.fill("#body", payload).await;
    browser.click("#send").await;
    browser.sees("Together").await;
    browser.catch_downloads().await;
    assert_eq!(saved_event(&browser).await, payload);
    browser.end().await;
}

/// The file that the button saves.
async fn saved_event(browser: &Browser) -> String {
    browser.press("Save as event file").await;
    browser.downloaded().await
}

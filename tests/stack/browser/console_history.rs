//! The list of requests in the console: it begins before the page is open, new requests take
//! nothing over, and requests are filtered, pinned, compared, exported and walked through by keys.

use serde_json::{Value, json};

use super::console::{console, signed_in};
use super::driver::{Browser, browser_is_missing};
use crate::harness::Stack;

const GOOD: &str =
    r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;

/// A stack that has had four requests, and a browser that opens its console after them.
async fn with_history() -> Option<(Stack, Browser)> {
    if browser_is_missing() {
        return None;
    }
    let stack = Stack::start(&[]);
    stack.ask(GOOD).await;
    stack.ask_with("nonsense", GOOD).await;
    stack.ask(r#"{"partner":"Zuse"}"#).await;
    stack.invoke_as("userCredentials", "edge", GOOD).await;
    let browser = Browser::start().await;
    browser.open(stack.ready_value("/consoleUrl")).await;
    browser.sees("live").await;
    browser.find("#requests li:nth-child(4)").await;
    Some((stack, browser))
}

async fn rows(browser: &Browser) -> Value {
    browser
        .value("return [...document.querySelectorAll('#requests .status')].map((one) => one.textContent);")
        .await
}

async fn choose(browser: &Browser, id: &str, value: &str) {
    browser
        .value(&format!(
            "const select = document.getElementById('{id}'); select.value = '{value}';
             select.dispatchEvent(new Event('input', {{ bubbles: true }})); return true;"
        ))
        .await;
}

#[tokio::test]
async fn requests_from_before_the_page_was_open_are_there_and_are_filtered() {
    let Some((_stack, browser)) = with_history().await else {
        return;
    };
    for (id, value, expected) in [
        ("filter-status", "4xx", json!(["400", "401"])),
        ("filter-status", "", Value::Null),
        ("filter-entry", "invoke", json!(["200"])),
        ("filter-entry", "", Value::Null),
    ] {
        choose(&browser, id, value).await;
        if !expected.is_null() {
            assert_eq!(rows(&browser).await, expected, "{id} {value}");
        }
    }
    browser.fill("#filter-text", "Zuse").await;
    browser.sees_rows(1).await;
    assert_eq!(
        rows(&browser).await,
        json!(["400"]),
        "the text is in its body"
    );
    browser.passes("console-filtered").await;
    browser.end().await;
}

#[tokio::test]
async fn a_new_request_does_not_take_over_what_one_reads() {
    let Some((stack, browser)) = with_history().await else {
        return;
    };
    browser.click("#requests li:nth-child(3) .open").await;
    browser.sees("Stopped at JWT authorizer").await;
    browser.click("#tab-data").await;
    stack.ask(GOOD).await;
    browser.find("#requests li:nth-child(5)").await;
    let text = browser.text_of("#record-title").await;
    assert!(text.starts_with("401"), "{text}");
    let focused = browser.value("return document.activeElement.id").await;
    assert_eq!(focused, "tab-data", "the focus stays");
    browser.end().await;
}

#[tokio::test]
async fn arrows_walk_the_list_and_ctrl_enter_sends() {
    let Some((_stack, browser)) = with_history().await else {
        return;
    };
    browser.click("#requests li:nth-child(2) .open").await;
    browser.sees("Stopped at edge").await;
    let row = browser.find("#requests li:nth-child(2) .open").await;
    row.send_keys("\u{e015}").await.expect("arrow down");
    browser.sees("Stopped at JWT authorizer").await;
    let focused = browser
        .value("return document.activeElement.closest('li').querySelector('.status').textContent")
        .await;
    assert_eq!(focused, "401", "the focus goes with it");
    let body = browser.find("#body").await;
    body.send_keys("\u{e009}\u{e007}\u{e000}")
        .await
        .expect("Ctrl+Enter");
    browser.find("#requests li:nth-child(5)").await;
    browser.end().await;
}

#[tokio::test]
async fn a_pinned_request_stays_on_top_and_survives_a_reload() {
    let Some((stack, browser)) = with_history().await else {
        return;
    };
    browser.click("#requests li:nth-child(3) .pin").await;
    browser
        .find("#requests li:first-child .pin[aria-pressed=true]")
        .await;
    stack.ask(GOOD).await;
    browser.find("#requests li:nth-child(5)").await;
    assert_eq!(rows(&browser).await[0], "401");
    browser.client.refresh().await.expect("a reload");
    browser
        .find("#requests li:first-child .pin[aria-pressed=true]")
        .await;
    assert_eq!(rows(&browser).await[0], "401");
    browser.end().await;
}

#[tokio::test]
async fn a_request_is_compared_with_the_last_good_one_by_default() {
    let Some((_stack, browser)) = with_history().await else {
        return;
    };
    browser.click("#requests li:nth-child(2) .open").await;
    browser.sees("Stopped at edge").await;
    browser.click("#tab-compare").await;
    browser.find(".compare .differs").await;
    let chosen = browser
        .value("return document.getElementById('compare-with').value")
        .await;
    assert_eq!(chosen, "1", "the request that passed, by the same path");
    browser.sees("What was the revenue?").await;
    browser.passes("console-compare").await;
    browser.end().await;
}

#[tokio::test]
async fn an_exported_file_opens_in_the_console_of_another_stack() {
    let Some((_stack, browser)) = with_history().await else {
        return;
    };
    browser.click("#requests li:nth-child(3) .open").await;
    browser.sees("Stopped at JWT authorizer").await;
    browser.catch_downloads().await;
    browser.press("Export").await;
    let file = browser.downloaded().await;
    assert!(
        !file.contains("nonsense.") && file.contains("inference-edge-record-1"),
        "{file}"
    );
    browser.end().await;
    let Some((_other, browser)) = console(&[]).await else {
        return;
    };
    let path = std::env::temp_dir().join(format!("inference-edge-{}.json", uuid::Uuid::new_v4()));
    std::fs::write(&path, file).expect("a file");
    let input = browser.find("#import-file").await;
    input
        .send_keys(&path.display().to_string())
        .await
        .expect("a file");
    browser.sees("Stopped at JWT authorizer").await;
    browser
        .sees("token contains an invalid number of segments")
        .await;
    std::fs::remove_file(path).expect("the file");
    signed_in_still_works(&browser).await;
    browser.end().await;
}

async fn signed_in_still_works(browser: &Browser) {
    browser.client.refresh().await.expect("a reload");
    browser.sees("live").await;
    signed_in(browser).await;
}

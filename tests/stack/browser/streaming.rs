//! Streamed answers on the page: through the REST API with the ID token alone, through the function
//! URL with a signature, stopped, and broken off.

use serde_json::json;

use super::driver::{Browser, browser_is_missing};
use super::frontend::{ASK, Host, built_frontend, frontend_of_user_with_scripted_core, signed_in};
use crate::harness::{Stack, scripted_core};
use crate::hold::Hold;

/// Asks with the switch on, and waits for the first part of the answer; core then waits until it is
/// let go on.
async fn ask_and_hold(browser: &Browser, hold: &Hold) {
    browser.click("input[name=streams]").await;
    browser.fill("input[name=question]", &hold.question()).await;
    browser.click(ASK).await;
    browser.sees("one").await;
}

/// The addresses, but for the page's own, from which the page has fetched.
async fn fetched(browser: &Browser) -> Vec<String> {
    let script = "return performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => !name.startsWith(location.origin))";
    let names = browser.value(script).await;
    let names = names.as_array().expect("a list").iter();
    names
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_page_streams_an_answer_through_the_rest_api_with_the_id_token_alone() {
    let Some((stack, browser)) = frontend_of_user_with_scripted_core().await else {
        return;
    };
    let hold = Hold::new();
    ask_and_hold(&browser, &hold).await;
    assert!(
        !browser.text().await.contains("two"),
        "core waits: it cannot have said more"
    );
    hold.release();
    browser.sees("one two").await;
    let fetched = fetched(&browser).await;
    let api = format!("{}/inference", stack.ready_value("/streamApiUrl"));
    assert!(fetched.contains(&api), "{fetched:?}");
    for other in ["/identityPoolEndpoint", "/streamFunctionUrl", "/apiUrl"] {
        let other = stack.ready_value(other);
        assert!(
            !fetched.iter().any(|url| url.starts_with(other)),
            "{other} was asked: {fetched:?}"
        );
    }
    browser.end().await;
}

#[tokio::test]
async fn a_stopped_answer_stays_on_the_page_which_says_that_core_may_go_on() {
    let Some((_stack, browser)) = frontend_of_user_with_scripted_core().await else {
        return;
    };
    let hold = Hold::new();
    ask_and_hold(&browser, &hold).await;
    browser.passes("streaming").await;
    browser.press("Stop").await;
    browser.sees("The answer above is not complete.").await;
    browser
        .sees("it may go on until its answer is complete")
        .await;
    assert!(browser.text().await.contains("one"), "what had arrived");
    browser.passes("stopped").await;
    hold.release();
    // The next question is answered, and nothing of the one before appears in its answer.
    browser.fill("input[name=question]", "echo").await;
    browser.click(ASK).await;
    browser.sees("\"question\": \"echo\"").await;
    assert!(!browser.text().await.contains("Stopped."));
    browser.end().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_shows_its_part_and_the_reason() {
    let Some((_stack, browser)) = frontend_of_user_with_scripted_core().await else {
        return;
    };
    browser.click("input[name=streams]").await;
    browser.fill("input[name=question]", "break-off-text").await;
    browser.click(ASK).await;
    browser.sees("The core function failed.").await;
    assert_eq!(browser.text_of(".answer").await, "one");
    browser.passes("broken-off").await;
    browser.end().await;
}

#[tokio::test]
async fn a_page_without_a_streaming_api_signs_for_the_function_url() {
    if browser_is_missing() {
        return;
    }
    let Some(web) = built_frontend() else { return };
    let host = Host::bind().await;
    let core = scripted_core();
    let origins = format!("ALLOWED_ORIGINS={}", host.url);
    let stack = Stack::start(&["--core", &core, "--env", &origins]);
    let value = |name: &str| stack.ready_value(name);
    let configuration = json!({
        "apiUrl": value("/apiUrl"),
        "userPoolId": value("/userPoolId"),
        "userPoolClientId": value("/userPoolClientId"),
        "userPoolEndpoint": value("/userPoolEndpoint"),
        "identityPoolId": value("/identityPoolId"),
        "identityPoolEndpoint": value("/identityPoolEndpoint"),
        "streamUrl": value("/streamFunctionUrl"),
    });
    let configuration = String::leak(configuration.to_string());
    let browser = Browser::start().await;
    browser.open(&host.serve(web, Some(configuration))).await;
    signed_in(&stack, &browser).await;
    let hold = Hold::new();
    ask_and_hold(&browser, &hold).await;
    hold.release();
    browser.sees("one two").await;
    let fetched = fetched(&browser).await;
    let url = format!("{}/", value("/streamFunctionUrl"));
    assert!(fetched.contains(&url), "{fetched:?}");
    browser.end().await;
}

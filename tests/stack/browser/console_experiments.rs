//! The error lab: each experiment is sent through the whole chain, stops where it should, and the
//! page says what to do and what to learn.

use serde_json::Value;

use super::console::console;
use super::driver::Browser;

/// The name of each experiment, its status, the hop that stops it, and a part of the reason.
const EXPERIMENTS: [(&str, &str, &str, &str); 12] = [
    (
        "expired-token",
        "401",
        "JWT authorizer",
        "the token has expired",
    ),
    ("access-token", "403", "edge", "forbidden"),
    (
        "another-pool",
        "401",
        "JWT authorizer",
        "the issuer has no key",
    ),
    (
        "forged-claims",
        "401",
        "JWT authorizer",
        "signature is invalid",
    ),
    (
        "unlisted-origin",
        "204",
        "HTTP API",
        "https://elsewhere.example is not allowed",
    ),
    (
        "missing-field",
        "400",
        "edge",
        "Missing fields: year, period, question",
    ),
    ("not-json", "400", "edge", "invalid_json"),
    (
        "too-large",
        "413",
        "Lambda",
        "Request must be smaller than 6291456 bytes",
    ),
    (
        "core-throws",
        "502",
        "core-throws",
        "ZeroDivisionError: division by zero",
    ),
    (
        "core-times-out",
        "504",
        "core-sleeps",
        "Task timed out after 1.00 seconds",
    ),
    ("core-throttled", "503", "Lambda", "Rate Exceeded."),
    (
        "wrong-signature",
        "403",
        "Function URL of edge",
        "does not match the signature you provided",
    ),
];

async fn lesson(browser: &Browser) -> String {
    browser.text_of(".lesson").await
}

#[tokio::test]
async fn every_experiment_stops_where_it_should_with_its_mend_and_its_lesson() {
    let Some((stack, browser)) = console(&[]).await else {
        return;
    };
    let known: Value = stack.console("lab").await;
    let names: Vec<_> = known
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, EXPERIMENTS.map(|(name, ..)| name));
    for (at, (name, status, hop, why)) in EXPERIMENTS.into_iter().enumerate() {
        browser.click("[data-view=lab]").await;
        if at == 0 {
            browser.passes("console-lab").await;
        }
        browser.click(&format!("#lab-{name}")).await;
        browser.sees(&format!("Stopped at {hop}")).await;
        browser.sees(why).await;
        let title = browser.text_of("#record-title").await;
        assert!(title.starts_with(status), "{name}: {title}");
        let mend = browser.text_of(".mend").await;
        assert!(mend.len() > 30, "{name}: {mend}");
        let lesson = lesson(&browser).await;
        let sentences = lesson.matches(". ").count() + usize::from(lesson.ends_with('.'));
        assert!(sentences >= 2, "{name}: {lesson}");
        browser.find(".node.stopped").await;
        browser.passes(&format!("console-lab-{name}")).await;
    }
    // The last one shows the line of the canonical request that differs.
    browser.sees("the body belongs to what is signed").await;
    browser.find(".compare .differs").await;
    browser.end().await;
}

#[tokio::test]
async fn a_request_without_a_token_is_red_at_the_authorizer_and_says_what_to_do() {
    let Some((_stack, browser)) = console(&[]).await else {
        return;
    };
    browser.click("#send").await;
    browser.sees("Stopped at JWT authorizer").await;
    browser
        .sees("the header Authorization holds no token")
        .await;
    browser.sees("Sign in, and send the ID token").await;
    assert_eq!(
        browser.text_of(".node.stopped .name").await,
        "JWT authorizer"
    );
    browser.end().await;
}

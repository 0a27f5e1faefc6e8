//! The console's first run: three steps, the session, the panels beside the records, and whether
//! its page is accessible.

use serde_json::json;

use super::accessibility::SIZES;
use super::driver::{Browser, browser_is_missing};
use crate::harness::Stack;

/// A stack, and a browser at its console.
pub async fn console(arguments: &[&str]) -> Option<(Stack, Browser)> {
    if browser_is_missing() {
        return None;
    }
    let stack = Stack::start(arguments);
    let browser = Browser::start().await;
    browser.open(stack.ready_value("/consoleUrl")).await;
    browser.sees("live").await;
    Some((stack, browser))
}

/// Signs the first user in with one click.
pub async fn signed_in(browser: &Browser) {
    browser.click("#first-sign-in").await;
    browser.sees("Signed in as ada@example.edu").await;
}

/// Whether an element is displayed.
pub async fn is_displayed(browser: &Browser, selector: &str) -> bool {
    let element = browser.find(selector).await;
    element.is_displayed().await.expect("a state")
}

#[tokio::test]
async fn three_steps_lead_from_the_sign_in_to_every_hop_of_the_first_request() {
    let Some((_stack, browser)) = console(&[]).await else {
        return;
    };
    assert!(
        !is_displayed(&browser, "#code").await,
        "the field for a code is hidden until a code is asked for"
    );
    browser.passes("console-first-run").await;
    signed_in(&browser).await;
    browser.click("#first-send").await;
    browser.sees("200: In Q1 of fiscal 2023").await;
    browser.find("#record-title").await;
    for text in [
        "HTTP API",
        "JWT authorizer",
        "Lambda before edge",
        "edge",
        "core",
        "Together",
    ] {
        browser.sees(text).await;
    }
    browser.sees("OPTIONS /inference").await;
    browser.passes("console-good-request").await;
    browser.end().await;
}

#[tokio::test]
async fn the_session_survives_a_reload_and_is_not_in_the_url() {
    let Some((_stack, browser)) = console(&[]).await else {
        return;
    };
    signed_in(&browser).await;
    browser.client.refresh().await.expect("a reload");
    browser.sees("Signed in as ada@example.edu").await;
    let url = browser.client.current_url().await.expect("a URL");
    assert!(
        url.query().is_none() && url.fragment().is_none(),
        "{url} holds more than the address"
    );
    browser.click("#sign-out").await;
    browser.sees("Signed out.").await;
    browser.client.refresh().await.expect("a reload");
    browser.sees("live").await;
    assert!(is_displayed(&browser, "#sign-in").await);
    browser.end().await;
}

#[tokio::test]
async fn a_code_that_cognito_would_mail_appears_in_the_console() {
    let Some((stack, browser)) = console(&[]).await else {
        return;
    };
    browser.fill("#email", "grace@example.edu").await;
    browser.fill("#password", "Compiler-1952-A0").await;
    browser.click("#sign-up").await;
    browser.sees("for grace@example.edu (SignUp)").await;
    let line = stack.wait_for("for grace@example.edu (SignUp)");
    let code = line
        .split_whitespace()
        .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .expect("a code");
    browser.sees(code).await;
    browser.fill("#code", code).await;
    browser.click("#confirm").await;
    browser.sees("Signed in as grace@example.edu").await;
    browser.passes("console-mail").await;
    browser.end().await;
}

#[tokio::test]
async fn the_token_panel_explains_each_claim_counts_down_and_shows_no_signature() {
    // The flow REFRESH_TOKEN_AUTH is refused where refresh tokens are replaced.
    let Some((_stack, browser)) = console(&["--rotate-refresh-tokens"]).await else {
        return;
    };
    signed_in(&browser).await;
    browser.click("[data-view=token]").await;
    for text in [
        "Valid for 59:",
        "token_use",
        "Whether it is an ID or an access token",
        "The edge (TOKEN_USE)",
    ] {
        browser.sees(text).await;
    }
    let shown = browser
        .value(
            "const token = JSON.parse(sessionStorage.getItem('inference-edge-session')).IdToken;
             return [token.split('.')[2].length > 100, document.documentElement.outerHTML.includes(token.split('.')[2])];",
        )
        .await;
    assert_eq!(shown, json!([true, false]), "the page shows a signature");
    browser.passes("console-token").await;
    browser.click("#tab-access").await;
    browser.sees("aws.cognito.signin.user.admin").await;
    browser.press("Renew with the refresh token").await;
    browser.sees("Renewed.").await;
    browser.end().await;
}

#[tokio::test]
async fn what_connects_a_frontend_is_copied_and_what_is_copied_works() {
    let Some((stack, browser)) = console(&[]).await else {
        return;
    };
    signed_in(&browser).await;
    browser.click("[data-view=connect]").await;
    browser.catch_copies().await;
    for (id, expected) in [
        ("#copy-Amplify", "Amplify.configure({"),
        ("#copy-env", "VITE_USER_POOL_CLIENT_ID=3inference"),
    ] {
        browser.click(id).await;
        browser.sees("Copied").await;
        let copied = browser.copied(expected).await;
        assert!(
            copied.contains(stack.ready_value("/userPoolEndpoint")),
            "{id}: {copied}"
        );
    }
    browser.passes("console-connect").await;
    browser.click("#copy-curl").await;
    let answer = run_in_shell(&browser.copied("curl -sS").await);
    assert!(answer.contains("$117,154 million"), "{answer}");
    browser.click("#copy-boto3").await;
    let script = browser.copied("functions.invoke(").await;
    assert!(
        script.contains(stack.ready_value("/lambdaEndpoint")),
        "{script}"
    );
    if let Ok(python) = std::env::var("PYTHON_WITH_CLIENTS") {
        let output = std::process::Command::new(python)
            .args(["-c", &script])
            .output()
            .expect("python3");
        let written =
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(written.contains("$117,154 million"), "{written}");
    }
    browser.end().await;
}

/// Runs a copied line as a shell does, and returns what it prints.
pub fn run_in_shell(line: &str) -> String {
    let output = std::process::Command::new("sh")
        .args(["-c", line])
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn on_a_phone_a_view_that_is_chosen_comes_into_sight() {
    let Some((_stack, browser)) = console(&[]).await else {
        return;
    };
    browser.resize(SIZES[1]).await;
    for (view, heading) in [
        ("lab", "#view-lab h2"),
        ("token", "#view-token"),
        ("connect", "#view-connect h2"),
        ("requests", "#send-title"),
    ] {
        browser.click(&format!("[data-view={view}]")).await;
        let script = format!(
            "const header = document.querySelector('header').getBoundingClientRect();
             const {{ top }} = document.querySelector('{heading}').getBoundingClientRect();
             return [top, top >= header.bottom && top < innerHeight / 2];"
        );
        let place = browser.value(&script).await;
        assert_eq!(place[1], true, "{view} is at {}", place[0]);
    }
    browser.end().await;
}

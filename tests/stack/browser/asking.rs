//! Signing up, signing in and asking in the frontend, and what it shows of errors.

use std::time::Duration;

use super::frontend::{
    ASK, frontend, frontend_of_user, frontend_of_user_with_scripted_core, sign_in, sign_up,
    signed_in,
};

#[tokio::test]
async fn a_new_user_signs_up_in_the_authenticator_confirms_and_asks() {
    let Some((stack, browser)) = frontend(&[]).await else {
        return;
    };
    sign_up(&browser, "grace@example.edu").await;
    let line = stack.wait_for("for grace@example.edu (SignUp)");
    let code = line
        .split_whitespace()
        .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
        .expect("a code");
    browser.fill("input[name=confirmation_code]", code).await;
    browser.click(ASK).await;
    browser.sees("Signed in as grace@example.edu").await;
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.sees("edge ").await;
    browser.end().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_the_right_one_accepted() {
    let Some((stack, browser)) = frontend(&[]).await else {
        return;
    };
    sign_in(
        &browser,
        stack.ready_value("/user/username"),
        "wrong-password-1",
    )
    .await;
    browser.sees("Incorrect username or password.").await;
    signed_in(&stack, &browser).await;
    browser.end().await;
}

#[tokio::test]
async fn an_expired_session_is_renewed_without_a_new_sign_in() {
    let Some((_stack, browser)) = frontend_of_user(&["--token-life", "3"]).await else {
        return;
    };
    // Time is what is tested here.
    tokio::time::sleep(Duration::from_secs(4)).await;
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.end().await;
}

#[tokio::test]
async fn a_function_error_of_core_is_shown_with_a_hint_and_nothing_typed_is_lost() {
    let Some((_stack, browser)) = frontend_of_user_with_scripted_core().await else {
        return;
    };
    browser.fill("input[name=question]", "throw").await;
    browser.click(ASK).await;
    browser.sees("core_error").await;
    browser.sees("The core function failed.").await;
    let question = browser
        .find("input[name=question]")
        .await
        .prop("value")
        .await
        .expect("a value");
    assert_eq!(question.as_deref(), Some("throw"));
    browser.end().await;
}

#[tokio::test]
async fn a_function_error_of_core_where_a_stream_was_asked_for_is_shown() {
    let Some((_stack, browser)) = frontend_of_user_with_scripted_core().await else {
        return;
    };
    browser.click("input[name=streams]").await;
    browser.fill("input[name=question]", "throw").await;
    browser.click(ASK).await;
    browser.sees("core_error").await;
    browser.end().await;
}

#[tokio::test]
async fn an_origin_that_is_not_listed_is_blocked_by_the_browser() {
    let Some((_stack, browser)) =
        frontend_of_user(&["--env", "ALLOWED_ORIGINS=https://elsewhere.example"]).await
    else {
        return;
    };
    browser.click(ASK).await;
    browser
        .sees("add the origin of this page to ALLOWED_ORIGINS")
        .await;
    browser.end().await;
}

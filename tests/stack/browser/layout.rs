//! The layout of the frontend's pages, and whether they are accessible.

use serde_json::json;

use super::accessibility::SIZES;
use super::frontend::{ASK, SIGN_UP_TAB, frontend, frontend_of_user, sign_in, sign_up, signed_in};

#[tokio::test]
async fn the_sign_in_page_is_a_centred_card_under_a_title_whose_fields_fill_it() {
    let Some((_stack, browser)) = frontend(&[]).await else {
        return;
    };
    for (size, tab) in SIZES.into_iter().flat_map(|size| [(size, 1), (size, 2)]) {
        browser.resize(size).await;
        browser
            .click(&format!("button[role=tab]:nth-of-type({tab})"))
            .await;
        browser
            .find(if tab == 1 {
                "input[name=username]"
            } else {
                "input[name=confirm_password]"
            })
            .await;
        let layout = browser.value(LAYOUT).await;
        let where_it_is = format!("tab {tab}, {} wide: {layout}", size.0);
        let number = |name: &str| {
            layout[name]
                .as_f64()
                .unwrap_or_else(|| panic!("no {name}, {where_it_is}"))
        };
        assert_eq!(layout["title"], "Ask about a company", "{where_it_is}");
        assert!(
            number("titleTop") >= 0.0 && number("titleBottom") < number("cardTop"),
            "the title is above the card, {where_it_is}"
        );
        assert!(
            (number("left") - number("right")).abs() <= 1.0,
            "the card is centred, {where_it_is}"
        );
        assert!(
            number("cardWidth") >= f64::min(380.0, 0.9 * f64::from(size.0)),
            "the card is wide enough, {where_it_is}"
        );
        assert!(
            number("narrowest") >= 0.8,
            "every field fills the card, {where_it_is}"
        );
        assert_eq!(
            layout["cut"],
            json!([]),
            "every placeholder is whole, {where_it_is}"
        );
    }
    browser.end().await;
}

/// Where the sign-in card and its title are, how much of the card its fields take, and which
/// placeholders do not fit.
const LAYOUT: &str = "
    const card = document.querySelector('[data-amplify-router]').getBoundingClientRect();
    const title = document.querySelector('h1');
    const inputs = [...document.querySelectorAll('[data-amplify-form] input')].filter((input) => input.offsetWidth > 1);
    const fields = inputs.map((input) => input.closest('.amplify-field').getBoundingClientRect().width / card.width);
    const pen = document.createElement('canvas').getContext('2d');
    const isCut = (input) => {
        const style = getComputedStyle(input);
        pen.font = style.font;
        return pen.measureText(input.placeholder).width > input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    };
    return {
        title: title.textContent, titleTop: title.getBoundingClientRect().top, titleBottom: title.getBoundingClientRect().bottom,
        cardTop: card.top, cardWidth: card.width, left: card.left, right: document.documentElement.clientWidth - card.right,
        narrowest: Math.min(...fields), cut: inputs.filter(isCut).map((input) => input.name),
    };";

#[tokio::test]
async fn the_pages_of_a_signed_out_user_are_accessible() {
    let Some((stack, browser)) = frontend(&[]).await else {
        return;
    };
    browser.find("input[name=username]").await;
    browser.passes("sign-in").await;
    sign_in(
        &browser,
        stack.ready_value("/user/username"),
        "wrong-password-1",
    )
    .await;
    browser.sees("Incorrect username or password.").await;
    browser.passes("sign-in-refused").await;
    browser.click(SIGN_UP_TAB).await;
    browser.find("input[name=confirm_password]").await;
    browser.passes("sign-up").await;
    browser.fill("input[name=password]", "short").await;
    browser.fill("input[name=confirm_password]", "other").await;
    browser.sees("at least 8 characters").await;
    browser.passes("sign-up-weak-password").await;
    browser.open(stack.ready_value("/webUrl")).await;
    sign_up(&browser, "grace@example.edu").await;
    browser.passes("confirm-code").await;
    browser.open(stack.ready_value("/webUrl")).await;
    browser.press("Forgot your password?").await;
    browser.sees("Reset your password").await;
    browser.passes("reset-password").await;
    browser
        .fill("input[name=username]", stack.ready_value("/user/username"))
        .await;
    browser.click(ASK).await;
    browser.find("input[name=confirm_password]").await;
    browser.passes("reset-password-code").await;
    browser.end().await;
}

#[tokio::test]
async fn the_pages_of_a_signed_in_user_are_accessible() {
    let Some((stack, browser)) = frontend(&["--env", "REQUIRED_FIELDS=partner,segment"]).await
    else {
        return;
    };
    assert_eq!(
        browser.client.title().await.expect("a title"),
        "Sign in · Ask about a company"
    );
    signed_in(&stack, &browser).await;
    assert_eq!(
        browser.client.title().await.expect("a title"),
        "Ask about a company"
    );
    browser.passes("form").await;
    browser.click(ASK).await;
    browser.sees("Missing fields: segment").await;
    browser.passes("failure").await;
    browser.end().await;
    let Some((_stack, browser)) = frontend_of_user(&[]).await else {
        return;
    };
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.find(".outcome a").await;
    browser.passes("answer").await;
    browser.end().await;
}

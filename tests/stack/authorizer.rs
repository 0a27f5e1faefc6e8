//! The JWT authorizer of the whole stack, and forged tokens, with the user pool's keys.

use aws_lc_rs::hmac;
use aws_lc_rs::rsa::KeySize;
use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::issuer::Signer as Key;

use crate::harness::{Stack, header, send, text, value};
use crate::srp;

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(segment: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).expect("base64")).expect("JSON")
}

fn other_key() -> Key {
    Key::new(KeySize::Rsa2048)
}

#[tokio::test]
async fn a_forged_token_never_reaches_the_edge() {
    let stack = Stack::scripted(&[]);
    let token = stack.ready_value("/idToken").to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let (head, claims) = (decode(parts[0]), decode(parts[1]));
    let jwks = send(
        Method::GET,
        &format!("{}/.well-known/jwks.json", stack.ready_value("/issuer")),
        &[],
        "",
    )
    .await;
    let public = text(&jwks);
    let mut other_claims = claims.clone();
    other_claims["sub"] = json!("root");
    let none = json!({ "alg": "none", "kid": head["kid"] });
    let hs256 = json!({ "alg": "HS256", "kid": head["kid"] });
    let signed = format!("{}.{}", encode(&hs256), encode(&claims));
    let mac = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes()),
        signed.as_bytes(),
    );
    for (name, forged) in [
        ("signed by another key", other_key().sign(&head, &claims)),
        (
            "alg none, no signature",
            format!("{}.{}.", encode(&none), parts[1]),
        ),
        (
            "alg none, the old signature",
            format!("{}.{}.{}", encode(&none), parts[1], parts[2]),
        ),
        (
            "HS256 with the public key",
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac)),
        ),
        (
            "other claims under the old signature",
            format!("{}.{}.{}", parts[0], encode(&other_claims), parts[2]),
        ),
        (
            "an unknown key id",
            other_key().sign(&json!({ "alg": "RS256", "kid": "other" }), &claims),
        ),
        (
            "no key id",
            other_key().sign(&json!({ "alg": "RS256" }), &claims),
        ),
        ("two segments", format!("{}.{}", parts[0], parts[1])),
        ("four segments", format!("{token}.x")),
        ("not a token", "nonsense".to_owned()),
    ] {
        let answer = stack.ask_with(&forged, "{}").await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer).as_str()),
            (401, r#"{"message":"Unauthorized"}"#),
            "{name}"
        );
        let line = header(&answer, "www-authenticate");
        assert!(
            line.starts_with("Bearer scope=\"\" error=\"invalid_token\" error_description=\""),
            "{name}: {line}"
        );
    }
    assert!(
        !stack.written().contains("scripted core:"),
        "core was reached"
    );
}

#[tokio::test]
async fn without_a_token_the_gateway_responds_with_bearer() {
    let stack = Stack::scripted(&[]);
    let url = format!("{}/inference", stack.ready_value("/apiUrl"));
    let answer = send(Method::POST, &url, &[], "{}").await;
    assert_eq!(
        (answer.status.as_u16(), header(&answer, "www-authenticate")),
        (401, "Bearer")
    );
    assert_eq!(text(&answer), r#"{"message":"Unauthorized"}"#);
    assert!(header(&answer, "apigw-requestid").ends_with('='));
    let answer = send(
        Method::GET,
        &format!("{}/other", stack.ready_value("/apiUrl")),
        &[],
        "",
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer).as_str()),
        (404, r#"{"message":"Not Found"}"#)
    );
    let bare = [("authorization", stack.ready_value("/idToken").to_owned())];
    let answer = send(
        Method::POST,
        &url,
        &bare,
        r#"{"partner":"p","year":1,"period":"Q1","question":"text"}"#,
    )
    .await;
    assert_eq!(answer.status, 200, "a token without `Bearer` is taken too");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_a_right_one_gives_tokens_of_both_kinds() {
    let stack = Stack::start(&[]);
    let tokens = stack.sign_in().await;
    let claims = |name: &str| {
        decode(
            tokens[name]
                .as_str()
                .expect("a token")
                .split('.')
                .nth(1)
                .expect("claims"),
        )
    };
    let (id, access) = (claims("IdToken"), claims("AccessToken"));
    assert_eq!(
        (&id["token_use"], &id["aud"], &id["email_verified"]),
        (
            &json!("id"),
            &json!(stack.ready_value("/userPoolClientId")),
            &json!(true)
        )
    );
    assert_eq!(
        (
            &access["token_use"],
            &access["client_id"],
            access.get("aud")
        ),
        (&json!("access"), &id["aud"], None)
    );
    assert_eq!(id["iss"], stack.ready_value("/issuer"));
    let answer = srp::sign_in(&stack, stack.ready_value("/user/username"), "wrong").await;
    assert_eq!(
        (answer.status.as_u16(), header(&answer, "x-amzn-errortype")),
        (400, "NotAuthorizedException:")
    );
    assert_eq!(
        value(&answer),
        json!({ "__type": "NotAuthorizedException", "message": "Incorrect username or password." })
    );
    let answer = stack.cognito("AdminDeleteUser", json!({})).await;
    assert_eq!(
        value(&answer)["message"],
        "AdminDeleteUser is not supported here"
    );
}

//! A function URL with auth `NONE`: the edge verifies tokens itself, with the keys of an issuer on
//! loopback.

mod attacks;
mod keys;

use aws_lc_rs::rsa::KeySize;
use edge::pipeline::Edge;
use serde_json::{Value, json};
use testkit::issuer::{Issuer, Signer};

use crate::cores::{Core, settings};
use crate::log::keep;

/// An edge that accepts the tokens of an issuer.
fn edge_for(issuer: &Issuer, environment: &[(&str, &str)]) -> Edge<Core> {
    let own = [("JWT_ISSUER", issuer.url.as_str()), ("JWT_AUDIENCE", "app")];
    Edge::new(settings(&[environment, &own].concat()), Core(None)).with_log(keep)
}

/// Status and code (or core's echo of the identity's `sub`) for a request with this
/// `Authorization`.
async fn ask(edge: &Edge<Core>, authorization: &str) -> (u64, String) {
    let event = json!({
        "version": "2.0", "rawPath": "/", "body": "{}", "headers": { "authorization": authorization },
        "requestContext": { "domainName": "abc.lambda-url.us-east-1.on.aws", "http": { "method": "POST" } },
    });
    let response = crate::ask::ask(edge, &event.to_string()).await;
    let body: Value =
        serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    let said = body
        .pointer("/identity/sub")
        .or(body.get("code"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    (crate::ask::status(&response), said.to_owned())
}

async fn bearer(edge: &Edge<Core>, token: &str) -> (u64, String) {
    ask(edge, &format!("Bearer {token}")).await
}

fn status(status: u64, said: &str) -> (u64, String) {
    (status, said.to_owned())
}

#[tokio::test]
async fn a_token_of_the_issuer_is_the_callers_identity() {
    let signer = Signer::new(KeySize::Rsa2048);
    let issuer = Issuer::publishing(&[signer.jwk("k1")]).await;
    let edge = edge_for(&issuer, &[]);
    edge.warm().await;
    assert_eq!(
        issuer.key_requests(),
        1,
        "the keys are fetched before the first request"
    );
    let token = signer.sign(&json!({ "alg": "RS256", "kid": "k1" }), &issuer.claims());
    assert_eq!(bearer(&edge, &token).await, status(200, "user-1"));
    let without_kid = signer.sign(&json!({ "alg": "RS256" }), &issuer.claims());
    assert_eq!(
        bearer(&edge, &without_kid).await,
        status(200, "user-1"),
        "the only key needs no name"
    );
    assert_eq!(issuer.key_requests(), 1);
    let mut access = issuer.claims();
    access["token_use"] = json!("access");
    let token = signer.sign(&json!({ "alg": "RS256", "kid": "k1" }), &access);
    assert_eq!(bearer(&edge, &token).await, status(403, "forbidden"));
    assert_eq!(
        bearer(&edge_for(&issuer, &[("TOKEN_USE", "access")]), &token).await,
        status(200, "user-1")
    );
}

#[tokio::test]
async fn a_token_that_is_wrong_is_not_a_caller_without_one() {
    let signer = Signer::new(KeySize::Rsa2048);
    let issuer = Issuer::publishing(&[signer.jwk("k1")]).await;
    let edge = edge_for(&issuer, &[("ALLOW_ANONYMOUS", "true")]);
    assert_eq!(ask(&edge, "").await.0, 200);
    assert_eq!(bearer(&edge, "a.b.c").await, status(401, "unauthorized"));
}

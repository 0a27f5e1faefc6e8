//! The keys of the issuer: when they are fetched, and what becomes of a request without them.

use aws_lc_rs::rsa::KeySize;
use edge::pipeline::Reply;
use lambda_http::Context;
use serde_json::{Value, json};
use testkit::endpoint::{Endpoint, Script, Step};
use testkit::issuer::{DISCOVERY, Issuer, JWKS, Signer};

use super::{bearer, edge_for, status};
use crate::log::cause;

#[tokio::test]
async fn keys_are_fetched_anew_once_for_an_unknown_key_and_not_soon_again() {
    let (old, new) = (Signer::new(KeySize::Rsa2048), Signer::new(KeySize::Rsa2048));
    let issuer = Issuer::publishing(&[old.jwk("old")]).await;
    let edge = edge_for(&issuer, &[]);
    let token = |signer: &Signer, kid: &str| {
        signer.sign(&json!({ "alg": "RS256", "kid": kid }), &issuer.claims())
    };
    assert_eq!(
        bearer(&edge, &token(&old, "old")).await,
        status(200, "user-1"),
        "the keys are fetched when they were not before"
    );
    issuer.publish(JWKS, &json!({ "keys": [new.jwk("new")] }));
    for _ in 0..3 {
        assert_eq!(
            bearer(&edge, &token(&new, "new")).await,
            status(401, "unauthorized"),
            "not soon after the first fetch"
        );
    }
    assert_eq!(issuer.key_requests(), 1);
    let edge = edge_for(&issuer, &[]);
    assert_eq!(
        bearer(&edge, &token(&new, "new")).await,
        status(200, "user-1")
    );
}

#[tokio::test]
async fn an_issuer_that_cannot_be_reached_is_503_and_lets_nobody_in() {
    let signer = Signer::new(KeySize::Rsa2048);
    let issuer = Issuer::publishing(&[signer.jwk("k1")]).await;
    let token = signer.sign(&json!({ "alg": "RS256", "kid": "k1" }), &issuer.claims());
    for (name, path, document) in [
        (
            "discovery of another issuer",
            DISCOVERY,
            json!({ "issuer": "https://evil.example", "jwks_uri": "x" }),
        ),
        (
            "keys over http",
            DISCOVERY,
            json!({ "issuer": issuer.url, "jwks_uri": "http://evil.example/jwks" }),
        ),
        ("no discovery", DISCOVERY, json!([])),
        ("keys that are none", JWKS, json!("x")),
        (
            "keys without end",
            JWKS,
            json!({ "keys": [], "pad": "x".repeat(200_000) }),
        ),
    ] {
        issuer.publish(DISCOVERY, &issuer.discovery());
        issuer.publish(path, &document);
        assert_eq!(
            bearer(&edge_for(&issuer, &[]), &token).await,
            status(503, "issuer_unreachable"),
            "{name}"
        );
    }
    let nobody = edge_for(
        &issuer,
        &[
            ("JWT_ISSUER", "http://localhost:9"),
            ("ALLOW_ANONYMOUS", "true"),
        ],
    );
    assert_eq!(
        bearer(&nobody, &token).await,
        status(503, "issuer_unreachable")
    );
}

#[tokio::test]
async fn an_issuer_that_stays_silent_is_503_before_the_deadline() {
    let silent = Endpoint::start(Script::new([Step::Hold])).await;
    let signer = Signer::new(KeySize::Rsa2048);
    let issuer = Issuer::publishing(&[signer.jwk("k1")]).await;
    let edge = edge_for(&issuer, &[("JWT_ISSUER", &silent.url)]);
    let token = signer.sign(&json!({ "alg": "RS256", "kid": "k1" }), &issuer.claims());
    let event = json!({
        "version": "2.0", "rawPath": "/", "body": "{}",
        "headers": { "authorization": format!("Bearer {token}") },
        "requestContext": {
            "domainName": "abc.lambda-url.us-east-1.on.aws", "http": { "method": "POST" },
        },
    });
    let event = event.to_string();
    let mut context = Context::default();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time");
    context.deadline = u64::try_from(now.as_millis()).expect("a time") + 1_200;
    let start = std::time::Instant::now();
    let Reply::Result(answer, record) = edge.handle(&event, &context).await else {
        panic!("no result")
    };
    record.write();
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(answer["statusCode"], 503, "{answer}");
    assert_eq!(answer["headers"]["Retry-After"], "1", "{answer}");
    assert_eq!(cause(), "no keys before the deadline");
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

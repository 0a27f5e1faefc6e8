//! The JWT authorizer of an HTTP API whose issuer is the test: claims, scopes, and the event that
//! the function gets.

use std::time::Duration;

use aws_lc_rs::rsa::KeySize;
use axum::http::Method;
use inference_edge::apigatewayv2::{HttpApi, HttpApiConfiguration, Route, Routes};
use inference_edge::cors::CorsConfiguration;
use inference_edge::credentials::{CredentialStore, Principal};
use inference_edge::http::BufferedResponse;
use inference_edge::jwt::JwtConfiguration;
use inference_edge::lambda::{AccessControl, ConcurrencyLimits, Function, Lambda};
use inference_edge::recorder::Recorder;
use inference_edge::signer::Signer;
use serde_json::{Value, json};
use testkit::issuer::{Issuer, Signer as Key, now};

use crate::harness::{TEST_TIMEOUT, header, scripted_core, send, serve_on_free_port, text, value};

/// An HTTP API whose issuer is the test, and whose function returns its event.
struct Gateway {
    url: String,
    issuer: Issuer,
    key: Key,
    lambda: Lambda,
}

impl Gateway {
    async fn start(scopes: &[&str]) -> Self {
        let key = Key::new(KeySize::Rsa2048);
        let issuer = Issuer::publishing(&[key.jwk("k")]).await;
        let lambda = Lambda::new(
            vec![Function {
                name: "echo".to_owned(),
                command: vec![scripted_core()],
                environment: Vec::new(),
                timeout: TEST_TIMEOUT,
                memory: 128,
                reserved_concurrency: None,
                inherits_environment: false,
                response_hint: None,
                stream_bandwidth: None,
                echo_log: false,
            }],
            Recorder::default(),
            AccessControl::Disabled,
            ConcurrencyLimits::default(),
        );
        let lambda_url = serve_on_free_port(lambda.router()).await;
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let route = Route {
            key: "POST /echo".to_owned(),
            function: "echo".to_owned(),
            authorization: Some(scopes),
        };
        let api = HttpApi::new(HttpApiConfiguration {
            routes: Routes::new(vec![route]),
            jwt: JwtConfiguration {
                issuer: issuer.url.clone(),
                audience: vec!["app".to_owned()],
            },
            cors: CorsConfiguration::default(),
            lambda: lambda_url,
            signer: Signer::new(CredentialStore::default().issue_long_term(Principal::ApiGateway)),
            throttling: None,
            recorder: Recorder::default(),
        });
        Self {
            url: serve_on_free_port(api.router()).await,
            issuer,
            key,
            lambda,
        }
    }

    async fn ask(&self, change: Value) -> BufferedResponse {
        self.ask_with(&self.token(change)).await
    }

    fn token(&self, change: Value) -> String {
        let mut claims = self.issuer.claims();
        claims["iat"] = json!(now());
        claims["groups"] = json!(["a", "b"]);
        for (name, value) in change.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        self.key
            .sign(&json!({ "kid": "k", "alg": "RS256" }), &claims)
    }

    async fn ask_with(&self, token: &str) -> BufferedResponse {
        let headers = [
            ("authorization", format!("Bearer {token}")),
            ("content-type", "application/json".to_owned()),
        ];
        send(
            Method::POST,
            &format!("{}/echo?a=1&a=2", self.url),
            &headers,
            "{\"x\":1}",
        )
        .await
    }
}

#[tokio::test]
async fn a_token_with_a_valid_signature_is_refused_for_its_claims() {
    let gateway = Gateway::start(&[]).await;
    let description = |text: &str| {
        format!("Bearer scope=\"\" error=\"invalid_token\" error_description=\"{text}\"")
    };
    for (name, change, text) in [
        (
            "expired",
            json!({ "exp": 1_700_000_000 }),
            "the token has expired",
        ),
        (
            "for another audience",
            json!({ "aud": "other" }),
            "the token does not have a valid audience",
        ),
        (
            "by another issuer",
            json!({ "iss": "https://other" }),
            "the token does not have a valid issuer",
        ),
        (
            "not valid yet",
            json!({ "nbf": 4_102_444_800_u64 }),
            "the token is not valid yet",
        ),
    ] {
        let answer = gateway.ask(change).await;
        assert_eq!(
            (answer.status.as_u16(), header(&answer, "www-authenticate")),
            (401, description(text).as_str()),
            "{name}"
        );
    }
    gateway.lambda.stop().await;
}

#[tokio::test]
async fn a_token_that_was_accepted_is_refused_when_it_is_changed_or_expired() {
    let gateway = Gateway::start(&[]).await;
    let token = gateway.token(json!({ "exp": now() + 3 }));
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    let changed = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    for (name, token, status) in [
        ("first", &token, 200),
        ("again", &token, 200),
        ("changed", &changed, 401),
    ] {
        assert_eq!(
            gateway.ask_with(token).await.status.as_u16(),
            status,
            "{name}"
        );
    }
    tokio::time::sleep(Duration::from_millis(3100)).await;
    let late = gateway.ask_with(&token).await;
    assert!(
        header(&late, "www-authenticate").contains("the token has expired"),
        "{:?}",
        late.status
    );
    gateway.lambda.stop().await;
}

#[tokio::test]
async fn a_route_with_scopes_requires_one_of_them() {
    let gateway = Gateway::start(&["api/read", "api/write"]).await;
    let answer = gateway.ask(json!({ "scope": "openid api/other" })).await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer).as_str()),
        (403, r#"{"message":"Forbidden"}"#)
    );
    let line = r#"Bearer scope="api/read api/write" error="insufficient_scope" error_description="expected scopes: [api/read api/write]""#;
    assert_eq!(header(&answer, "www-authenticate"), line);
    let answer = gateway.ask(json!({ "scope": "openid api/write" })).await;
    let event = value(&answer);
    assert_eq!(
        event["requestContext"]["authorizer"]["jwt"]["scopes"],
        json!(["openid", "api/write"])
    );
    gateway.lambda.stop().await;
}

#[tokio::test]
async fn the_event_can_be_read_by_lambda_http() {
    let gateway = Gateway::start(&[]).await;
    let answer = gateway.ask(json!({})).await;
    let event = value(&answer);
    assert_eq!(
        event["requestContext"]["authorizer"]["jwt"]["claims"]["groups"],
        "[a b]"
    );
    let request = lambda_http::request::from_str(&text(&answer)).expect("a request");
    assert_eq!(
        (request.method().as_str(), request.uri().path()),
        ("POST", "/echo")
    );
    assert_eq!(request.body().as_ref(), b"{\"x\":1}");
    gateway.lambda.stop().await;
}

//! The JWT authorizer and attacks on tokens. Tests with the user pool's keys run the whole stack;
//! the others have their own issuer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::http::Method;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inference_edge::apigatewayv2::{HttpApi, HttpApiConfiguration, Route, Routes};
use inference_edge::cors::CorsConfiguration;
use inference_edge::credentials::{CredentialStore, Principal};
use inference_edge::http::{BufferedResponse, serve};
use inference_edge::jwt::JwtConfiguration;
use inference_edge::lambda::{AccessControl, ConcurrencyLimits, Function, Lambda};
use inference_edge::recorder::Recorder;
use inference_edge::signer::Signer;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{Stack, TEST_TIMEOUT, header, scripted_core, send, text, value};
use crate::srp;

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(segment: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).expect("base64")).expect("JSON")
}

struct Key(KeyPair);

impl Key {
    fn new() -> Self {
        Self(KeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn jwks(&self, kid: &str) -> Value {
        let public = self.0.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let n = number(public.modulus().big_endian_without_leading_zero());
        let e = number(public.exponent().big_endian_without_leading_zero());
        json!({ "keys": [{ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": n, "e": e }] })
    }
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
        ("signed by another key", Key::new().sign(&head, &claims)),
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
            Key::new().sign(&json!({ "alg": "RS256", "kid": "other" }), &claims),
        ),
        (
            "no key id",
            Key::new().sign(&json!({ "alg": "RS256" }), &claims),
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

/// An HTTP API whose issuer is the test, and whose function returns its event.
struct Gateway {
    url: String,
    issuer: String,
    key: Key,
    lambda: Lambda,
}

impl Gateway {
    async fn start(scopes: &[&str]) -> Self {
        let key = Key::new();
        let (listener, issuer) = listen().await;
        let jwks = key.jwks("k").to_string();
        let discovery =
            json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks") }).to_string();
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(|| async { discovery }),
            )
            .route("/jwks", get(|| async { jwks }));
        tokio::spawn(serve(listener, router));
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
                echo_log: false,
            }],
            Recorder::default(),
            AccessControl::Disabled,
            ConcurrencyLimits::default(),
        );
        let (listener, lambda_url) = listen().await;
        tokio::spawn(serve(listener, lambda.router()));
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let route = Route {
            key: "POST /echo".to_owned(),
            function: "echo".to_owned(),
            authorization: Some(scopes),
        };
        let api = HttpApi::new(HttpApiConfiguration {
            routes: Routes::new(vec![route]),
            jwt: JwtConfiguration {
                issuer: issuer.clone(),
                audience: vec!["app".to_owned()],
            },
            cors: CorsConfiguration::default(),
            lambda: lambda_url,
            signer: Signer::new(CredentialStore::default().issue_long_term(Principal::ApiGateway)),
            throttling: None,
            recorder: Recorder::default(),
        });
        let (listener, url) = listen().await;
        tokio::spawn(serve(listener, api.router()));
        Self {
            url,
            issuer,
            key,
            lambda,
        }
    }

    async fn ask(&self, change: Value) -> BufferedResponse {
        self.ask_with(&self.token(change)).await
    }

    fn token(&self, change: Value) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time")
            .as_secs();
        let mut claims = json!({ "sub": "u", "iss": self.issuer, "aud": "app", "iat": now, "exp": now + 60, "groups": ["a", "b"] });
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

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
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
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time")
        .as_secs();
    let token = gateway.token(json!({ "iat": now, "exp": now + 3 }));
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

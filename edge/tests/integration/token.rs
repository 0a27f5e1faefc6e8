//! A function URL with auth `NONE`: the edge verifies tokens itself, with the keys of an issuer on
//! loopback. Each attack of RFC 8725, section 2, is a row.

use std::cell::RefCell;

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::config::Config;
use edge::error::EdgeError;
use edge::pipeline::{Edge, Reply};
use edge::stages::invoke::{Call, CoreReply, CoreStream, InvokeCore};
use lambda_http::Context;
use serde_json::{Value, json};

use crate::issuer::{Issuer, Signer, now};

/// A core that gives back what it gets.
struct Echo;

impl InvokeCore for Echo {
    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        Ok(CoreReply {
            payload: call.enriched.payload,
            is_function_error: false,
        })
    }

    async fn invoke_streamed(&self, _: Call<'_>) -> Result<CoreStream, EdgeError> {
        unreachable!("nothing streams here")
    }
}

thread_local! {
    /// The line of the last request.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

fn keep_line(line: &str) {
    LINE.with_borrow_mut(|kept| line.clone_into(kept));
}

/// The internal message of the last request.
fn cause() -> String {
    let line: Value = LINE.with_borrow(|line| serde_json::from_str(line).expect("JSON"));
    line["cause"].as_str().unwrap_or_default().to_owned()
}

impl Issuer {
    fn edge(&self, environment: &[(&str, &str)]) -> Edge<Echo> {
        let config = Config::read(|name| {
            let own = environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned());
            own.or_else(|| match name {
                "TARGET_LAMBDA_NAME" => Some("core".to_owned()),
                "JWT_ISSUER" => Some(self.url.clone()),
                "JWT_AUDIENCE" => Some("app".to_owned()),
                "REQUIRED_FIELDS" => Some(String::new()),
                _ => None,
            })
        });
        Edge::new(config.expect("a configuration").settings, Echo).with_log(keep_line)
    }
}

/// Status and code (or core's echo of the identity's `sub`) for a request with this
/// `Authorization`.
async fn ask(edge: &Edge<Echo>, authorization: &str) -> (u64, String) {
    let event = json!({
        "version": "2.0", "rawPath": "/", "body": "{}", "headers": { "authorization": authorization },
        "requestContext": { "domainName": "abc.lambda-url.us-east-1.on.aws", "http": { "method": "POST" } },
    });
    let event = event.to_string();
    let mut context = Context::default();
    context.deadline = 4_102_444_800_000;
    let Reply::Result(answer, record) = edge.handle(&event, &context).await else {
        panic!("no result")
    };
    record.write();
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    let said = body
        .pointer("/identity/sub")
        .or(body.get("code"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    (
        answer["statusCode"].as_u64().expect("a status"),
        said.to_owned(),
    )
}

async fn bearer(edge: &Edge<Echo>, token: &str) -> (u64, String) {
    ask(edge, &format!("Bearer {token}")).await
}

fn status(status: u64, said: &str) -> (u64, String) {
    (status, said.to_owned())
}

#[tokio::test]
async fn a_token_of_the_issuer_is_the_callers_identity() {
    let signer = Signer::new(KeySize::Rsa2048);
    let issuer = Issuer::publishing(&[signer.jwk("k1")]).await;
    let edge = issuer.edge(&[]);
    edge.warm().await;
    assert_eq!(
        issuer.asked(),
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
    assert_eq!(issuer.asked(), 1);
    let mut access = issuer.claims();
    access["token_use"] = json!("access");
    let token = signer.sign(&json!({ "alg": "RS256", "kid": "k1" }), &access);
    assert_eq!(bearer(&edge, &token).await, status(403, "forbidden"));
    assert_eq!(
        bearer(&issuer.edge(&[("TOKEN_USE", "access")]), &token).await,
        status(200, "user-1")
    );
}

#[tokio::test]
async fn every_attack_on_a_token_is_refused() {
    let (signer, other, weak) = (
        Signer::new(KeySize::Rsa2048),
        Signer::new(KeySize::Rsa2048),
        Signer::new(KeySize::Rsa2048),
    );
    let mut for_encryption = weak.jwk("enc");
    for_encryption["use"] = json!("enc");
    let mut broken = other.jwk("broken");
    broken["n"] = json!(URL_SAFE_NO_PAD.encode([0xff; 128]));
    let issuer = Issuer::publishing(&[signer.jwk("k1"), for_encryption, broken]).await;
    let edge = issuer.edge(&[]);
    let head = json!({ "alg": "RS256", "kid": "k1" });
    let good = signer.sign(&head, &issuer.claims());
    let (unsigned, own_signature) = good.rsplit_once('.').expect("three parts");
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = encode(&issuer.claims());
    let hmac_with = |secret: &[u8], header: &Value| {
        let signed = format!("{}.{claims}", encode(header));
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            signed.as_bytes(),
        );
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let with = |name: &str, value: Value| {
        let mut claims = issuer.claims();
        claims[name] = value;
        signer.sign(&head, &claims)
    };
    let modulus = URL_SAFE_NO_PAD
        .decode(signer.jwk("k1")["n"].as_str().expect("n"))
        .expect("base64");
    let hashed = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, unsigned.as_bytes()));
    let twice = format!(
        r#"{{"iss":"{0}","aud":"app","sub":"u","exp":1,"exp":{1}}}"#,
        issuer.url,
        now() + 600
    );
    let rows = [
        (
            "2.1 no algorithm",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            format!(
                "{}.{claims}.",
                encode(&json!({ "alg": "none", "kid": "k1" }))
            ),
        ),
        (
            "2.1 no algorithm, in other letters",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            format!(
                "{}.{claims}.",
                encode(&json!({ "alg": "nOnE", "kid": "k1" }))
            ),
        ),
        (
            "2.1 the public key as a shared secret",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            hmac_with(
                &signer.public_der(),
                &json!({ "alg": "HS256", "kid": "k1" }),
            ),
        ),
        (
            "2.1 the modulus as a shared secret",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            hmac_with(&modulus, &json!({ "alg": "HS256", "kid": "k1" })),
        ),
        (
            "2.1 an HMAC that says it is RSA",
            "the token's signature is wrong",
            hmac_with(&signer.public_der(), &head),
        ),
        (
            "2.1 another algorithm than the key's",
            "the key is for another use or algorithm",
            signer.sign_with(
                &RSA_PKCS1_SHA512,
                &json!({ "alg": "RS512", "kid": "k1" }),
                &issuer.claims().to_string(),
            ),
        ),
        (
            "2.1 another padding",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            signer.sign_with(
                &RSA_PSS_SHA256,
                &json!({ "alg": "PS256", "kid": "k1" }),
                &issuer.claims().to_string(),
            ),
        ),
        (
            "2.1 another padding that says it is not",
            "the token's signature is wrong",
            signer.sign_with(&RSA_PSS_SHA256, &head, &issuer.claims().to_string()),
        ),
        (
            "2.1 no algorithm named",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            signer.sign(&json!({ "kid": "k1" }), &issuer.claims()),
        ),
        (
            "2.2 an empty secret",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            hmac_with(b"", &json!({ "alg": "HS256" })),
        ),
        (
            "2.2 a key whose modulus is no key",
            "the token's signature is wrong",
            other.sign(
                &json!({ "alg": "RS256", "kid": "broken" }),
                &issuer.claims(),
            ),
        ),
        (
            "2.3 a signature over something else",
            "the token's signature is wrong",
            format!("{unsigned}.{hashed}"),
        ),
        (
            "2.3 an encrypted token",
            "the token does not have three parts",
            format!("{good}.{claims}.{claims}"),
        ),
        (
            "2.4 no signature",
            "the token's signature is wrong",
            format!("{unsigned}."),
        ),
        (
            "2.4 two parts",
            "the token does not have three parts",
            unsigned.to_owned(),
        ),
        (
            "2.4 an empty token",
            "the token's header is malformed",
            "..".to_owned(),
        ),
        (
            "2.5 another's key",
            "the token's signature is wrong",
            other.sign(&head, &issuer.claims()),
        ),
        (
            "2.5 a key that is for encryption",
            "the key is for another use or algorithm",
            weak.sign(&json!({ "alg": "RS256", "kid": "enc" }), &issuer.claims()),
        ),
        (
            "2.6 an encoding of its own",
            "the token's header is malformed",
            format!("{}.{own_signature}", unsigned.replace('.', "=.")),
        ),
        (
            "2.6 a signature in the other base64",
            "the token's signature is not base64url",
            format!("{unsigned}.{}=", own_signature),
        ),
        (
            "2.6 the letters of another base64",
            "the token's signature is not base64url",
            format!(
                "{unsigned}.{}",
                own_signature.replace('-', "+").replace('_', "/") + "+"
            ),
        ),
        (
            "2.7 for another audience",
            "the token is for another audience",
            with("aud", json!("another")),
        ),
        (
            "2.7 for no audience",
            "the token is for another audience",
            with("aud", Value::Null),
        ),
        (
            "2.8 from another issuer",
            "the token is from another issuer",
            with("iss", json!("https://evil.example")),
        ),
        (
            "2.8 a key in the header",
            "no key of the issuer has the token's key id",
            other.sign(
                &json!({ "alg": "RS256", "jwk": other.jwk("k1") }),
                &issuer.claims(),
            ),
        ),
        (
            "2.9 a key's address in the header",
            "no key of the issuer has the token's key id",
            other.sign(
                &json!({ "alg": "RS256", "kid": "k9", "jku": "https://evil.example" }),
                &issuer.claims(),
            ),
        ),
        (
            "2.9 a path for a key id",
            "no key of the issuer has the token's key id",
            other.sign(
                &json!({ "alg": "RS256", "kid": "../../dev/null" }),
                &issuer.claims(),
            ),
        ),
        (
            "2.9 a key id that is no text",
            "the token's header is malformed",
            signer.sign(&json!({ "alg": "RS256", "kid": ["k1"] }), &issuer.claims()),
        ),
        (
            "2.9 a key id for one key of several",
            "no key of the issuer has the token's key id",
            signer.sign(&json!({ "alg": "RS256" }), &issuer.claims()),
        ),
        (
            "critical extensions",
            "the token has critical extensions",
            signer.sign(
                &json!({ "alg": "RS256", "kid": "k1", "crit": ["exp"] }),
                &issuer.claims(),
            ),
        ),
        (
            "a payload that is not encoded",
            "the token has critical extensions",
            signer.sign(
                &json!({ "alg": "RS256", "kid": "k1", "b64": false }),
                &issuer.claims(),
            ),
        ),
        (
            "expired",
            "the token has expired",
            with("exp", json!(now() - 1)),
        ),
        (
            "no expiry",
            "the token's exp is not a number",
            with("exp", Value::Null),
        ),
        (
            "not yet",
            "the token is not valid yet",
            with("nbf", json!(now() + 60)),
        ),
        (
            "a claim twice",
            "the token's claims are malformed",
            signer.sign_with(&RSA_PKCS1_SHA256, &head, &twice),
        ),
        (
            "claims that are none",
            "the token's claims are malformed",
            signer.sign_with(&RSA_PKCS1_SHA256, &head, "[]"),
        ),
        (
            "claims that are no JSON",
            "the token's claims are malformed",
            signer.sign_with(&RSA_PKCS1_SHA256, &head, "{"),
        ),
        (
            "a token that is very long",
            "the token is too long",
            format!("{unsigned}{}.{own_signature}", "A".repeat(20_000)),
        ),
        (
            "words",
            "the token's header is malformed",
            "not.a.token".to_owned(),
        ),
    ];
    assert_eq!(bearer(&edge, &good).await, status(200, "user-1"));
    for (name, reason, token) in rows {
        assert_eq!(
            bearer(&edge, &token).await,
            status(401, "unauthorized"),
            "{name}"
        );
        // The reason too: a row must not pass because of another defence.
        assert_eq!(cause(), reason, "{name}");
    }
    for header in ["", "Basic dTpw", good.as_str(), "Bearer", "Bearer "] {
        assert_eq!(
            ask(&edge, header).await,
            status(401, "unauthorized"),
            "{header:?}"
        );
    }
}

#[tokio::test]
async fn a_token_that_is_wrong_is_not_a_caller_without_one() {
    let signer = Signer::new(KeySize::Rsa2048);
    let issuer = Issuer::publishing(&[signer.jwk("k1")]).await;
    let edge = issuer.edge(&[("ALLOW_ANONYMOUS", "true")]);
    assert_eq!(ask(&edge, "").await.0, 200);
    assert_eq!(bearer(&edge, "a.b.c").await, status(401, "unauthorized"));
}

#[tokio::test]
async fn keys_are_fetched_anew_once_for_an_unknown_key_and_not_soon_again() {
    let (old, new) = (Signer::new(KeySize::Rsa2048), Signer::new(KeySize::Rsa2048));
    let issuer = Issuer::publishing(&[old.jwk("old")]).await;
    let edge = issuer.edge(&[]);
    let token = |signer: &Signer, kid: &str| {
        signer.sign(&json!({ "alg": "RS256", "kid": kid }), &issuer.claims())
    };
    assert_eq!(
        bearer(&edge, &token(&old, "old")).await,
        status(200, "user-1"),
        "the keys are fetched when they were not before"
    );
    issuer.publish("/jwks", json!({ "keys": [new.jwk("new")] }));
    for _ in 0..3 {
        assert_eq!(
            bearer(&edge, &token(&new, "new")).await,
            status(401, "unauthorized"),
            "not soon after the first fetch"
        );
    }
    assert_eq!(issuer.asked(), 1);
    let edge = issuer.edge(&[]);
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
    let good = json!({ "issuer": issuer.url, "jwks_uri": format!("{}/jwks", issuer.url) });
    for (name, path, document) in [
        (
            "discovery of another issuer",
            "/.well-known/openid-configuration",
            json!({ "issuer": "https://evil.example", "jwks_uri": "x" }),
        ),
        (
            "keys over http",
            "/.well-known/openid-configuration",
            json!({ "issuer": issuer.url, "jwks_uri": "http://evil.example/jwks" }),
        ),
        (
            "no discovery",
            "/.well-known/openid-configuration",
            json!([]),
        ),
        ("keys that are none", "/jwks", json!("x")),
        (
            "keys without end",
            "/jwks",
            json!({ "keys": [], "pad": "x".repeat(200_000) }),
        ),
    ] {
        issuer.publish("/.well-known/openid-configuration", good.clone());
        issuer.publish(path, document);
        assert_eq!(
            bearer(&issuer.edge(&[]), &token).await,
            status(503, "issuer_unreachable"),
            "{name}"
        );
    }
    let nobody = issuer.edge(&[
        ("JWT_ISSUER", "http://localhost:9"),
        ("ALLOW_ANONYMOUS", "true"),
    ]);
    assert_eq!(
        bearer(&nobody, &token).await,
        status(503, "issuer_unreachable")
    );
}

#[tokio::test]
async fn an_issuer_that_stays_silent_is_503_before_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let signer = Signer::new(KeySize::Rsa2048);
    let issuer = Issuer::publishing(&[signer.jwk("k1")]).await;
    let edge = issuer.edge(&[("JWT_ISSUER", &url)]);
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
    assert_eq!(cause(), "no keys before the deadline");
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

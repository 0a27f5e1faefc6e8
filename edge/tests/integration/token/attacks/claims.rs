//! Tokens with a good signature that are refused for their claims.

use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};
use testkit::issuer::now;

use super::{Attack, Given, attack};

pub fn attacks(given: &Given) -> Vec<Attack> {
    let signer = &given.signer;
    let with = |name: &str, value: Value| {
        let mut claims = given.issuer.claims();
        claims[name] = value;
        signer.sign(&given.head, &claims)
    };
    let twice = format!(
        r#"{{"iss":"{0}","aud":"app","sub":"u","exp":1,"exp":{1}}}"#,
        given.issuer.url,
        now() + 600
    );
    vec![
        attack(
            "2.7 for another audience",
            "the token is for another audience",
            with("aud", json!("another")),
        ),
        attack(
            "2.7 for no audience",
            "the token is for another audience",
            with("aud", Value::Null),
        ),
        attack(
            "2.8 from another issuer",
            "the token is from another issuer",
            with("iss", json!("https://evil.example")),
        ),
        attack(
            "expired",
            "the token has expired",
            with("exp", json!(now() - 1)),
        ),
        attack(
            "no expiry",
            "the token's exp is not a number",
            with("exp", Value::Null),
        ),
        attack(
            "not yet",
            "the token is not valid yet",
            with("nbf", json!(now() + 60)),
        ),
        attack(
            "a claim twice",
            "the token's claims are malformed",
            signer.sign_with(&RSA_PKCS1_SHA256, &given.head, &twice),
        ),
        attack(
            "claims that are none",
            "the token's claims are malformed",
            signer.sign_with(&RSA_PKCS1_SHA256, &given.head, "[]"),
        ),
        attack(
            "claims that are no JSON",
            "the token's claims are malformed",
            signer.sign_with(&RSA_PKCS1_SHA256, &given.head, "{"),
        ),
    ]
}

//! Each attack on a token of RFC 8725, section 2, is a row.

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::issuer::{Issuer, Signer, now};

use super::{ask, bearer, edge_for, status};
use crate::log::cause;

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
    let edge = edge_for(&issuer, &[]);
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

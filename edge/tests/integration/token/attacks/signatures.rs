//! Attacks on the signature: its algorithm, its key, its form, and the form of the token around it.

use aws_lc_rs::signature::{RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Attack, Given, attack, encode};

pub fn attacks(given: &Given) -> Vec<Attack> {
    let Given {
        signer,
        other,
        encryption,
        good,
        ..
    } = given;
    let (unsigned, own_signature) = given.parts();
    let claims = encode(&given.issuer.claims());
    let hmac_with = |secret: &[u8], header: &Value| {
        let signed = format!("{}.{claims}", encode(header));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let modulus = URL_SAFE_NO_PAD
        .decode(signer.jwk("k1")["n"].as_str().expect("n"))
        .expect("base64");
    let hashed = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, unsigned.as_bytes()));
    vec![
        attack(
            "2.1 no algorithm",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            format!(
                "{}.{claims}.",
                encode(&json!({ "alg": "none", "kid": "k1" }))
            ),
        ),
        attack(
            "2.1 no algorithm, in other letters",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            format!(
                "{}.{claims}.",
                encode(&json!({ "alg": "nOnE", "kid": "k1" }))
            ),
        ),
        attack(
            "2.1 the public key as a shared secret",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            hmac_with(
                &signer.public_der(),
                &json!({ "alg": "HS256", "kid": "k1" }),
            ),
        ),
        attack(
            "2.1 the modulus as a shared secret",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            hmac_with(&modulus, &json!({ "alg": "HS256", "kid": "k1" })),
        ),
        attack(
            "2.1 an HMAC that says it is RSA",
            "the token's signature is wrong",
            hmac_with(&signer.public_der(), &given.head),
        ),
        attack(
            "2.1 another algorithm than the key's",
            "the key is for another use or algorithm",
            signer.sign_with(
                &RSA_PKCS1_SHA512,
                &json!({ "alg": "RS512", "kid": "k1" }),
                &given.issuer.claims().to_string(),
            ),
        ),
        attack(
            "2.1 another padding",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            signer.sign_with(
                &RSA_PSS_SHA256,
                &json!({ "alg": "PS256", "kid": "k1" }),
                &given.issuer.claims().to_string(),
            ),
        ),
        attack(
            "2.1 another padding that says it is not",
            "the token's signature is wrong",
            signer.sign_with(
                &RSA_PSS_SHA256,
                &given.head,
                &given.issuer.claims().to_string(),
            ),
        ),
        attack(
            "2.1 no algorithm named",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            signer.sign(&json!({ "kid": "k1" }), &given.issuer.claims()),
        ),
        attack(
            "2.2 an empty secret",
            "the token's algorithm is not one of RS256, RS384 and RS512",
            hmac_with(b"", &json!({ "alg": "HS256" })),
        ),
        attack(
            "2.2 a key whose modulus is no key",
            "the token's signature is wrong",
            other.sign(
                &json!({ "alg": "RS256", "kid": "broken" }),
                &given.issuer.claims(),
            ),
        ),
        attack(
            "2.3 a signature over something else",
            "the token's signature is wrong",
            format!("{unsigned}.{hashed}"),
        ),
        attack(
            "2.3 an encrypted token",
            "the token does not have three parts",
            format!("{good}.{claims}.{claims}"),
        ),
        attack(
            "2.4 no signature",
            "the token's signature is wrong",
            format!("{unsigned}."),
        ),
        attack(
            "2.4 two parts",
            "the token does not have three parts",
            unsigned.to_owned(),
        ),
        attack(
            "2.4 an empty token",
            "the token's header is malformed",
            "..".to_owned(),
        ),
        attack(
            "2.5 another's key",
            "the token's signature is wrong",
            other.sign(&given.head, &given.issuer.claims()),
        ),
        attack(
            "2.5 a key that is for encryption",
            "the key is for another use or algorithm",
            encryption.sign(
                &json!({ "alg": "RS256", "kid": "enc" }),
                &given.issuer.claims(),
            ),
        ),
        attack(
            "2.6 an encoding of its own",
            "the token's header is malformed",
            format!("{}.{own_signature}", unsigned.replace('.', "=.")),
        ),
        attack(
            "2.6 a signature in the other base64",
            "the token's signature is not base64url",
            format!("{unsigned}.{}=", own_signature),
        ),
        attack(
            "2.6 the letters of another base64",
            "the token's signature is not base64url",
            format!(
                "{unsigned}.{}",
                own_signature.replace('-', "+").replace('_', "/") + "+"
            ),
        ),
        attack(
            "a token that is very long",
            "the token is too long",
            format!("{unsigned}{}.{own_signature}", "A".repeat(20_000)),
        ),
        attack(
            "words",
            "the token's header is malformed",
            "not.a.token".to_owned(),
        ),
    ]
}

//! Which signature, of which header, by which key verifies a token; each refusal for its reason.

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jws::{JwkSet, Jws, TokenError};
use serde_json::{Value, json};
use testkit::issuer::Signer;

const CLAIMS: &str = r#"{"sub":"u"}"#;

fn keys(keys: &[Value]) -> JwkSet {
    serde_json::from_value(json!({ "keys": keys })).expect("a set of keys")
}

/// The payload of a verified token, and whether the key is one of these keys.
fn verify(token: &str, keys: &JwkSet) -> Result<String, TokenError> {
    let jws = Jws::parse(token)?;
    let (payload, key) = jws.verify(keys)?;
    assert_eq!(Some(key), keys.find(jws.key_id()));
    Ok(String::from_utf8(payload).expect("text"))
}

#[test]
fn a_token_is_verified_by_its_algorithm_alone() {
    let signer = Signer::new(KeySize::Rsa2048);
    let mut key = signer.jwk("k1");
    key.as_object_mut().expect("a key").remove("alg");
    let keys = keys(&[key]);
    let paddings: [(&str, &'static dyn RsaEncoding); 4] = [
        ("RS256", &RSA_PKCS1_SHA256),
        ("RS384", &RSA_PKCS1_SHA384),
        ("RS512", &RSA_PKCS1_SHA512),
        ("PS256", &RSA_PSS_SHA256),
    ];
    for (signed, padding) in paddings {
        for named in ["RS256", "RS384", "RS512", "PS256", "HS256", "none", ""] {
            let header = json!({ "alg": named, "kid": "k1" });
            let token = signer.sign_with(padding, &header, CLAIMS);
            let expected = match named {
                "RS256" | "RS384" | "RS512" if named == signed => Ok(CLAIMS.to_owned()),
                "RS256" | "RS384" | "RS512" => Err(TokenError::WrongSignature),
                _ => Err(TokenError::UnsupportedAlgorithm),
            };
            assert_eq!(
                verify(&token, &keys),
                expected,
                "signed by {signed}, named {named}"
            );
        }
    }
}

#[test]
fn a_header_that_asks_for_more_is_refused() {
    let signer = Signer::new(KeySize::Rsa2048);
    let keys = keys(&[signer.jwk("k1")]);
    for (name, header, expected) in [
        (
            "nothing more",
            json!({ "typ": "JWT" }),
            Ok(CLAIMS.to_owned()),
        ),
        (
            "critical extensions",
            json!({ "crit": ["exp"] }),
            Err(TokenError::CriticalExtensions),
        ),
        (
            "an unencoded payload",
            json!({ "b64": false }),
            Err(TokenError::CriticalExtensions),
        ),
        (
            "another key",
            json!({ "kid": "k2" }),
            Err(TokenError::UnknownKey),
        ),
        (
            "no algorithm",
            json!({ "alg": null }),
            Err(TokenError::MalformedHeader),
        ),
    ] {
        let mut all = json!({ "alg": "RS256", "kid": "k1" });
        let members = header.as_object().expect("members").clone();
        all.as_object_mut().expect("a header").extend(members);
        let token = signer.sign_with(&RSA_PKCS1_SHA256, &all, CLAIMS);
        assert_eq!(verify(&token, &keys), expected, "{name}");
    }
    let without = signer.sign_with(&RSA_PKCS1_SHA256, &json!({ "kid": "k1" }), CLAIMS);
    assert_eq!(
        verify(&without, &keys),
        Err(TokenError::UnsupportedAlgorithm)
    );
}

#[test]
fn a_key_verifies_what_it_is_for() {
    let signer = Signer::new(KeySize::Rsa2048);
    let token = signer.sign_with(
        &RSA_PKCS1_SHA256,
        &json!({ "alg": "RS256", "kid": "k1" }),
        CLAIMS,
    );
    let own = signer.jwk("k1");
    let modulus = own["n"].as_str().expect("a modulus");
    let bytes = URL_SAFE_NO_PAD.decode(modulus).expect("a modulus");
    let padded = URL_SAFE_NO_PAD.encode([&[0, 0], bytes.as_slice()].concat());
    let other = Signer::new(KeySize::Rsa2048).jwk("k1");
    let verified = || Ok(CLAIMS.to_owned());
    for (name, change, expected) in [
        ("as it is", json!({}), verified()),
        (
            "for nothing named",
            json!({ "use": null, "alg": null }),
            verified(),
        ),
        (
            "for encryption",
            json!({ "use": "enc" }),
            Err(TokenError::WrongKeyUse),
        ),
        (
            "for verifying among others",
            json!({ "key_ops": ["sign", "verify"] }),
            verified(),
        ),
        (
            "for other operations",
            json!({ "key_ops": ["encrypt"] }),
            Err(TokenError::WrongKeyUse),
        ),
        (
            "for no operation",
            json!({ "key_ops": [] }),
            Err(TokenError::WrongKeyUse),
        ),
        (
            "for another algorithm",
            json!({ "alg": "RS512" }),
            Err(TokenError::WrongKeyUse),
        ),
        (
            "of another kind",
            json!({ "kty": "EC" }),
            Err(TokenError::WrongKeyUse),
        ),
        ("with leading zeros", json!({ "n": padded }), verified()),
        (
            "without a modulus",
            json!({ "n": null }),
            Err(TokenError::UnreadableKey),
        ),
        (
            "with an exponent that is not base64url",
            json!({ "e": "A+==" }),
            Err(TokenError::UnreadableKey),
        ),
        (
            "of somebody else",
            json!({ "n": other["n"] }),
            Err(TokenError::WrongSignature),
        ),
    ] {
        let mut key = own.clone();
        let members = change.as_object().expect("members").clone();
        key.as_object_mut().expect("a key").extend(members);
        assert_eq!(verify(&token, &keys(&[key])), expected, "a key {name}");
    }
}

#[test]
fn a_token_without_a_key_id_is_verified_by_the_only_key() {
    let (signer, other) = (Signer::new(KeySize::Rsa2048), Signer::new(KeySize::Rsa2048));
    let token = signer.sign_with(&RSA_PKCS1_SHA256, &json!({ "alg": "RS256" }), CLAIMS);
    let verify_by = |known: &[Value]| verify(&token, &keys(known));
    assert_eq!(verify_by(&[signer.jwk("k1")]).as_deref(), Ok(CLAIMS));
    for known in [&[][..], &[signer.jwk("k1"), other.jwk("k2")]] {
        assert_eq!(verify_by(known), Err(TokenError::UnknownKey));
    }
}

#[test]
fn each_part_of_a_token_is_base64url_and_signed() {
    let signer = Signer::new(KeySize::Rsa2048);
    let keys = keys(&[signer.jwk("k1")]);
    let header = json!({ "alg": "RS256", "kid": "k1" });
    let token = signer.sign_with(&RSA_PKCS1_SHA256, &header, CLAIMS);
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (head, _) = signed.split_once('.').expect("three parts");
    let other_payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"v"}"#);
    for (name, token, error) in [
        (
            "another payload",
            format!("{head}.{other_payload}.{signature}"),
            TokenError::WrongSignature,
        ),
        (
            "no signature",
            format!("{signed}."),
            TokenError::WrongSignature,
        ),
        (
            "a signature with padding",
            format!("{signed}.{signature}=="),
            TokenError::MalformedSignature,
        ),
    ] {
        assert_eq!(verify(&token, &keys), Err(error), "{name}");
    }
}

#[test]
fn a_token_of_16_kib_is_read_and_a_longer_one_is_not() {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
    let token = |length: usize| format!("{header}.{}.AA", "A".repeat(length - header.len() - 4));
    assert_eq!(token(16_384).len(), 16_384);
    assert_eq!(Jws::parse(&token(16_384)).err(), None);
    assert_eq!(Jws::parse(&token(16_385)).err(), Some(TokenError::TooLong));
}

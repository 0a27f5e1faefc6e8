//! Signed tokens: whatever the header, the claims and the set of keys say, a token is verified only
//! if another library finds the signature good, and its claims hold.
//!
//! An input is the token's header, its claims, and how the signature is made. The target signs with
//! a key of its own, so that the corpora hold no secret: `s` signs, `c` changes the token after
//! that, anything else stands in the token as it is. A fourth part is the set of keys.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jws::{JwkSet, Jws, RegisteredClaims, bearer_token};
use serde_json::{Value, json};

use super::json::is_refused_by_serde_alone;
use crate::{Target, parts};

pub const TARGET: Target = Target {
    name: "jws",
    run,
    words: &[
        "{\"alg\":\"RS256\",\"kid\":\"k1\"}",
        "\"alg\":\"none\"",
        "\"alg\":\"HS256\"",
        "\"alg\":\"RS512\"",
        "\"crit\":[\"b64\"]",
        "\"b64\":false",
        "\"kid\":\"k1\"",
        "\"jwk\":{",
        "\"iss\":\"https://pool\"",
        "\"aud\":\"app\"",
        "\"aud\":[\"app\"]",
        "\"client_id\":\"app\"",
        "\"exp\":1795000600",
        "\"nbf\":1795000000",
        "\"iat\":1795000000",
        "\"sub\":\"u\"",
        "\"token_use\":\"id\"",
        "\n---\n",
        "\n---\ns",
        "\n---\nc",
        ".",
        "..",
        "=",
        "1e999",
        "null",
        "{\"keys\":[",
        "\"kty\":\"RSA\"",
        "\"use\":\"enc\"",
        "\"n\":\"",
        "\"e\":\"AQAB\"",
    ],
};

const NOW: u64 = 1_795_000_000;
const ISSUER: &str = "https://pool";

static KEY: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"));

/// The set of keys that an input without one is verified with.
static KEYS: LazyLock<JwkSet> = LazyLock::new(|| {
    let (n, e) = public_key();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = json!({ "kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", "n": number(&n), "e": number(&e) });
    serde_json::from_value(json!({ "keys": [key] })).expect("a set of keys")
});

fn public_key() -> (Vec<u8>, Vec<u8>) {
    let key = KEY.public_key();
    let modulus = key.modulus().big_endian_without_leading_zero();
    let exponent = key.exponent().big_endian_without_leading_zero();
    (modulus.to_vec(), exponent.to_vec())
}

fn run(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        check_bearer(text);
        // A token as the caller writes it, which nobody has signed.
        let verified = Jws::parse(text).is_ok_and(|jws| jws.verify(&KEYS).is_ok());
        assert!(!verified, "verified, and never signed: {text}");
    }
    let mut parts = parts(input);
    let header = parts.next().unwrap_or_default();
    let claims = parts.next().unwrap_or_default();
    let signature = parts.next().unwrap_or_default();
    let token = token(header, claims, signature);
    let Ok(token) = std::str::from_utf8(&token) else {
        return;
    };
    if let Some(keys) = parts.next() {
        // Keys that the caller made up verify nothing of ours, but must be readable or refused.
        if let Ok(keys) = serde_json::from_slice::<JwkSet>(keys) {
            let _ = Jws::parse(token).map(|jws| jws.verify(&keys).is_ok());
        }
    }
    let verified = Jws::parse(token).and_then(|jws| {
        let (payload, _) = jws.verify(&KEYS)?;
        Ok(payload)
    });
    let is_good = is_good(token, header);
    match verified {
        Ok(payload) => {
            assert!(
                is_good,
                "verified in spite of its signature or header: {token}"
            );
            check_claims(&payload);
        }
        Err(error) => assert!(!is_good, "refused ({error}) although it is good: {token}"),
    }
}

fn token(header: &[u8], claims: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut token = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    )
    .into_bytes();
    let written = match signature {
        [b's', ..] => URL_SAFE_NO_PAD.encode(sign(header, &token)).into_bytes(),
        [b'c', at, new, ..] => {
            let written = URL_SAFE_NO_PAD.encode(sign(header, &token)).into_bytes();
            token.push(b'.');
            token.extend(written);
            let at = (usize::from(*at) * 7) % token.len();
            token[at] = *new;
            return token;
        }
        other => other.to_vec(),
    };
    token.push(b'.');
    token.extend(written);
    token
}

fn sign(header: &[u8], input: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm(header).as_deref() {
        Some("RS384") => &RSA_PKCS1_SHA384,
        Some("RS512") => &RSA_PKCS1_SHA512,
        _ => &RSA_PKCS1_SHA256,
    };
    let mut signature = vec![0; KEY.public_modulus_len()];
    KEY.sign(algorithm, &SystemRandom::new(), input, &mut signature)
        .expect("a signature");
    signature
}

fn algorithm(header: &[u8]) -> Option<String> {
    let header: Value = serde_json::from_slice(header).ok()?;
    Some(header.get("alg")?.as_str()?.to_owned())
}

/// Whether a token has the one algorithm of the key, names the key or none, has nothing critical,
/// and a signature that aws-lc-rs finds good.
fn is_good(token: &str, written_header: &[u8]) -> bool {
    let mut parts = token.rsplitn(2, '.');
    let (Some(signature), Some(input)) = (parts.next(), parts.next()) else {
        return false;
    };
    let Some((header, payload)) = input.split_once('.') else {
        return false;
    };
    let (Ok(signature), Ok(header), Ok(_)) = (
        URL_SAFE_NO_PAD.decode(signature),
        URL_SAFE_NO_PAD.decode(header),
        URL_SAFE_NO_PAD.decode(payload),
    ) else {
        return false;
    };
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(&header) else {
        return false;
    };
    let verification = match members.get("alg").and_then(Value::as_str) {
        Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
        Some("RS384") => &RSA_PKCS1_2048_8192_SHA384,
        Some("RS512") => &RSA_PKCS1_2048_8192_SHA512,
        _ => return false,
    };
    let (n, e) = public_key();
    let names_key = members.get("kid").is_none_or(|kid| kid == "k1");
    let is_plain = !members.contains_key("crit") && !members.contains_key("b64");
    let is_the_keys = members["alg"] == "RS256";
    let is_signed = PublicKeyComponents { n, e }
        .verify(verification, input.as_bytes(), &signature)
        .is_ok();
    names_key
        && is_plain
        && is_the_keys
        && is_signed
        && token.len() <= 16 * 1024
        && !has_duplicates(&header, &members)
        && written_header.len() < 16 * 1024
}

/// Whether a member stands twice: then there are more colons outside of strings, at the top level,
/// than members.
fn has_duplicates(json: &[u8], members: &serde_json::Map<String, Value>) -> bool {
    let (mut depth, mut colons, mut in_string, mut escaped) = (0, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b':' if depth == 1 => colons += 1,
            _ => {}
        }
    }
    colons > members.len()
}

/// The claims of a good token are accepted only if they say what is expected of them.
fn check_claims(payload: &[u8]) {
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let accepted = accept(payload, now);
    let value: Value = match serde_json::from_slice(payload) {
        Ok(value) => value,
        // It may stand in any claim but those that are read.
        Err(error) if is_refused_by_serde_alone(&error) => return,
        Err(_) => Value::Null,
    };
    let is_ours = |value: &Value| value.as_str() == Some("app");
    let audience = match value.get("aud") {
        Some(Value::Array(names)) => names.iter().any(is_ours),
        Some(name) => is_ours(name),
        None => value.get("client_id").is_some_and(is_ours),
    };
    let now = NOW as f64;
    let time = |name| value.get(name).map(Value::as_f64);
    let holds = value.get("iss").and_then(Value::as_str) == Some(ISSUER)
        && audience
        && matches!(time("exp"), Some(Some(at)) if at > now)
        && matches!(time("nbf"), None | Some(Some(..=1_795_000_000.0)))
        && matches!(time("iat"), None | Some(Some(..=1_795_000_000.0)))
        && value.get("sub").is_some_and(Value::is_string);
    if accepted {
        assert!(holds, "accepted: {value}");
    } else if let Value::Object(members) = &value {
        assert!(
            !holds || has_duplicates(payload, members),
            "refused although the claims hold: {value}"
        );
    }
}

fn accept(payload: &[u8], now: SystemTime) -> bool {
    let Ok(claims) = RegisteredClaims::read(payload) else {
        return false;
    };
    let audience = ["app".to_owned()];
    claims.check(ISSUER, &audience, now).is_ok()
        && claims.check_issued(now).is_ok()
        && claims.subject().is_ok()
}

fn check_bearer(header: &str) {
    if let Some(token) = bearer_token(header) {
        assert!(header.trim().to_ascii_lowercase().starts_with("bearer "));
        assert!(header.contains(token) && token == token.trim());
    }
}

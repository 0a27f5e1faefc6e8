//! Verifies the signature of the identity: `IDENTITY_SIGNING_KEY`, which the edge has too.
//!
//! Whoever may invoke this function can give it any `identity`. `identitySignature` is a JSON Web
//! Token with the algorithm HS256, whose claims are `identity`, `requestId` and `iat`. It says that
//! the edge has made this identity for this request, within the last five minutes; it does not say
//! that the input is the caller's.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::Value;

/// How old a signature may be, and by how much the edge's clock may be ahead, in seconds.
const TOLERANCE: u64 = 5 * 60;
/// The least length of the key, in bytes.
const MIN_KEY: usize = 32;

/// Verifies with one key. The debug form does not show it.
pub struct IdentityVerifier(hmac::Key);

/// Why an identity is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureError {
    /// The event has none.
    Absent,
    /// It is not a token, or not of this key, or was changed.
    Wrong,
    /// It is for another identity or another request than the event's.
    OfAnother,
    /// It was made more than five minutes ago, or more than five minutes from now.
    OutOfTime,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => {
                "identitySignature is absent: invoke the edge, or set its IDENTITY_SIGNING_KEY"
            }
            Self::Wrong => {
                "identitySignature is not of this key: the edge and this function must have the same IDENTITY_SIGNING_KEY"
            }
            Self::OfAnother => "identitySignature is for another identity or another request",
            Self::OutOfTime => "identitySignature is more than 5 minutes old, or from the future",
        })
    }
}

impl IdentityVerifier {
    /// Verifies with this key: the bytes of the text, without white space around it. An error says
    /// why the key cannot be used, and does not hold it.
    pub fn new(key: &str) -> Result<Self, String> {
        let key = key.trim();
        if key.len() < MIN_KEY {
            let length = key.len();
            return Err(format!(
                "IDENTITY_SIGNING_KEY: it has {length} bytes: give it {MIN_KEY} or more, the same as the edge's"
            ));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())))
    }

    /// Checks that the edge has signed the event's identity for this request, at most five minutes
    /// ago.
    pub fn verify(&self, event: &Value, now: SystemTime) -> Result<(), SignatureError> {
        let token = event
            .get("identitySignature")
            .and_then(Value::as_str)
            .ok_or(SignatureError::Absent)?;
        let claims = self.claims(token).ok_or(SignatureError::Wrong)?;
        let request_id = event.pointer("/requestMeta/requestId");
        if claims.get("identity") != event.get("identity") || claims.get("requestId") != request_id
        {
            return Err(SignatureError::OfAnother);
        }
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let issued = claims.get("iat").and_then(Value::as_u64);
        let is_current = issued.is_some_and(|issued| issued.abs_diff(now) <= TOLERANCE);
        if is_current {
            Ok(())
        } else {
            Err(SignatureError::OutOfTime)
        }
    }

    /// The claims of a token of this key. The comparison takes the same time for every signature.
    fn claims(&self, token: &str) -> Option<Value> {
        let (input, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.0, input.as_bytes(), &signature).ok()?;
        let (_, claims) = input.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

impl fmt::Debug for IdentityVerifier {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("IdentityVerifier")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const KEY: &str = "an example of a key: 32 bytes...";
    const SIGNED_AT: u64 = 1_795_000_000;
    /// What the edge makes of this identity at that time: the same text stands in its own test.
    const SIGNATURE: &str = "5wgwCnQfIftTVcUCHxVH3TaIrpCVgoBlqibPIjLqGzY";

    fn event() -> Value {
        let claims =
            r#"{"identity":{"sub":"u","email":null},"requestId":"id \"1\"","iat":1795000000}"#;
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = [
            encode(r#"{"alg":"HS256","typ":"JWT"}"#),
            encode(claims),
            SIGNATURE.to_owned(),
        ];
        json!({
            "input": {},
            "identity": { "email": null, "sub": "u" },
            "requestMeta": { "requestId": "id \"1\"" },
            "identitySignature": token.join("."),
        })
    }

    fn verify(event: &Value, seconds: u64) -> Result<(), SignatureError> {
        let verifier = IdentityVerifier::new(KEY).expect("a key");
        verifier.verify(event, UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn an_identity_that_the_edge_has_signed_is_trusted_for_five_minutes() {
        for (seconds, verdict) in [
            (SIGNED_AT, Ok(())),
            (SIGNED_AT + 300, Ok(())),
            (SIGNED_AT - 300, Ok(())),
            (SIGNED_AT + 301, Err(SignatureError::OutOfTime)),
            (SIGNED_AT - 301, Err(SignatureError::OutOfTime)),
        ] {
            assert_eq!(verify(&event(), seconds), verdict, "{seconds}");
        }
    }

    #[test]
    fn a_forged_identity_is_refused() {
        let with = |member: &str, value: Value| {
            let mut event = event();
            event[member] = value;
            event
        };
        let token = event()["identitySignature"]
            .as_str()
            .expect("a token")
            .to_owned();
        let changed = token.replacen("eyJpZG", "eyJpZH", 1);
        assert_ne!(changed, token);
        let unsigned = format!("{}.", token.rsplit_once('.').expect("parts").0);
        for (name, event, error) in [
            (
                "no signature",
                with("identitySignature", Value::Null),
                SignatureError::Absent,
            ),
            (
                "not a text",
                with("identitySignature", json!(7)),
                SignatureError::Absent,
            ),
            (
                "not a token",
                with("identitySignature", json!("x")),
                SignatureError::Wrong,
            ),
            (
                "changed claims",
                with("identitySignature", json!(changed)),
                SignatureError::Wrong,
            ),
            (
                "no signature in the token",
                with("identitySignature", json!(unsigned)),
                SignatureError::Wrong,
            ),
            (
                "another identity",
                with("identity", json!({ "sub": "v", "email": null })),
                SignatureError::OfAnother,
            ),
            (
                "one more claim",
                with(
                    "identity",
                    json!({ "sub": "u", "email": null, "cognito:groups": "[admin]" }),
                ),
                SignatureError::OfAnother,
            ),
            (
                "no identity",
                with("identity", Value::Null),
                SignatureError::OfAnother,
            ),
            (
                "another request",
                with("requestMeta", json!({ "requestId": "2" })),
                SignatureError::OfAnother,
            ),
        ] {
            assert_eq!(verify(&event, SIGNED_AT), Err(error), "{name}");
        }
        let other = IdentityVerifier::new(&KEY.replace("example", "another")).expect("a key");
        let verdict = other.verify(&event(), UNIX_EPOCH + Duration::from_secs(SIGNED_AT));
        assert_eq!(verdict, Err(SignatureError::Wrong));
    }

    #[test]
    fn a_key_that_is_too_short_is_refused_without_showing_it() {
        let error = IdentityVerifier::new(" secret ").expect_err("too short");
        assert!(
            error.contains("it has 6 bytes") && !error.contains("secret"),
            "{error}"
        );
    }
}

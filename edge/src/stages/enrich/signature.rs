//! Signs the identity that core receives: `IDENTITY_SIGNING_KEY`.
//!
//! Whoever may invoke core can give it any `identity`. The signature is a JSON Web Token with the
//! algorithm HS256 (RFC 7515, RFC 7518 section 3.2), so that core verifies it with any library, or
//! in ten lines. Its claims are `identity`, as it stands in the payload, `requestId`, and `iat`,
//! the time in seconds since 1970.

use std::fmt;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// The least length of the key, in bytes: that of the hash, as RFC 7518 requires.
const MIN_KEY: usize = 32;
/// `{"alg":"HS256","typ":"JWT"}` in base64url.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Signs identities with one key. The debug form does not show it.
pub struct IdentitySigner(hmac::Key);

impl IdentitySigner {
    /// Signs with this key: the bytes of the text. An error says why the key cannot be used, and
    /// does not hold it.
    pub fn new(key: &str) -> Result<Self, String> {
        if key.starts_with("{{resolve:") {
            return Err("it is a reference that nothing has resolved: CloudFormation does, sam local does not".to_owned());
        }
        if key.len() < MIN_KEY {
            let length = key.len();
            return Err(format!(
                "it has {length} bytes: give it {MIN_KEY} or more, as `openssl rand -hex {MIN_KEY}` makes them"
            ));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())))
    }

    /// The token for an identity, which is JSON.
    pub(super) fn sign(&self, identity: &[u8], request_id: &str, now: SystemTime) -> String {
        let seconds = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let request_id = serde_json::Value::from(request_id);
        let claims = [
            br#"{"identity":"#.as_slice(),
            identity,
            format!(r#","requestId":{request_id},"iat":{seconds}}}"#).as_bytes(),
        ]
        .concat();
        let input = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = hmac::sign(&self.0, input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl fmt::Debug for IdentitySigner {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("IdentitySigner")
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const KEY: &str = "an example of a key: 32 bytes...";

    #[test]
    fn a_token_is_the_one_that_other_libraries_make_of_the_same_claims() {
        let signer = IdentitySigner::new(KEY).expect("a key");
        let now = UNIX_EPOCH + Duration::from_millis(1_795_000_000_999);
        let token = signer.sign(br#"{"sub":"u","email":null}"#, "id \"1\"", now);
        let (input, signature) = token.rsplit_once('.').expect("three parts");
        let (header, claims) = input.split_once('.').expect("three parts");
        let decode = |part| {
            let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
            String::from_utf8(bytes).expect("UTF-8")
        };
        assert_eq!(decode(header), r#"{"alg":"HS256","typ":"JWT"}"#);
        let expected =
            r#"{"identity":{"sub":"u","email":null},"requestId":"id \"1\"","iat":1795000000}"#;
        assert_eq!(decode(claims), expected);
        // Made by Python's hmac and hashlib.
        assert_eq!(signature, "5wgwCnQfIftTVcUCHxVH3TaIrpCVgoBlqibPIjLqGzY");
    }

    #[test]
    fn a_key_that_is_too_short_or_only_a_reference_is_refused_without_showing_it() {
        for (key, why) in [
            ("secret", "it has 6 bytes: give it 32 or more"),
            (&KEY[1..], "it has 31 bytes"),
            (
                "{{resolve:secretsmanager:identity-signing-key}}",
                "it is a reference that nothing has resolved",
            ),
        ] {
            let error = IdentitySigner::new(key).expect_err(why);
            assert!(error.starts_with(why) && !error.contains(key), "{error}");
        }
        let signer = IdentitySigner::new(KEY).expect("a key");
        assert_eq!(format!("{signer:?}"), "IdentitySigner");
    }
}

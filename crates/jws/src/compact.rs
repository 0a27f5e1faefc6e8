//! A compact JSON Web Signature: its header, and its signature against a set of keys.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters,
};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::members::{read_members, skip};
use crate::{Jwk, JwkSet, TokenError};

/// The longest token that is read, in bytes: more than all headers of an API may take.
const MAX_TOKEN: usize = 16 * 1024;

/// A token whose header was read, and whose signature was not verified yet.
#[derive(Debug)]
pub struct Jws<'a> {
    header: Header,
    signing_input: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// The members of a protected header that matter here.
#[derive(Debug, Default)]
struct Header {
    algorithm: Option<String>,
    key_id: Option<String>,
    has_critical_extensions: bool,
}

/// The token of an `Authorization` header with the scheme `Bearer`, in any case; `None` for another
/// scheme.
pub fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl<'a> Jws<'a> {
    /// Splits a token and reads its header.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenError::NotThreeParts)?;
        let (header, payload) = signing_input
            .split_once('.')
            .ok_or(TokenError::NotThreeParts)?;
        if payload.contains('.') {
            return Err(TokenError::NotThreeParts);
        }
        let header = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| TokenError::MalformedHeader)?;
        // serde_json alone would pass over bytes that are not UTF-8 in members that are not read.
        let header = str::from_utf8(&header).map_err(|_| TokenError::MalformedHeader)?;
        let header = serde_json::from_str(header).map_err(|_| TokenError::MalformedHeader)?;
        Ok(Self {
            header,
            signing_input,
            payload,
            signature,
        })
    }

    /// The key id that the header names.
    pub fn key_id(&self) -> Option<&str> {
        self.header.key_id.as_deref()
    }

    /// Verifies the signature; gives the bytes of the payload, and the key. Keys of less than 2,048
    /// bits verify nothing.
    pub fn verify<'k>(&self, keys: &'k JwkSet) -> Result<(Vec<u8>, &'k Jwk), TokenError> {
        let algorithm = self
            .header
            .algorithm
            .as_deref()
            .ok_or(TokenError::UnsupportedAlgorithm)?;
        let parameters = parameters(algorithm).ok_or(TokenError::UnsupportedAlgorithm)?;
        if self.header.has_critical_extensions {
            return Err(TokenError::CriticalExtensions);
        }
        let key = keys.find(self.key_id()).ok_or(TokenError::UnknownKey)?;
        if !key.verifies(algorithm) {
            return Err(TokenError::WrongKeyUse);
        }
        let public_key = key.components().ok_or(TokenError::UnreadableKey)?;
        let signature = URL_SAFE_NO_PAD
            .decode(self.signature)
            .map_err(|_| TokenError::MalformedSignature)?;
        let verified = public_key.verify(parameters, self.signing_input.as_bytes(), &signature);
        verified.map_err(|_| TokenError::WrongSignature)?;
        let payload = URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| TokenError::MalformedClaims)?;
        Ok((payload, key))
    }
}

fn parameters(algorithm: &str) -> Option<&'static RsaParameters> {
    match algorithm {
        "RS256" => Some(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Some(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Some(&RSA_PKCS1_2048_8192_SHA512),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the header of a JSON Web Signature")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        read_members(members, |name, members| {
            match name {
                "alg" => header.algorithm = Some(members.next_value()?),
                "kid" => header.key_id = Some(members.next_value()?),
                "crit" | "b64" => {
                    header.has_critical_extensions = true;
                    skip(members)?;
                }
                _ => skip(members)?,
            }
            Ok(())
        })?;
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Result<Option<String>, TokenError> {
        let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
        Jws::parse(&token).map(|jws| jws.key_id().map(str::to_owned))
    }

    #[test]
    fn a_header_is_read_or_refused() {
        for (name, header, expected) in [
            (
                "a key id",
                r#"{"alg":"RS256","kid":"k1"}"#,
                Ok(Some("k1".to_owned())),
            ),
            ("no key id", r#"{"alg":"RS256","typ":{"a":[1]}}"#, Ok(None)),
            (
                "a key id twice",
                r#"{"kid":"k1","kid":"k2"}"#,
                Err(TokenError::MalformedHeader),
            ),
            (
                "a key id that is no text",
                r#"{"kid":["k1"]}"#,
                Err(TokenError::MalformedHeader),
            ),
            ("not an object", "[]", Err(TokenError::MalformedHeader)),
            ("not JSON", "{", Err(TokenError::MalformedHeader)),
        ] {
            assert_eq!(parse(header), expected, "{name}");
        }
    }

    #[test]
    fn a_header_that_is_not_utf_8_is_refused() {
        let header = URL_SAFE_NO_PAD.encode(b"{\"alg\":\"RS256\",\"typ\":\"\xff\"}");
        let error = Jws::parse(&format!("{header}.e30.AA")).err();
        assert_eq!(error, Some(TokenError::MalformedHeader));
    }

    #[test]
    fn a_token_has_three_parts_and_is_not_long() {
        for (token, error) in [
            ("", TokenError::NotThreeParts),
            ("a.b", TokenError::NotThreeParts),
            ("a.b.c.d", TokenError::NotThreeParts),
            ("e30=.e30.AA", TokenError::MalformedHeader),
        ] {
            assert_eq!(Jws::parse(token).err(), Some(error), "{token}");
        }
        assert_eq!(
            Jws::parse(&"a".repeat(MAX_TOKEN + 1)).err(),
            Some(TokenError::TooLong)
        );
    }

    #[test]
    fn a_bearer_token_follows_its_scheme() {
        assert_eq!(bearer_token("Bearer a.b.c"), Some("a.b.c"));
        assert_eq!(bearer_token(" bearer  a.b.c "), Some("a.b.c"));
        assert_eq!(bearer_token("a.b.c"), None);
        assert_eq!(bearer_token("AWS4-HMAC-SHA256 Credential=x"), None);
    }
}

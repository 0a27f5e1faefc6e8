//! The signature of a compact JSON Web Signature, against published keys. Pure.
//!
//! RSA alone, PKCS #1 v1.5 with SHA-2: a shared secret, an elliptic curve or no signature at all is not what the keys of a
//! user pool verify. No key, and no place to get one, is ever taken from the token itself.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512};
use ring::signature::{RsaParameters, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Object;

/// The longest token that is looked at, in bytes: more than all headers of an API may take.
const MAX_TOKEN: usize = 16 * 1024;

/// An issuer's keys, as it publishes them.
#[derive(Debug, Default, Deserialize)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// One key; members of other kinds of keys are left out.
#[derive(Debug, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySet {
    /// Whether there is a key of this id; a token that names none can be verified by the only key alone.
    pub fn has(&self, key_id: Option<&str>) -> bool {
        self.find(key_id).is_some()
    }

    fn find(&self, key_id: Option<&str>) -> Option<&Key> {
        match (key_id, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.kid.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

impl Key {
    fn is_for(&self, algorithm: &str) -> bool {
        let verifies = |operations: &Vec<String>| operations.iter().any(|operation| operation == "verify");
        self.kty == "RSA"
            && self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(verifies)
            && self.alg.as_deref().is_none_or(|alg| alg == algorithm)
    }

    fn components(&self) -> Option<RsaPublicKeyComponents<Vec<u8>>> {
        let number = |text: &Option<String>| {
            let bytes = URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()?;
            Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<u8>>())
        };
        Some(RsaPublicKeyComponents { n: number(&self.n)?, e: number(&self.e)? })
    }
}

/// The key id that a token names in its header.
pub fn key_id(token: &str) -> Result<Option<String>, &'static str> {
    let header = Header::of(token)?;
    header.text("kid").map(|id| id.map(Cow::into_owned))
}

/// Verifies the signature and gives the payload's bytes. Keys of less than 2,048 bits verify nothing.
pub fn verify(token: &str, keys: &KeySet) -> Result<Vec<u8>, &'static str> {
    let header = Header::of(token)?;
    let algorithm = header.text("alg")?.ok_or("the token's header names no algorithm")?;
    let parameters = parameters(&algorithm)?;
    if header.has("crit") || header.has("b64") {
        return Err("the token has critical extensions");
    }
    let kid = header.text("kid")?;
    let key = keys.find(kid.as_deref()).ok_or("no key of the issuer has the token's key id")?;
    if !key.is_for(&algorithm) {
        return Err("the key is for another algorithm");
    }
    let key = key.components().ok_or("the issuer's key cannot be read")?;
    let (signed, signature) = token.rsplit_once('.').ok_or("the token has no three parts")?;
    let (_, payload) = signed.split_once('.').ok_or("the token has no three parts")?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the token's signature is not base64url")?;
    key.verify(parameters, signed.as_bytes(), &signature).map_err(|_| "the token's signature is wrong")?;
    URL_SAFE_NO_PAD.decode(payload).map_err(|_| "the token's payload is not base64url")
}

fn parameters(algorithm: &str) -> Result<&'static RsaParameters, &'static str> {
    match algorithm {
        "RS256" => Ok(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Ok(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Ok(&RSA_PKCS1_2048_8192_SHA512),
        _ => Err("the token's algorithm is not one of RS256, RS384 and RS512"),
    }
}

/// A token's protected header.
struct Header(Box<RawValue>);

impl Header {
    fn of(token: &str) -> Result<Self, &'static str> {
        if token.len() > MAX_TOKEN {
            return Err("the token is longer than any that is taken");
        }
        let mut parts = token.split('.');
        let header = parts.next().unwrap_or_default();
        if parts.count() != 2 {
            return Err("the token has no three parts");
        }
        let malformed = "the token's header is malformed";
        let bytes = URL_SAFE_NO_PAD.decode(header).map_err(|_| malformed)?;
        let raw = String::from_utf8(bytes).ok().and_then(|text| RawValue::from_string(text).ok()).ok_or(malformed)?;
        let members = Object::of(&raw).ok_or(malformed)?;
        let is_repeated = |name: &str| members.iter().filter(|(known, _)| *known == name).count() > 1;
        if ["alg", "kid", "crit", "b64"].into_iter().any(is_repeated) {
            return Err(malformed);
        }
        Ok(Self(raw))
    }

    fn members(&self) -> Object<'_> {
        Object::of(&self.0).unwrap_or_default()
    }

    fn has(&self, name: &str) -> bool {
        self.members().get(name).is_some()
    }

    /// A text; a member that is there and is none makes the token unreadable.
    fn text(&self, name: &str) -> Result<Option<Cow<'_, str>>, &'static str> {
        let members = self.members();
        match (members.get(name), members.text(name)) {
            (None, _) => Ok(None),
            (Some(_), Some(text)) => Ok(Some(text)),
            (Some(_), None) => Err("the token's header is malformed"),
        }
    }
}

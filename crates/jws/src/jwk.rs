//! The public keys of an issuer (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::RsaPublicKeyComponents;
use serde::{Deserialize, Deserializer};

/// The keys of an issuer, as it publishes them.
#[derive(Debug, Default, Deserialize)]
pub struct JwkSet {
    #[serde(deserialize_with = "readable_keys")]
    keys: Vec<Jwk>,
}

/// The keys that can be read: RFC 7517, section 5, says to ignore the others.
fn readable_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Jwk>, D::Error> {
    let keys = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(keys
        .into_iter()
        .filter_map(|key| serde_json::from_value(key).ok())
        .collect())
}

/// A public key; members of other kinds of keys are left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    public_key_use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl JwkSet {
    /// The key of this id. A token that names no key can be verified only by a key that is the only
    /// one.
    pub fn find(&self, key_id: Option<&str>) -> Option<&Jwk> {
        match (key_id, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.kid.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

impl Jwk {
    /// Whether the key may verify signatures of this algorithm.
    pub(crate) fn verifies(&self, algorithm: &str) -> bool {
        let has_verify =
            |operations: &Vec<String>| operations.iter().any(|operation| operation == "verify");
        self.kty == "RSA"
            && self
                .public_key_use
                .as_deref()
                .is_none_or(|key_use| key_use == "sig")
            && self.key_ops.as_ref().is_none_or(has_verify)
            && self.alg.as_deref().is_none_or(|alg| alg == algorithm)
    }

    /// Modulus and exponent, big-endian and without leading zeros.
    pub(crate) fn components(&self) -> Option<RsaPublicKeyComponents<Vec<u8>>> {
        let number = |text: &Option<String>| {
            let bytes = URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()?;
            Some(
                bytes
                    .into_iter()
                    .skip_while(|byte| *byte == 0)
                    .collect::<Vec<u8>>(),
            )
        };
        Some(RsaPublicKeyComponents {
            n: number(&self.n)?,
            e: number(&self.e)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_cannot_be_read_does_not_hide_the_others() {
        let set =
            r#"{"keys":[{"kid":7,"kty":"X"},{"kid":"no type"},"text",{"kty":"RSA","kid":"k1"}]}"#;
        let set: JwkSet = serde_json::from_str(set).expect("a set");
        assert!(set.find(Some("k1")).is_some() && set.find(Some("no type")).is_none());
    }
}

//! JSON Web Tokens, verified with their issuer's published keys: what the JWT authorizer and the identity pool rely on.
//!
//! RSA alone; `exp` is needed; there is no leeway. `token_use` is not looked at.

mod jwks;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::http::HttpClient;
use jwks::{Algorithm, Jwks, Key};

/// How long fetched keys are used.
const KEYS_LIVE: Duration = Duration::from_secs(3600);
/// How many tokens are kept whose signature has been verified.
const KEPT: usize = 1000;

/// Whose tokens are taken, and for whom they must be made.
#[derive(Debug, Clone)]
pub struct JwtConfiguration {
    /// The issuer, as it stands in `iss`.
    pub issuer: String,
    /// The audience: app client ids.
    pub audience: Vec<String>,
}

/// Verifies tokens of one issuer.
#[derive(Debug)]
pub struct Verifier {
    configuration: JwtConfiguration,
    jwks: Jwks,
    verified: Mutex<HashMap<String, Signed>>,
}

/// Claims, and the key that has signed them.
#[derive(Debug, Clone)]
struct Signed {
    kid: String,
    key: Arc<Key>,
    claims: Arc<Map<String, Value>>,
}

/// Why a token is refused.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Its time is over; since when, in seconds.
    #[error("the token has expired")]
    Expired(f64),
    /// Anything else, in a sentence.
    #[error("{0}")]
    Invalid(String),
}

impl From<&str> for TokenError {
    fn from(why: &str) -> Self {
        Self::Invalid(why.to_owned())
    }
}

impl From<String> for TokenError {
    fn from(why: String) -> Self {
        Self::Invalid(why)
    }
}

impl Verifier {
    /// A verifier that fetches the issuer's keys when the first token comes.
    pub fn new(configuration: JwtConfiguration, http: HttpClient) -> Self {
        let jwks = Jwks::new(&configuration.issuer, http, KEYS_LIVE);
        Self { configuration, jwks, verified: Mutex::default() }
    }

    /// Verifies a compact JWS: form, algorithm, key, signature, then what it says.
    pub async fn verify(&self, token: &str) -> Result<Arc<Map<String, Value>>, TokenError> {
        let known = self.verified.lock().get(token).cloned();
        // A key that the issuer has withdrawn or replaced verifies nothing any longer.
        let signed = match known {
            Some(known) if *self.jwks.key(&known.kid).await? == *known.key => known,
            _ => self.verify_signature(token).await?,
        };
        self.check_claims(&signed.claims, now())?;
        Ok(signed.claims)
    }

    /// The claims of a token that its key has signed; kept, for a client sends the same token for an hour.
    async fn verify_signature(&self, token: &str) -> Result<Signed, TokenError> {
        let segments: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = segments.as_slice() else {
            return Err("token contains an invalid number of segments".into());
        };
        let header = object(header).ok_or("the token's header is malformed")?;
        let algorithm = algorithm(&header)?;
        let kid = header.get("kid").and_then(Value::as_str).ok_or("the token has no key id")?;
        let key = self.jwks.key(kid).await?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the token's signature is malformed")?;
        let signed = &token[..token.rfind('.').unwrap_or_default()];
        if !key.verifies(algorithm, signed.as_bytes(), &signature) {
            return Err("the token's signature is invalid".into());
        }
        let claims = object(payload).ok_or("the token's claims are malformed")?;
        let signed = Signed { kid: kid.to_owned(), key, claims: Arc::new(claims) };
        let mut verified = self.verified.lock();
        if verified.len() >= KEPT {
            verified.clear();
        }
        verified.insert(token.to_owned(), signed.clone());
        Ok(signed)
    }

    fn check_claims(&self, claims: &Map<String, Value>, now: f64) -> Result<(), TokenError> {
        if claims.get("iss").and_then(Value::as_str) != Some(self.configuration.issuer.as_str()) {
            return Err("the token does not have a valid issuer".into());
        }
        if !self.is_for_us(claims) {
            return Err("the token does not have a valid audience".into());
        }
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().ok_or(format!("the token's {name} is not a number")));
        let expires = time("exp").ok_or("the token has no expiration")??;
        if expires <= now {
            return Err(TokenError::Expired(expires));
        }
        if time("nbf").transpose()?.is_some_and(|not_before| not_before > now) {
            return Err("the token is not valid yet".into());
        }
        if time("iat").transpose()?.is_some_and(|issued| issued > now) {
            return Err("the token was issued in the future".into());
        }
        Ok(())
    }

    /// `client_id` counts only where there is no `aud`.
    fn is_for_us(&self, claims: &Map<String, Value>) -> bool {
        let ours =
            |value: &Value| value.as_str().is_some_and(|name| self.configuration.audience.iter().any(|known| known == name));
        match claims.get("aud") {
            Some(Value::Array(audience)) => audience.iter().any(ours),
            Some(audience) => ours(audience),
            None => claims.get("client_id").is_some_and(ours),
        }
    }
}

/// RSA alone: neither a shared secret nor none at all can be what an issuer's public keys verify.
fn algorithm(header: &Map<String, Value>) -> Result<Algorithm, String> {
    if header.contains_key("crit") {
        return Err("the token has critical extensions that are not understood".to_owned());
    }
    match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => Ok(Algorithm::Rs256),
        Some("RS384") => Ok(Algorithm::Rs384),
        Some("RS512") => Ok(Algorithm::Rs512),
        _ => Err("the token's signing method is invalid".to_owned()),
    }
}

fn object(segment: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(segment).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(claims: Value) -> String {
        let configuration = JwtConfiguration { issuer: "https://pool".to_owned(), audience: vec!["app".to_owned()] };
        let verifier = Verifier::new(configuration, HttpClient::new());
        let Value::Object(claims) = claims else { panic!("an object") };
        verifier.check_claims(&claims, 1000.0).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn claims_are_checked_as_api_gateway_checks_them() {
        for (name, claims, error) in [
            ("an ID token", json!({ "iss": "https://pool", "aud": "app", "exp": 1001, "iat": 1000 }), ""),
            ("an access token", json!({ "iss": "https://pool", "client_id": "app", "exp": 1001 }), ""),
            ("one audience of many", json!({ "iss": "https://pool", "aud": ["x", "app"], "exp": 1001 }), ""),
            (
                "another pool",
                json!({ "iss": "https://pool/", "aud": "app", "exp": 1001 }),
                "the token does not have a valid issuer",
            ),
            (
                "another app",
                json!({ "iss": "https://pool", "aud": "x", "exp": 1001 }),
                "the token does not have a valid audience",
            ),
            (
                "client_id beside aud",
                json!({ "iss": "https://pool", "aud": "x", "client_id": "app", "exp": 1001 }),
                "the token does not have a valid audience",
            ),
            ("no audience", json!({ "iss": "https://pool", "exp": 1001 }), "the token does not have a valid audience"),
            ("expired", json!({ "iss": "https://pool", "aud": "app", "exp": 1000 }), "the token has expired"),
            ("no expiration", json!({ "iss": "https://pool", "aud": "app" }), "the token has no expiration"),
            ("exp in a string", json!({ "iss": "https://pool", "aud": "app", "exp": "9999" }), "the token's exp is not a number"),
            ("not yet", json!({ "iss": "https://pool", "aud": "app", "exp": 1002, "nbf": 1001 }), "the token is not valid yet"),
            (
                "from the future",
                json!({ "iss": "https://pool", "aud": "app", "exp": 1002, "iat": 1001 }),
                "the token was issued in the future",
            ),
        ] {
            assert_eq!(check(claims), error, "{name}");
        }
    }
}

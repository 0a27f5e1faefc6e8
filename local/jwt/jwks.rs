//! An issuer's public keys: found by discovery, fetched over HTTP, kept for a while, fetched again for an unknown key id.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
};
use axum::body::Bytes;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::Full;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::http::HttpClient;

/// How long a fetch may take, and how large its answer may be.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const FETCH_TIMEOUT: Duration = Duration::from_millis(1500);
const MAX_DOCUMENT: usize = 150_000;
/// How long an unknown key id does not cause another fetch.
const FLOOR: Duration = Duration::from_secs(5);

/// What an RSA signature is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256.
    Rs256,
    /// SHA-384.
    Rs384,
    /// SHA-512.
    Rs512,
}

/// An RSA public key.
#[derive(Debug, PartialEq)]
pub struct Key {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// An issuer's keys.
#[derive(Debug)]
pub struct Jwks {
    discovery: String,
    http: HttpClient,
    live: Duration,
    fetched: Mutex<Option<Fetched>>,
}

#[derive(Debug)]
struct Fetched {
    at: Instant,
    keys: HashMap<String, Arc<Key>>,
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<JsonWebKey>,
}

#[derive(Deserialize)]
struct JsonWebKey {
    kid: Option<String>,
    kty: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Key {
    /// Whether this key made the signature.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let parameters = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        };
        let key = RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent };
        key.verify(parameters, message, signature).is_ok()
    }
}

impl Jwks {
    /// The keys of an issuer, not yet fetched.
    pub fn new(issuer: &str, http: HttpClient, live: Duration) -> Self {
        let discovery = format!("{issuer}/.well-known/openid-configuration");
        Self { discovery, http, live, fetched: Mutex::default() }
    }

    /// The key of an id, or why there is none.
    pub async fn key(&self, kid: &str) -> Result<Arc<Key>, String> {
        let mut fetched = self.fetched.lock().await;
        if let Some(known) = fetched.as_ref() {
            let age = known.at.elapsed();
            match known.keys.get(kid) {
                Some(key) if age < self.live => return Ok(Arc::clone(key)),
                None if age < FLOOR => return Err(unknown(kid)),
                _ => {}
            }
        }
        let keys = self.fetch().await?;
        let key = keys.get(kid).cloned();
        *fetched = Some(Fetched { at: Instant::now(), keys });
        key.ok_or_else(|| unknown(kid))
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<Key>>, String> {
        let discovery: Discovery = self.get(&self.discovery).await?;
        let set: KeySet = self.get(&discovery.jwks_uri).await?;
        Ok(set.keys.into_iter().filter_map(JsonWebKey::read).collect())
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, url: &str) -> Result<T, String> {
        let why = |why: String| format!("{url} cannot be read: {why}");
        let request = Request::get(url).body(Full::<Bytes>::default()).map_err(|error| why(error.to_string()))?;
        let answer = self.http.send(request, FETCH_TIMEOUT).await.map_err(|error| why(error.to_string()))?;
        if answer.body.len() > MAX_DOCUMENT {
            return Err(why(format!("it is larger than {MAX_DOCUMENT} bytes")));
        }
        serde_json::from_slice(&answer.body).map_err(|error| why(error.to_string()))
    }
}

impl JsonWebKey {
    fn read(self) -> Option<(String, Arc<Key>)> {
        let decode = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        if self.kty.as_deref() != Some("RSA") {
            return None;
        }
        Some((self.kid?, Arc::new(Key { modulus: decode(self.n)?, exponent: decode(self.e)? })))
    }
}

fn unknown(kid: &str) -> String {
    // The header's text goes into a header of the answer: no quotes from outside in it.
    let safe: String = kid.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).take(64).collect();
    format!("the issuer has no key {safe}")
}

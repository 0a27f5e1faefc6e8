//! The verification of JSON Web Tokens for API Gateway's authorizers and the identity pool.
//!
//! The crate `jws` verifies signatures and claims. This file caches verified tokens, because a
//! client sends the same token for an hour; `refusal` words the errors as API Gateway does. It does
//! not check `token_use`.

mod refusal;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::Full;
use jws::{FetchDocument, Jwk, Jws, KeyCache, KeyCacheLimits, RegisteredClaims, TokenError};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::http::HttpClient;
pub(crate) use refusal::{TokenCheck, VerifyError};

/// The time-out for a request of an issuer's document.
const FETCH_TIMEOUT: Duration = Duration::from_millis(1500);
/// The least time between two requests of an issuer's keys. It is shorter than at AWS, so that a
/// developer need not wait.
const REFRESH_COOLDOWN: Duration = Duration::from_secs(5);
/// The capacity of the cache of verified tokens.
const MAX_CACHED_TOKENS: usize = 1000;

/// The issuer and the audience of the tokens that an authorizer accepts, as `JWTConfiguration` in
/// API Gateway's API.
#[derive(Debug, Clone)]
pub struct JwtConfiguration {
    /// The required claim `iss`.
    pub issuer: String,
    /// The app client ids of which the claim `aud` or `client_id` must name one.
    pub audience: Vec<String>,
}

/// Verifies the tokens of one issuer.
#[derive(Debug)]
pub(crate) struct Verifier {
    configuration: JwtConfiguration,
    keys: KeyCache<HttpClient>,
    verified: Mutex<HashMap<String, VerifiedToken>>,
}

/// A token whose signature was verified, with the key that verified it.
#[derive(Debug, Clone)]
struct VerifiedToken {
    key: Jwk,
    registered: RegisteredClaims,
    claims: Arc<Map<String, Value>>,
}

impl Verifier {
    /// Creates a verifier, which loads the issuer's keys with the first token.
    pub(crate) fn new(configuration: JwtConfiguration, http: HttpClient) -> Self {
        let limits = KeyCacheLimits {
            refresh_cooldown: REFRESH_COOLDOWN,
            ..KeyCacheLimits::default()
        };
        let keys = KeyCache::new(&configuration.issuer, http, limits);
        Self {
            configuration,
            keys,
            verified: Mutex::default(),
        }
    }

    /// Verifies a token's form, algorithm, key and signature, then its claims, and returns the
    /// claims.
    pub(crate) async fn verify(&self, token: &str) -> Result<Arc<Map<String, Value>>, VerifyError> {
        let jws = Jws::parse(token).map_err(|error| VerifyError::InvalidToken(error, None))?;
        let invalid = |error| VerifyError::InvalidToken(error, jws.key_id().map(str::to_owned));
        let keys = self
            .keys
            .keys(jws.key_id())
            .await
            .map_err(VerifyError::IssuerUnavailable)?;
        let cached = self.verified.lock().get(token).cloned();
        // A cached token is valid only while the issuer still publishes the key that verified it.
        let verified = match cached.filter(|cached| keys.find(jws.key_id()) == Some(&cached.key)) {
            Some(cached) => cached,
            None => {
                let (payload, key) = jws.verify(&keys).map_err(invalid)?;
                let registered = RegisteredClaims::read(&payload).map_err(invalid)?;
                let claims = serde_json::from_slice(&payload)
                    .map_err(|_| invalid(TokenError::MalformedClaims))?;
                self.cache(
                    token,
                    VerifiedToken {
                        key: key.clone(),
                        registered,
                        claims: Arc::new(claims),
                    },
                )
            }
        };
        let now = SystemTime::now();
        let JwtConfiguration { issuer, audience } = &self.configuration;
        let checked = verified.registered.check(issuer, audience, now);
        checked
            .and_then(|()| verified.registered.check_issued(now))
            .map_err(invalid)?;
        Ok(verified.claims)
    }

    fn cache(&self, token: &str, verified: VerifiedToken) -> VerifiedToken {
        let mut cache = self.verified.lock();
        if cache.len() >= MAX_CACHED_TOKENS {
            cache.clear();
        }
        cache.insert(token.to_owned(), verified.clone());
        verified
    }
}

impl FetchDocument for HttpClient {
    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let request = Request::get(url)
            .body(Full::<Bytes>::default())
            .map_err(|error| error.to_string())?;
        let answer = self
            .send(request, FETCH_TIMEOUT)
            .await
            .map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("status {}", answer.status.as_u16()));
        }
        Ok(answer.body.into())
    }
}

//! The keys of an issuer: found by OpenID Connect discovery, kept, and fetched again when they are
//! old or a token names a key that is not among them.
//!
//! There is one fetch at a time, and none soon after another: a caller can make up unknown key ids
//! without end.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Uri;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::JwkSet;

/// The largest document that is read, in bytes, as at an HTTP API's JWT authorizer.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
pub const MAX_DOCUMENT: usize = 150_000;
/// How long discovery and keys may each take, as at an HTTP API's JWT authorizer.
const FETCH_TIMEOUT: Duration = Duration::from_millis(1500);

/// How long keys are used, and how often they may be fetched.
#[derive(Debug, Clone, Copy)]
pub struct KeyCacheLimits {
    /// How long keys are used before they are fetched again.
    pub ttl: Duration,
    /// How long keys are used while the issuer does not answer.
    pub max_stale: Duration,
    /// The least time between two fetches while there are keys to use.
    pub refresh_cooldown: Duration,
    /// The least time between two fetches while there are none.
    pub retry_cooldown: Duration,
}

impl Default for KeyCacheLimits {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(3600),
            max_stale: Duration::from_secs(24 * 3600),
            refresh_cooldown: Duration::from_secs(30),
            retry_cooldown: Duration::from_secs(1),
        }
    }
}

/// Fetches a document, of [`MAX_DOCUMENT`] bytes at the most; an error says what went wrong,
/// without the URL.
pub trait FetchDocument: Send + Sync {
    /// A GET request, whose answer must have the status 200.
    fn get(&self, url: &str) -> impl Future<Output = Result<Vec<u8>, String>> + Send;
}

/// The keys of one issuer.
#[derive(Debug)]
pub struct KeyCache<F> {
    issuer: String,
    client: F,
    limits: KeyCacheLimits,
    kept: Mutex<CachedKeys>,
}

#[derive(Debug, Default)]
struct CachedKeys {
    keys: Arc<JwkSet>,
    /// By both clocks: the monotonic one stands still while the environment is frozen.
    fetched: Option<(Instant, SystemTime)>,
    tried: Option<Instant>,
    failure: Option<String>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl<F: FetchDocument> KeyCache<F> {
    /// An empty cache of this issuer's keys.
    pub fn new(issuer: &str, client: F, limits: KeyCacheLimits) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client,
            limits,
            kept: Mutex::default(),
        }
    }

    /// Fetches the keys now. Where that fails, the first token causes another fetch at once.
    pub async fn warm(&self) -> Result<(), String> {
        let mut kept = self.kept.lock().await;
        self.refresh(&mut kept).await;
        kept.tried = kept.fetched.map(|(at, _)| at);
        kept.failure.clone().map_or(Ok(()), Err)
    }

    /// The keys for a token with this key id, fetched again where that may help; or why the issuer
    /// cannot be asked.
    pub async fn keys(&self, key_id: Option<&str>) -> Result<Arc<JwkSet>, String> {
        let mut kept = self.kept.lock().await;
        let needs_refresh =
            !kept.is_younger_than(self.limits.ttl) || kept.keys.find(key_id).is_none();
        if needs_refresh && self.may_refresh(&kept) {
            Box::pin(self.refresh(&mut kept)).await;
        }
        let is_usable = self.is_usable(&kept, key_id);
        match &kept.failure {
            Some(failure) if !is_usable => Err(failure.clone()),
            _ => Ok(Arc::clone(&kept.keys)),
        }
    }

    /// Whether there are keys to use for this key id, though they may be old.
    fn is_usable(&self, kept: &CachedKeys, key_id: Option<&str>) -> bool {
        kept.is_younger_than(self.limits.max_stale) && kept.keys.find(key_id).is_some()
    }

    /// While there are keys to use, nobody waits often for an issuer that does not answer: a caller
    /// can make up key ids without end.
    fn may_refresh(&self, kept: &CachedKeys) -> bool {
        let is_urgent = kept.failure.is_some() && !kept.is_younger_than(self.limits.max_stale);
        let cooldown = if is_urgent {
            self.limits.retry_cooldown
        } else {
            self.limits.refresh_cooldown
        };
        kept.tried.is_none_or(|at| at.elapsed() >= cooldown)
    }

    async fn refresh(&self, kept: &mut CachedKeys) {
        // Before the fetch, which a caller may stop waiting for: then it has failed.
        kept.tried = Some(Instant::now());
        kept.failure = Some("the issuer was asked for its keys, and the caller left".to_owned());
        let answer = self.fetch().await;
        let now = Some(Instant::now());
        match answer {
            Ok(keys) => {
                *kept = CachedKeys {
                    keys: Arc::new(keys),
                    fetched: now.map(|now| (now, SystemTime::now())),
                    tried: now,
                    failure: None,
                }
            }
            Err(failure) => {
                kept.tried = now;
                kept.failure = Some(failure);
            }
        }
    }

    async fn fetch(&self) -> Result<JwkSet, String> {
        let url = format!(
            "{}/.well-known/openid-configuration",
            self.issuer.trim_end_matches('/')
        );
        let discovery: Discovery = self.get(&url).await?;
        if discovery.issuer != self.issuer {
            return Err(format!("{url} is of another issuer, {}", discovery.issuer));
        }
        if !is_https_or_loopback(&discovery.jwks_uri) {
            return Err(format!(
                "{url} names keys that are not behind https: {}",
                discovery.jwks_uri
            ));
        }
        self.get(&discovery.jwks_uri).await
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, url: &str) -> Result<T, String> {
        let fetched = timeout(FETCH_TIMEOUT, self.client.get(url)).await;
        let bytes = fetched.unwrap_or_else(|_| Err(format!("no answer within {FETCH_TIMEOUT:?}")));
        let parsed = bytes.and_then(|bytes| {
            if bytes.len() > MAX_DOCUMENT {
                return Err(format!("more than {MAX_DOCUMENT} bytes"));
            }
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())
        });
        parsed.map_err(|why| format!("{url}: {why}"))
    }
}

impl CachedKeys {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.fetched.is_some_and(|(at, wall)| {
            at.elapsed() < age && wall.elapsed().is_ok_and(|elapsed| elapsed < age)
        })
    }
}

/// Whether what is fetched from a URL cannot be changed on the way: `https`, or this machine.
pub fn is_https_or_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]")),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

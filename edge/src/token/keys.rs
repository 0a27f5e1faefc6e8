//! The keys that an issuer publishes: found by discovery, kept, and fetched anew when they are old or a token names another.
//!
//! One fetch at a time, and none soon after another: unknown key ids are free to make up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use hyper::header::{ACCEPT, HeaderValue};
use hyper::{Request, Uri};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::jws::KeySet;
use crate::error::told;
use crate::http::{Client, Origin, Roots};

/// How long keys are used before they are fetched anew.
const FRESH: Duration = Duration::from_secs(3600);
/// How long they are used at the most, while the issuer does not answer.
const USABLE: Duration = Duration::from_secs(24 * 3600);
/// The least time between two fetches, where there are keys to go on with.
const FLOOR: Duration = Duration::from_secs(30);
/// The same after one that failed, where there are none.
const FLOOR_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long discovery and keys may each take, and how large they may be, as at an API's JWT authorizer.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const FETCH: Duration = Duration::from_millis(1500);
const MAX_BYTES: usize = 150_000;

/// An issuer's keys.
#[derive(Debug)]
pub struct Keys {
    issuer: String,
    http: Client,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    keys: Arc<KeySet>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
    failure: Option<String>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Keys {
    /// None yet, of this issuer.
    pub fn of(issuer: &str, roots: Roots) -> Self {
        Self { issuer: issuer.to_owned(), http: Client::new(roots), held: Mutex::default() }
    }

    /// Fetches them now.
    pub async fn fetch(&self) -> Result<(), String> {
        let mut held = self.held.lock().await;
        self.refetch(&mut held).await;
        // The first token may ask again at once.
        held.tried = held.fetched;
        held.failure.clone().map_or(Ok(()), Err)
    }

    /// The keys for a token of this key id, fetched anew where it may help; or why the issuer cannot be asked.
    pub async fn for_token(&self, key_id: Option<&str>) -> Result<Arc<KeySet>, String> {
        let mut held = self.held.lock().await;
        let is_wanting = !held.is_younger_than(FRESH) || !held.keys.has(key_id);
        if is_wanting && held.may_try(key_id) {
            Box::pin(self.refetch(&mut held)).await;
        }
        let failure = held.failure.as_ref().filter(|_| !held.is_younger_than(USABLE) || !held.keys.has(key_id));
        failure.map_or_else(|| Ok(Arc::clone(&held.keys)), |failure| Err(failure.clone()))
    }

    async fn refetch(&self, held: &mut Held) {
        match self.ask_issuer().await {
            Ok(keys) => {
                let now = Some(Instant::now());
                *held = Held { keys: Arc::new(keys), fetched: now, tried: now, failure: None };
            }
            Err(why) => {
                held.tried = Some(Instant::now());
                held.failure = Some(why);
            }
        }
    }

    async fn ask_issuer(&self) -> Result<KeySet, String> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let discovery: Discovery = self.get(&url).await?;
        if discovery.issuer != self.issuer {
            return Err(format!("{url} is of another issuer, {}", discovery.issuer));
        }
        if !is_safe_url(&discovery.jwks_uri) {
            return Err(format!("{url} names keys that are not behind https: {}", discovery.jwks_uri));
        }
        self.get(&discovery.jwks_uri).await
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, url: &str) -> Result<T, String> {
        let fetched = tokio::time::timeout(FETCH, self.get_bytes(url)).await;
        let bytes = fetched.unwrap_or_else(|_| Err(format!("no answer within {FETCH:?}")));
        let parsed = bytes.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
        parsed.map_err(|why| format!("{url}: {why}"))
    }

    async fn get_bytes(&self, url: &str) -> Result<Vec<u8>, String> {
        let uri: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
        let origin = Origin::of(&uri)?;
        let mut request = Request::new(SdkBody::empty());
        *request.uri_mut() = uri.path_and_query().map_or_else(Uri::default, |path| Uri::from(path.clone()));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.http.send(&origin, request).await.map_err(|error| told(&error))?;
        if answer.status() != 200 {
            return Err(format!("status {}", answer.status()));
        }
        let mut body = ByteStream::new(answer.into_stream().into_body());
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
            if bytes.len() > MAX_BYTES {
                return Err(format!("more than {MAX_BYTES} bytes"));
            }
        }
        Ok(bytes)
    }
}

impl Held {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.fetched.is_some_and(|at| at.elapsed() < age)
    }

    /// While there are keys to go on with, nobody waits often for an issuer that does not answer.
    fn may_try(&self, key_id: Option<&str>) -> bool {
        let is_urgent = self.failure.is_some() && !(self.is_younger_than(USABLE) && self.keys.has(key_id));
        let floor = if is_urgent { FLOOR_AFTER_FAILURE } else { FLOOR };
        self.tried.is_none_or(|at| at.elapsed() >= floor)
    }
}

/// Whether what is fetched there cannot be changed on the way: `https`, or this machine.
pub fn is_safe_url(url: &str) -> bool {
    let Ok(uri) = url.parse::<lambda_http::http::Uri>() else { return false };
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]")),
        _ => false,
    }
}

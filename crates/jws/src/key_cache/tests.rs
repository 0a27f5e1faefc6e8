//! When an issuer's keys are fetched, and for how long they are used.

use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Publishes keys with these ids, counts how often it is asked for them, and fails while it has
/// none.
#[derive(Debug, Default)]
struct Publisher {
    key_ids: StdMutex<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl FetchDocument for &'static Publisher {
    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        if url.ends_with("/openid-configuration") {
            return Ok(br#"{"issuer":"https://pool","jwks_uri":"https://pool/jwks"}"#.to_vec());
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let key_ids = self.key_ids.lock().expect("a lock").clone();
        if key_ids.is_empty() {
            return Err("down".to_owned());
        }
        let keys: Vec<_> = key_ids
            .iter()
            .map(|id| serde_json::json!({ "kty": "RSA", "kid": id }))
            .collect();
        Ok(serde_json::json!({ "keys": keys }).to_string().into_bytes())
    }
}

impl Publisher {
    fn with(key_ids: &[&'static str]) -> &'static Self {
        let publisher: &'static Self = Box::leak(Box::default());
        publisher.publish(key_ids);
        publisher
    }

    fn publish(&self, key_ids: &[&'static str]) {
        *self.key_ids.lock().expect("a lock") = key_ids.to_vec();
    }

    fn cache(&'static self) -> KeyCache<&'static Self> {
        KeyCache::new("https://pool", self, KeyCacheLimits::default())
    }
}

async fn has(cache: &KeyCache<&'static Publisher>, key_id: &str) -> Result<bool, String> {
    cache
        .keys(Some(key_id))
        .await
        .map(|keys| keys.find(Some(key_id)).is_some())
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn keys_are_used_for_an_hour_and_fetched_again() {
    let publisher = Publisher::with(&["k1"]);
    let cache = publisher.cache();
    for (seconds, asked) in [(0, 1), (3599, 1), (1, 2), (3599, 2)] {
        pass(seconds).await;
        assert_eq!(
            (
                has(&cache, "k1").await,
                publisher.asked.load(Ordering::SeqCst)
            ),
            (Ok(true), asked),
            "{seconds}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_causes_one_fetch_and_another_after_the_cooldown() {
    let publisher = Publisher::with(&["k1"]);
    let cache = publisher.cache();
    cache.warm().await.expect("keys");
    for (seconds, asked) in [(0, 1), (29, 1), (1, 2), (29, 2), (1, 3)] {
        pass(seconds).await;
        assert_eq!(
            (
                has(&cache, "k2").await,
                publisher.asked.load(Ordering::SeqCst)
            ),
            (Ok(false), asked),
            "{seconds}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn stale_keys_are_used_for_a_day_while_the_issuer_does_not_answer() {
    let publisher = Publisher::with(&["k1"]);
    let cache = publisher.cache();
    assert_eq!(has(&cache, "k1").await, Ok(true));
    publisher.publish(&[]);
    pass(24 * 3600 - 1).await;
    assert_eq!(has(&cache, "k1").await, Ok(true));
    pass(1).await;
    let failure = has(&cache, "k1")
        .await
        .expect_err("keys that are a day old are not used");
    assert_eq!(failure, "https://pool/jwks: down");
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_is_tried_again_after_a_second_while_there_are_no_keys() {
    let publisher = Publisher::with(&[]);
    let cache = publisher.cache();
    for (milliseconds, asked) in [(0, 1), (999, 1), (1, 2)] {
        tokio::time::advance(Duration::from_millis(milliseconds)).await;
        assert!(has(&cache, "k1").await.is_err());
        assert_eq!(
            publisher.asked.load(Ordering::SeqCst),
            asked,
            "{milliseconds}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_no_reason_to_ask_a_silent_issuer_often() {
    let publisher = Publisher::with(&["k1"]);
    let cache = publisher.cache();
    assert_eq!(has(&cache, "k1").await, Ok(true));
    publisher.publish(&[]);
    for (seconds, asked) in [(30, 2), (1, 2), (28, 2), (1, 3)] {
        pass(seconds).await;
        assert!(has(&cache, "made-up").await.is_err());
        assert_eq!(publisher.asked.load(Ordering::SeqCst), asked, "{seconds}");
    }
    assert_eq!(
        has(&cache, "k1").await,
        Ok(true),
        "the keys that are there are used"
    );
}

#[test]
fn keys_come_from_https_or_from_this_machine() {
    for (url, is_safe) in [
        ("https://pool/jwks", true),
        ("http://localhost:4002/jwks", true),
        ("http://[::1]:4002/jwks", true),
        ("http://pool/jwks", false),
        ("http://localhost.example/jwks", false),
        ("file:///etc/passwd", false),
        ("jwks", false),
    ] {
        assert_eq!(is_https_or_loopback(url), is_safe, "{url}");
    }
}

/// What an issuer publishes: its discovery document, and its keys. `None` never comes.
#[derive(Debug, Clone)]
struct Documents {
    discovery: String,
    keys: Option<String>,
}

impl FetchDocument for Documents {
    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        match url {
            "https://pool/.well-known/openid-configuration" => Ok(self.discovery.clone().into()),
            "https://pool/jwks" | "http://pool/jwks" => match &self.keys {
                Some(keys) => Ok(keys.clone().into()),
                None => std::future::pending().await,
            },
            _ => Err(format!("there is no {url}")),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_issuer_publishes_is_its_own_and_not_too_large() {
    let discovery = |issuer: &str, keys: &str| {
        serde_json::json!({ "issuer": issuer, "jwks_uri": keys }).to_string()
    };
    let good = || discovery("https://pool", "https://pool/jwks");
    let padded = |length: usize| {
        let keys = r#"{"keys":[{"kty":"RSA","kid":"k1"}]}"#;
        Some(format!("{keys}{}", " ".repeat(length - keys.len())))
    };
    for (name, issuer, discovery, keys, failure) in [
        ("good", "https://pool", good(), padded(100), None),
        (
            "an issuer that ends with a slash",
            "https://pool/",
            discovery("https://pool/", "https://pool/jwks"),
            padded(100),
            None,
        ),
        (
            "as large as allowed",
            "https://pool",
            good(),
            padded(150_000),
            None,
        ),
        (
            "too large",
            "https://pool",
            good(),
            padded(150_001),
            Some("https://pool/jwks: more than 150000 bytes"),
        ),
        (
            "of another issuer",
            "https://pool",
            discovery("https://other", "https://pool/jwks"),
            padded(100),
            Some("openid-configuration is of another issuer, https://other"),
        ),
        (
            "keys that can be changed on the way",
            "https://pool",
            discovery("https://pool", "http://pool/jwks"),
            padded(100),
            Some("names keys that are not behind https: http://pool/jwks"),
        ),
        (
            "not JSON",
            "https://pool",
            "<html>".to_owned(),
            padded(100),
            Some("openid-configuration: expected value"),
        ),
        (
            "keys that never come",
            "https://pool",
            good(),
            None,
            Some("https://pool/jwks: no answer within 1.5s"),
        ),
    ] {
        let cache = KeyCache::new(
            issuer,
            Documents { discovery, keys },
            KeyCacheLimits::default(),
        );
        let start = Instant::now();
        match (cache.keys(Some("k1")).await, failure) {
            (Ok(keys), None) => assert!(keys.find(Some("k1")).is_some(), "{name}"),
            (Err(why), Some(expected)) => assert!(why.contains(expected), "{name}: {why}"),
            (keys, _) => panic!("{name}: {keys:?}"),
        }
        assert!(start.elapsed() <= FETCH_TIMEOUT, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_warm_up_that_failed_the_first_token_causes_a_fetch() {
    let publisher = Publisher::with(&[]);
    let cache = publisher.cache();
    assert_eq!(
        cache.warm().await,
        Err("https://pool/jwks: down".to_owned())
    );
    publisher.publish(&["k1"]);
    assert_eq!(has(&cache, "k1").await, Ok(true));
    assert_eq!(publisher.asked.load(Ordering::SeqCst), 2);
    assert_eq!(cache.warm().await, Ok(()));
}

#[test]
fn keys_are_old_by_the_clock_that_says_so() {
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    for (name, wall, is_young) in [
        ("now", now, true),
        ("frozen for two hours", now - 2 * hour, false),
        ("a clock that was set back", now + hour, false),
    ] {
        let kept = CachedKeys {
            fetched: Some((Instant::now(), wall)),
            ..CachedKeys::default()
        };
        assert_eq!(kept.is_younger_than(hour), is_young, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_its_caller_leaves_has_failed_and_is_repeated_after_a_second() {
    let discovery = r#"{"issuer":"https://pool","jwks_uri":"https://pool/jwks"}"#.to_owned();
    let silent = Documents {
        discovery,
        keys: None,
    };
    let cache = KeyCache::new("https://pool", silent, KeyCacheLimits::default());
    let moment = Duration::from_millis(100);
    let left = timeout(moment, cache.keys(Some("k1"))).await;
    assert!(left.is_err(), "the issuer has answered");
    let next = timeout(moment, cache.keys(Some("k1"))).await;
    let why = next.expect("no fetch so soon").expect_err("no keys");
    assert!(why.contains("the caller left"), "{why}");
    pass(1).await;
    let again = timeout(2 * FETCH_TIMEOUT, cache.keys(Some("k1"))).await;
    let why = again.expect("an end").expect_err("no keys");
    assert!(why.contains("no answer within 1.5s"), "{why}");
}

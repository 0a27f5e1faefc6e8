//! Credentials, kept until they are about to expire.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_lambda::config::{ProvideCredentials, SharedCredentialsProvider};
use sigv4::Credentials;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long before they expire credentials are loaded again.
const REFRESH_BEFORE_EXPIRY: Duration = Duration::from_secs(60);
/// How long loading may take, as with the AWS SDKs.
const LOAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The credentials of the SDK's provider.
#[derive(Debug)]
pub struct CredentialsCache {
    provider: Option<SharedCredentialsProvider>,
    cached: Mutex<Option<Arc<Credentials>>>,
}

impl CredentialsCache {
    /// An empty cache before the provider that the SDK found; nothing is loaded.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self {
            provider: sdk.credentials_provider(),
            cached: Mutex::default(),
        }
    }

    /// Credentials to sign with now. Where new ones cannot be loaded, the cached ones are used
    /// until they expire.
    pub async fn credentials(
        &self,
        now: SystemTime,
    ) -> Result<Arc<Credentials>, Box<dyn Error + Send + Sync>> {
        let mut cached = self.cached.lock().await;
        let is_valid_at = |credentials: &Credentials, time| {
            credentials.expiration.is_none_or(|expiry| expiry > time)
        };
        if let Some(cached) = cached
            .as_ref()
            .filter(|cached| is_valid_at(cached, now + REFRESH_BEFORE_EXPIRY))
        {
            return Ok(Arc::clone(cached));
        }
        match self.load().await {
            Ok(loaded) => Ok(Arc::clone(cached.insert(Arc::new(loaded)))),
            Err(error) => cached
                .clone()
                .filter(|cached| is_valid_at(cached, now))
                .ok_or(error),
        }
    }

    async fn load(&self) -> Result<Credentials, Box<dyn Error + Send + Sync>> {
        let provider = self
            .provider
            .as_ref()
            .ok_or("no credentials: AWS_ACCESS_KEY_ID is not set")?;
        let loaded = timeout(LOAD_TIMEOUT, provider.provide_credentials()).await;
        let loaded = loaded.map_err(|_| format!("no credentials within {LOAD_TIMEOUT:?}"))??;
        let session_token = loaded.session_token().map(str::to_owned);
        Ok(
            Credentials::new(loaded.access_key_id(), loaded.secret_access_key())
                .with_session(session_token, loaded.expiry()),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::future;
    use aws_sdk_lambda::config::Credentials as SdkCredentials;

    use super::*;

    /// Gives credentials that expire after so many seconds, and counts; every second time it fails.
    #[derive(Debug)]
    struct Provider(Arc<AtomicU64>, u64);

    impl ProvideCredentials for Provider {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let call = self.0.fetch_add(1, Ordering::SeqCst);
            let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + self.1);
            future::ProvideCredentials::ready(if call.is_multiple_of(2) {
                Ok(SdkCredentials::new(
                    format!("key {call}"),
                    "secret",
                    None,
                    Some(expiry),
                    "test",
                ))
            } else {
                Err(CredentialsError::provider_error("not available"))
            })
        }
    }

    #[tokio::test]
    async fn credentials_are_cached_until_they_are_about_to_expire_and_used_until_they_do() {
        let calls = Arc::new(AtomicU64::new(0));
        let provider = SharedCredentialsProvider::new(Provider(Arc::clone(&calls), 600));
        let cache =
            CredentialsCache::new(&SdkConfig::builder().credentials_provider(provider).build());
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + seconds);
        for (seconds, found, calls_by_then) in [
            (0, Some("key 0"), 1),
            (539, Some("key 0"), 1),
            (541, Some("key 0"), 2),
            (541, Some("key 2"), 3),
            (601, None, 4),
        ] {
            let key = cache
                .credentials(at(seconds))
                .await
                .ok()
                .map(|found| found.access_key_id.clone());
            assert_eq!(
                (key.as_deref(), calls.load(Ordering::SeqCst)),
                (found, calls_by_then),
                "{seconds}"
            );
        }
    }
}

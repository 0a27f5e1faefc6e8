//! Where Lambda is, and who asks it: endpoint, region and credentials as the SDK finds them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_lambda::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_lambda::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::service_config::ServiceConfigKey;
use hyper::Uri;
use sigv4::Credentials;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::error::told;
use crate::http::Origin;

/// How long before they expire credentials are looked for anew.
const BEFORE_EXPIRY: Duration = Duration::from_secs(60);
/// For how long they are looked for, as long as the AWS SDKs do.
const FIND: Duration = Duration::from_secs(5);

/// Lambda's endpoint in a region.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The server.
    pub origin: Origin,
    /// What comes before an operation's path; mostly nothing.
    pub prefix: String,
    /// The region that requests are signed for.
    pub region: String,
}

impl Endpoint {
    /// Applies the SDK's rules, once.
    pub async fn resolve(sdk: &SdkConfig) -> Result<Self, String> {
        let region = sdk.region().map(ToString::to_string);
        let params = Params::builder()
            .set_region(region.clone())
            .set_use_fips(sdk.use_fips())
            .set_use_dual_stack(sdk.use_dual_stack())
            .set_endpoint(endpoint_url(sdk));
        let params = params.build().map_err(|error| told(&error))?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&params).await.map_err(|error| told(error.as_ref()))?;
        let uri: Uri = endpoint.url().parse().map_err(|_| format!("the endpoint {} is no URL", endpoint.url()))?;
        let region = region.ok_or("no region: AWS_REGION is not set")?;
        Ok(Self { origin: Origin::of(&uri)?, prefix: uri.path().trim_end_matches('/').to_owned(), region })
    }
}

/// An endpoint that is Lambda's own goes before one that is every service's.
fn endpoint_url(sdk: &SdkConfig) -> Option<String> {
    let general = sdk.endpoint_url().map(str::to_owned);
    if sdk.get_origin("endpoint_url").is_client_config() {
        return general;
    }
    let key = ServiceConfigKey::builder().service_id("Lambda").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    key.ok().and_then(|key| sdk.service_config()?.load_config(key)).or(general)
}

/// Credentials that are kept until they are about to expire.
#[derive(Debug)]
pub struct Account {
    provider: Option<SharedCredentialsProvider>,
    held: Mutex<Option<Arc<Credentials>>>,
}

impl Account {
    /// Of the provider that the SDK found.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self { provider: sdk.credentials_provider(), held: Mutex::default() }
    }

    /// Credentials to sign with now.
    pub async fn credentials(&self, now: SystemTime) -> Result<Arc<Credentials>, String> {
        let mut held = self.held.lock().await;
        let live_until = |credentials: &Credentials, time| credentials.expiration.is_none_or(|expiry| expiry > time);
        if let Some(held) = held.as_ref().filter(|held| live_until(held, now + BEFORE_EXPIRY)) {
            return Ok(Arc::clone(held));
        }
        match self.find().await {
            Ok(found) => Ok(Arc::clone(held.insert(Arc::new(found)))),
            Err(why) => held.clone().filter(|held| live_until(held, now)).ok_or(why),
        }
    }

    async fn find(&self) -> Result<Credentials, String> {
        let provider = self.provider.as_ref().ok_or("no credentials: AWS_ACCESS_KEY_ID is not set")?;
        let found = timeout(FIND, provider.provide_credentials()).await;
        let found = found.map_err(|_| format!("no credentials within {FIND:?}"))?.map_err(|error| told(&error))?;
        let session_token = found.session_token().map(str::to_owned);
        Ok(Credentials::new(found.access_key_id(), found.secret_access_key()).with_session(session_token, found.expiry()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use aws_config::Region;
    use aws_sdk_lambda::config::Credentials as SdkCredentials;
    use aws_sdk_lambda::error::BoxError;
    use aws_types::sdk_config::Builder;
    use aws_types::service_config::LoadServiceConfig;

    use super::*;

    async fn resolved(builder: Builder) -> Result<String, String> {
        let Endpoint { origin, prefix, region } = Endpoint::resolve(&builder.build()).await?;
        let authority = origin.authority().to_str().expect("text");
        Ok(format!("{authority} {prefix} {region}"))
    }

    fn in_region() -> Builder {
        SdkConfig::builder().region(Region::new("eu-north-1"))
    }

    /// What `AWS_ENDPOINT_URL_LAMBDA` says.
    #[derive(Debug)]
    struct OfLambda;

    impl LoadServiceConfig for OfLambda {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            (key.service_id() == "Lambda").then(|| "http://own:9001".to_owned())
        }
    }

    #[tokio::test]
    async fn the_endpoint_is_the_one_that_the_sdk_would_take() {
        let general = || in_region().endpoint_url("http://all:9000/prefix/");
        for (name, builder, expected) in [
            ("the region's", in_region(), "lambda.eu-north-1.amazonaws.com  eu-north-1"),
            ("FIPS", in_region().use_fips(true), "lambda-fips.eu-north-1.amazonaws.com  eu-north-1"),
            ("dual stack", in_region().use_dual_stack(true), "lambda.eu-north-1.api.aws  eu-north-1"),
            ("every service's", general(), "all:9000 /prefix eu-north-1"),
            ("Lambda's own", general().service_config(OfLambda), "own:9001  eu-north-1"),
        ] {
            assert_eq!(resolved(builder).await.as_deref(), Ok(expected), "{name}");
        }
        let without = resolved(SdkConfig::builder()).await.expect_err("no region");
        assert!(without.contains("Region"), "{without}");
    }

    /// Gives credentials that live so many seconds, and counts; every second time it fails.
    #[derive(Debug)]
    struct Provider(Arc<AtomicU64>, u64);

    impl ProvideCredentials for Provider {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let asked = self.0.fetch_add(1, Ordering::SeqCst);
            let result = match asked % 2 {
                0 => {
                    let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + self.1);
                    Ok(SdkCredentials::new(format!("key {asked}"), "secret", None, Some(expiry), "test"))
                }
                _ => Err(aws_credential_types::provider::error::CredentialsError::provider_error(BoxError::from("down"))),
            };
            aws_credential_types::provider::future::ProvideCredentials::ready(result)
        }
    }

    #[tokio::test]
    async fn credentials_are_kept_until_they_are_about_to_expire_and_used_until_they_do() {
        let asked = Arc::new(AtomicU64::new(0));
        let provider = SharedCredentialsProvider::new(Provider(Arc::clone(&asked), 600));
        let account = Account::new(&SdkConfig::builder().credentials_provider(provider).build());
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + seconds);
        for (seconds, found, asked_by_then) in
            [(0, Some("key 0"), 1), (539, Some("key 0"), 1), (541, Some("key 0"), 2), (541, Some("key 2"), 3), (601, None, 4)]
        {
            let key = account.credentials(at(seconds)).await.ok().map(|found| found.access_key_id.clone());
            assert_eq!((key.as_deref(), asked.load(Ordering::SeqCst)), (found, asked_by_then), "{seconds}");
        }
    }
}

//! Where Lambda is, and who asks it: endpoint, region and credentials as the SDK finds them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_lambda::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_lambda::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_types::service_config::ServiceConfigKey;
use hyper::Uri;

use crate::error::told;
use crate::http::Origin;

/// How long before they expire credentials are looked for anew.
const BEFORE_EXPIRY: Duration = Duration::from_secs(60);

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
    held: Mutex<Option<Credentials>>,
}

impl Account {
    /// Of the provider that the SDK found.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self { provider: sdk.credentials_provider(), held: Mutex::default() }
    }

    /// Credentials to sign with now.
    pub async fn credentials(&self, now: SystemTime) -> Result<Credentials, String> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let held = held.filter(|held| held.expiry().is_none_or(|expiry| expiry > now + BEFORE_EXPIRY));
        if let Some(held) = held {
            return Ok(held);
        }
        let provider = self.provider.as_ref().ok_or("no credentials: AWS_ACCESS_KEY_ID is not set")?;
        let found = provider.provide_credentials().await.map_err(|error| told(&error))?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }
}

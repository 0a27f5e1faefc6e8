//! The Invoke API: an enriched request becomes core's reply. The only stage that touches the network.
//!
//! One request makes at most one execution of core: `at_most_once.rs` says which attempts may be made again.

mod at_most_once;
mod failure;

use std::future::Future;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_lambda::config::{SharedHttpClient, StalledStreamProtectionConfig, retry::RetryConfig};
use aws_sdk_lambda::primitives::Blob;
use aws_smithy_http_client::tls;

use crate::enrich::Enriched;
use crate::error::EdgeError;

/// For how long an unused connection is kept: Lambda may close it while the environment is frozen, and a request that is
/// written to a closed connection cannot be tried again.
const IDLE: Duration = Duration::from_secs(20);

/// One call of core.
#[derive(Debug)]
pub struct Call<'a> {
    /// What core receives.
    pub enriched: Enriched,
    /// The invocation's trace header, passed on as `X-Amzn-Trace-Id`.
    pub trace_id: Option<&'a str>,
    /// For how long to wait.
    pub budget: Duration,
}

/// What core gave back.
#[derive(Debug)]
pub struct CoreReply {
    /// The function's result, or the error payload.
    pub payload: Vec<u8>,
    /// Whether `X-Amz-Function-Error` was present.
    pub is_function_error: bool,
}

/// Invokes core.
pub trait InvokeCore: Send + Sync + 'static {
    /// Makes one call, and at most one execution.
    fn invoke(&self, call: Call) -> impl Future<Output = Result<CoreReply, EdgeError>> + Send;
}

/// Core behind Lambda's Invoke API; endpoint, region and credentials as the SDK finds them.
#[derive(Debug, Clone)]
pub struct LambdaCore {
    client: aws_sdk_lambda::Client,
    function: String,
}

impl LambdaCore {
    /// Makes the client; no request is sent.
    pub fn new(sdk: &SdkConfig, function: String) -> Self {
        let config = aws_sdk_lambda::config::Builder::from(sdk)
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(100)))
            .retry_classifier(at_most_once::AtMostOnce)
            // The budget bounds a slow core; a rule about slow bytes would cut a thinking one.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self { client: aws_sdk_lambda::Client::from_conf(config), function }
    }
}

/// Endpoint, region and credentials as the SDK finds them.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).load().await
}

/// TLS by ring, not aws-lc: the latter spends 30 to 45 ms of CPU on entropy at the first handshake.
fn http_client() -> SharedHttpClient {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    aws_smithy_http_client::Builder::new().pool_idle_timeout(IDLE).tls_provider(provider).build_https()
}

impl InvokeCore for LambdaCore {
    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let trace_id = call.trace_id.map(str::to_owned);
        let request = self
            .client
            .invoke()
            .function_name(&self.function)
            .set_tenant_id(call.enriched.tenant)
            .payload(Blob::new(call.enriched.payload))
            .customize()
            .mutate_request(move |request| {
                if let Some(trace_id) = &trace_id {
                    // A trace header that no HTTP header can hold is not worth a request.
                    let _ = request.headers_mut().try_insert("x-amzn-trace-id", trace_id.clone());
                }
            });
        let output = tokio::time::timeout(call.budget, request.send()).await;
        let output = output.map_err(|_| EdgeError::CoreTimedOut)?.map_err(|error| failure::of(&error))?;
        Ok(CoreReply {
            payload: output.payload.map(Blob::into_inner).unwrap_or_default(),
            is_function_error: output.function_error.is_some(),
        })
    }
}

//! The Invoke API: an enriched request becomes core's reply. The only stage that touches the network.
//!
//! One request makes at most one execution of core: `at_most_once.rs` says which attempts may be made again.

mod at_most_once;
mod failure;
mod http;
mod spare;
mod streamed;

use std::future::Future;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_lambda::config::{StalledStreamProtectionConfig, retry::RetryConfig};
use aws_sdk_lambda::primitives::Blob;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::enrich::Enriched;
use crate::error::EdgeError;
pub use failure::told;
pub use http::{Roots, connector};

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

/// What core says while it works; the end of the stream is core's own, an error is the way's.
pub struct CoreStream {
    /// The type that core's runtime gave its answer, where Lambda tells.
    pub content_type: Option<String>,
    /// What comes, as it comes.
    pub events: BoxStream<'static, Result<CoreEvent, EdgeError>>,
}

/// A piece of core's streamed answer.
#[derive(Debug)]
pub enum CoreEvent {
    /// Bytes of it.
    Bytes(Bytes),
    /// Core failed; the error payload.
    Failed(Vec<u8>),
}

/// Invokes core. Each call is made once, and makes at most one execution.
pub trait InvokeCore: Send + Sync + 'static {
    /// Calls core and waits for its whole answer.
    fn invoke(&self, call: Call) -> impl Future<Output = Result<CoreReply, EdgeError>> + Send;

    /// Calls core and gives its answer as it comes, whether core streams or not. The budget bounds the call alone, not the stream.
    fn invoke_streamed(&self, call: Call) -> impl Future<Output = Result<CoreStream, EdgeError>> + Send;
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
            .interceptor(spare::Spare)
            // The budget bounds a slow core; a rule about slow bytes would cut a thinking one.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self { client: aws_sdk_lambda::Client::from_conf(config), function }
    }
}

/// Endpoint, region and credentials as the SDK finds them.
pub async fn sdk_config(roots: Roots) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http::client(roots)).load().await
}

/// Puts the trace header on a request; one that no HTTP header can hold is not worth a request.
fn traced(trace_id: Option<&str>) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    let trace_id = trace_id.map(str::to_owned);
    move |request| {
        if let Some(trace_id) = &trace_id {
            let _ = request.headers_mut().try_insert("x-amzn-trace-id", trace_id.clone());
        }
    }
}

/// Sends a call by one of the two operations, whose inputs are alike and whose types have nothing in common.
macro_rules! send {
    ($core:ident, $operation:ident, $call:ident) => {{
        let request = $core.client.$operation().function_name(&$core.function).set_tenant_id($call.enriched.tenant);
        let request = request.payload(Blob::new($call.enriched.payload));
        let request = request.customize().mutate_request(traced($call.trace_id));
        let output = tokio::time::timeout($call.budget, request.send()).await;
        output.map_err(|_| EdgeError::CoreTimedOut)?.map_err(|error| failure::of(&error))?
    }};
}

impl InvokeCore for LambdaCore {
    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let output = send!(self, invoke, call);
        Ok(CoreReply {
            payload: output.payload.map(Blob::into_inner).unwrap_or_default(),
            is_function_error: output.function_error.is_some(),
        })
    }

    async fn invoke_streamed(&self, call: Call<'_>) -> Result<CoreStream, EdgeError> {
        Ok(streamed::stream(send!(self, invoke_with_response_stream, call)))
    }
}

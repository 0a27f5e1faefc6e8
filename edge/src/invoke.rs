//! The Invoke API: an enriched request becomes core's reply. The only stage that touches the network.
//!
//! One request makes at most one execution of core: `at_most_once.rs` says which attempts may be made again.

mod account;
mod at_most_once;
mod failure;
mod lambda;
mod operation;
mod streamed;

use std::future::Future;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::time::timeout;

use crate::error::{EdgeError, edge_gave_up};
use crate::http::Client;
use crate::stages::enrich::Enriched;
use lambda::Lambda;

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
    /// Makes ready for the first call.
    fn connect(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Calls core and waits for its whole answer.
    fn invoke(&self, call: Call) -> impl Future<Output = Result<CoreReply, EdgeError>> + Send;

    /// Calls core and gives its answer as it comes, whether core streams or not. The budget bounds the call alone, not the stream.
    fn invoke_streamed(&self, call: Call) -> impl Future<Output = Result<CoreStream, EdgeError>> + Send;
}

/// For how long a start may wait for a connection that nobody needs yet.
const AHEAD: Duration = Duration::from_secs(1);

/// Core behind Lambda's Invoke API; or why there is no way to it, which each call is told.
#[derive(Debug)]
pub struct LambdaCore(Result<Lambda, String>);

impl LambdaCore {
    /// Finds endpoint and account; no request is sent to Lambda.
    pub async fn new(sdk: &SdkConfig, http: Client, function: &str) -> Self {
        Self(Lambda::find(sdk, http, function).await)
    }

    fn lambda(&self) -> Result<&Lambda, EdgeError> {
        self.0.as_ref().map_err(|why| EdgeError::InvocationFailure(why.clone()))
    }
}

/// Endpoint, region and credentials as the SDK finds them. Credentials in the environment go before all others there too; to
/// make ready for looking elsewhere takes a third of a cold start.
pub async fn sdk_config(http: &Client, has_credentials: bool) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.shared());
    match has_credentials {
        true => loader.credentials_provider(EnvironmentVariableCredentialsProvider::new()).load().await,
        false => loader.load().await,
    }
}

impl InvokeCore for LambdaCore {
    /// The first call then finds a connection; why there is none, that call will tell.
    async fn connect(&self) {
        if let Ok(lambda) = &self.0 {
            let _ = timeout(AHEAD, lambda.connect()).await;
        }
    }

    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let lambda = self.lambda()?;
        timeout(call.budget, lambda.invoke(call)).await.map_err(|_| edge_gave_up())?
    }

    async fn invoke_streamed(&self, call: Call<'_>) -> Result<CoreStream, EdgeError> {
        let lambda = self.lambda()?;
        timeout(call.budget, lambda.invoke_streamed(call)).await.map_err(|_| edge_gave_up())?
    }
}

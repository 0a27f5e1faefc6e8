//! Invokes core with an enriched request.
//!
//! The client is `lambda-client`: one request makes at most one execution of core. Its errors
//! become those of the contract, [`EdgeError`], here.

#[cfg(feature = "sdk-core")]
mod sdk;

use std::future::Future;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use hyper::header::HeaderValue;
use lambda_client::{Client, HttpClient, Invocation, InvokeError, ResponseEvent, ServiceError};
use tokio::time::timeout;

use crate::error::{EdgeError, edge_gave_up, error_chain, truncate};
use crate::stages::enrich::Enriched;
#[cfg(feature = "sdk-core")]
pub use sdk::SdkCore;

/// One call of core.
#[derive(Debug)]
pub struct Call<'a> {
    /// The payload that core receives, and the tenant of the call.
    pub enriched: Enriched,
    /// The invocation's trace header, passed on as `X-Amzn-Trace-Id`.
    pub trace_id: Option<&'a str>,
    /// How long to wait.
    pub budget: Duration,
}

/// Core's reply in one piece.
#[derive(Debug)]
pub struct CoreReply {
    /// The function's result, or the error payload.
    pub payload: Vec<u8>,
    /// Whether `X-Amz-Function-Error` was present.
    pub is_function_error: bool,
}

/// Core's streamed reply. A failure of core is an event; an error is one of the connection.
pub struct CoreStream {
    /// The content type that core's runtime gave its answer, where Lambda passes it on.
    pub content_type: Option<String>,
    /// The events, as they arrive.
    pub events: BoxStream<'static, Result<CoreEvent, EdgeError>>,
}

/// An event of core's streamed reply.
#[derive(Debug)]
pub enum CoreEvent {
    /// Bytes of the answer.
    Bytes(Bytes),
    /// Core failed; the error payload.
    Failed(Vec<u8>),
}

/// Invokes core. One call makes at most one execution.
pub trait InvokeCore: Send + Sync + 'static {
    /// Connects, so that the first call does not wait.
    fn connect(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Invokes core and waits for its whole answer.
    fn invoke(&self, call: Call) -> impl Future<Output = Result<CoreReply, EdgeError>> + Send;

    /// Invokes core and gives its answer as it arrives, whether core streams or not. The budget
    /// limits the time until the answer begins; the pipeline limits the stream.
    fn invoke_streamed(
        &self,
        call: Call,
    ) -> impl Future<Output = Result<CoreStream, EdgeError>> + Send;
}

/// How long a start may wait for a connection that no request needs yet.
const PRECONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Seconds after which to try again, where Lambda does not say.
const RETRY_AFTER: u32 = 1;
/// The header `User-Agent` of the requests to Lambda.
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("inference-edge/", env!("CARGO_PKG_VERSION")));

/// Core behind Lambda's Invoke API; or why no request can be made, which is then the answer to each
/// call.
#[derive(Debug)]
pub struct LambdaCore(Result<Client, InvokeError>);

impl LambdaCore {
    /// Resolves the endpoint. No request is sent.
    pub async fn new(sdk: &SdkConfig, http: HttpClient, function: &str) -> Self {
        Self(
            Client::new(sdk, http, function)
                .await
                .map(|client| client.with_user_agent(USER_AGENT)),
        )
    }

    fn client(&self) -> Result<&Client, EdgeError> {
        self.0.as_ref().map_err(EdgeError::from)
    }
}

/// Endpoint, region and credentials as the SDK finds them. The SDK too looks for credentials in the
/// environment first; where they are there, its other providers are not set up, which takes a third
/// of a cold start.
pub async fn sdk_config(http: &HttpClient, has_credentials: bool) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.for_sdk());
    if has_credentials {
        loader
            .credentials_provider(EnvironmentVariableCredentialsProvider::new())
            .load()
            .await
    } else {
        loader.load().await
    }
}

impl InvokeCore for LambdaCore {
    /// A failure is left for the first call to find again.
    async fn connect(&self) {
        if let Ok(client) = &self.0 {
            let _ = timeout(PRECONNECT_TIMEOUT, client.connect()).await;
        }
    }

    async fn invoke(&self, mut call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let client = self.client()?;
        let budget = call.budget;
        let invocation = call.take_invocation();
        let output = within(budget, client.invoke(&invocation)).await?;
        Ok(CoreReply {
            payload: output.payload,
            is_function_error: output.is_function_error,
        })
    }

    async fn invoke_streamed(&self, mut call: Call<'_>) -> Result<CoreStream, EdgeError> {
        let client = self.client()?;
        let budget = call.budget;
        let invocation = call.take_invocation();
        let output = within(budget, client.invoke_with_response_stream(&invocation)).await?;
        let events = output.events.map(|event| match event {
            Ok(ResponseEvent::PayloadChunk(bytes)) => Ok(CoreEvent::Bytes(bytes)),
            Ok(ResponseEvent::FunctionError(payload)) => Ok(CoreEvent::Failed(payload)),
            Err(error) => Err(EdgeError::from(&error)),
        });
        Ok(CoreStream {
            content_type: output.content_type,
            events: Box::pin(events),
        })
    }
}

impl Call<'_> {
    /// What `lambda-client` sends; the payload is moved out of the call.
    fn take_invocation(&mut self) -> Invocation<'_> {
        Invocation {
            payload: std::mem::take(&mut self.enriched.payload).into(),
            tenant_id: self.enriched.tenant.as_deref(),
            trace_id: self.trace_id,
        }
    }
}

/// Waits for Lambda's answer until the budget is used up.
async fn within<T>(
    budget: Duration,
    answer: impl Future<Output = Result<T, InvokeError>>,
) -> Result<T, EdgeError> {
    match timeout(budget, answer).await {
        Ok(answer) => answer.map_err(|error| EdgeError::from(&error)),
        Err(_) => Err(edge_gave_up()),
    }
}

impl From<&InvokeError> for EdgeError {
    fn from(error: &InvokeError) -> Self {
        match error {
            InvokeError::NotSent(_) => Self::InvocationFailure(error_chain(error)),
            InvokeError::Unreachable(_) => Self::CoreUnreachable(error_chain(error)),
            InvokeError::AnswerTooLarge { bytes } => Self::CoreAnswerTooLarge(*bytes),
            InvokeError::Service(error) => service_error(error),
        }
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>
fn service_error(error: &ServiceError) -> EdgeError {
    let name = error.name.as_str();
    // The text of this one quotes the payload, which is not logged.
    let message = if name == "InvalidRequestContentException" {
        ""
    } else {
        &error.message
    };
    let cause = truncate(&format!("{name}: {message}"));
    match name {
        // The local Lambda of SAM CLI leaves `Exception` out of its error names.
        "ResourceNotFoundException" | "ResourceNotFound" => EdgeError::CoreNotFound(cause),
        "RequestTooLargeException" => EdgeError::RequestTooLarge(cause),
        "AccessDeniedException" => EdgeError::CoreAccessDenied(cause),
        "TooManyRequestsException"
        | "ResourceNotReadyException"
        | "ENINotReadyException"
        | "ENILimitReachedException"
        | "EC2ThrottledException" => EdgeError::CoreThrottled {
            retry_after: error.retry_after.unwrap_or(RETRY_AFTER),
            cause,
        },
        _ => EdgeError::InvocationFailure(cause),
    }
}

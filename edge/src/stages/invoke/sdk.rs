//! Core behind the AWS SDK's own Lambda client.
//!
//! It takes several times the CPU time of `lambda-client` per request, and does all that the SDK
//! does: its user agent, its telemetry, its features to come. Its retries are off, because they
//! would run core again after a broken connection or a 5xx answer; so a throttled call is not made
//! again either. It reads answers of any size. The Cargo feature `sdk` makes the edge use it; the
//! tests hold both clients against each other.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::http::{HttpRequest, HttpResponse};
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke_with_response_stream::InvokeWithResponseStreamOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvokeWithResponseStreamResponseEvent as Event;
use futures_util::stream;
use hyper::header::HeaderValue;
use lambda_client::{InvokeError, function_error_in_chunk, function_error_of_complete};
use tokio::time::timeout;

use super::{Call, CoreEvent, CoreReply, CoreStream, InvokeCore};
use crate::error::{EdgeError, edge_gave_up};

/// Longer than any function runs; how long a call may take is its budget.
const READ_TIMEOUT: Duration = Duration::from_secs(16 * 60);

/// Core, invoked by the AWS SDK's client.
#[derive(Debug)]
pub struct SdkCore {
    client: Client,
    function: String,
}

impl SdkCore {
    /// Resolves nothing, and sends nothing, before the first call.
    pub fn new(sdk: &SdkConfig, function: &str) -> Self {
        let config = Builder::from(sdk)
            .retry_config(RetryConfig::disabled())
            // Core may be silent for as long as it runs, and the caller may read slowly.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(TimeoutConfig::builder().read_timeout(READ_TIMEOUT).build());
        Self {
            client: Client::from_conf(config.build()),
            function: function.to_owned(),
        }
    }
}

impl InvokeCore for SdkCore {
    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let operation = self
            .client
            .invoke()
            .function_name(&self.function)
            .payload(Blob::new(call.enriched.payload))
            .set_tenant_id(call.enriched.tenant)
            .customize()
            .mutate_request(set_trace_header(call.trace_id));
        let output = within(call.budget, operation.send()).await?;
        let is_function_error = output.function_error().is_some();
        Ok(CoreReply {
            payload: output.payload.map(Blob::into_inner).unwrap_or_default(),
            is_function_error,
        })
    }

    async fn invoke_streamed(&self, call: Call<'_>) -> Result<CoreStream, EdgeError> {
        let operation = self
            .client
            .invoke_with_response_stream()
            .function_name(&self.function)
            .payload(Blob::new(call.enriched.payload))
            .set_tenant_id(call.enriched.tenant)
            .customize()
            .mutate_request(set_trace_header(call.trace_id));
        let output = within(call.budget, operation.send()).await?;
        Ok(core_stream(output))
    }
}

/// Waits for Lambda's answer until the budget is used up.
async fn within<T, E>(
    budget: Duration,
    answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, EdgeError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match timeout(budget, answer).await {
        Ok(answer) => answer.map_err(edge_error),
        Err(_) => Err(edge_gave_up()),
    }
}

/// Sets the trace header of a request. A trace id that no header can hold is left out.
fn set_trace_header(trace_id: Option<&str>) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    let trace_id = trace_id
        .filter(|id| HeaderValue::from_str(id).is_ok())
        .map(str::to_owned);
    move |request| {
        if let Some(trace_id) = &trace_id {
            request
                .headers_mut()
                .insert("x-amzn-trace-id", trace_id.clone());
        }
    }
}

fn edge_error<E>(error: SdkError<E, HttpResponse>) -> EdgeError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let error = match error {
        SdkError::ServiceError(error) => {
            let raw = error.raw();
            InvokeError::from_metadata(
                raw.status().as_u16(),
                error.err().meta(),
                raw.headers().get("retry-after"),
            )
        }
        SdkError::ConstructionFailure(_) => InvokeError::not_sent(error),
        // Anything but the connection itself: there are no credentials, for example.
        SdkError::DispatchFailure(ref failure) if !failure.is_io() && !failure.is_timeout() => {
            InvokeError::not_sent(error)
        }
        _ => InvokeError::unreachable(error),
    };
    EdgeError::from(&error)
}

fn core_stream(mut output: InvokeWithResponseStreamOutput) -> CoreStream {
    let content_type = output.response_stream_content_type.take();
    let content_type =
        content_type.filter(|content_type| content_type != "application/vnd.amazon.eventstream");
    let events = stream::unfold(Some(output), |output| async {
        let mut output = output?;
        let event = next_event(&mut output).await.transpose()?;
        let goes_on = matches!(event, Ok(CoreEvent::Bytes(_)));
        Some((event, goes_on.then_some(output)))
    });
    CoreStream {
        content_type,
        events: Box::pin(events),
    }
}

/// A stream that ends without `InvokeComplete` is broken.
async fn next_event(
    output: &mut InvokeWithResponseStreamOutput,
) -> Result<Option<CoreEvent>, EdgeError> {
    loop {
        match output.event_stream.recv().await {
            Ok(Some(Event::PayloadChunk(chunk))) => {
                let bytes = chunk.payload.map(Blob::into_inner).unwrap_or_default();
                if let Some(payload) = function_error_in_chunk(&bytes) {
                    return Ok(Some(CoreEvent::Failed(payload)));
                }
                if !bytes.is_empty() {
                    return Ok(Some(CoreEvent::Bytes(bytes.into())));
                }
            }
            Ok(Some(Event::InvokeComplete(complete))) => {
                let error = function_error_of_complete(complete.error_code, complete.error_details);
                return Ok(error.map(CoreEvent::Failed));
            }
            Ok(Some(_)) => {}
            Ok(None) => return Err(unreachable("the stream ended before the function was done")),
            Err(error) => return Err(unreachable(error)),
        }
    }
}

fn unreachable(why: impl Into<Box<dyn Error + Send + Sync>>) -> EdgeError {
    EdgeError::from(&InvokeError::unreachable(why))
}

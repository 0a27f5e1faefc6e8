//! The AWS SDK's own client as the oracle of ours: what both send, and what each answer becomes.

mod answers;
mod requests;
mod streams;

use std::time::Duration;

use edge::error::EdgeError;
use edge::stages::enrich::Enriched;
use edge::stages::invoke::{Call, CoreEvent, InvokeCore, LambdaCore, SdkCore};
use futures_util::StreamExt;
use testkit::endpoint::{Endpoint, Script};

use crate::clients::{client, sdk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Invoke,
    InvokeWithResponseStream,
}
pub use Operation::{Invoke, InvokeWithResponseStream};

/// What came of a call: the payload and whether it is a function error, or the code of the error.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Payload(String, bool),
    /// A stream: its content type, its bytes, and how it ended.
    Stream(Option<String>, String, String),
    Error(&'static str, Option<u32>),
}

pub async fn call(core: &impl InvokeCore, operation: Operation) -> Verdict {
    let enriched = Enriched {
        payload: br#"{"input":{}}"#.to_vec(),
        tenant: Some("a tenant".to_owned()),
    };
    let trace_id =
        Some("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1");
    let call = Call {
        enriched,
        trace_id,
        budget: Duration::from_secs(10),
    };
    match operation {
        Invoke => match core.invoke(call).await {
            Ok(reply) => Verdict::Payload(
                String::from_utf8(reply.payload).expect("UTF-8"),
                reply.is_function_error,
            ),
            Err(error) => error_verdict(&error),
        },
        InvokeWithResponseStream => match core.invoke_streamed(call).await {
            Ok(mut stream) => {
                let (mut bytes, mut end) = (String::new(), "complete".to_owned());
                while let Some(event) = stream.events.next().await {
                    match event {
                        Ok(CoreEvent::Bytes(more)) => {
                            bytes.push_str(&String::from_utf8_lossy(&more))
                        }
                        Ok(CoreEvent::Failed(payload)) => {
                            end = String::from_utf8(payload).expect("UTF-8")
                        }
                        Err(error) => end = error.code().to_owned(),
                    }
                }
                Verdict::Stream(stream.content_type, bytes, end)
            }
            Err(error) => error_verdict(&error),
        },
    }
}

fn error_verdict(error: &EdgeError) -> Verdict {
    let retry_after = match error {
        EdgeError::CoreThrottled { retry_after, .. } => Some(*retry_after),
        _ => None,
    };
    Verdict::Error(error.code(), retry_after)
}

/// The verdicts of our client and of the SDK's on the same answer, and how often each one sent the
/// request.
pub async fn verdicts(answer: &[u8], operation: Operation) -> ((Verdict, usize), (Verdict, usize)) {
    let start = || Endpoint::start(Script::answering(answer));
    let (for_ours, for_sdks) = (start().await, start().await);
    let ours = call(
        &LambdaCore::new(&sdk(&for_ours.url).await, client(), "core").await,
        operation,
    )
    .await;
    let sdks = call(&SdkCore::new(&sdk(&for_sdks.url).await, "core"), operation).await;
    (
        (ours, for_ours.requests().len()),
        (sdks, for_sdks.requests().len()),
    )
}

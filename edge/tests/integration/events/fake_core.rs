//! A core that does what a named event says.

use std::collections::VecDeque;
use std::sync::Mutex;

use edge::error::EdgeError;
use edge::stages::invoke::{Call, CoreEvent, CoreReply, CoreStream, InvokeCore};
use testkit::event_files::Core;

#[derive(Debug, Default)]
pub struct FakeCore {
    core: Core,
    /// The payloads and the tenants that it was called with.
    pub seen: Mutex<Vec<(String, Option<String>)>>,
}

impl InvokeCore for &'static FakeCore {
    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let payload = String::from_utf8(call.enriched.payload).expect("UTF-8");
        self.seen
            .lock()
            .expect("a lock")
            .push((payload, call.enriched.tenant));
        let reply = |payload: &String, is_function_error| CoreReply {
            payload: payload.clone().into_bytes(),
            is_function_error,
        };
        match (
            &self.core.returns,
            &self.core.fails,
            self.core.invoke_fails.as_deref(),
        ) {
            (Some(payload), None, None) => Ok(reply(payload, false)),
            (None, Some(payload), None) => Ok(reply(payload, true)),
            (None, None, Some("not_found")) => {
                Err(EdgeError::CoreNotFound("no such function".to_owned()))
            }
            (None, None, Some("access_denied")) => {
                Err(EdgeError::CoreAccessDenied("no permission".to_owned()))
            }
            (None, None, Some("failure")) => Err(EdgeError::InvocationFailure(
                "KMSDisabledException".to_owned(),
            )),
            (None, None, Some("unreachable")) => {
                Err(EdgeError::CoreUnreachable("connection reset".to_owned()))
            }
            (None, None, Some("throttled")) => Err(EdgeError::CoreThrottled {
                retry_after: 7,
                cause: "busy".to_owned(),
            }),
            (None, None, Some("timed_out")) => {
                Err(EdgeError::CoreTimedOut("the edge gave up".to_owned()))
            }
            other => panic!("core was called and no answer is written for it: {other:?}"),
        }
    }

    async fn invoke_streamed(&self, call: Call<'_>) -> Result<CoreStream, EdgeError> {
        let mut events = Vec::new();
        if let Some(pieces) = &self.core.streams {
            let payload = String::from_utf8(call.enriched.payload).expect("UTF-8");
            self.seen
                .lock()
                .expect("a lock")
                .push((payload, call.enriched.tenant));
            events.extend(
                pieces
                    .iter()
                    .map(|piece| Ok(CoreEvent::Bytes(piece.clone().into()))),
            );
            events.extend(
                self.core
                    .fails
                    .iter()
                    .map(|payload| Ok(CoreEvent::Failed(payload.clone().into_bytes()))),
            );
            events.extend(
                self.core
                    .invoke_fails
                    .iter()
                    .map(|why| Err(EdgeError::CoreUnreachable(why.clone()))),
            );
        } else {
            let reply = self.invoke(call).await?;
            let event = if reply.is_function_error {
                CoreEvent::Failed(reply.payload)
            } else {
                CoreEvent::Bytes(reply.payload.into())
            };
            events.push(Ok(event));
        }
        // Like the stream of the real client, and unlike `iter`, an `unfold` panics when it is
        // polled after its end.
        let events = futures_util::stream::unfold(VecDeque::from(events), |mut events| async {
            let event = events.pop_front()?;
            Some((event, events))
        });
        Ok(CoreStream {
            content_type: None,
            events: Box::pin(events),
        })
    }
}

pub fn leak(core: Core) -> &'static FakeCore {
    Box::leak(Box::new(FakeCore {
        core,
        seen: Mutex::default(),
    }))
}

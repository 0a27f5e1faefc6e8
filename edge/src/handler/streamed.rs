//! The way of an answer that is passed on while core still works: `RESPONSE=stream`.
//!
//! Status and headers are decided by what is known before core's first byte. What breaks after it is told in the stream
//! itself, or by its being cut short: an answer that is not whole never looks like one that is.

use std::fmt;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, Fuse};
use tokio::time::{Instant, timeout_at};

use super::{Edge, Record, Reply, Visit};
use crate::error::{EdgeError, edge_gave_up};
use crate::event::Request;
use crate::invoke::{CoreEvent, InvokeCore};
use crate::respond::{Opened, Opening, Response, core_error, failure_event};

/// What stands before a stream.
#[derive(Debug)]
pub struct Head {
    /// The type of what goes to the Runtime API.
    pub content_type: String,
    /// Status and headers, where the platform makes an HTTP response of the stream; else nothing.
    pub prelude: Bytes,
}

/// A stream that has to break off.
#[derive(Debug)]
pub struct Cut;

/// The bytes of an answer, passed on as they come. One chunk is held at a time.
pub struct Relay<'a, C> {
    first: Bytes,
    source: Option<Source<'a, C>>,
}

/// Core, still at work, and what is logged when it is done.
struct Source<'a, C> {
    edge: &'a Edge<C>,
    visit: Visit<'a>,
    status: u16,
    is_event_stream: bool,
    events: Events,
}

impl<'a, C: InvokeCore> Source<'a, C> {
    /// The status is the one that was sent, whatever came after it.
    fn record(self, error: Option<&EdgeError>) -> Record<'a, C> {
        Record { status: self.status, ..self.edge.record(self.visit, self.status, error) }
    }
}

/// Core's events, until the time is up. The stream is fused, because it is asked again after its end: by the reader of
/// the response's head first, then by the reader of the body.
struct Events {
    core: Fuse<BoxStream<'static, Result<CoreEvent, EdgeError>>>,
    deadline: Instant,
}

impl Events {
    async fn next(&mut self) -> Result<Option<CoreEvent>, EdgeError> {
        let event = timeout_at(self.deadline, self.core.next()).await;
        event.map_err(|_| edge_gave_up())?.transpose()
    }
}

impl<C: InvokeCore> Edge<C> {
    pub(super) async fn streamed_result<'a>(&'a self, request: Request<'_>, mut visit: Visit<'a>) -> Reply<'a, C> {
        match self.open(request, &mut visit).await {
            Ok((opened, events)) => {
                let content_type = opened.response.headers.get("content-type").unwrap_or_default().to_owned();
                Reply::Stream(Head { content_type, prelude: Bytes::new() }, Relay::of(self, visit, opened, events))
            }
            Err(error) => {
                let record = self.record(visit, 200, Some(&error));
                Reply::Failure(error.into(), record)
            }
        }
    }

    pub(super) async fn streamed_response<'a>(&'a self, request: Request<'_>, mut visit: Visit<'a>) -> Reply<'a, C> {
        if visit.is_preflight {
            let response = Response::preflight(&self.config.cors, visit.origin.as_deref());
            let response = response.dressed(&self.dress(&visit));
            return self.whole(response, visit, None);
        }
        match self.open(request, &mut visit).await {
            Ok((mut opened, events)) => {
                opened.response = opened.response.dressed(&self.dress(&visit));
                if visit.is_head {
                    return self.whole(opened.response, visit, None);
                }
                Reply::Stream(Head::of(&opened.response), Relay::of(self, visit, opened, events))
            }
            Err(error) => {
                let response = self.failure(&error, visit.door, &self.dress(&visit));
                self.whole(response, visit, Some(&error))
            }
        }
    }

    /// Calls core, and waits for what decides about status and headers.
    async fn open(&self, request: Request<'_>, visit: &mut Visit<'_>) -> Result<(Opened, Events), EdgeError> {
        let call = self.call(request, visit.context).await?;
        let deadline = Instant::now() + call.budget;
        let core = visit.clock.time_core(self.core.invoke_streamed(call)).await?;
        let mut opening = Opening::new(core.content_type.clone(), self.config.core_reply, self.config.error_detail);
        let mut events = Events { core: core.events.fuse(), deadline };
        loop {
            match visit.clock.time_core(events.next()).await? {
                Some(CoreEvent::Bytes(bytes)) => {
                    if let Some(opened) = opening.push(&bytes)? {
                        return Ok((opened, events));
                    }
                }
                Some(CoreEvent::Failed(payload)) => return Err(core_error(&payload, self.config.error_detail)),
                None => return Ok((opening.end()?, events)),
            }
        }
    }

    /// An answer that is there already.
    fn whole<'a>(&'a self, response: Response, visit: Visit<'a>, error: Option<&EdgeError>) -> Reply<'a, C> {
        let response = if visit.is_head { response.without_body() } else { response };
        self.record(visit, response.status, error).write();
        let head = Head::of(&response);
        Reply::Stream(head, Relay { first: response.body.into(), source: None })
    }
}

impl Head {
    fn of(response: &Response) -> Self {
        let content_type = "application/vnd.awslambda.http-integration-response".to_owned();
        Self { content_type, prelude: response.to_prelude() }
    }
}

impl<'a, C: InvokeCore> Relay<'a, C> {
    fn of(edge: &'a Edge<C>, mut visit: Visit<'a>, opened: Opened, events: Events) -> Self {
        visit.clock.stop_edge();
        let content_type = opened.response.headers.get("content-type").unwrap_or_default();
        let is_event_stream = content_type.to_ascii_lowercase().starts_with("text/event-stream");
        let source = Source { edge, visit, status: opened.response.status, is_event_stream, events };
        Self { first: opened.first, source: Some(source) }
    }

    /// The next bytes; `None` at the end of an answer that is whole.
    pub async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        if !self.first.is_empty() {
            return Some(Ok(std::mem::take(&mut self.first)));
        }
        let source = self.source.as_mut()?;
        let error = match source.visit.clock.time_core(source.events.next()).await {
            Ok(Some(CoreEvent::Bytes(bytes))) => return Some(Ok(bytes)),
            Ok(Some(CoreEvent::Failed(payload))) => Some(core_error(&payload, source.edge.config.error_detail)),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let source = self.source.take()?;
        let request_id = &source.visit.context.request_id;
        let last = error.as_ref().map(|error| match source.is_event_stream {
            true => Ok(failure_event(error, request_id).into()),
            false => Err(Cut),
        });
        source.record(error.as_ref()).write();
        last
    }

    /// Until when the caller may take to read.
    pub fn deadline(&self) -> Option<Instant> {
        self.source.as_ref().map(|source| source.events.deadline)
    }

    /// Nobody reads any longer: core's answer is not read further either.
    pub fn abandon(self) {
        if let Some(source) = self.source {
            let mut record = source.record(None);
            "the caller went away, or stopped reading, before the end".clone_into(&mut record.cause);
            record.write();
        }
    }
}

impl<C> fmt::Debug for Relay<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Relay").field("first", &self.first.len()).field("is_open", &self.source.is_some()).finish()
    }
}

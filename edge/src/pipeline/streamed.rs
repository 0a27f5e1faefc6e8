//! Responses that are passed on while core still works: `RESPONSE=stream`.
//!
//! Status and headers depend on what is known before core's first byte. A failure after it ends an
//! event stream with an `error` event, and aborts any other stream: a response that is not whole
//! never looks like one that is.

use std::fmt;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, Fuse};
use tokio::time::{Instant, timeout_at};

use super::{Edge, Record, Reply, RequestContext, budget};
use crate::error::{EdgeError, edge_gave_up};
use crate::stages::event::{EventSource, Request};
use crate::stages::invoke::{CoreEvent, InvokeCore};
use crate::stages::respond::{
    CoreReplyShape, PreludeParser, Response, ResponseHead, core_error, failure_event,
};

/// What the Runtime API receives before the body of a stream.
#[derive(Debug)]
pub struct Head {
    /// The content type of the request to the Runtime API.
    pub content_type: String,
    /// Status and headers with their delimiter; empty for a direct Invoke.
    pub prelude: Bytes,
}

/// A stream that fails before its end.
#[derive(Debug)]
pub struct StreamAborted;

/// The body of a streamed response. It holds one chunk at a time.
pub struct StreamBody<'a, C> {
    first: Bytes,
    source: Option<Source<'a, C>>,
}

/// Core's stream, and what is logged at its end.
struct Source<'a, C> {
    edge: &'a Edge<C>,
    request_context: RequestContext<'a>,
    status: u16,
    is_event_stream: bool,
    events: Events,
}

impl<'a, C: InvokeCore> Source<'a, C> {
    /// The record, with the status that was sent, whatever happened after it.
    fn record(self, error: Option<&EdgeError>) -> Record<'a, C> {
        let record = self.edge.record(self.request_context, self.status, error);
        Record {
            status: self.status,
            stream_failed: error.is_some(),
            ..record
        }
    }
}

/// Core's events until the deadline. The stream is fused, because it is polled after its end: first
/// to read the head, then to read the body.
struct Events {
    core: Fuse<BoxStream<'static, Result<CoreEvent, EdgeError>>>,
    deadline: Instant,
    /// When the caller must have read everything: `CORE_TIMEOUT_MS` is a limit for core alone.
    reader_deadline: Instant,
}

impl Events {
    async fn next(&mut self) -> Result<Option<CoreEvent>, EdgeError> {
        let event = timeout_at(self.deadline, self.core.next()).await;
        event.map_err(|_| edge_gave_up())?.transpose()
    }
}

impl<C: InvokeCore> Edge<C> {
    pub(super) async fn streamed_result<'a>(
        &'a self,
        request: Request<'_>,
        mut request_context: RequestContext<'a>,
    ) -> Reply<'a, C> {
        match self.open(request, &mut request_context).await {
            Ok((head, events)) => {
                let content_type = head
                    .response
                    .headers
                    .get("content-type")
                    .unwrap_or_default()
                    .to_owned();
                Reply::Stream(
                    Head {
                        content_type,
                        prelude: Bytes::new(),
                    },
                    StreamBody::of(self, request_context, head, events),
                )
            }
            Err(error) => {
                let record = self.record(request_context, 200, Some(&error));
                Reply::Failure(error.into(), record)
            }
        }
    }

    pub(super) async fn streamed_response<'a>(
        &'a self,
        request: Request<'_>,
        mut request_context: RequestContext<'a>,
    ) -> Reply<'a, C> {
        if request_context.is_preflight {
            let response =
                Response::preflight(&self.settings.cors, request_context.origin.as_deref());
            let response = response.with_common_headers(&self.common_headers(&request_context));
            return self.whole(response, request_context, None);
        }
        match self.open(request, &mut request_context).await {
            Ok((mut head, events)) => {
                head.response = head
                    .response
                    .with_common_headers(&self.common_headers(&request_context));
                if request_context.is_head {
                    return self.whole(head.response, request_context, None);
                }
                Reply::Stream(
                    Head::of(&head.response),
                    StreamBody::of(self, request_context, head, events),
                )
            }
            Err(error) => {
                let response = self.failure(
                    &error,
                    request_context.event_source,
                    &self.common_headers(&request_context),
                );
                self.whole(response, request_context, Some(&error))
            }
        }
    }

    /// Invokes core, and waits until status and headers are known.
    async fn open(
        &self,
        request: Request<'_>,
        request_context: &mut RequestContext<'_>,
    ) -> Result<(ResponseHead, Events), EdgeError> {
        let call = self.call(request, request_context.context).await?;
        let start = Instant::now();
        let deadline = start + call.budget;
        let reader_deadline =
            start + budget(request_context.context.deadline(), None).unwrap_or(call.budget);
        let core = request_context
            .clock
            .time_core(self.core.invoke_streamed(call))
            .await?;
        // A direct Invoke gets core's JSON, streamed as well as whole: it has no status to set.
        let shape = match request_context.event_source {
            EventSource::Direct => CoreReplyShape::Raw,
            EventSource::HttpApi | EventSource::RestApi | EventSource::FunctionUrl => {
                self.settings.core_reply
            }
        };
        let mut parser =
            PreludeParser::new(core.content_type.clone(), shape, self.settings.error_detail);
        let mut events = Events {
            core: core.events.fuse(),
            deadline,
            reader_deadline,
        };
        loop {
            match request_context.clock.time_core(events.next()).await? {
                Some(CoreEvent::Bytes(bytes)) => {
                    if let Some(head) = parser.push(&bytes)? {
                        return Ok((head, events));
                    }
                }
                Some(CoreEvent::Failed(payload)) => {
                    return Err(core_error(&payload, self.settings.error_detail));
                }
                None => return Ok((parser.end()?, events)),
            }
        }
    }

    /// A response that is whole already.
    fn whole<'a>(
        &'a self,
        response: Response,
        request_context: RequestContext<'a>,
        error: Option<&EdgeError>,
    ) -> Reply<'a, C> {
        let response = if request_context.is_head {
            response.without_body()
        } else {
            response
        };
        self.record(request_context, response.status, error).write();
        let head = Head::of(&response);
        Reply::Stream(
            head,
            StreamBody {
                first: response.body.into(),
                source: None,
            },
        )
    }
}

impl Head {
    fn of(response: &Response) -> Self {
        let content_type = "application/vnd.awslambda.http-integration-response".to_owned();
        Self {
            content_type,
            prelude: response.to_prelude(),
        }
    }
}

impl<'a, C: InvokeCore> StreamBody<'a, C> {
    fn of(
        edge: &'a Edge<C>,
        mut request_context: RequestContext<'a>,
        head: ResponseHead,
        events: Events,
    ) -> Self {
        request_context.clock.stop_edge();
        let content_type = head
            .response
            .headers
            .get("content-type")
            .unwrap_or_default();
        let is_event_stream = content_type
            .to_ascii_lowercase()
            .starts_with("text/event-stream");
        let source = Source {
            edge,
            request_context,
            status: head.response.status,
            is_event_stream,
            events,
        };
        Self {
            first: head.first,
            source: Some(source),
        }
    }

    /// The next bytes; `None` at the end of a whole response.
    pub async fn next(&mut self) -> Option<Result<Bytes, StreamAborted>> {
        if !self.first.is_empty() {
            return Some(Ok(std::mem::take(&mut self.first)));
        }
        let source = self.source.as_mut()?;
        let error = match source
            .request_context
            .clock
            .time_core(source.events.next())
            .await
        {
            Ok(Some(CoreEvent::Bytes(bytes))) => return Some(Ok(bytes)),
            Ok(Some(CoreEvent::Failed(payload))) => {
                Some(core_error(&payload, source.edge.settings.error_detail))
            }
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let source = self.source.take()?;
        let request_id = &source.request_context.context.request_id;
        let last = error.as_ref().map(|error| {
            if source.is_event_stream {
                Ok(failure_event(error, request_id).into())
            } else {
                Err(StreamAborted)
            }
        });
        source.record(error.as_ref()).write();
        last
    }

    /// When the caller must have read everything.
    pub fn deadline(&self) -> Option<Instant> {
        self.source
            .as_ref()
            .map(|source| source.events.reader_deadline)
    }

    /// Ends a stream that nobody reads any longer: core's answer is not read further.
    pub fn abandon(self) {
        if let Some(source) = self.source {
            let mut record = source.record(None);
            "the caller closed the connection, or stopped reading, before the end"
                .clone_into(&mut record.cause);
            record.write();
        }
    }
}

impl<C> fmt::Debug for StreamBody<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("StreamBody")
            .field("first", &self.first.len())
            .field("is_open", &self.source.is_some())
            .finish()
    }
}

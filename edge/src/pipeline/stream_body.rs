//! The body of a streamed response.
//!
//! A failure after the head ends an event stream with an `error` event, and aborts any other
//! stream: a response that is not whole never looks like one that is.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::answer::{CoreBody, Next};
use super::heartbeat::Heartbeat;
use super::record::Record;
use crate::error::EdgeError;
use crate::stages::respond::failure_event;

/// A stream that fails before its end.
#[derive(Debug)]
pub struct StreamAborted;

/// The body of a streamed response. It holds one chunk at a time, and writes the request's record
/// at its end.
pub struct StreamBody<'a> {
    first: Bytes,
    rest: Option<Rest<'a>>,
}

/// What follows the first bytes.
struct Rest<'a> {
    record: Record<'a>,
    /// What core still sends; `None` where the response was whole from the start.
    core: Option<CoreBody>,
    is_event_stream: bool,
    /// What keeps an event stream open while core is silent.
    heartbeat: Option<Heartbeat>,
}

impl<'a> StreamBody<'a> {
    /// A body that is whole already.
    pub(super) fn whole(body: Bytes, record: Record<'a>) -> Self {
        Self {
            first: body,
            rest: Some(Rest {
                record,
                core: None,
                is_event_stream: false,
                heartbeat: None,
            }),
        }
    }

    /// The bytes that came with the head, then what core still sends; `heartbeat` is for event
    /// streams.
    pub(super) fn of_core(
        first: Bytes,
        core: CoreBody,
        is_event_stream: bool,
        heartbeat: Option<Duration>,
        record: Record<'a>,
    ) -> Self {
        Self {
            first,
            rest: Some(Rest {
                record,
                core: Some(core),
                is_event_stream,
                heartbeat: heartbeat.filter(|_| is_event_stream).map(Heartbeat::new),
            }),
        }
    }

    /// The next bytes; `None` at the end of a whole response.
    pub async fn next(&mut self) -> Option<Result<Bytes, StreamAborted>> {
        if !self.first.is_empty() {
            let first = std::mem::take(&mut self.first);
            if let Some(heartbeat) = self.rest.as_mut().and_then(|rest| rest.heartbeat.as_mut()) {
                heartbeat.sent(&first);
            }
            return Some(Ok(first));
        }
        let error = match self.rest.as_mut()?.next().await {
            Ok(Some(bytes)) => return Some(Ok(bytes)),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let Rest {
            mut record,
            is_event_stream,
            ..
        } = self.rest.take()?;
        let last = error.map(|error| {
            record.fail_stream(&error);
            if is_event_stream {
                Ok(failure_event(&error, record.request_id).into())
            } else {
                Err(StreamAborted)
            }
        });
        record.write();
        last
    }

    /// When the caller must have read everything; `None` where nothing more comes from core.
    pub fn deadline(&self) -> Option<Instant> {
        let core = self.rest.as_ref()?.core.as_ref()?;
        Some(core.limits.reader)
    }

    /// Ends a stream that nobody reads any longer: core's answer is not read further.
    pub fn abandon(self) {
        if let Some(Rest { mut record, .. }) = self.rest {
            record.abandon_stream();
            record.write();
        }
    }
}

impl Rest<'_> {
    /// The next bytes of core, or a comment while core is silent; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, EdgeError> {
        let Some(core) = &mut self.core else {
            return Ok(None);
        };
        let interval = self.heartbeat.as_ref().map(|heartbeat| heartbeat.interval);
        loop {
            match core.next(interval, &mut self.record.clock).await? {
                Next::Bytes(bytes) => {
                    if let Some(heartbeat) = &mut self.heartbeat {
                        heartbeat.sent(&bytes);
                    }
                    return Ok(Some(bytes));
                }
                Next::Silence => {
                    let comment = self.heartbeat.as_ref().and_then(Heartbeat::comment);
                    if comment.is_some() {
                        return Ok(comment);
                    }
                }
                Next::End => return Ok(None),
            }
        }
    }
}

impl fmt::Debug for StreamBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("StreamBody")
            .field("first", &self.first.len())
            .field("is_open", &self.rest.is_some())
            .finish()
    }
}

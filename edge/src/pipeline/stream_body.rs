//! The body of a streamed response.
//!
//! A failure after the head ends an event stream with an `error` event, and aborts any other
//! stream: a response that is not whole never looks like one that is.

use std::fmt;

use bytes::Bytes;
use tokio::time::Instant;

use super::answer::CoreBody;
use super::record::Record;
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
            }),
        }
    }

    /// The bytes that came with the head, then what core still sends.
    pub(super) fn of_core(
        first: Bytes,
        core: CoreBody,
        is_event_stream: bool,
        record: Record<'a>,
    ) -> Self {
        Self {
            first,
            rest: Some(Rest {
                record,
                core: Some(core),
                is_event_stream,
            }),
        }
    }

    /// The next bytes; `None` at the end of a whole response.
    pub async fn next(&mut self) -> Option<Result<Bytes, StreamAborted>> {
        if !self.first.is_empty() {
            return Some(Ok(std::mem::take(&mut self.first)));
        }
        let rest = self.rest.as_mut()?;
        let error = match &mut rest.core {
            Some(core) => match core.next(&mut rest.record.clock).await {
                Ok(Some(bytes)) => return Some(Ok(bytes)),
                Ok(None) => None,
                Err(error) => Some(error),
            },
            None => None,
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

impl fmt::Debug for StreamBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("StreamBody")
            .field("first", &self.first.len())
            .field("is_open", &self.rest.is_some())
            .finish()
    }
}

//! The answer to a request that no stage refused: whole, or passed on while core still works.
//!
//! Status and headers of a stream depend on what is known before the first byte of its body.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, Fuse};
use tokio::time::{Instant, timeout_at};

use super::clock::Clock;
use crate::error::{EdgeError, edge_gave_up};
use crate::stages::invoke::CoreEvent;
use crate::stages::respond::{ErrorDetail, PreludeParser, Response, ResponseHead, core_error};

/// The answer to a request that no stage refused.
pub enum Answer {
    /// The whole response: nothing more comes from core.
    Whole(Response),
    /// Status and headers, and the body as it comes from core.
    Stream(ResponseHead, CoreBody),
}

/// Until when a stream is read, and written.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// When core must have sent everything.
    pub core: Instant,
    /// When the caller must have read everything: `CORE_TIMEOUT_MS` is a limit for core alone.
    pub reader: Instant,
}

/// What comes next of a body.
#[derive(Debug)]
pub enum Next {
    /// More of the body.
    Bytes(Bytes),
    /// Core has sent nothing for a while.
    Silence,
    /// Core has sent everything: the answer is whole.
    End,
}

/// What core still sends. The stream is fused, because it is polled after its end: first to read
/// the head, then to read the body.
pub struct CoreBody {
    events: Fuse<BoxStream<'static, Result<CoreEvent, EdgeError>>>,
    detail: ErrorDetail,
    /// Until when it is read, and written.
    pub limits: StreamLimits,
}

impl CoreBody {
    /// The events that follow the head of core's answer.
    pub fn new(
        events: BoxStream<'static, Result<CoreEvent, EdgeError>>,
        detail: ErrorDetail,
        limits: StreamLimits,
    ) -> Self {
        Self {
            events: events.fuse(),
            detail,
            limits,
        }
    }

    /// Reads until status and headers are known.
    pub async fn read_head(
        &mut self,
        mut parser: PreludeParser,
        clock: &mut Clock,
    ) -> Result<ResponseHead, EdgeError> {
        loop {
            match self.next(None, clock).await? {
                Next::Bytes(bytes) => {
                    if let Some(head) = parser.push(&bytes)? {
                        return Ok(head);
                    }
                }
                Next::Silence => {}
                Next::End => return parser.end(),
            }
        }
    }

    /// What comes next, or a silence of core that has lasted as long as `max_silence`.
    pub async fn next(
        &mut self,
        max_silence: Option<Duration>,
        clock: &mut Clock,
    ) -> Result<Next, EdgeError> {
        let deadline = self.limits.core;
        let until = max_silence.map_or(deadline, |time| deadline.min(Instant::now() + time));
        let event = clock.time_core(timeout_at(until, self.events.next())).await;
        match event {
            Ok(Some(Ok(CoreEvent::Bytes(bytes)))) => Ok(Next::Bytes(bytes)),
            Ok(Some(Ok(CoreEvent::Failed(payload)))) => Err(core_error(&payload, self.detail)),
            Ok(Some(Err(error))) => Err(error),
            Ok(None) => Ok(Next::End),
            Err(_) if until < deadline => Ok(Next::Silence),
            Err(_) => Err(edge_gave_up()),
        }
    }
}

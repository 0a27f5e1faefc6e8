//! The end of an invocation: the function's response, whole or streamed, its error, or the error
//! with which Lambda ends the invocation.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::super::invocation::{
    FunctionResponse, Outcome, PlatformError, StreamEnd, StreamedResponse,
};
use super::super::platform_log::{Ending, Metrics};
use super::super::process::peak_memory_mb;
use super::{ActiveInvocation, Environment, Responder};
use crate::aws::LAMBDA_MAX_RESPONSE;

/// The reason why the Runtime API rejects a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ResponseRejected {
    /// No invocation with this id is in flight.
    InvalidRequestId,
    /// The response exceeds Lambda's limit.
    TooLarge,
}

impl Environment {
    /// Handles the function's response to an invocation.
    pub(crate) fn complete(
        &self,
        request_id: &str,
        payload: Bytes,
        is_function_error: bool,
    ) -> Result<(), ResponseRejected> {
        let in_flight = {
            let mut active = self.active.lock();
            // A buffered response does not end a streamed one that has begun; an error does.
            let is_streaming = active
                .in_flight
                .get(request_id)
                .is_some_and(|known| matches!(known.responder, Responder::End(_)));
            let completed = if is_streaming && !is_function_error {
                None
            } else {
                active.in_flight.remove(request_id)
            };
            completed.ok_or(ResponseRejected::InvalidRequestId)?
        };
        if payload.len() > LAMBDA_MAX_RESPONSE {
            self.fail(in_flight, request_id, &PlatformError::ResponseTooLarge);
            return Err(ResponseRejected::TooLarge);
        }
        if !is_function_error {
            self.pool.print_response_hint(&payload);
        }
        self.finish(
            in_flight,
            request_id,
            Ending::Responded,
            payload,
            is_function_error,
        );
        Ok(())
    }

    /// Starts a streamed response and returns the channel for its chunks.
    pub(crate) fn begin_stream(
        &self,
        request_id: &str,
        content_type: String,
    ) -> Result<mpsc::Sender<Bytes>, ResponseRejected> {
        let mut active = self.active.lock();
        let in_flight = active
            .in_flight
            .get_mut(request_id)
            .ok_or(ResponseRejected::InvalidRequestId)?;
        let (ended, end) = oneshot::channel();
        let done = match std::mem::replace(&mut in_flight.responder, Responder::End(ended)) {
            Responder::Response(done) => done,
            // The response is being streamed already, and goes on.
            streaming @ Responder::End(_) => {
                in_flight.responder = streaming;
                return Err(ResponseRejected::InvalidRequestId);
            }
        };
        let (sender, chunks) = mpsc::channel(1);
        // An `Err` means that the caller is gone: the chunks are dropped.
        let _ = done.send(Ok(FunctionResponse::Streaming(StreamedResponse {
            content_type,
            chunks,
            end,
        })));
        Ok(sender)
    }

    /// Whether an invocation is in flight, streamed ones included.
    pub(crate) fn is_in_flight(&self, request_id: &str) -> bool {
        self.active.lock().in_flight.contains_key(request_id)
    }

    /// Ends a streamed response, with an error payload if it is incomplete.
    pub(crate) fn end_stream(&self, request_id: &str, error: Option<Bytes>) {
        let in_flight = self.active.lock().in_flight.remove(request_id);
        if let Some(in_flight) = in_flight {
            let is_error = error.is_some();
            self.finish(
                in_flight,
                request_id,
                Ending::Responded,
                error.unwrap_or_default(),
                is_error,
            );
        }
    }

    /// Handles the function's report of an initialization error.
    pub(crate) fn fail_init(&self, payload: Bytes) {
        *self.init_error.lock() = Some(payload);
        self.stop();
    }

    /// Ends an invocation with an error of Lambda's own.
    pub(super) fn fail(
        &self,
        in_flight: ActiveInvocation,
        request_id: &str,
        error: &PlatformError,
    ) {
        let (error_type, message) = error.type_and_message(request_id);
        let ending = match error {
            PlatformError::TimedOut { timeout } => Ending::TimedOut(*timeout),
            _ => Ending::Failed {
                error_type,
                message: &message,
            },
        };
        self.finish(
            in_flight,
            request_id,
            ending,
            error.payload(request_id),
            true,
        );
    }

    fn finish(
        &self,
        in_flight: ActiveInvocation,
        request_id: &str,
        ending: Ending,
        payload: Bytes,
        is_function_error: bool,
    ) {
        let log_tail = in_flight.position.map(|position| {
            // What the process wrote before it responded is in its pipe, if not in the log.
            if let Some(output) = self.output.get() {
                output.catch_up();
            }
            let metrics = Metrics {
                duration: in_flight.start.elapsed(),
                memory: self.pool.function.memory,
                used_memory: self.memory_used(),
                init: in_flight.init,
            };
            for line in self.log_format.end(request_id, ending, metrics) {
                self.log.append_platform_line(&line);
            }
            self.log.tail(position)
        });
        if self.pool.function.concurrency() > 1 {
            // What it has written until now may belong to this invocation.
            self.catch_up_with_lines();
        }
        self.log.end_invocation(request_id);
        in_flight.deadline.abort();
        in_flight
            .recording
            .finished(&payload, is_function_error, self.memory_used());
        // Before the caller is notified, so that its next invocation finds the permit released.
        drop(in_flight.permit);
        // An `Err` means that the caller is gone.
        match in_flight.responder {
            Responder::Response(done) => drop(done.send(Ok(FunctionResponse::Whole(Outcome {
                payload,
                is_function_error,
                log_tail,
            })))),
            Responder::End(ended) => drop(ended.send(StreamEnd {
                error: is_function_error.then_some(payload),
                log_tail,
            })),
        }
    }

    /// The most memory that the process has used, in MB. It is read twice a second at most.
    fn memory_used(&self) -> u64 {
        let mut known = self.memory_used.lock();
        let is_fresh = |(at, _): &(Instant, u64)| at.elapsed() < Duration::from_millis(500);
        if let Some((_, used)) = known.filter(is_fresh) {
            return used;
        }
        let used = self.pid.lock().map(peak_memory_mb).unwrap_or_default();
        *known = Some((Instant::now(), used));
        used
    }

    /// Notes a piece of a streamed response in the record of its invocation.
    pub(crate) fn record_piece(&self, request_id: &str, piece: &[u8]) {
        if let Some(in_flight) = self.active.lock().in_flight.get(request_id) {
            in_flight.recording.piece(piece);
        }
    }
}

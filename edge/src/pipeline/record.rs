//! The record of a request: what is logged of it, once, when it has been answered. This is the only
//! file that logs the outcome of a request.

use std::sync::atomic::{AtomicBool, Ordering};

use super::clock::Clock;
use super::settings::Settings;
use crate::error::EdgeError;
use crate::stages::event::EventSource;
use crate::telemetry::{self, LogFormat, Outcome, WriteLine, write_to_stdout};

/// Where the records of all requests are written.
#[derive(Debug)]
pub struct RequestLog {
    /// Where each line goes.
    pub write_line: WriteLine,
    format: LogFormat,
    function_name: String,
    is_warm: AtomicBool,
}

impl RequestLog {
    /// A log to the standard output.
    pub fn new(settings: &Settings) -> Self {
        Self {
            write_line: write_to_stdout,
            format: settings.log,
            function_name: settings.function_name.clone(),
            is_warm: AtomicBool::new(false),
        }
    }
}

/// The record of a request. It is written after the response, so that the caller does not wait for
/// it.
pub struct Record<'a> {
    log: &'a RequestLog,
    event_source: EventSource,
    pub(super) request_id: &'a str,
    pub(super) clock: Clock,
    status: u16,
    code: &'static str,
    cause: String,
    stream_failed: bool,
}

impl<'a> Record<'a> {
    /// The record of a request that has just begun.
    pub(super) fn of(
        log: &'a RequestLog,
        event_source: EventSource,
        request_id: &'a str,
        clock: Clock,
    ) -> Self {
        Self {
            log,
            event_source,
            request_id,
            clock,
            status: 200,
            code: "",
            cause: String::new(),
            stream_failed: false,
        }
    }

    /// The record with the status that is sent, and the error that ended the request. From here on
    /// the caller reads, which is not the edge's own time.
    pub(super) fn ended(mut self, status: u16, error: Option<&EdgeError>) -> Self {
        self.clock.stop_edge();
        self.status = status;
        if let Some(error) = error {
            self.set_error(error);
        }
        self
    }

    /// Notes that the stream failed after its status was sent.
    pub(super) fn fail_stream(&mut self, error: &EdgeError) {
        self.set_error(error);
        self.stream_failed = true;
    }

    /// Notes that the caller did not read the stream to its end.
    pub(super) fn abandon_stream(&mut self) {
        "the caller closed the connection, or stopped reading, before the end"
            .clone_into(&mut self.cause);
    }

    fn set_error(&mut self, error: &EdgeError) {
        self.code = error.code();
        self.cause = error.cause().unwrap_or_default();
    }

    /// Writes the line of the request.
    pub fn write(self) {
        let outcome = Outcome {
            request_id: self.request_id,
            event_source: self.event_source.name(),
            status: self.status,
            code: self.code,
            core: self.clock.core(),
            edge: self.clock.edge(),
            stream_failed: self.stream_failed,
            is_cold_start: !self.log.is_warm.swap(true, Ordering::Relaxed),
            cause: &self.cause,
        };
        let line = telemetry::request_line(&outcome, &self.log.function_name, self.log.format);
        (self.log.write_line)(&line);
    }
}

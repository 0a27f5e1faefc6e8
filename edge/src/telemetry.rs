//! The log: one line for each request ([`request_line`]), and the lines of what does not belong to
//! a request's outcome.
//!
//! No token, body or e-mail address comes this far.

mod line;
mod request_line;

use std::fmt;
use std::io::Write as _;
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use line::Line;
pub use line::of_request;
pub use request_line::{Outcome, request_line};

/// `LOG_LEVEL`, `AWS_LAMBDA_LOG_LEVEL`, `AWS_LAMBDA_LOG_FORMAT`: which lines are written, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogFormat {
    /// Lines below this level are not written.
    pub level: Level,
    /// Whether lines are JSON objects or text.
    pub json: bool,
}

impl LogFormat {
    /// The format where nothing is set.
    pub const DEFAULT: Self = Self {
        level: Level::INFO,
        json: true,
    };
}

/// Starts the log. Libraries log warnings and errors only, whatever the level: below that they
/// would print whole events.
pub fn start(log: LogFormat) {
    let of_libraries = log.level.min(Level::WARN);
    let targets = Targets::new()
        .with_default(of_libraries)
        .with_target("edge", log.level);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .event_format(Line { json: log.json });
    // An error means that the process has a log already.
    let _ = tracing_subscriber::registry()
        .with(targets)
        .with(layer)
        .try_init();
}

/// Logs that Lambda rejected a response, because it was late or too large.
pub fn log_refused_answer(status: u16) {
    tracing::error!(status, "the Runtime API rejected the response");
}

/// Logs an event that is not text.
pub fn log_unreadable_event() {
    tracing::error!("the event is not UTF-8");
}

/// Writes the line of a request, which ends with a line feed.
pub type WriteLine = fn(&str);

/// Writes a line to the standard output, which Lambda sends to CloudWatch Logs.
pub fn write_to_stdout(line: &str) {
    // A closed stream is no reason to fail a request.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

fn timestamp(line: &mut String) {
    let _ = tracing_subscriber::fmt::time::SystemTime.format_time(&mut Writer::new(line));
}

/// A time in milliseconds, to the microsecond.
#[derive(Debug, Clone, Copy)]
pub struct Millis(pub Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}.{:03}", micros / 1000, micros % 1000)
    }
}

//! The log of an environment: what the function's process writes. It is retained for the log tail
//! and printed in the terminal.

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::aws::LAMBDA_MAX_LOG_TAIL;
use crate::recorder::InvocationHandle;
use crate::terminal::print_from;

/// How much of the log is retained at least, in bytes.
const RETAINED_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Log {
    function: String,
    echo: bool,
    text: Mutex<RetainedText>,
    /// The record of the invocation to which the next lines belong.
    recording: Mutex<InvocationHandle>,
}

#[derive(Debug, Default)]
struct RetainedText {
    text: String,
    dropped: usize,
}

/// A position in a log, in bytes from its beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogPosition(usize);

impl Log {
    /// Creates an empty log. If `echo` is set, the lines of the process are printed.
    pub(super) fn new(function: &str, echo: bool) -> Self {
        Self {
            function: function.to_owned(),
            echo,
            text: Mutex::default(),
            recording: Mutex::default(),
        }
    }

    /// Notes the lines from now on in the record of an invocation. Lines that a function prints after
    /// it has answered belong to its last invocation.
    pub(super) fn follow_invocation(&self, recording: &InvocationHandle) {
        *self.recording.lock() = recording.clone();
    }

    /// Appends a line of Lambda's own, which is not printed.
    pub(super) fn append_platform_line(&self, line: &str) {
        self.text.lock().push(line);
    }

    /// The position of the end of the log.
    pub(super) fn position(&self) -> LogPosition {
        let retained = self.text.lock();
        LogPosition(retained.dropped + retained.text.len())
    }

    /// The text since a position, at most its last 4 KB.
    pub(super) fn tail(&self, since: LogPosition) -> String {
        let retained = self.text.lock();
        let start = since
            .0
            .saturating_sub(retained.dropped)
            .max(retained.text.len().saturating_sub(LAMBDA_MAX_LOG_TAIL))
            .min(retained.text.len());
        let start = (start..=retained.text.len())
            .find(|at| retained.text.is_char_boundary(*at))
            .unwrap_or_default();
        retained.text[start..].to_owned()
    }

    /// All text that is still retained.
    pub(super) fn full_text(&self) -> String {
        self.text.lock().text.clone()
    }

    /// Reads a stream of the process to its end.
    pub(super) async fn follow(&self, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line);
            self.text.lock().push(&line);
            self.recording.lock().log(&line);
            if self.echo {
                print_from(&self.function, &line);
            }
        }
    }
}

impl RetainedText {
    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        if self.text.len() > 2 * RETAINED_BYTES {
            let from = self.text.len() - RETAINED_BYTES;
            let from = (from..self.text.len())
                .find(|at| self.text.is_char_boundary(*at))
                .unwrap_or(from);
            self.text.drain(..from);
            self.dropped += from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_what_came_since_the_mark_and_no_more_than_4_kb() {
        let log = Log::new("core", false);
        log.append_platform_line("before");
        let position = log.position();
        log.append_platform_line("after");
        assert_eq!(log.tail(position), "after\n");
        (0..20_000).for_each(|n| log.append_platform_line(&format!("é{n}")));
        let tail = log.tail(position);
        assert!(
            tail.len() <= LAMBDA_MAX_LOG_TAIL && tail.ends_with("é19999\n"),
            "{}",
            tail.len()
        );
    }
}

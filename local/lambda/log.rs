//! What a function's process writes: kept for the log tail, and shown in the stack's terminal.

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::aws::LAMBDA_MAX_LOG_TAIL;
use crate::terminal::print_line;

/// How much of the past is kept, in bytes.
const RETAINED_BYTES: usize = 64 * 1024;

/// The log of one environment.
#[derive(Debug)]
pub(super) struct Log {
    function: String,
    echo: bool,
    text: Mutex<RetainedText>,
}

#[derive(Debug, Default)]
struct RetainedText {
    text: String,
    dropped: usize,
}

/// A place in a log.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogPosition(usize);

impl Log {
    /// An empty log of a function's environment.
    pub(super) fn new(function: &str, echo: bool) -> Self {
        Self { function: function.to_owned(), echo, text: Mutex::default() }
    }

    /// Adds a line of the platform's own, which is not shown.
    pub(super) fn append_platform_line(&self, line: &str) {
        self.text.lock().push(line);
    }

    /// Where the log ends now.
    pub(super) fn position(&self) -> LogPosition {
        let retained = self.text.lock();
        LogPosition(retained.dropped + retained.text.len())
    }

    /// The last 4 KB since a mark.
    pub(super) fn tail(&self, since: LogPosition) -> String {
        let retained = self.text.lock();
        let start = since
            .0
            .saturating_sub(retained.dropped)
            .max(retained.text.len().saturating_sub(LAMBDA_MAX_LOG_TAIL))
            .min(retained.text.len());
        let start = (start..=retained.text.len()).find(|at| retained.text.is_char_boundary(*at)).unwrap_or_default();
        retained.text[start..].to_owned()
    }

    /// Everything that is still kept.
    pub(super) fn full_text(&self) -> String {
        self.text.lock().text.clone()
    }

    /// Reads a process's stream to its end.
    pub(super) async fn follow(&self, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line);
            self.text.lock().push(&line);
            if self.echo {
                print_line(format_args!("{:>4} │ {line}", self.function));
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
            let from = (from..self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(from);
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
        assert!(tail.len() <= LAMBDA_MAX_LOG_TAIL && tail.ends_with("é19999\n"), "{}", tail.len());
    }
}

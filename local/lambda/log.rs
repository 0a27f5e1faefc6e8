//! What a function's process writes: kept for the log tail, and shown in the stack's terminal.

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::aws::LAMBDA_MAX_LOG_TAIL;
use crate::terminal::say;

/// How much of the past is kept, in bytes.
const KEPT: usize = 64 * 1024;

/// The log of one environment.
#[derive(Debug)]
pub struct Log {
    function: String,
    echo: bool,
    text: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    text: String,
    dropped: usize,
}

/// A place in a log.
#[derive(Debug, Clone, Copy)]
pub struct Mark(usize);

impl Log {
    /// An empty log of a function's environment.
    pub fn new(function: &str, echo: bool) -> Self {
        Self { function: function.to_owned(), echo, text: Mutex::default() }
    }

    /// Adds a line of the platform's own, which is not shown.
    pub fn platform(&self, line: &str) {
        self.text.lock().push(line);
    }

    /// Where the log ends now.
    pub fn mark(&self) -> Mark {
        let kept = self.text.lock();
        Mark(kept.dropped + kept.text.len())
    }

    /// The last 4 KB since a mark.
    pub fn tail(&self, since: Mark) -> String {
        let kept = self.text.lock();
        let start =
            since.0.saturating_sub(kept.dropped).max(kept.text.len().saturating_sub(LAMBDA_MAX_LOG_TAIL)).min(kept.text.len());
        let start = (start..=kept.text.len()).find(|at| kept.text.is_char_boundary(*at)).unwrap_or_default();
        kept.text[start..].to_owned()
    }

    /// Everything that is still kept.
    pub fn all(&self) -> String {
        self.text.lock().text.clone()
    }

    /// Reads a process's stream to its end.
    pub async fn follow(&self, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line);
            self.text.lock().push(&line);
            if self.echo {
                say(format_args!("{:>4} │ {line}", self.function));
            }
        }
    }
}

impl Kept {
    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        if self.text.len() > 2 * KEPT {
            let from = self.text.len() - KEPT;
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
        log.platform("before");
        let mark = log.mark();
        log.platform("after");
        assert_eq!(log.tail(mark), "after\n");
        (0..20_000).for_each(|n| log.platform(&format!("é{n}")));
        let tail = log.tail(mark);
        assert!(tail.len() <= LAMBDA_MAX_LOG_TAIL && tail.ends_with("é19999\n"), "{}", tail.len());
    }
}

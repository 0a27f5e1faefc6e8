//! The log of an environment: the lines that the function's process writes, and Lambda's own. The
//! end of it is retained for the log tail; the process's lines are printed in the terminal and noted
//! in the records of its invocations.

mod attribution;

use attribution::Attribution;
use parking_lot::Mutex;

use crate::aws::{LAMBDA_MAX_LOG_LINE, LAMBDA_MAX_LOG_TAIL};
use crate::recorder::InvocationHandle;
use crate::terminal::print_from;

/// How much of the log is retained at least, in bytes.
const RETAINED_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Log {
    function: String,
    echo: bool,
    state: Mutex<State>,
    /// The invocations to which the lines belong.
    attribution: Mutex<Attribution>,
}

#[derive(Debug, Default)]
struct State {
    retained: RetainedText,
    /// The beginning of a line of which the end has not been written yet.
    partial_line: Vec<u8>,
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
    /// Creates the empty log of an environment that works on so many invocations at the same time.
    /// If `echo` is set, the lines of the process are printed.
    pub(super) fn new(function: &str, echo: bool, concurrency: usize) -> Self {
        Self {
            function: function.to_owned(),
            echo,
            state: Mutex::default(),
            attribution: Mutex::new(Attribution::new(concurrency)),
        }
    }

    /// Notes that an invocation begins, to which the lines from now on may belong.
    pub(super) fn begin_invocation(&self, request_id: &str, recording: &InvocationHandle) {
        self.attribution.lock().begin(request_id, recording);
    }

    /// Notes that an invocation has ended.
    pub(super) fn end_invocation(&self, request_id: &str) {
        self.attribution.lock().end(request_id);
    }

    /// Appends a line of Lambda's own, which is not printed.
    pub(super) fn append_platform_line(&self, line: &str) {
        self.state.lock().retained.push(line);
    }

    /// Appends what the process has written. A line becomes part of the log when it is complete or
    /// as long as a line may be.
    pub(super) fn append_output(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (piece, is_complete) = match piece.strip_suffix(b"\n") {
                Some(piece) => (piece, true),
                None => (piece, false),
            };
            let mut rest = piece;
            while state.partial_line.len() + rest.len() > LAMBDA_MAX_LOG_LINE {
                let (first, later) = rest.split_at(LAMBDA_MAX_LOG_LINE - state.partial_line.len());
                state.partial_line.extend_from_slice(first);
                rest = later;
                self.end_line(&mut state);
            }
            state.partial_line.extend_from_slice(rest);
            if is_complete {
                self.end_line(&mut state);
            }
        }
    }

    /// Ends a line that the process has begun, if there is one.
    pub(super) fn end_partial_line(&self) {
        let mut state = self.state.lock();
        if !state.partial_line.is_empty() {
            self.end_line(&mut state);
        }
    }

    fn end_line(&self, state: &mut State) {
        let line = String::from_utf8_lossy(&state.partial_line);
        state.retained.push(&line);
        self.attribution.lock().note(&line);
        if self.echo {
            print_from(&self.function, &line);
        }
        state.partial_line.clear();
        state.partial_line.shrink_to(RETAINED_BYTES);
    }

    /// The position of the end of the log.
    pub(super) fn position(&self) -> LogPosition {
        let retained = &self.state.lock().retained;
        LogPosition(retained.dropped + retained.text.len())
    }

    /// The text since a position, at most its last 4 KB.
    pub(super) fn tail(&self, since: LogPosition) -> String {
        let retained = &self.state.lock().retained;
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
        self.state.lock().retained.text.clone()
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
        let log = Log::new("core", false, 1);
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

    #[test]
    fn a_line_is_appended_when_it_is_complete_however_it_arrives() {
        let log = Log::new("core", false, 1);
        for piece in ["on", "e\ntwo\n", "", "thr"] {
            log.append_output(piece.as_bytes());
        }
        assert_eq!(log.full_text(), "one\ntwo\n");
        log.end_partial_line();
        log.end_partial_line();
        assert_eq!(log.full_text(), "one\ntwo\nthr\n");
    }

    #[test]
    fn a_line_without_an_end_is_cut_and_not_held() {
        let log = Log::new("core", false, 1);
        let megabyte = vec![b'x'; 1024 * 1024];
        (0..8).for_each(|_| log.append_output(&megabyte));
        let held = log.state.lock().partial_line.capacity();
        assert!(held <= 2 * LAMBDA_MAX_LOG_LINE, "{held} bytes are held");
        let retained = log.full_text();
        assert!(
            retained
                .lines()
                .all(|line| line.len() <= LAMBDA_MAX_LOG_LINE),
            "a line is longer than {LAMBDA_MAX_LOG_LINE} bytes"
        );
        assert!(retained.contains('\n'), "no line was ended");
    }
}

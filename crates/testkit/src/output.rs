//! What a process under test writes, line by line.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::TEST_TIMEOUT;

/// The lines that a process has written to its output and its errors.
#[derive(Debug, Clone, Default)]
pub struct Output(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Written {
    lines: Vec<String>,
    open_streams: usize,
}

impl Written {
    fn line_with(&self, text: &str) -> Option<String> {
        self.lines.iter().find(|line| line.contains(text)).cloned()
    }
}

impl Output {
    /// Reads what a process writes from now on; its streams must be piped.
    pub fn of(child: &mut Child) -> Self {
        let output = Self::default();
        output.follow(child.stdout.take().expect("its output"));
        output.follow(child.stderr.take().expect("its errors"));
        output
    }

    /// Also reads this stream from now on.
    pub fn follow(&self, stream: impl Read + Send + 'static) {
        let output = self.clone();
        output.change(|written| written.open_streams += 1);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                output.change(|written| written.lines.push(line));
            }
            output.change(|written| written.open_streams -= 1);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.0.written.lock().expect("a lock"));
        self.0.changed.notify_all();
    }

    /// Everything until now.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.0.written.lock().expect("a lock").lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Waits for a line that contains a text; blocks the thread. It fails when both streams have
    /// ended without one.
    pub fn wait_for(&self, text: &str) -> String {
        let mut written = self.0.written.lock().expect("a lock");
        loop {
            if let Some(line) = written.line_with(text) {
                return line;
            }
            assert!(
                written.open_streams > 0,
                "no line has {text:?}, and there are no more:\n{}",
                written.lines.join("\n")
            );
            let waited = self.0.changed.wait_timeout(written, TEST_TIMEOUT);
            let (now_written, timeout) = waited.expect("a lock");
            written = now_written;
            assert!(
                !timeout.timed_out() || written.line_with(text).is_some(),
                "no line has {text:?}:\n{}",
                written.lines.join("\n")
            );
        }
    }

    /// Waits for a line that contains a text, while the other tasks of the thread go on.
    pub async fn logged(&self, text: &str) {
        let start = Instant::now();
        while !self.text().contains(text) {
            assert!(
                start.elapsed() < TEST_TIMEOUT,
                "no line has {text:?}:\n{}",
                self.text()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

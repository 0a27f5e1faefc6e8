//! What a function's process writes to its standard output and its standard error: one pipe for
//! both, so that the order of the lines is kept and an environment needs one descriptor less.

use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::unix::pipe::Receiver;

use super::log::Log;

/// How much is read in one go, in bytes: what a pipe holds.
const READ_SIZE: usize = 64 * 1024;
/// After how many reads to stop, because a process may write faster than it is read.
const MAX_READS: usize = 16;

/// The reading end of the pipe, and the log to which it is read.
#[derive(Debug)]
pub(super) struct Output {
    pipe: Receiver,
    log: Arc<Log>,
    /// Held while bytes are on their way from the pipe to the log, so that they keep their order.
    buffer: Mutex<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Drained {
    /// There is nothing to read at present, or a lot.
    Paused,
    /// Every writing end is closed, or the pipe cannot be read.
    Ended,
}

impl Output {
    /// Creates the pipe, and returns its writing end twice: for the standard output and for the
    /// standard error.
    pub(super) fn new(log: Arc<Log>) -> io::Result<(Arc<Self>, [Stdio; 2])> {
        let (reader, writer) = io::pipe()?;
        let writers = [Stdio::from(writer.try_clone()?), Stdio::from(writer)];
        Ok((Arc::new(Self::read_from(reader, log)?), writers))
    }

    fn read_from(reader: PipeReader, log: Arc<Log>) -> io::Result<Self> {
        Ok(Self {
            pipe: Receiver::from_owned_fd(OwnedFd::from(reader))?,
            log,
            buffer: Mutex::new(vec![0; READ_SIZE]),
        })
    }

    /// Reads the pipe to its end.
    pub(super) async fn follow(&self) {
        while self.pipe.readable().await.is_ok() {
            if self.drain(|buffer| self.pipe.try_read(buffer)) == Drained::Ended {
                return;
            }
        }
    }

    /// Appends to the log what the process has written until now, a line that it has not ended too.
    pub(super) fn catch_up(&self) {
        self.catch_up_with_lines();
        self.log.end_partial_line();
    }

    /// Appends to the log the lines that the process has written until now.
    pub(super) fn catch_up_with_lines(&self) {
        // The runtime may not have noticed yet that there is something to read: the pipe itself is
        // asked.
        self.drain(|buffer| Ok(rustix::io::read(&self.pipe, buffer)?));
    }

    fn drain(&self, read: impl Fn(&mut [u8]) -> io::Result<usize>) -> Drained {
        let mut buffer = self.buffer.lock();
        for _ in 0..MAX_READS {
            match read(&mut buffer) {
                Ok(0) => return Drained::Ended,
                Ok(length) => self.log.append_output(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Drained::Paused,
                Err(_) => return Drained::Ended,
            }
        }
        Drained::Paused
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn what_was_written_before_is_in_the_log_without_a_wait() {
        let log = Arc::new(Log::new("core", false, 1));
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let output = Output::read_from(reader, Arc::clone(&log)).expect("an output");
        for n in 0..50 {
            write!(writer, "line {n}\nbegun").expect("a write");
            output.catch_up();
            assert!(
                log.full_text().ends_with(&format!("line {n}\nbegun\n")),
                "{}",
                log.full_text()
            );
        }
        drop(writer);
        output.follow().await;
    }

    #[tokio::test]
    async fn the_pipe_is_followed_to_its_end() {
        let log = Arc::new(Log::new("core", false, 1));
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let output = Output::read_from(reader, Arc::clone(&log)).expect("an output");
        let writing = std::thread::spawn(move || {
            (0..1000).for_each(|n| writeln!(writer, "line {n}").expect("a write"));
        });
        output.follow().await;
        writing.join().expect("the writer");
        assert!(log.full_text().ends_with("line 998\nline 999\n"));
    }
}

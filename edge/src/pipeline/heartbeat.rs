//! Comments that keep an event stream open while core is silent: `STREAM_HEARTBEAT_S`.
//!
//! API Gateway and proxies close a stream in which nothing comes for a while. Browsers ignore a
//! line that begins with a colon. It is sent only between two events, so that no event is split.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>

use std::time::Duration;

use bytes::Bytes;

/// A comment, and the blank line after it.
const COMMENT: &[u8] = b": keep-alive\n\n";

/// The ends of a blank line, which ends an event; a line ends with LF, CR or both.
const BLANK_LINES: [&[u8]; 3] = [b"\n\n", b"\r\r", b"\n\r\n"];

/// How many bytes the longest of them has.
const LONGEST: usize = 3;

/// Decides whether a comment may be sent.
#[derive(Debug)]
pub struct Heartbeat {
    /// After how long a silence of core.
    pub interval: Duration,
    /// The last bytes that were sent.
    tail: Vec<u8>,
}

impl Heartbeat {
    /// The heartbeat of a stream of which nothing was sent.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            tail: Vec::with_capacity(2 * LONGEST),
        }
    }

    /// Notes that these bytes are sent.
    pub fn sent(&mut self, bytes: &[u8]) {
        let last = &bytes[bytes.len().saturating_sub(LONGEST)..];
        self.tail.extend_from_slice(last);
        let surplus = self.tail.len().saturating_sub(LONGEST);
        self.tail.drain(..surplus);
    }

    /// A comment, if what was sent so far ends between two events.
    pub fn comment(&self) -> Option<Bytes> {
        let is_between_events =
            self.tail.is_empty() || BLANK_LINES.iter().any(|end| self.tail.ends_with(end));
        is_between_events.then(|| Bytes::from_static(COMMENT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_sent_between_events_only() {
        for (pieces, expected) in [
            (&[][..], true),
            (&["data: a\n\n"], true),
            (&["data: a\r\n\r\n"], true),
            (&["data: a\r\r"], true),
            (&["data: a\n", "\n"], true),
            (&["data: a\r", "\n", "\r", "\n"], true),
            (&["data: a\n\n", ""], true),
            (&["data: a"], false),
            (&["data: a\n"], false),
            (&["data: a\r\n"], false),
            (&["data: a\n\n", "data: b"], false),
            (&["data: a\n\n", "d"], false),
        ] {
            let mut heartbeat = Heartbeat::new(Duration::from_secs(15));
            for piece in pieces {
                heartbeat.sent(piece.as_bytes());
            }
            assert_eq!(heartbeat.comment().is_some(), expected, "{pieces:?}");
        }
    }
}

//! The names of request headers as the client wrote them. hyper keeps them in lower case, but a
//! REST API passes them on as they were sent: so the connection's bytes are read along.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::server;

/// The most bytes of a request's head; hyper accepts fewer.
const MAX_HEAD: usize = 1024 * 1024;
/// The most headers of a request; hyper accepts as many.
const MAX_HEADERS: usize = 100;

/// Serves a router until the task is aborted. Its requests have the extension [`HeaderNames`].
pub(crate) async fn serve_with_header_names(listener: TcpListener, router: Router) {
    server::accept(listener, |stream, peer| {
        let heads: Arc<Mutex<Heads>> = Arc::default();
        let stream = ReadAlongStream {
            stream,
            heads: Arc::clone(&heads),
        };
        let add_names = move |request: &mut Request| {
            let names = heads.lock().complete.pop_front().unwrap_or_default();
            request.extensions_mut().insert(names);
        };
        let timeout = Some(server::HEADER_TIMEOUT);
        server::serve_connection(stream, peer, router.clone(), timeout, add_names)
    })
    .await;
}

/// The names of a request's headers in the order and the case in which they were sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeaderNames(Arc<[String]>);

impl HeaderNames {
    /// The name as the client wrote it where it was first sent.
    pub(crate) fn as_sent<'a>(&'a self, name: &'a str) -> &'a str {
        let mut names = self.0.iter();
        names
            .find(|sent| sent.eq_ignore_ascii_case(name))
            .map_or(name, String::as_str)
    }
}

/// A connection whose bytes are also given to [`Heads`] when they are read.
struct ReadAlongStream {
    stream: TcpStream,
    heads: Arc<Mutex<Heads>>,
}

impl AsyncRead for ReadAlongStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.heads.lock().read(&buffer.filled()[before..]);
        polled
    }
}

impl AsyncWrite for ReadAlongStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The requests that a connection has sent, read up to the names of their headers.
#[derive(Debug, Default)]
struct Heads {
    state: State,
    /// The names of each head that is complete and not handled yet.
    complete: VecDeque<HeaderNames>,
}

/// What the next byte of a connection belongs to.
#[derive(Debug)]
enum State {
    /// A head, of which these bytes have arrived.
    Head(Vec<u8>),
    /// A body of which as many bytes are missing.
    Body(u64),
    /// The line with the size of a chunk.
    ChunkSize(Vec<u8>),
    /// A chunk of which as many bytes are missing, with the line break after it.
    Chunk(u64),
    /// A line after the last chunk.
    Trailer(Vec<u8>),
    /// What hyper refuses: the connection will be closed.
    Malformed,
}

impl Default for State {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl Heads {
    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match &mut self.state {
                State::Head(head) => {
                    let before = head.len();
                    head.extend_from_slice(bytes);
                    match read_head(head) {
                        Ok(Some((names, state, length))) => {
                            self.complete.push_back(names);
                            self.state = state;
                            &bytes[length - before..]
                        }
                        Ok(None) if head.len() <= MAX_HEAD => &[],
                        Ok(None) | Err(_) => {
                            self.state = State::Malformed;
                            &[]
                        }
                    }
                }
                State::Body(missing) | State::Chunk(missing) => {
                    let (taken, rest) = split(bytes, *missing);
                    *missing -= taken;
                    if *missing == 0 {
                        self.state = match self.state {
                            State::Chunk(_) => State::ChunkSize(Vec::new()),
                            _ => State::default(),
                        };
                    }
                    rest
                }
                State::ChunkSize(line) | State::Trailer(line) => {
                    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                        line.extend_from_slice(bytes);
                        if line.len() > MAX_HEAD {
                            self.state = State::Malformed;
                        }
                        return;
                    };
                    line.extend_from_slice(&bytes[..end]);
                    let line = String::from_utf8_lossy(line).trim().to_owned();
                    self.state = match self.state {
                        State::Trailer(_) if line.is_empty() => State::default(),
                        State::Trailer(_) => State::Trailer(Vec::new()),
                        _ => after_chunk_size(&line),
                    };
                    &bytes[end + 1..]
                }
                State::Malformed => return,
            };
        }
    }
}

/// How many of the bytes belong to what has `missing` left, and the bytes after them.
fn split(bytes: &[u8], missing: u64) -> (u64, &[u8]) {
    let taken = usize::try_from(missing).map_or(bytes.len(), |missing| missing.min(bytes.len()));
    (taken as u64, &bytes[taken..])
}

/// The names of a complete head, what comes after it, and its length; `None` while bytes are
/// missing.
fn read_head(bytes: &[u8]) -> Result<Option<(HeaderNames, State, usize)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = request.parse(bytes)? else {
        return Ok(None);
    };
    let value = |name: &str| {
        let mut headers = request.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let is_chunked = value("transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
    let body = value("content-length").and_then(|length| length.trim().parse().ok());
    let state = match body {
        _ if is_chunked => State::ChunkSize(Vec::new()),
        None | Some(0) => State::default(),
        Some(length) => State::Body(length),
    };
    let names = request.headers.iter().map(|header| header.name.to_owned());
    Ok(Some((HeaderNames(names.collect()), state, length)))
}

fn after_chunk_size(line: &str) -> State {
    let size = line.split(';').next().unwrap_or_default().trim();
    match u64::from_str_radix(size, 16) {
        Ok(0) => State::Trailer(Vec::new()),
        Ok(size) => State::Chunk(size.saturating_add(2)),
        Err(_) => State::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pieces: &[&[u8]]) -> Vec<String> {
        let mut heads = Heads::default();
        pieces.iter().for_each(|piece| heads.read(piece));
        let complete = heads.complete.iter();
        complete.map(|HeaderNames(names)| names.join(" ")).collect()
    }

    #[test]
    fn the_names_of_each_request_of_a_connection_are_read_wherever_its_bytes_are_cut() {
        const CONNECTION: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nX-MANY: 1\r\nContent-Length: 23\r\n\r\nX-Body: 1\r\n\r\nGET / HTTP\
            POST / HTTP/1.1\r\nhOST: a\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nX: 1\n\r\nA\r\nGET / HTTP\r\n0\r\nX-Trailer: 1\r\n\r\n\
            GET / HTTP/1.1\r\nHost: a\r\nx-last: 1\r\n\r\n";
        let expected = [
            "Host X-MANY Content-Length",
            "hOST Transfer-Encoding",
            "Host x-last",
        ];
        assert_eq!(names(&[CONNECTION]), expected, "in one piece");
        for at in 0..CONNECTION.len() {
            let (first, second) = CONNECTION.split_at(at);
            assert_eq!(names(&[first, second]), expected, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = CONNECTION.chunks(1).collect();
        assert_eq!(names(&bytes), expected, "byte by byte");
    }

    #[test]
    fn what_is_no_request_has_no_names() {
        let endless = vec![b'a'; 2 * MAX_HEAD];
        for (name, bytes) in [
            ("another protocol", &b"\x16\x03\x01\x02\x00\x01\x00"[..]),
            ("a head without an end", &endless),
        ] {
            assert!(
                names(&[bytes, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]).is_empty(),
                "{name}"
            );
        }
        let chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let after = b"not a size\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(names(&[chunked, after]), ["Transfer-Encoding"]);
    }
}

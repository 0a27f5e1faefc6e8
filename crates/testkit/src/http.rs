//! Reads requests from a stream as they are, and writes answers by hand: an HTTP library would
//! repair what a test wants to see or to break.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// A request, as it arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The request line and the headers, without the empty line.
    pub head: String,
    /// The body, without the framing of chunks.
    pub body: Vec<u8>,
    /// Whether the body arrived to its end.
    pub is_whole: bool,
}

impl Request {
    /// The path and the query of the request line.
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header, whose name is compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Head and body as they stand on the wire, but for the framing of chunks.
    pub fn to_wire(&self) -> String {
        format!("{}\r\n\r\n{}", self.head, self.text())
    }
}

/// Reads the head of a request; `None` where the stream ends before it is whole.
pub async fn read_head(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Request>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head).await? == 0 {
            return Ok(None);
        }
    }
    head.truncate(head.len() - 4);
    Ok(Some(Request {
        head: String::from_utf8_lossy(&head).into_owned(),
        ..Request::default()
    }))
}

/// Reads the body of a request, of a known length or in chunks. Where the stream ends or breaks
/// before the end of the body, the request is not whole.
pub async fn read_body(reader: &mut (impl AsyncBufRead + Unpin), request: &mut Request) {
    let length = request
        .header("content-length")
        .map_or(0, |length| length.parse().expect("a length"));
    let is_chunked = request
        .header("transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let read = if is_chunked {
        read_chunks(reader, &mut request.body).await
    } else {
        read_exactly(reader, &mut request.body, length).await
    };
    request.is_whole = read.is_ok();
}

async fn read_exactly(
    reader: &mut (impl AsyncBufRead + Unpin),
    body: &mut Vec<u8>,
    length: u64,
) -> io::Result<()> {
    let read = (&mut *reader).take(length).read_to_end(body).await?;
    if u64::try_from(read).is_ok_and(|read| read == length) {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

async fn read_chunks(
    reader: &mut (impl AsyncBufRead + Unpin),
    body: &mut Vec<u8>,
) -> io::Result<()> {
    loop {
        let size = read_line(reader).await?;
        let size = u64::from_str_radix(&size, 16).map_err(io::Error::other)?;
        if size == 0 {
            // Trailers, and the empty line after them.
            while !read_line(reader).await?.is_empty() {}
            return Ok(());
        }
        read_exactly(reader, body, size).await?;
        read_line(reader).await?;
    }
}

async fn read_line(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// An answer of a known length. Each of `headers` ends with a line break.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// A JSON answer after which the connection is closed. Each of `headers` ends with a line break.
pub fn last_answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let headers = format!("Content-Type: application/json\r\nConnection: close\r\n{headers}");
    answer(status, &headers, body.as_bytes())
}

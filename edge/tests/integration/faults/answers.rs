//! Faults of answers: what HTTP forbids, what Lambda never sends, and what comes too early or too
//! late.

use std::time::Duration;

use testkit::endpoint::{Script, Step};
use testkit::event_stream::chunk;
use testkit::http::{answer, last_answer};

use super::fault::{Fault, Mode, good_answer, good_body, head};
use super::run::then_silence;

/// An answer with these headers and a good body.
fn framed(name: &str, headers: impl Fn(usize) -> String + 'static) -> Fault {
    Fault::after_request(name, move |mode| {
        let body = good_body(mode);
        let bytes = [head(&headers(body.len())), body].concat();
        vec![Step::Send(bytes), Step::Close]
    })
}

fn chunked(name: &str, body: impl Fn(Mode) -> Vec<u8> + 'static) -> Fault {
    Fault::after_request(name, move |mode| {
        let bytes = [head("Transfer-Encoding: chunked\r\n"), body(mode)].concat();
        vec![Step::Send(bytes), Step::Close]
    })
}

/// A good body as one chunk, whose size stands in `size`, and this end.
fn one_chunk(mode: Mode, size: impl Fn(usize) -> String, end: &str) -> Vec<u8> {
    let body = good_body(mode);
    let size = format!("{}\r\n", size(body.len()));
    [size.as_bytes(), &body, end.as_bytes()].concat()
}

pub fn framing() -> Vec<Fault> {
    let hex = |length: usize| format!("{length:x}");
    vec![
        framed("no length, and closed at the end", |_| String::new()),
        framed("a length that is too short", |length| {
            format!("Content-Length: {}\r\n", length - 4)
        }),
        framed("a length that is too long, then closed", |length| {
            format!("Content-Length: {}\r\n", length + 4)
        }),
        Fault::after_request("a length that is too long, then silence", |mode| {
            let body = good_body(mode);
            let head = head(&format!("Content-Length: {}\r\n", body.len() + 4));
            then_silence([head, body].concat())
        })
        .waiting(),
        framed("a negative length", |_| "Content-Length: -1\r\n".to_owned()),
        framed("a length that is no number", |_| {
            "Content-Length: twelve\r\n".to_owned()
        }),
        framed("a length beyond 64 bits", |_| {
            "Content-Length: 99999999999999999999\r\n".to_owned()
        }),
        framed("two lengths that differ", |length| {
            format!("Content-Length: {length}\r\nContent-Length: 4\r\n")
        }),
        framed("two lengths that are the same", |length| {
            format!("Content-Length: {length}\r\nContent-Length: {length}\r\n")
        }),
        Fault::after_request("a length and chunks", move |mode| {
            let head = head("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n");
            let bytes = [head, one_chunk(mode, hex, "\r\n0\r\n\r\n")].concat();
            vec![Step::Send(bytes), Step::Close]
        }),
        chunked("good chunks", move |mode| {
            one_chunk(mode, hex, "\r\n0\r\n\r\n")
        }),
        chunked("good chunks with trailers", move |mode| {
            one_chunk(mode, hex, "\r\n0\r\nX-Trailer: 1\r\n\r\n")
        }),
        chunked("chunks without their end", move |mode| {
            one_chunk(mode, hex, "\r\n")
        }),
        chunked("a chunk's size that is no number", |mode| {
            one_chunk(mode, |_| "size".to_owned(), "\r\n0\r\n\r\n")
        }),
        chunked("a chunk's size beyond 64 bits", |mode| {
            one_chunk(mode, |_| "f".repeat(17), "\r\n0\r\n\r\n")
        }),
        chunked("a chunk that is longer than its size", |mode| {
            one_chunk(mode, |length| format!("{:x}", length - 4), "\r\n0\r\n\r\n")
        }),
        Fault::after_request("an encoding that is not known", |mode| {
            let head = head("Transfer-Encoding: gzip\r\n");
            vec![Step::Send([head, good_body(mode)].concat()), Step::Close]
        }),
    ]
}

pub fn heads() -> Vec<Fault> {
    let after = |name: &str, first: Vec<u8>| {
        Fault::after_request(name, move |mode| {
            let bytes = [first.clone(), good_answer(mode)].concat();
            vec![Step::Send(bytes), Step::Close]
        })
    };
    let lines = |line: &str, count: usize| line.repeat(count).into_bytes();
    vec![
        after(
            "100 Continue before the answer",
            b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        ),
        after(
            "103 Early Hints before the answer",
            b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n".to_vec(),
        ),
        after(
            "a hundred answers 102 before the answer",
            lines("HTTP/1.1 102 Processing\r\n\r\n", 100),
        ),
        Fault::after_request("100 Continue, then silence", |_| {
            then_silence(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())
        })
        .waiting(),
        Fault::answer(
            "101 Switching Protocols",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        ),
        Fault::answer("301", last_answer(301, "Location: /elsewhere\r\n", "")),
        Fault::answer(
            "302",
            last_answer(302, "Location: http://127.0.0.1:9/\r\n", ""),
        ),
        Fault::answer("307", last_answer(307, "Location: /elsewhere\r\n", "")),
        Fault::answer("304", "HTTP/1.1 304 Not Modified\r\n\r\n"),
        Fault::answer("204", "HTTP/1.1 204 No Content\r\n\r\n"),
        Fault::answer("200 with an empty body", last_answer(200, "", "")),
        Fault::answer("a proxy's 407", last_answer(407, "", "")),
        Fault::answer("a proxy's 502", last_answer(502, "", "<html>")),
        Fault::answer("a proxy's 503", last_answer(503, "", "<html>")),
        Fault::answer("a status of four digits", "HTTP/1.1 2000 X\r\n\r\n"),
        Fault::answer("the status 999", last_answer(999, "", "{}")),
        Fault::after_request("HTTP/1.0 without a length", |mode| {
            let bytes = [b"HTTP/1.0 200 OK\r\n\r\n".to_vec(), good_body(mode)].concat();
            vec![Step::Send(bytes), Step::Close]
        }),
        Fault::answer("HTTP/0.9", "<html>"),
        Fault::answer(
            "HTTP/2",
            b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04".to_vec(),
        ),
        Fault::answer("another protocol", "SSH-2.0-OpenSSH_9.2\r\n"),
        Fault::answer(
            "a header without a colon",
            "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\n{}",
        ),
        Fault::answer(
            "a header with a control character",
            "HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 2\r\n\r\n{}",
        ),
        Fault::after_request("headers without end", |_| {
            let first = Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec());
            let bytes = lines_of_headers();
            let pause = Duration::from_millis(1);
            vec![first, Step::SendForever { bytes, pause }]
        }),
    ]
}

fn lines_of_headers() -> Vec<u8> {
    format!("X-Pad: {}\r\n", "x".repeat(4000))
        .repeat(25)
        .into_bytes()
}

pub fn timing() -> Vec<Fault> {
    // More than the buffers of both sides hold.
    let large = format!("{{\"pad\":\"{}\"}}", "x".repeat(5_000_000));
    let early = |name: &str, status: u16, headers: &'static str| {
        Fault::new(name, move |mode| {
            let body = if status == 200 {
                good_body(mode)
            } else {
                Vec::new()
            };
            let headers = format!("Connection: close\r\n{headers}");
            let bytes = answer(status, &headers, &body);
            Script::new([Step::ReadHead, Step::Send(bytes), Step::Hold])
        })
    };
    vec![
        early("an answer before the body was read", 200, "").with_body(large.clone()),
        early(
            "a refusal before the body was read",
            413,
            "x-amzn-ErrorType: RequestTooLargeException\r\n",
        )
        .with_body(large)
        .not_starting_core(),
        Fault::after_request("bytes after the answer", |mode| {
            vec![Step::Send([good_answer(mode), b"more".to_vec()].concat())]
        }),
        Fault::after_request("a second answer to one request", |mode| {
            let forged = answer(500, "", br#"{"message":"forged"}"#);
            vec![Step::Send([good_answer(mode), forged].concat())]
        }),
        Fault::after_request("an answer without end", |mode| {
            let (piece, pause) = match mode {
                Mode::Whole => (
                    "x".repeat(2_000_000).into_bytes(),
                    Duration::from_millis(10),
                ),
                Mode::Streamed => (chunk("x"), Duration::from_millis(20)),
            };
            let bytes = [
                format!("{:x}\r\n", piece.len()).into_bytes(),
                piece,
                b"\r\n".to_vec(),
            ]
            .concat();
            let head = Step::Send(head("Transfer-Encoding: chunked\r\n"));
            vec![head, Step::SendForever { bytes, pause }]
        })
        .waiting_in_a_stream()
        .sdk_differs("it reads answers of any size, until the time for core is over"),
        Fault::after_request("an answer that is no JSON", |mode| {
            let body = match mode {
                Mode::Whole => b"\xff\xfe".to_vec(),
                Mode::Streamed => b"not an event stream, but long enough".to_vec(),
            };
            vec![Step::Send(answer(200, "", &body)), Step::Close]
        }),
    ]
}

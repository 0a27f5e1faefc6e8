//! Reads the head of a streamed response from the first bytes of core's answer, which may be a
//! prelude with status and headers.
//!
//! Bytes are held back only while they may still be a prelude.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};

use super::core_answer::{add_core_headers, is_header, malformed, read_core_reply, status};
use super::{CoreReplyShape, ErrorDetail, MAX_ANSWER, Response};
use crate::error::EdgeError;
use crate::json::Object;
use crate::stages::invoke::CoreReply;

/// The delimiter between a prelude and the body.
pub const DELIMITER: [u8; 8] = [0; 8];
/// The content type of an answer that begins with a prelude.
pub const INTEGRATION_RESPONSE: &str = "application/vnd.awslambda.http-integration-response";
/// The longest prelude, in bytes. What has not shown itself as something else by then is passed on
/// as it is.
const MAX_PRELUDE: usize = 64 * 1024;
/// The members with which a prelude may begin.
const MEMBERS: [&[u8]; 4] = [
    b"\"statusCode\"",
    b"\"headers\"",
    b"\"cookies\"",
    b"\"multiValueHeaders\"",
];

/// The head of a streamed response, and the bytes of the body that came with it.
#[derive(Debug)]
pub struct ResponseHead {
    /// Status and headers; the body is empty.
    pub response: Response,
    /// The bytes that came with the head.
    pub first: Bytes,
}

impl ResponseHead {
    /// The head of a response that came whole.
    fn of(mut response: Response, detail: ErrorDetail) -> Result<Self, EdgeError> {
        let body = std::mem::take(&mut response.body);
        let first = if std::mem::take(&mut response.is_base64) {
            STANDARD
                .decode(&body)
                .map_err(|_| malformed("core's body is not base64", detail))?
                .into()
        } else {
            body.into()
        };
        Ok(Self { response, first })
    }
}

/// Reads an answer until its head is known.
#[derive(Debug)]
pub struct PreludeParser {
    content_type: Option<String>,
    shape: CoreReplyShape,
    detail: ErrorDetail,
    held: BytesMut,
    /// How many of the held bytes were searched for the first byte that is not white space.
    blank: usize,
    /// How many of the held bytes were searched for the delimiter.
    searched: usize,
}

impl PreludeParser {
    /// A parser that has read nothing. `content_type` is the type that Lambda gives, if it gives
    /// one.
    pub fn new(content_type: Option<String>, shape: CoreReplyShape, detail: ErrorDetail) -> Self {
        Self {
            content_type,
            shape,
            detail,
            held: BytesMut::new(),
            blank: 0,
            searched: 0,
        }
    }

    /// Reads bytes, and gives the head once it is known.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<ResponseHead>, EdgeError> {
        self.held.extend_from_slice(bytes);
        // Every byte is looked at once, however small the pieces are in which it comes.
        self.blank += self.held[self.blank..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        if let Some(head) = self.with_prelude()? {
            return Ok(Some(head));
        }
        let is_short = self.held.len() < MAX_PRELUDE;
        let start = &self.held[self.blank..];
        let may_be_prelude = is_short && begins_like_a_prelude(start);
        // A response in API Gateway's form is unwrapped when it is whole.
        let may_be_proxy_reply = self.shape == CoreReplyShape::Proxy
            && (start.first() == Some(&b'{') || (start.is_empty() && is_short))
            && self.held.len() <= MAX_ANSWER;
        let has_no_type =
            is_short && self.content_type.is_none() && content_type_of(start).is_none();
        Ok(
            (!may_be_prelude && !may_be_proxy_reply && !has_no_type)
                .then(|| self.without_prelude()),
        )
    }

    /// The answer has ended: gives the head of what was read.
    pub fn end(mut self) -> Result<ResponseHead, EdgeError> {
        if self.shape == CoreReplyShape::Proxy {
            let reply = CoreReply {
                payload: self.held.to_vec(),
                is_function_error: false,
            };
            return ResponseHead::of(
                read_core_reply(reply, self.shape, self.detail)?,
                self.detail,
            );
        }
        if self.held.is_empty() {
            return Ok(ResponseHead {
                response: Response::json(200, String::new()),
                first: Bytes::from_static(b"{}"),
            });
        }
        Ok(self.without_prelude())
    }

    fn with_prelude(&mut self) -> Result<Option<ResponseHead>, EdgeError> {
        let end = self.held.len().min(MAX_PRELUDE + DELIMITER.len());
        if self.searched >= end || !begins_like_a_prelude(&self.held[self.blank..]) {
            return Ok(None);
        }
        let found = self.held[self.searched..end]
            .windows(DELIMITER.len())
            .position(|window| window == DELIMITER);
        let Some(length) = found.map(|at| self.searched + at) else {
            // The delimiter may have begun in the last bytes.
            self.searched = end.saturating_sub(DELIMITER.len() - 1).max(self.searched);
            return Ok(None);
        };
        let text =
            std::str::from_utf8(&self.held[..length]).map_err(|_| "core's prelude cannot be read");
        let response = text
            .and_then(read_prelude)
            .map_err(|why| malformed(why, self.detail))?;
        let first = self.held.split_off(length + DELIMITER.len()).freeze();
        Ok(Some(ResponseHead { response, first }))
    }

    fn without_prelude(&mut self) -> ResponseHead {
        let mut response = Response::json(200, String::new());
        let said = self
            .content_type
            .take()
            .filter(|kind| kind != INTEGRATION_RESPONSE && is_header("content-type", kind));
        response.headers.set(
            "Content-Type",
            said.unwrap_or_else(|| {
                content_type_of(&self.held[self.blank..])
                    .unwrap_or("application/octet-stream")
                    .to_owned()
            }),
        );
        ResponseHead {
            response,
            first: self.held.split().freeze(),
        }
    }
}

/// Status, headers and cookies, or why an HTTP response cannot have them.
fn read_prelude(text: &str) -> Result<Response, &'static str> {
    let prelude = Object::read(text).ok_or("core's prelude cannot be read")?;
    let code = prelude
        .get("statusCode")
        .map_or(Some(200), status)
        .ok_or("core's prelude cannot be read")?;
    let mut response = Response::json(code, String::new());
    add_core_headers(&prelude, &mut response.headers)?;
    Ok(response)
}

/// Whether an answer without leading white space may be a prelude.
fn begins_like_a_prelude(start: &[u8]) -> bool {
    let Some(rest) = start.strip_prefix(b"{") else {
        return start.is_empty();
    };
    let rest = rest.trim_ascii_start();
    MEMBERS
        .iter()
        .any(|member| rest.starts_with(member) || member.starts_with(rest))
}

/// What server-sent events begin with.
const EVENT_STREAM_STARTS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
/// The JSON values that are words.
const JSON_WORDS: [&[u8]; 3] = [b"null", b"true", b"false"];

/// The content type that an answer without leading white space appears to have, because Lambda's
/// event stream does not carry it; `None` while more bytes are needed to tell.
fn content_type_of(start: &[u8]) -> Option<&'static str> {
    let begins_with_one_of = |words: &[&[u8]]| words.iter().any(|word| start.starts_with(word));
    if begins_with_one_of(&EVENT_STREAM_STARTS) {
        return Some("text/event-stream");
    }
    if matches!(start.first(), Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9'))
        || begins_with_one_of(&JSON_WORDS)
    {
        return Some("application/json");
    }
    let may_become_one = EVENT_STREAM_STARTS
        .iter()
        .chain(&JSON_WORDS)
        .any(|word| word.starts_with(start));
    if may_become_one {
        None
    } else {
        Some("application/octet-stream")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, headers and first bytes, with the number of pieces that were held until then.
    fn open(pieces: &[&[u8]]) -> String {
        let mut parser = PreludeParser::new(None, CoreReplyShape::Raw, ErrorDetail::Message);
        for (at, piece) in pieces.iter().enumerate() {
            if let Some(head) = parser.push(piece).expect("no failure") {
                return format!("{} {}", at + 1, written(&head));
            }
        }
        format!("end {}", written(&parser.end().expect("no failure")))
    }

    fn written(head: &ResponseHead) -> String {
        let headers: Vec<_> = head
            .response
            .headers
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!(
            "{} {} {:?}",
            head.response.status,
            headers.join(","),
            String::from_utf8_lossy(&head.first)
        )
    }

    #[test]
    fn the_head_is_known_as_soon_as_the_bytes_cannot_be_a_prelude() {
        let prelude = br#"{"statusCode":201,"headers":{"content-type":"text/plain","x-a":"b"},"cookies":["c=1"]}"#;
        let cut = [&prelude[..20], &prelude[20..], b"\0\0\0", b"\0\0\0\0\0hi"];
        let cases: [(&[&[u8]], &str); 14] = [
            (
                &[prelude.as_slice(), &[0; 8], b"hi"],
                r#"2 201 Content-Type=text/plain,x-a=b,Set-Cookie=c=1 """#,
            ),
            (
                &cut,
                r#"4 201 Content-Type=text/plain,x-a=b,Set-Cookie=c=1 "hi""#,
            ),
            (
                &[br#"{"answer":"#, br#"1}"#],
                r#"1 200 Content-Type=application/json "{\"answer\":""#,
            ),
            (
                &[br#"{"statusCode":200}"#],
                r#"end 200 Content-Type=application/json "{\"statusCode\":200}""#,
            ),
            (
                &[b"data: x\n\n"],
                r#"1 200 Content-Type=text/event-stream "data: x\n\n""#,
            ),
            (
                &[b"da", b"ta: a\n\n"],
                r#"2 200 Content-Type=text/event-stream "data: a\n\n""#,
            ),
            (
                &[b" ", b"\n", b"i", b"d: 1"],
                r#"4 200 Content-Type=text/event-stream " \nid: 1""#,
            ),
            (
                &[b"n", b"ul", b"l"],
                r#"3 200 Content-Type=application/json "null""#,
            ),
            (
                &[b"dat", b"e"],
                r#"2 200 Content-Type=application/octet-stream "date""#,
            ),
            (
                &[b"dat"],
                r#"end 200 Content-Type=application/octet-stream "dat""#,
            ),
            (
                &[b"  "],
                r#"end 200 Content-Type=application/octet-stream "  ""#,
            ),
            (
                &[b"\x89PNG"],
                "1 200 Content-Type=application/octet-stream \"\u{fffd}PNG\"",
            ),
            (&[b"null"], r#"1 200 Content-Type=application/json "null""#),
            (&[], r#"end 200 Content-Type=application/json "{}""#),
        ];
        for (pieces, expected) in cases {
            assert_eq!(open(pieces), expected);
        }
    }

    #[test]
    fn what_lambda_says_of_the_type_goes_before_what_it_looks_like() {
        let head = PreludeParser::new(
            Some("text/csv".to_owned()),
            CoreReplyShape::Raw,
            ErrorDetail::Message,
        )
        .push(b"1,2");
        let head = head.expect("no failure").expect("a head");
        assert!(written(&head).contains("Content-Type=text/csv"), "{head:?}");
    }

    #[test]
    fn pieces_of_a_kilobyte_take_no_longer_than_the_whole() {
        // With every piece searched from the start, 6 MB would take longer than the test suite.
        let piece = [b' '; 1024];
        for (shape, start) in [
            (CoreReplyShape::Proxy, "{\"statusCode\":200,\"body\":\""),
            (CoreReplyShape::Raw, "{\"headers\":{},"),
        ] {
            let mut parser = PreludeParser::new(None, shape, ErrorDetail::Message);
            parser.push(start.as_bytes()).expect("no failure");
            let mut searched = 0;
            for _ in 0..5_900 {
                let before = parser.searched;
                if parser.push(&piece).expect("no failure").is_some() {
                    break;
                }
                searched += parser.searched - before;
            }
            assert!(
                searched <= MAX_PRELUDE + DELIMITER.len(),
                "{searched} bytes were searched"
            );
        }
    }

    #[test]
    fn a_delimiter_in_two_pieces_is_found() {
        for at in 1..8 {
            let (first, second) = DELIMITER.split_at(at);
            let pieces = [br#"{"statusCode":204}"#.as_slice(), first, second, b"x"];
            assert!(open(&pieces).starts_with("3 204 "), "{at}");
        }
    }

    #[test]
    fn a_prelude_that_never_ends_is_passed_on() {
        let mut parser = PreludeParser::new(None, CoreReplyShape::Raw, ErrorDetail::Message);
        assert!(
            parser
                .push(br#"{"statusCode":200,"#)
                .expect("no failure")
                .is_none()
        );
        assert!(
            parser
                .push(&vec![b' '; MAX_PRELUDE])
                .expect("no failure")
                .is_some()
        );
    }
}

//! Reads the head of a streamed response from the first bytes of core's answer, which may be a prelude with status and headers.
//!
//! Bytes are held back only while they may still be a prelude.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};

use super::core_answer::{is_header, malformed, proxy_headers, read_core_reply, status};
use super::{CoreReplyShape, ErrorDetail, MAX_ANSWER, Response};
use crate::error::EdgeError;
use crate::invoke::CoreReply;
use crate::json::Object;

/// The delimiter between a prelude and the body.
pub const DELIMITER: [u8; 8] = [0; 8];
/// The content type of an answer that begins with a prelude.
const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";
/// The longest prelude, in bytes.
const MAX_PRELUDE: usize = 64 * 1024;
/// The members with which a prelude may begin.
const MEMBERS: [&[u8]; 4] = [b"\"statusCode\"", b"\"headers\"", b"\"cookies\"", b"\"multiValueHeaders\""];

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
            STANDARD.decode(&body).map_err(|_| malformed("core's body is not base64", detail))?.into()
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
}

impl PreludeParser {
    /// A parser that has read nothing. `content_type` is the type that Lambda gives, if it gives one.
    pub fn new(content_type: Option<String>, shape: CoreReplyShape, detail: ErrorDetail) -> Self {
        Self { content_type, shape, detail, held: BytesMut::new() }
    }

    /// Reads bytes, and gives the head once it is known.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<ResponseHead>, EdgeError> {
        self.held.extend_from_slice(bytes);
        if let Some(head) = self.with_prelude()? {
            return Ok(Some(head));
        }
        let may_be_prelude = self.held.len() < MAX_PRELUDE && begins_like_a_prelude(&self.held);
        // A response in API Gateway's form is unwrapped when it is whole.
        let may_be_proxy_reply =
            self.shape == CoreReplyShape::Proxy && self.held.len() <= MAX_ANSWER && begins_like_an_object(&self.held);
        Ok((!may_be_prelude && !may_be_proxy_reply).then(|| self.without_prelude()))
    }

    /// The answer has ended: gives the head of what was read.
    pub fn end(mut self) -> Result<ResponseHead, EdgeError> {
        if self.shape == CoreReplyShape::Proxy {
            let reply = CoreReply { payload: self.held.to_vec(), is_function_error: false };
            return ResponseHead::of(read_core_reply(reply, self.shape, self.detail)?, self.detail);
        }
        if self.held.is_empty() {
            return Ok(ResponseHead { response: Response::json(200, String::new()), first: Bytes::from_static(b"{}") });
        }
        Ok(self.without_prelude())
    }

    fn with_prelude(&mut self) -> Result<Option<ResponseHead>, EdgeError> {
        let found = self.held.windows(DELIMITER.len()).position(|window| window == DELIMITER);
        let Some(length) = found.filter(|_| begins_like_a_prelude(&self.held)) else { return Ok(None) };
        let prelude = std::str::from_utf8(&self.held[..length]).ok().and_then(read_prelude);
        let response = prelude.ok_or_else(|| malformed("core's prelude cannot be read", self.detail))?;
        let first = self.held.split_off(length + DELIMITER.len()).freeze();
        Ok(Some(ResponseHead { response, first }))
    }

    fn without_prelude(&mut self) -> ResponseHead {
        let mut response = Response::json(200, String::new());
        let said = self.content_type.take().filter(|kind| kind != WITH_PRELUDE && is_header("content-type", kind));
        response.headers.set("Content-Type", said.unwrap_or_else(|| guess(&self.held).to_owned()));
        ResponseHead { response, first: self.held.split().freeze() }
    }
}

/// Status, headers and cookies; `None` when the text is no prelude, or has a header that HTTP does not allow.
fn read_prelude(text: &str) -> Option<Response> {
    let prelude = Object::read(text)?;
    let code = prelude.get("statusCode").map_or(Some(200), status)?;
    let mut response = Response::json(code, String::new());
    for (name, value) in proxy_headers(&prelude) {
        if !is_header(&name, &value) {
            return None;
        }
        if name.eq_ignore_ascii_case("content-type") {
            response.headers.set("Content-Type", value);
        } else {
            response.headers.add(name, value);
        }
    }
    Some(response)
}

fn begins_like_an_object(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    start.is_empty() || start.starts_with(b"{")
}

fn begins_like_a_prelude(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.trim_ascii_start().strip_prefix(b"{") else { return bytes.trim_ascii_start().is_empty() };
    let rest = rest.trim_ascii_start();
    MEMBERS.iter().any(|member| rest.starts_with(member) || member.starts_with(rest))
}

/// A guess at the content type, from the first bytes: Lambda's event stream does not carry it.
fn guess(bytes: &[u8]) -> &'static str {
    let start = bytes.trim_ascii_start();
    let begins_with = |words: &[&[u8]]| words.iter().any(|word| start.starts_with(word));
    if begins_with(&[b"data:", b"event:", b"id:", b"retry:", b":"]) {
        return "text/event-stream";
    }
    match start.first() {
        Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9') => "application/json",
        _ if begins_with(&[b"null", b"true", b"false"]) => "application/json",
        _ => "application/octet-stream",
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
        let headers: Vec<_> = head.response.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {} {:?}", head.response.status, headers.join(","), String::from_utf8_lossy(&head.first))
    }

    #[test]
    fn the_head_is_known_as_soon_as_the_bytes_cannot_be_a_prelude() {
        let prelude = br#"{"statusCode":201,"headers":{"content-type":"text/plain","x-a":"b"},"cookies":["c=1"]}"#;
        let cut = [&prelude[..20], &prelude[20..], b"\0\0\0", b"\0\0\0\0\0hi"];
        let cases: [(&[&[u8]], &str); 8] = [
            (&[prelude.as_slice(), &[0; 8], b"hi"], r#"2 201 Content-Type=text/plain,x-a=b,Set-Cookie=c=1 """#),
            (&cut, r#"4 201 Content-Type=text/plain,x-a=b,Set-Cookie=c=1 "hi""#),
            (&[br#"{"answer":"#, br#"1}"#], r#"1 200 Content-Type=application/json "{\"answer\":""#),
            (&[br#"{"statusCode":200}"#], r#"end 200 Content-Type=application/json "{\"statusCode\":200}""#),
            (&[b"data: x\n\n"], r#"1 200 Content-Type=text/event-stream "data: x\n\n""#),
            (&[b"\x89PNG"], "1 200 Content-Type=application/octet-stream \"\u{fffd}PNG\""),
            (&[b"null"], r#"1 200 Content-Type=application/json "null""#),
            (&[], r#"end 200 Content-Type=application/json "{}""#),
        ];
        for (pieces, expected) in cases {
            assert_eq!(open(pieces), expected);
        }
    }

    #[test]
    fn what_lambda_says_of_the_type_goes_before_what_it_looks_like() {
        let head = PreludeParser::new(Some("text/csv".to_owned()), CoreReplyShape::Raw, ErrorDetail::Message).push(b"1,2");
        let head = head.expect("no failure").expect("a head");
        assert!(written(&head).contains("Content-Type=text/csv"), "{head:?}");
    }

    #[test]
    fn a_prelude_that_never_ends_is_passed_on() {
        let mut parser = PreludeParser::new(None, CoreReplyShape::Raw, ErrorDetail::Message);
        assert!(parser.push(br#"{"statusCode":200,"#).expect("no failure").is_none());
        assert!(parser.push(&vec![b' '; MAX_PRELUDE]).expect("no failure").is_some());
    }
}

//! Reads the head of a streamed response from the first bytes of core's answer, which may be a
//! prelude with status and headers.
//!
//! Bytes are held back only while they may still be a prelude.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};

use super::core_answer::{add_core_headers, is_header, malformed, read_core_reply, status};
use super::{CoreReplyShape, ErrorDetail, Response};
use crate::error::EdgeError;
use crate::json::Object;
use crate::limits::{MAX_ANSWER, MAX_PRELUDE};
use crate::stages::invoke::CoreReply;

/// The delimiter between a prelude and the body.
pub const PRELUDE_DELIMITER: [u8; 8] = [0; 8];
/// The content type of an answer that begins with a prelude.
pub const INTEGRATION_RESPONSE: &str = "application/vnd.awslambda.http-integration-response";
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
        // A type that says nothing is none: then the first bytes tell.
        let content_type = content_type
            .filter(|kind| kind != INTEGRATION_RESPONSE && is_header("content-type", kind));
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
        let end = self.held.len().min(MAX_PRELUDE + PRELUDE_DELIMITER.len());
        if self.searched >= end || !begins_like_a_prelude(&self.held[self.blank..]) {
            return Ok(None);
        }
        let found = self.held[self.searched..end]
            .windows(PRELUDE_DELIMITER.len())
            .position(|window| window == PRELUDE_DELIMITER);
        let Some(length) = found.map(|at| self.searched + at) else {
            // The delimiter may have begun in the last bytes.
            self.searched = end
                .saturating_sub(PRELUDE_DELIMITER.len() - 1)
                .max(self.searched);
            return Ok(None);
        };
        let text = std::str::from_utf8(&self.held[..length]).map_err(|_| UNREADABLE.to_owned());
        let response = text
            .and_then(read_prelude)
            .map_err(|why| malformed(&why, self.detail))?;
        let first = self
            .held
            .split_off(length + PRELUDE_DELIMITER.len())
            .freeze();
        Ok(Some(ResponseHead { response, first }))
    }

    fn without_prelude(&mut self) -> ResponseHead {
        let mut response = Response::json(200, String::new());
        let content_type = self.content_type.take();
        response.headers.set(
            "Content-Type",
            content_type.unwrap_or_else(|| {
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
fn read_prelude(text: &str) -> Result<Response, String> {
    let prelude = Object::read(text).ok_or(UNREADABLE)?;
    let code = prelude
        .get("statusCode")
        .map_or(Some(200), status)
        .ok_or(UNREADABLE)?;
    let mut response = Response::json(code, String::new());
    add_core_headers(&prelude, &mut response.headers)?;
    Ok(response)
}

const UNREADABLE: &str = "core's prelude cannot be read";

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
mod tests;

//! Core's answer: read whole, and read piece by piece as it is streamed, with the same outcome.
//!
//! An input is a line of settings (the shape, the detail, the content type, the length of the
//! pieces), a line `---`, and the answer.

use edge::error::EdgeError;
use edge::stages::invoke::CoreReply;
use edge::stages::respond::{
    CoreReplyShape, ErrorDetail, PreludeParser, Response, ResponseHead, core_error, read_core_reply,
};
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::{Target, parts};

pub const TARGET: Target = Target {
    name: "core_answer",
    run,
    words: &[
        "{\"statusCode\":200",
        "\"headers\":{",
        "\"multiValueHeaders\":{",
        "\"cookies\":[",
        "\"body\":\"",
        "\"isBase64Encoded\":true",
        "\0\0\0\0\0\0\0\0",
        "\0\0\0\0\0\0\0",
        "data: ",
        "event: ",
        "\"errorType\":\"",
        "\"errorMessage\":\"",
        " Task timed out after 3.00 seconds",
        "Sandbox.Timedout",
        "\"content-type\":\"",
        "\"set-cookie\":\"",
        "\r\n",
        "\"204\"",
        "99",
        "600",
        "null",
        "\n---\n",
    ],
};

fn run(input: &[u8]) {
    let mut parts = parts(input);
    let settings = parts.next().unwrap_or_default();
    let answer = parts.next().unwrap_or_default();
    let setting = |at: usize| {
        let digit = settings.get(at).copied().unwrap_or(b'0');
        usize::from(digit.wrapping_sub(b'0'))
    };
    let shape = [CoreReplyShape::Raw, CoreReplyShape::Proxy][setting(0) % 2];
    let detail = [ErrorDetail::None, ErrorDetail::Message, ErrorDetail::Full][setting(1) % 3];
    let content_type = [
        None,
        Some("text/plain"),
        Some("application/vnd.awslambda.http-integration-response"),
        Some("text/plain\r\nx: y"),
    ][setting(2) % 4];
    let length = 1 + setting(3) % 64;

    read_whole(answer, shape, detail);
    check_error(&core_error(answer, detail), detail);
    let parser = || PreludeParser::new(content_type.map(str::to_owned), shape, detail);
    let whole = stream(parser(), [answer].into_iter());
    let pieces = stream(parser(), answer.chunks(length));
    assert_eq!(whole, pieces, "in pieces of {length} bytes");
}

fn read_whole(answer: &[u8], shape: CoreReplyShape, detail: ErrorDetail) {
    for is_function_error in [false, true] {
        let reply = || CoreReply {
            payload: answer.to_vec(),
            is_function_error,
        };
        match read_core_reply(reply(), shape, detail) {
            Ok(response) => {
                assert!(!is_function_error, "a function error becomes a response");
                check_response(&response);
                if shape == CoreReplyShape::Raw {
                    check_raw(&response.body, answer);
                }
            }
            Err(error) => check_error(&error, detail),
        }
    }
}

/// A result is core's JSON, byte for byte, or JSON that says what core returned.
fn check_raw(body: &str, answer: &[u8]) {
    if body.as_bytes() == answer {
        return;
    }
    if answer.is_empty() {
        return assert_eq!(body, "{}");
    }
    let value: Value = serde_json::from_str(body).expect("JSON");
    let raw = String::from_utf8_lossy(answer);
    assert_eq!(value, serde_json::json!({ "raw": raw }));
    assert!(
        serde_json::from_slice::<Value>(answer).is_err(),
        "JSON of core is not passed on"
    );
}

fn check_response(response: &Response) {
    assert!((200..600).contains(&response.status), "{}", response.status);
    for (name, value) in response.headers.iter() {
        assert!(HeaderName::from_bytes(name.as_bytes()).is_ok(), "{name:?}");
        assert!(HeaderValue::from_str(value).is_ok(), "{name}: {value:?}");
        let name = name.to_ascii_lowercase();
        let is_hop_by_hop = [
            "connection",
            "content-length",
            "transfer-encoding",
            "keep-alive",
        ]
        .contains(&name.as_str());
        assert!(
            !is_hop_by_hop && !name.starts_with("access-control-"),
            "{name}"
        );
    }
    let types = response.headers.values("content-type").count();
    assert_eq!(types, 1, "there is one content type");
}

/// A browser reads of core's error what `ERROR_DETAIL` says, and valid JSON.
fn check_error(error: &EdgeError, setting: ErrorDetail) {
    if let EdgeError::CoreError {
        detail: Some(detail),
        ..
    } = error
    {
        assert_ne!(
            setting,
            ErrorDetail::None,
            "a detail in spite of ERROR_DETAIL=none"
        );
        let is_object = detail.get().starts_with('{');
        if setting == ErrorDetail::Message {
            assert!(is_object, "{}", detail.get());
            let members = edge::json::Object::read(detail.get()).expect("an object");
            let is_known = |name: &str| matches!(name, "errorType" | "errorMessage");
            assert!(
                members.iter().all(|(name, _)| is_known(name)),
                "{}",
                detail.get()
            );
        }
    }
    assert!(!error.message().is_empty() && !error.code().is_empty());
}

/// The status, the headers and the body of a streamed answer, or the code of the error.
#[derive(Debug, PartialEq, Eq)]
enum Streamed {
    Response(u16, Vec<(String, String)>, Vec<u8>),
    Error(&'static str),
}

fn stream<'a>(mut parser: PreludeParser, pieces: impl Iterator<Item = &'a [u8]>) -> Streamed {
    let mut pieces = pieces;
    loop {
        let head = match pieces.next() {
            Some(piece) => parser.push(piece),
            None => break finish(parser.end(), Vec::new()),
        };
        match head {
            Ok(None) => {}
            Ok(Some(head)) => break finish(Ok(head), pieces.flatten().copied().collect()),
            Err(error) => break Streamed::Error(error.code()),
        }
    }
}

fn finish(head: Result<ResponseHead, EdgeError>, rest: Vec<u8>) -> Streamed {
    match head {
        Ok(head) => {
            check_response(&head.response);
            let headers = head.response.headers.iter();
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let headers = headers.collect();
            Streamed::Response(
                head.response.status,
                headers,
                [&head.first[..], &rest].concat(),
            )
        }
        Err(error) => Streamed::Error(error.code()),
    }
}

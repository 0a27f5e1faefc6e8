//! What core's answers become.

use super::*;
use crate::stages::event::EventSource;

fn reply(payload: impl Into<Vec<u8>>, is_function_error: bool) -> CoreReply {
    CoreReply {
        payload: payload.into(),
        is_function_error,
    }
}

#[test]
fn cores_json_is_passed_on_byte_for_byte() {
    for (name, payload, body) in [
        (
            "an object",
            r#"{"b": 1.10,"a":"\u00e9","a":123456789012345678901234567890}"#,
            None,
        ),
        ("null", "null", None),
        ("a number", "1e400", None),
        ("nothing", "", Some("{}")),
        ("text", "not \"json\"", Some(r#"{"raw":"not \"json\""}"#)),
    ] {
        let response = read_core_reply(
            reply(payload, false),
            CoreReplyShape::Raw,
            ErrorDetail::Message,
        )
        .expect("an answer");
        assert_eq!(
            (response.status, response.body.as_str()),
            (200, body.unwrap_or(payload)),
            "{name}"
        );
    }
}

#[test]
fn bytes_that_are_not_utf8_become_raw_text() {
    let response = read_core_reply(
        reply(vec![b'a', 0xff], false),
        CoreReplyShape::Raw,
        ErrorDetail::Message,
    );
    assert_eq!(response.expect("an answer").body, "{\"raw\":\"a\u{fffd}\"}");
}

#[test]
fn a_function_error_shows_as_much_as_error_detail_says() {
    const PAYLOAD: &str =
        r#"{"errorType":"KeyError","errorMessage":"'x'","stackTrace":["line 1"]}"#;
    for (detail, payload, shown) in [
        (
            ErrorDetail::Message,
            PAYLOAD,
            Some(r#"{"errorType":"KeyError","errorMessage":"'x'"}"#),
        ),
        (
            ErrorDetail::Message,
            r#"{"errorMessage":"boom"}"#,
            Some(r#"{"errorMessage":"boom"}"#),
        ),
        (ErrorDetail::Message, "boom", None),
        (ErrorDetail::Full, PAYLOAD, Some(PAYLOAD)),
        (ErrorDetail::Full, "boom", Some(r#"{"raw":"boom"}"#)),
        (ErrorDetail::None, PAYLOAD, None),
    ] {
        let error = read_core_reply(reply(payload, true), CoreReplyShape::Raw, detail)
            .expect_err("a function error");
        let EdgeError::CoreError {
            detail: shown_detail,
            ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(
            shown_detail.as_deref().map(RawValue::get),
            shown,
            "{detail:?} of {payload}"
        );
    }
}

#[test]
fn cores_own_time_out_is_told_from_an_error_that_core_threw() {
    for (payload, code) in [
        (
            r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}"#,
            "core_timed_out",
        ),
        (
            r#"{"errorType":"Sandbox.Timeout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}"#,
            "core_timed_out",
        ),
        (
            r#"{"errorMessage":"2026-11-21T10:00:00.000Z 1 Task timed out after 3.00 seconds"}"#,
            "core_timed_out",
        ),
        (
            r#"{"errorType":"TimeoutError","errorMessage":"step 2 Task timed out after 3 seconds"}"#,
            "core_error",
        ),
        (
            r#"{"errorMessage":"Task timed out after lunch"}"#,
            "core_error",
        ),
    ] {
        assert_eq!(
            core_error(payload.as_bytes(), ErrorDetail::Message).code(),
            code,
            "{payload}"
        );
    }
}

fn proxy(payload: &str, source: EventSource) -> String {
    let response = read_core_reply(
        reply(payload, false),
        CoreReplyShape::Proxy,
        ErrorDetail::Message,
    );
    match response {
        Ok(response) => String::from_utf8(response.to_json(source)).expect("JSON"),
        Err(error) => format!("{error:?}"),
    }
}

const PROXY: &str = r#"{"statusCode":201,"headers":{"content-type":"text/plain","X-Page":7,"Access-Control-Allow-Origin":"*"},
    "multiValueHeaders":{"X-Many":["a","b"]},"cookies":["a=1","b=2"],"body":"made"}"#;

#[test]
fn an_answer_written_for_api_gateway_is_unwrapped_without_its_cors_headers() {
    insta::assert_snapshot!(proxy(PROXY, EventSource::HttpApi), @r#"{"statusCode":201,"headers":{"Content-Type":"text/plain","X-Page":"7","X-Many":"a, b"},"cookies":["a=1","b=2"],"body":"made","isBase64Encoded":false}"#);
    insta::assert_snapshot!(proxy(PROXY, EventSource::RestApi), @r#"{"statusCode":201,"headers":{"Content-Type":"text/plain","X-Page":"7"},"multiValueHeaders":{"X-Many":["a","b"],"Set-Cookie":["a=1","b=2"]},"body":"made","isBase64Encoded":false}"#);
}

#[test]
fn headers_of_core_are_bounded_in_number() {
    let single = |count: usize| {
        (0..count)
            .map(|n| format!("\"x-{n}\":\"v\""))
            .collect::<Vec<_>>()
            .join(",")
    };
    let values = |count: usize| vec!["\"v\""; count].join(",");
    for (name, members, is_answered) in [
        (
            "500 headers",
            format!("\"headers\":{{{}}}", single(500)),
            true,
        ),
        (
            "501 headers",
            format!("\"headers\":{{{}}}", single(501)),
            false,
        ),
        (
            "50,000 headers",
            format!("\"headers\":{{{}}}", single(50_000)),
            false,
        ),
        (
            "501 values of one header",
            format!("\"multiValueHeaders\":{{\"x\":[{}]}}", values(501)),
            false,
        ),
        (
            "300 headers in each of two forms, with the same names",
            format!(
                "\"headers\":{{{0}}},\"multiValueHeaders\":{{{0}}}",
                single(300)
            ),
            false,
        ),
        (
            "501 cookies",
            format!("\"cookies\":[{}]", values(501)),
            false,
        ),
    ] {
        let written = proxy(
            &format!("{{\"statusCode\":200,{members}}}"),
            EventSource::HttpApi,
        );
        assert_eq!(
            written.starts_with("{\"statusCode\":200"),
            is_answered,
            "{name}"
        );
        assert_eq!(
            written.contains(&too_many_headers()),
            !is_answered,
            "{name}"
        );
    }
}

#[test]
fn proxy_answers_of_every_sort_are_read() {
    for (name, payload, start) in [
        (
            "a status in a string",
            r#"{"statusCode":"418","body":"t"}"#,
            r#"{"statusCode":418,"#,
        ),
        ("no status", r#"{"answer":1}"#, r#"{"statusCode":200,"#),
        (
            "a body that is JSON",
            r#"{"statusCode":200,"body":{"a":1}}"#,
            r#"{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":"{\"a\":1}""#,
        ),
        ("a wrong status", r#"{"statusCode":"soon"}"#, "CoreError {"),
        (
            "a status out of range",
            r#"{"statusCode":99}"#,
            "CoreError {",
        ),
        (
            "a header with a line break",
            r#"{"statusCode":200,"headers":{"X-A":"a\nb"}}"#,
            "CoreError {",
        ),
        (
            "a header that is null",
            r#"{"statusCode":200,"headers":{"X-A":null}}"#,
            r#"{"statusCode":200,"headers":{"Content-Type":"application/json"},"#,
        ),
    ] {
        let written = proxy(payload, EventSource::HttpApi);
        assert!(written.starts_with(start), "{name}: {written}");
    }
}

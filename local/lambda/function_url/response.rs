//! Converts a function's response to the HTTP response of a function URL, whose rules differ from
//! those of an HTTP API. <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>

use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use edge::stages::respond::{INTEGRATION_RESPONSE, PRELUDE_DELIMITER};
use futures_util::stream;
use serde_json::{Map, Value};

use crate::http::json;
use crate::lambda::invocation::{FunctionResponse, Outcome, StreamedResponse};
use crate::payload::response;

/// The longest accepted prelude, in bytes.
const MAX_PRELUDE: usize = 1024 * 1024;

pub(super) fn buffered(outcome: Outcome) -> Response {
    if outcome.is_function_error {
        return bad_gateway();
    }
    from_result(&outcome.payload).unwrap_or_else(|_| bad_gateway())
}

/// The response in `RESPONSE_STREAM` mode. The result of a function that does not stream is the
/// body, unchanged.
pub(super) async fn streamed(function_response: FunctionResponse) -> Response {
    match function_response {
        FunctionResponse::Whole(outcome) if outcome.is_function_error => bad_gateway(),
        FunctionResponse::Whole(outcome) => json(StatusCode::OK, outcome.payload),
        FunctionResponse::Streaming(streamed)
            if streamed.content_type.starts_with(INTEGRATION_RESPONSE) =>
        {
            with_prelude(streamed).await
        }
        FunctionResponse::Streaming(streamed) => {
            let kind = HeaderValue::from_str(&streamed.content_type)
                .ok()
                .filter(|kind| !kind.is_empty());
            let mut response = Response::new(rest(Bytes::new(), streamed));
            let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
    }
}

fn bad_gateway() -> Response {
    (
        StatusCode::BAD_GATEWAY,
        [(CONTENT_TYPE, "application/json")],
        "Internal Server Error",
    )
        .into_response()
}

fn from_result(payload: &[u8]) -> Result<Response, &'static str> {
    let result: Value = serde_json::from_slice(payload).map_err(|_| "the result is not JSON")?;
    match &result {
        Value::String(text) => Ok(json(StatusCode::OK, text.clone())),
        Value::Object(members) if members.contains_key("statusCode") => {
            let mut response = Response::new(response::body(members)?);
            head(members, &mut response)?;
            Ok(response)
        }
        _ => Ok(json(StatusCode::OK, compact(payload))),
    }
}

/// Sets status, cookies and headers. Function URLs accept a status in a string.
fn head(members: &Map<String, Value>, response: &mut Response) -> Result<(), &'static str> {
    let code = members
        .get("statusCode")
        .map_or(Some(200), |code| match code {
            Value::String(digits) => digits.parse().ok(),
            code => code.as_u64().and_then(|code| u16::try_from(code).ok()),
        });
    *response.status_mut() = code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or("its statusCode is no status")?;
    response::headers(&single_values(members), response.headers_mut())?;
    repeated_headers(members, response.headers_mut())?;
    response
        .headers_mut()
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    Ok(())
}

/// Adds the headers that have a list of values, as a prelude may have them.
fn repeated_headers(
    members: &Map<String, Value>,
    headers: &mut HeaderMap,
) -> Result<(), &'static str> {
    let all = members
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let lists = all.filter_map(|(name, value)| Some((name, value.as_array()?)));
    lists
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
        .try_for_each(|(name, value)| response::append(headers, name, value))
}

fn single_values(members: &Map<String, Value>) -> Map<String, Value> {
    let mut members = members.clone();
    if let Some(headers) = members.get_mut("headers").and_then(Value::as_object_mut) {
        headers.retain(|_, value| !value.is_array());
    }
    members
}

async fn with_prelude(mut streamed: StreamedResponse) -> Response {
    let mut buffer = Vec::new();
    while let Some(chunk) = streamed.chunks.recv().await {
        buffer.extend_from_slice(&chunk);
        let Some(length) = buffer
            .windows(PRELUDE_DELIMITER.len())
            .position(|window| window == PRELUDE_DELIMITER)
        else {
            if buffer.len() > MAX_PRELUDE {
                return bad_gateway();
            }
            continue;
        };
        let Ok(Value::Object(members)) = serde_json::from_slice(&buffer[..length]) else {
            return bad_gateway();
        };
        let first = Bytes::from(buffer.split_off(length + PRELUDE_DELIMITER.len()));
        let mut response = Response::new(rest(first, streamed));
        return match head(&members, &mut response) {
            Ok(()) => response,
            Err(_) => bad_gateway(),
        };
    }
    bad_gateway()
}

/// The rest of a stream as a body. After an error the connection closes before the body is
/// complete.
fn rest(first: Bytes, streamed: StreamedResponse) -> Body {
    let chunks = stream::unfold((first, Some(streamed)), |(first, streamed)| async move {
        if !first.is_empty() {
            return Some((Ok(first), (Bytes::new(), streamed)));
        }
        let mut streamed = streamed?;
        match streamed.chunks.recv().await {
            Some(chunk) => Some((Ok(chunk), (Bytes::new(), Some(streamed)))),
            None => {
                streamed.ended().await.error?;
                // Lets the server write the chunks before: an error discards what is not written
                // yet.
                tokio::task::yield_now().await;
                Some((
                    Err(io::Error::other("the function broke off")),
                    (Bytes::new(), None),
                ))
            }
        }
    });
    Body::from_stream(chunks)
}

/// Removes the white space between the tokens of JSON.
fn compact(json: &[u8]) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    let kept = json.iter().copied().filter(|byte| {
        let is_space = !in_string && byte.is_ascii_whitespace();
        in_string ^= *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        !is_space
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::response::summary;

    async fn rendered(payload: &'static str) -> String {
        let outcome = Outcome {
            payload: Bytes::from_static(payload.as_bytes()),
            is_function_error: payload == "fails",
            log_tail: None,
        };
        summary(buffered(outcome)).await
    }

    #[tokio::test]
    async fn a_result_becomes_what_a_function_url_makes_of_it() {
        for (name, payload, expected) in [
            ("a string", r#""hello""#, "200 application/json hello"),
            (
                "an object",
                r#"{"hello": "wo \"rld", "a": [1, 2]}"#,
                r#"200 application/json {"hello":"wo \"rld","a":[1,2]}"#,
            ),
            (
                "a list",
                r#"["hello", 3, true]"#,
                r#"200 application/json ["hello",3,true]"#,
            ),
            ("a number", "7", "200 application/json 7"),
            (
                "a response",
                r#"{"statusCode":201,"body":"b"}"#,
                "201 application/json b",
            ),
            (
                "a status in a string",
                r#"{"statusCode":"418","headers":{"Content-Type":"x/y"},"body":"t"}"#,
                "418 x/y t",
            ),
            (
                "base64",
                r#"{"statusCode":200,"body":"Yg==","isBase64Encoded":true}"#,
                "200 application/json b",
            ),
            (
                "a status that is none",
                r#"{"statusCode":"x"}"#,
                "502 application/json Internal Server Error",
            ),
            (
                "not JSON",
                "oops",
                "502 application/json Internal Server Error",
            ),
            (
                "a function error",
                "fails",
                "502 application/json Internal Server Error",
            ),
        ] {
            assert_eq!(rendered(payload).await, expected, "{name}");
        }
    }
}

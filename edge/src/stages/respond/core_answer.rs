//! Reads core's answer: JSON to pass on, a response in API Gateway's form to unwrap, or a function
//! error.

use std::borrow::Cow;

use lambda_http::http;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{CoreReplyShape, ErrorDetail, Response};
use crate::error::EdgeError;
use crate::headers::Headers;
use crate::json::{self, Object};
use crate::limits::MAX_HEADERS;
use crate::stages::invoke::CoreReply;

/// The headers of the connection, which core cannot set.
const HOP_BY_HOP_HEADERS: [&str; 4] = [
    "connection",
    "content-length",
    "transfer-encoding",
    "keep-alive",
];

/// Reads core's reply as an HTTP response.
pub fn read_core_reply(
    reply: CoreReply,
    shape: CoreReplyShape,
    detail: ErrorDetail,
) -> Result<Response, EdgeError> {
    let body = result_text(reply, detail)?;
    match shape {
        CoreReplyShape::Raw => Ok(Response::json(200, body)),
        CoreReplyShape::Proxy => match unwrap_proxy(&body, detail)? {
            Some(response) => Ok(response),
            None => Ok(Response::json(200, body)),
        },
    }
}

/// The JSON text of a result, byte for byte; `{}` for nothing, `{"raw": …}` for what is not JSON.
fn result_text(reply: CoreReply, detail: ErrorDetail) -> Result<String, EdgeError> {
    if reply.is_function_error {
        return Err(core_error(&reply.payload, detail));
    }
    if reply.payload.is_empty() {
        return Ok("{}".to_owned());
    }
    match String::from_utf8(reply.payload) {
        Ok(text) if is_json(&text) => Ok(text),
        Ok(text) => Ok(raw_text(&text)),
        Err(error) => Ok(raw_text(&String::from_utf8_lossy(error.as_bytes()))),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

fn raw_text(text: &str) -> String {
    #[derive(Serialize)]
    struct Raw<'a> {
        raw: &'a str,
    }
    serde_json::to_string(&Raw { raw: text }).unwrap_or_default()
}

/// A function error of core: its own time-out, or any other failure with what the browser may read
/// of it.
pub fn core_error(payload: &[u8], detail: ErrorDetail) -> EdgeError {
    let text = String::from_utf8_lossy(payload);
    let error = Object::read(&text);
    let member = |name| {
        error
            .as_ref()
            .and_then(|error| error.text(name))
            .unwrap_or_default()
    };
    let error_type: String = member("errorType").chars().take(100).collect();
    if is_time_out(&error_type, &member("errorMessage")) {
        return EdgeError::CoreTimedOut("core reached its own time-out".to_owned());
    }
    EdgeError::CoreError {
        error_type,
        detail: error_detail(payload, detail),
    }
}

/// Whether Lambda ended core because its time-out passed. Lambda names the error
/// `Sandbox.Timedout`, the Runtime Interface Emulator `Sandbox.Timeout`; older answers have no
/// type, only `<time> <request id> Task timed out after 3.00 seconds`.
fn is_time_out(error_type: &str, error_message: &str) -> bool {
    let is_platform_message =
        error_message.contains(" Task timed out after ") && error_message.ends_with(" seconds");
    matches!(error_type, "Sandbox.Timedout" | "Sandbox.Timeout")
        || (error_type.is_empty() && is_platform_message)
}

/// The part of an error payload that the browser may read.
fn error_detail(payload: &[u8], detail: ErrorDetail) -> Option<Box<RawValue>> {
    let text = String::from_utf8_lossy(payload);
    match detail {
        ErrorDetail::None => None,
        ErrorDetail::Message => type_and_message(&text),
        ErrorDetail::Full if is_json(&text) => RawValue::from_string(text.into_owned()).ok(),
        ErrorDetail::Full => RawValue::from_string(raw_text(&text)).ok(),
    }
}

fn type_and_message(text: &str) -> Option<Box<RawValue>> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Detail<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        error_type: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_message: Option<&'a RawValue>,
    }
    let payload = Object::read(text)?;
    let detail = Detail {
        error_type: payload.get("errorType"),
        error_message: payload.get("errorMessage"),
    };
    let is_empty = detail.error_type.is_none() && detail.error_message.is_none();
    if is_empty {
        None
    } else {
        to_raw_value(&detail).ok()
    }
}

/// Unwraps `{statusCode, headers, multiValueHeaders, cookies, body, isBase64Encoded}`; `None` when
/// there is no `statusCode`.
fn unwrap_proxy(text: &str, detail: ErrorDetail) -> Result<Option<Response>, EdgeError> {
    let Some(answer) = Object::read(text) else {
        return Ok(None);
    };
    let Some(code) = answer.get("statusCode") else {
        return Ok(None);
    };
    let Some(status) = status(code) else {
        return Err(malformed(
            "core's statusCode is not a number from 200 to 599",
            detail,
        ));
    };
    let mut response = Response::json(status, proxy_body(&answer));
    response.is_base64 = answer
        .get("isBase64Encoded")
        .is_some_and(|flag| flag.get() == "true");
    add_core_headers(&answer, &mut response.headers).map_err(|why| malformed(&why, detail))?;
    Ok(Some(response))
}

pub fn status(raw: &RawValue) -> Option<u16> {
    let digits = json::text(raw).unwrap_or(Cow::Borrowed(raw.get()));
    digits
        .parse()
        .ok()
        .filter(|status| (200..600).contains(status))
}

/// The error for an answer of core that cannot be an HTTP response.
pub fn malformed(message: &str, detail: ErrorDetail) -> EdgeError {
    let payload =
        serde_json::json!({ "errorType": "Edge.MalformedProxyResponse", "errorMessage": message });
    core_error(payload.to_string().as_bytes(), detail)
}

fn proxy_body(answer: &Object) -> String {
    match answer.get("body") {
        None => String::new(),
        Some(raw) if raw.get() == "null" => String::new(),
        Some(raw) => json::string(raw.get())
            .unwrap_or(Cow::Borrowed(raw.get()))
            .into_owned(),
    }
}

/// Adds `headers`, `multiValueHeaders` and `cookies`, without those of the connection and of CORS;
/// the error says why an HTTP response cannot have them.
pub fn add_core_headers(answer: &Object, response: &mut Headers) -> Result<(), String> {
    let (single, multi) = (
        answer.object("headers").unwrap_or_default(),
        answer.object("multiValueHeaders").unwrap_or_default(),
    );
    let cookies = answer.get("cookies").map(list).unwrap_or_default();
    // The bound comes first: the work below grows with the product of the two.
    if single.len() + multi.len() + cookies.len() > MAX_HEADERS {
        return Err(too_many_headers());
    }
    let single = single
        .iter()
        .filter(|(name, _)| multi.raw_text_ignoring_case(name).is_none());
    let mut headers: Vec<(&str, &RawValue)> = single.collect();
    for (name, values) in multi.iter() {
        headers.extend(list(values).into_iter().map(|value| (name, value)));
    }
    headers.extend(cookies.into_iter().map(|cookie| ("Set-Cookie", cookie)));
    if headers.len() > MAX_HEADERS {
        return Err(too_many_headers());
    }
    for (name, raw) in headers {
        let lower = name.to_ascii_lowercase();
        let is_cores =
            !lower.starts_with("access-control-") && !HOP_BY_HOP_HEADERS.contains(&lower.as_str());
        if raw.get() == "null" || !is_cores {
            continue;
        }
        let value = json::string(raw.get())
            .unwrap_or(Cow::Borrowed(raw.get()))
            .into_owned();
        if !is_header(name, &value) {
            return Err("a header of core is not a valid HTTP header".to_owned());
        }
        if lower == "content-type" {
            response.set("Content-Type", value);
        } else {
            response.add(name.to_owned(), value);
        }
    }
    Ok(())
}

fn too_many_headers() -> String {
    format!("core's answer has more than {MAX_HEADERS} headers")
}

pub fn is_header(name: &str, value: &str) -> bool {
    http::HeaderName::from_bytes(name.as_bytes()).is_ok()
        && http::HeaderValue::from_str(value).is_ok()
}

fn list(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests;

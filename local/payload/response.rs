//! Converts the members of a function's result to the parts of an HTTP response. Defaults are left
//! to the API or function URL.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{HeaderName, HeaderValue, SET_COOKIE};
use base64::Engine;
use serde_json::{Map, Value};

/// The body of a result that has a `statusCode`; fails if it is not a string or not base64.
pub(crate) fn body(members: &Map<String, Value>) -> Result<Body, &'static str> {
    let text = match members.get("body") {
        None | Some(Value::Null) => return Ok(Body::empty()),
        Some(Value::String(text)) => text,
        Some(_) => return Err("its body is not a string"),
    };
    if members.get("isBase64Encoded") != Some(&Value::Bool(true)) {
        return Ok(Body::from(text.clone()));
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    bytes.map(Body::from).map_err(|_| "its body is not base64")
}

/// Adds the cookies and headers of a result; fails if one is not a valid header.
pub(crate) fn headers(
    members: &Map<String, Value>,
    headers: &mut HeaderMap,
) -> Result<(), &'static str> {
    for cookie in members
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let cookie = cookie
            .as_str()
            .and_then(|text| HeaderValue::from_str(text).ok())
            .ok_or("a cookie is no header")?;
        headers.append(SET_COOKIE, cookie);
    }
    for (name, value) in members
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        append(headers, name, value)?;
    }
    Ok(())
}

/// Adds one header; fails if its name or value is not valid.
pub(crate) fn append(
    headers: &mut HeaderMap,
    name: &str,
    value: &Value,
) -> Result<(), &'static str> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header's name is none")?;
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return Err("a header's value is not a string"),
    };
    let value = HeaderValue::from_str(&value).map_err(|_| "a header's value is none")?;
    headers.append(name, value);
    Ok(())
}

/// Status, content type and body in one line.
#[cfg(test)]
pub(crate) async fn summary(response: axum::response::Response) -> String {
    use http_body_util::BodyExt;

    let (head, body) = response.into_parts();
    let content_type = head.headers.get(axum::http::header::CONTENT_TYPE);
    let content_type = content_type.map_or("", |kind| kind.to_str().expect("a content type"));
    let body = body.collect().await.expect("a body").to_bytes();
    format!(
        "{} {content_type} {}",
        head.status.as_u16(),
        String::from_utf8_lossy(&body)
    )
}

//! Converts Lambda's response to an HTTP response in payload format 1.0. Base64 is not decoded,
//! because no binary media type is configured.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format>

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value};

use super::error::RestError;
use crate::http::BufferedResponse;
use crate::payload::response;

/// Converts the response of an invocation; fails with what the API returns when the function or
/// Lambda has failed.
pub(super) fn from_lambda(answer: &BufferedResponse) -> Result<Response, RestError> {
    let body_excerpt = || {
        RestError::Malformed(
            String::from_utf8_lossy(&answer.body)
                .chars()
                .take(300)
                .collect(),
        )
    };
    match answer.status {
        StatusCode::OK if answer.headers.contains_key("x-amz-function-error") => {
            Err(body_excerpt())
        }
        StatusCode::OK => {
            from_result(&answer.body).map_err(|why| RestError::Malformed(why.to_owned()))
        }
        StatusCode::TOO_MANY_REQUESTS => Err(RestError::Throttled),
        StatusCode::PAYLOAD_TOO_LARGE => Err(RestError::TooLarge),
        _ => Err(body_excerpt()),
    }
}

fn from_result(result: &[u8]) -> Result<Response, &'static str> {
    let Ok(Value::Object(members)) = serde_json::from_slice(result) else {
        return Err("the result is no object");
    };
    let status = members
        .get("statusCode")
        .and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
    let status = status
        .and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok())
        .ok_or("its statusCode is no status")?;
    let body = match members.get("body") {
        None | Some(Value::Null) => Body::empty(),
        Some(Value::String(text)) => Body::from(text.clone()),
        Some(_) => return Err("its body is not a string"),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    headers(&members, response.headers_mut())?;
    Ok(response)
}

fn headers(members: &Map<String, Value>, headers: &mut HeaderMap) -> Result<(), &'static str> {
    let multi = members.get("multiValueHeaders").and_then(Value::as_object);
    for (name, values) in multi.into_iter().flatten() {
        values
            .as_array()
            .into_iter()
            .flatten()
            .try_for_each(|value| response::append(headers, name, value))?;
    }
    for (name, value) in members
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        response::append(headers, name, value)?;
    }
    if let Some(value) = headers.remove(WWW_AUTHENTICATE) {
        headers.insert("x-amzn-remapped-www-authenticate", value);
    }
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    Ok(())
}

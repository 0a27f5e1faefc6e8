//! Converts Lambda's response to an HTTP response in payload format 1.0. Base64 is not decoded,
//! because no binary media type is configured.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format>

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value};

use super::error::RestError;
use crate::http::BufferedResponse;
use crate::payload::response;

/// The members that a buffered result may have.
const RESULT_MEMBERS: [&str; 5] = [
    "statusCode",
    "headers",
    "multiValueHeaders",
    "body",
    "isBase64Encoded",
];
/// The members that the metadata of a streamed response may have.
const METADATA_MEMBERS: [&str; 4] = ["statusCode", "headers", "multiValueHeaders", "cookies"];
/// The headers that reach the client under the name `x-amzn-remapped-…`.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>
const REMAPPED_HEADERS: [&str; 9] = [
    "authorization",
    "connection",
    "content-length",
    "content-md5",
    "date",
    "max-forwards",
    "server",
    "user-agent",
    "www-authenticate",
];
/// The headers that do not reach the client.
const DROPPED_HEADERS: [&str; 7] = [
    "expect",
    "host",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Converts the response of an invocation; fails with what the API returns when the function or
/// Lambda has failed.
pub(super) fn from_lambda(answer: &BufferedResponse) -> Result<Response, RestError> {
    let malformed =
        |why: &str| RestError::Malformed(format!("the function's result is no response: {why}"));
    match answer.status {
        StatusCode::OK if answer.headers.contains_key("x-amz-function-error") => Err(
            RestError::Malformed(format!("the function failed: {}", body_excerpt(answer))),
        ),
        StatusCode::OK => from_result(&answer.body).map_err(|why| malformed(&why)),
        _ => Err(refused_by_lambda(answer)),
    }
}

/// What the API returns when Lambda refuses the invocation.
pub(super) fn refused_by_lambda(answer: &BufferedResponse) -> RestError {
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => RestError::Throttled,
        StatusCode::PAYLOAD_TOO_LARGE => RestError::TooLarge,
        _ => RestError::Malformed(body_excerpt(answer)),
    }
}

fn body_excerpt(answer: &BufferedResponse) -> String {
    String::from_utf8_lossy(&answer.body)
        .chars()
        .take(300)
        .collect()
}

fn from_result(result: &[u8]) -> Result<Response, String> {
    let members = members(result, &RESULT_MEMBERS)?;
    let body = match members.get("body") {
        None | Some(Value::Null) => Body::empty(),
        Some(Value::String(text)) => Body::from(text.clone()),
        Some(_) => return Err("its body is not a string".to_owned()),
    };
    head(&members).map(|response| response.map(|_| body))
}

/// Converts the metadata of a streamed response; the body is empty.
pub(super) fn from_metadata(metadata: &[u8]) -> Result<Response, String> {
    let members = members(metadata, &METADATA_MEMBERS)?;
    let mut response = head(&members)?;
    let cookies = members.get("cookies").and_then(Value::as_array);
    for cookie in cookies.into_iter().flatten() {
        let cookie = cookie
            .as_str()
            .and_then(|text| HeaderValue::from_str(text).ok())
            .ok_or("a cookie is no header")?;
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The members of an object that may have no others.
fn members(json: &[u8], known: &[&str]) -> Result<Map<String, Value>, String> {
    let Ok(Value::Object(members)) = serde_json::from_slice(json) else {
        return Err("it is no JSON object".to_owned());
    };
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("a REST API takes no member {name:?}")),
        None => Ok(members),
    }
}

/// Status and headers. A status may be written as a string.
fn head(members: &Map<String, Value>) -> Result<Response, String> {
    let status = members
        .get("statusCode")
        .and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
    let status = status
        .and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok())
        .ok_or("its statusCode is no status")?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    merge_headers(members, headers)?;
    rename_headers(headers);
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Adds `multiValueHeaders`, then the pairs of `headers` that are not among them.
fn merge_headers(
    members: &Map<String, Value>,
    headers: &mut HeaderMap,
) -> Result<(), &'static str> {
    for (name, values) in object(members, "multiValueHeaders")? {
        let values = values
            .as_array()
            .ok_or("a header in its multiValueHeaders is no list")?;
        values
            .iter()
            .try_for_each(|value| response::append(headers, name, value))?;
    }
    for (name, value) in object(members, "headers")? {
        let mut pair = HeaderMap::new();
        response::append(&mut pair, name, value)?;
        for (name, value) in &pair {
            if !headers.get_all(name).iter().any(|known| known == value) {
                headers.append(name, value.clone());
            }
        }
    }
    Ok(())
}

/// The members of an object that may be absent or `null`.
fn object<'a>(
    members: &'a Map<String, Value>,
    name: &str,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, &'static str> {
    let object = match members.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::Object(object)) => Some(object),
        Some(_) => return Err("its headers or multiValueHeaders are no object"),
    };
    Ok(object.into_iter().flatten())
}

fn rename_headers(headers: &mut HeaderMap) {
    for name in DROPPED_HEADERS {
        headers.remove(name);
    }
    for name in REMAPPED_HEADERS {
        let values: Vec<_> = headers.get_all(name).iter().cloned().collect();
        headers.remove(name);
        let remapped = HeaderName::from_bytes(format!("x-amzn-remapped-{name}").as_bytes());
        let Ok(remapped) = remapped else { continue };
        for value in values {
            headers.append(remapped.clone(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(result: Result<Response, String>) -> String {
        match result {
            Ok(response) => {
                let headers = response.headers().iter();
                let headers = headers.map(|(name, value)| {
                    format!(" {name}: {}", value.to_str().unwrap_or_default())
                });
                format!(
                    "{}{}",
                    response.status().as_u16(),
                    headers.collect::<Vec<_>>().join(",")
                )
            }
            Err(why) => why,
        }
    }

    #[test]
    fn a_result_becomes_what_a_rest_api_makes_of_it() {
        for (name, result, expected) in [
            (
                "a response",
                r#"{"statusCode":201,"headers":{"Content-Type":"x/y"},"body":"b","isBase64Encoded":false}"#,
                "201 content-type: x/y",
            ),
            (
                "a status in a string",
                r#"{"statusCode":"418"}"#,
                "418 content-type: application/json",
            ),
            (
                "headers of both sorts",
                r#"{"statusCode":200,"headers":{"X-A":"3","x-b":"1"},"multiValueHeaders":{"x-a":["1","2"]}}"#,
                "200 x-a: 1, x-a: 2, x-a: 3, x-b: 1, content-type: application/json",
            ),
            (
                "a pair in both",
                r#"{"statusCode":200,"headers":{"X-A":"1"},"multiValueHeaders":{"x-a":["1","2"]}}"#,
                "200 x-a: 1, x-a: 2, content-type: application/json",
            ),
            (
                "headers that are null",
                r#"{"statusCode":204,"headers":null,"multiValueHeaders":null,"body":null}"#,
                "204 content-type: application/json",
            ),
            (
                "headers of the connection",
                r#"{"statusCode":401,"headers":{"WWW-Authenticate":"Bearer","Content-Length":"7","Transfer-Encoding":"chunked"}}"#,
                "401 x-amzn-remapped-content-length: 7, x-amzn-remapped-www-authenticate: Bearer, content-type: application/json",
            ),
            (
                "a member that it does not know",
                r#"{"statusCode":200,"cookies":["a=1"]}"#,
                r#"a REST API takes no member "cookies""#,
            ),
            (
                "no status",
                r#"{"body":"b"}"#,
                "its statusCode is no status",
            ),
            (
                "a body that is no string",
                r#"{"statusCode":200,"body":{}}"#,
                "its body is not a string",
            ),
            (
                "headers in a list",
                r#"{"statusCode":200,"headers":[]}"#,
                "its headers or multiValueHeaders are no object",
            ),
            (
                "one value in multiValueHeaders",
                r#"{"statusCode":200,"multiValueHeaders":{"a":"1"}}"#,
                "a header in its multiValueHeaders is no list",
            ),
            (
                "a header with several values",
                r#"{"statusCode":200,"headers":{"a":["1"]}}"#,
                "a header's value is not a string",
            ),
            ("a string", r#""hello""#, "it is no JSON object"),
        ] {
            assert_eq!(rendered(from_result(result.as_bytes())), expected, "{name}");
        }
    }

    #[test]
    fn metadata_has_cookies_and_no_body() {
        for (name, metadata, expected) in [
            (
                "cookies",
                r#"{"statusCode":200,"headers":{"Set-Cookie":"a=1"},"cookies":["b=2","c=3"]}"#,
                "200 set-cookie: a=1, content-type: application/json, set-cookie: b=2, set-cookie: c=3",
            ),
            (
                "a cookie that is no header",
                r#"{"statusCode":200,"cookies":["a\n"]}"#,
                "a cookie is no header",
            ),
            (
                "a body",
                r#"{"statusCode":200,"body":"b"}"#,
                r#"a REST API takes no member "body""#,
            ),
        ] {
            let got = rendered(from_metadata(metadata.as_bytes()));
            let (mut got, mut expected): (Vec<_>, Vec<_>) =
                (got.split(", ").collect(), expected.split(", ").collect());
            got.sort_unstable();
            expected.sort_unstable();
            assert_eq!(got, expected, "{name}");
        }
    }
}

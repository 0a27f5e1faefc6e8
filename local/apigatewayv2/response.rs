//! Converts Lambda's response to an HTTP response in payload format 2.0.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.v2>

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use serde_json::Value;

use super::error::GatewayError;
use crate::http::{BufferedResponse, json};
use crate::payload::response::{body, headers};

/// Converts the response of an invocation; fails with what the API returns when the function or
/// Lambda has failed.
pub(super) fn from_lambda(answer: &BufferedResponse) -> Result<Response, GatewayError> {
    match answer.status {
        StatusCode::OK if answer.headers.contains_key("x-amz-function-error") => Err(
            GatewayError::Integration(format!("the function failed: {}", body_excerpt(answer))),
        ),
        StatusCode::OK => from_result(answer),
        StatusCode::TOO_MANY_REQUESTS => Err(GatewayError::Unavailable(body_excerpt(answer))),
        StatusCode::PAYLOAD_TOO_LARGE => Err(GatewayError::TooLarge),
        _ => Err(GatewayError::Integration(body_excerpt(answer))),
    }
}

fn body_excerpt(answer: &BufferedResponse) -> String {
    String::from_utf8_lossy(&answer.body)
        .chars()
        .take(300)
        .collect()
}

fn from_result(answer: &BufferedResponse) -> Result<Response, GatewayError> {
    let malformed = |why: &str| {
        GatewayError::Integration(format!("the function's result is no response: {why}"))
    };
    let result: Value =
        serde_json::from_slice(&answer.body).map_err(|_| malformed("it is not JSON"))?;
    let Some(members) = result
        .as_object()
        .filter(|members| members.contains_key("statusCode"))
    else {
        return Ok(json(StatusCode::OK, answer.body.clone()));
    };
    let status = members
        .get("statusCode")
        .and_then(Value::as_u64)
        .and_then(|code| u16::try_from(code).ok());
    let status = status
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| malformed("its statusCode is no status"))?;
    let mut response = Response::new(body(members).map_err(malformed)?);
    *response.status_mut() = status;
    headers(members, response.headers_mut()).map_err(malformed)?;
    response
        .headers_mut()
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use axum::http::HeaderMap;

    use crate::payload::response::summary;

    async fn rendered(status: StatusCode, is_error: bool, body: &'static str) -> String {
        let mut headers = HeaderMap::new();
        if is_error {
            headers.insert(
                "x-amz-function-error",
                HeaderValue::from_static("Unhandled"),
            );
        }
        let response = from_lambda(&BufferedResponse {
            status,
            headers,
            body: Bytes::from_static(body.as_bytes()),
        });
        summary(response.unwrap_or_else(|error| error.response())).await
    }

    #[tokio::test]
    async fn a_result_becomes_what_api_gateway_makes_of_it() {
        const INTERNAL: &str = r#"500 application/json {"message":"Internal Server Error"}"#;
        let ok = StatusCode::OK;
        for (name, status, is_error, body, expected) in [
            (
                "a response",
                ok,
                false,
                r#"{"statusCode":201,"headers":{"Content-Type":"x/y"},"body":"b"}"#,
                "201 x/y b",
            ),
            (
                "no content type",
                ok,
                false,
                r#"{"statusCode":200,"body":"b"}"#,
                "200 text/plain; charset=utf-8 b",
            ),
            (
                "base64",
                ok,
                false,
                r#"{"statusCode":200,"body":"Yg==","isBase64Encoded":true}"#,
                "200 text/plain; charset=utf-8 b",
            ),
            (
                "any other JSON",
                ok,
                false,
                r#"{"a":1}"#,
                r#"200 application/json {"a":1}"#,
            ),
            ("null", ok, false, "null", "200 application/json null"),
            ("not JSON", ok, false, "oops", INTERNAL),
            (
                "a status in words",
                ok,
                false,
                r#"{"statusCode":"200"}"#,
                INTERNAL,
            ),
            (
                "headers in a list",
                ok,
                false,
                r#"{"statusCode":200,"headers":{"a":[]}}"#,
                INTERNAL,
            ),
            (
                "a function error",
                ok,
                true,
                r#"{"errorType":"X"}"#,
                INTERNAL,
            ),
            (
                "no such function",
                StatusCode::NOT_FOUND,
                false,
                "{}",
                INTERNAL,
            ),
            (
                "throttled",
                StatusCode::TOO_MANY_REQUESTS,
                false,
                "{}",
                r#"503 application/json {"message":"Service Unavailable"}"#,
            ),
        ] {
            assert_eq!(rendered(status, is_error, body).await, expected, "{name}");
        }
    }
}

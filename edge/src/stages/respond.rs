//! Turns core's answer, or an error, into the HTTP response that API Gateway and function URLs
//! unwrap.
//!
//! [`Response::with_common_headers`] adds the headers that every response has.

mod core_answer;
mod prelude;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cors::Cors;
use crate::error::EdgeError;
use crate::headers::Headers;
use crate::json;
use crate::limits::MAX_ANSWER;
use crate::stages::event::EventSource;
use crate::stages::route::RouteTable;
use crate::telemetry::Millis;
pub use core_answer::{core_error, read_core_reply};
pub use prelude::{INTEGRATION_RESPONSE, PRELUDE_DELIMITER, PreludeParser, ResponseHead};

/// `CORE_REPLY`: how core's answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoreReplyShape {
    /// As the body of the response.
    Raw,
    /// As `{statusCode, headers, body}`, from a core that was written for API Gateway.
    Proxy,
}

impl CoreReplyShape {
    /// The shape at an entry point: a direct Invoke gets core's JSON as it is, because it has no
    /// status to set.
    pub fn at(self, source: EventSource) -> Self {
        match source {
            EventSource::Direct => Self::Raw,
            EventSource::HttpApi | EventSource::RestApi | EventSource::FunctionUrl => self,
        }
    }
}

/// `ERROR_DETAIL`: what a browser may read of a function error of core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorDetail {
    /// The browser reads nothing of it.
    None,
    /// Its members `errorType` and `errorMessage`.
    Message,
    /// The whole error payload, the stack trace too.
    Full,
}

/// An HTTP response in the form that API Gateway and function URLs unwrap.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status, from 200 to 599.
    pub status: u16,
    /// The headers, with their names as they are written.
    pub headers: Headers,
    /// The body: text or base64.
    pub body: String,
    /// Whether the body is base64.
    pub is_base64: bool,
}

/// The values of the headers that every response has.
#[derive(Debug)]
pub struct CommonHeaders<'a> {
    /// The CORS policy at the entry point.
    pub cors: &'a Cors,
    /// The request's `Origin`, for which the CORS policy decides.
    pub origin: Option<&'a str>,
    /// The Lambda request id.
    pub request_id: &'a str,
    /// The time that core took.
    pub core: Duration,
    /// The time that the edge itself took.
    pub edge: Duration,
}

impl Response {
    /// A response with a body of JSON, and no header but its content type.
    pub fn json(status: u16, body: String) -> Self {
        let mut headers = Headers::default();
        headers.set("Content-Type", "application/json");
        Self {
            status,
            headers,
            body,
            is_base64: false,
        }
    }

    /// The response to a preflight.
    pub fn preflight(cors: &Cors, origin: Option<&str>) -> Self {
        let mut response = Self::json(204, String::new());
        cors.add_preflight_headers(origin, &mut response.headers);
        response
    }

    /// The response for an error. The route table gives the value of `Allow`.
    pub fn failure(error: &EdgeError, request_id: &str, route_table: &RouteTable) -> Self {
        let mut response = Self::json(error.status(), failure_body(error, request_id));
        match error {
            EdgeError::Unauthorized(_) => response.headers.set("WWW-Authenticate", "Bearer"),
            EdgeError::MethodNotAllowed => response.headers.set("Allow", route_table.allow()),
            EdgeError::CoreThrottled { retry_after, .. } => {
                response.headers.set("Retry-After", retry_after.to_string())
            }
            EdgeError::IssuerUnreachable(_) => response.headers.set("Retry-After", "1"),
            _ => {}
        }
        response
    }

    /// Sets the headers that every response has, whatever core set them to.
    pub fn with_common_headers(mut self, common_headers: &CommonHeaders) -> Self {
        let timing = format!(
            "core;dur={}, edge;dur={}",
            Millis(common_headers.core),
            Millis(common_headers.edge)
        );
        self.headers.set("Cache-Control", "no-store");
        self.headers.set("X-Content-Type-Options", "nosniff");
        self.headers
            .set("X-Request-Id", common_headers.request_id.to_owned());
        self.headers.set("Server-Timing", timing);
        common_headers
            .cors
            .add_response_headers(common_headers.origin, &mut self.headers);
        self
    }

    /// The response without its body, for `HEAD`.
    pub fn without_body(mut self) -> Self {
        self.body.clear();
        self.is_base64 = false;
        self
    }

    /// The response as the entry point reads it, or an error when it would pass Lambda's limit.
    pub fn to_json_within_limit(&self, source: EventSource) -> Result<Vec<u8>, EdgeError> {
        let json = self.to_json(source);
        if json.len() > MAX_ANSWER {
            Err(EdgeError::CoreAnswerTooLarge(json.len()))
        } else {
            Ok(json)
        }
    }

    /// The body alone, as the result of a function that answers no HTTP request, or an error when
    /// it would pass Lambda's limit.
    pub fn into_function_result(self) -> Result<Vec<u8>, EdgeError> {
        if self.body.len() > MAX_ANSWER {
            Err(EdgeError::CoreAnswerTooLarge(self.body.len()))
        } else {
            Ok(self.body.into_bytes())
        }
    }

    fn to_json(&self, source: EventSource) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.body.len() + self.body.len() / 8 + 1024);
        self.write_head(&mut json, source);
        // The body follows the last member of the head.
        json.pop();
        json.extend_from_slice(b",\"body\":");
        json::write_string(&mut json, &self.body);
        json.extend_from_slice(if self.is_base64 {
            b",\"isBase64Encoded\":true}"
        } else {
            b",\"isBase64Encoded\":false}"
        });
        json
    }

    /// Status and headers as they stand before a stream, with the delimiter.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>
    pub fn to_prelude(&self) -> Bytes {
        let mut prelude = Vec::with_capacity(512);
        self.write_head(&mut prelude, EventSource::FunctionUrl);
        prelude.extend_from_slice(&PRELUDE_DELIMITER);
        prelude.into()
    }

    // Strings and numbers always serialize, and writing to a Vec does not fail.
    fn write_head(&self, json: &mut Vec<u8>, source: EventSource) {
        serde_json::to_writer(
            json,
            &wire::Head {
                response: self,
                source,
            },
        )
        .expect("a head as JSON");
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureBody<'a> {
    error: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a RawValue>,
}

/// The last event of an event stream that failed.
pub fn failure_event(error: &EdgeError, request_id: &str) -> String {
    // Core's detail may have several lines.
    let data = failure_body(error, request_id)
        .replace('\n', "\ndata: ")
        .replace('\r', "");
    format!("\n\nevent: error\ndata: {data}\n\n")
}

fn failure_body(error: &EdgeError, request_id: &str) -> String {
    let (fields, detail) = match error {
        EdgeError::MissingFields(fields) => (Some(fields.as_slice()), None),
        EdgeError::CoreError { detail, .. } => (None, detail.as_deref()),
        _ => (None, None),
    };
    let body = FailureBody {
        error: &error.message(),
        code: error.code(),
        request_id,
        fields,
        detail,
    };
    serde_json::to_string(&body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_json_with_its_code_and_the_request_id() {
        let failures = [
            EdgeError::MissingFields(vec!["partner".to_owned(), "year".to_owned()]),
            EdgeError::Unauthorized("why".into()),
            EdgeError::MethodNotAllowed,
            EdgeError::CoreThrottled {
                retry_after: 7,
                cause: "why".to_owned(),
            },
            EdgeError::CoreUnreachable("10.0.0.1 refused".to_owned()),
            EdgeError::CoreError {
                error_type: "X".to_owned(),
                detail: RawValue::from_string(r#"{"errorType":"X"}"#.to_owned()).ok(),
            },
        ];
        let route_table = RouteTable {
            methods: vec!["POST".to_owned()],
            routes: Vec::new(),
        };
        let written: Vec<_> = failures
            .iter()
            .map(|error| {
                let response = Response::failure(error, "id-1", &route_table);
                String::from_utf8(response.to_json(EventSource::HttpApi)).expect("UTF-8")
            })
            .collect();
        insta::assert_snapshot!(written.join("\n"));
    }

    #[test]
    fn a_response_is_refused_from_the_first_byte_over_lambdas_limit() {
        let answer = |len: usize| Response::json(200, "x".repeat(len));
        let around = answer(0).to_json(EventSource::HttpApi).len();
        assert!(
            answer(MAX_ANSWER - around)
                .to_json_within_limit(EventSource::HttpApi)
                .is_ok()
        );
        assert!(
            answer(MAX_ANSWER - around + 1)
                .to_json_within_limit(EventSource::HttpApi)
                .is_err()
        );
    }

    #[test]
    fn escaping_counts_towards_the_limit() {
        let quotes = Response::json(200, "\"".repeat(MAX_ANSWER / 2));
        assert!(matches!(
            quotes.to_json_within_limit(EventSource::HttpApi),
            Err(EdgeError::CoreAnswerTooLarge(_))
        ));
    }
}

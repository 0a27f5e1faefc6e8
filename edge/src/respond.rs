//! Core's answer, or the failure on the way to it, becomes the HTTP response that the platform unwraps. Pure.
//!
//! What every answer has in common is put on by [`Response::dressed`]: no browser gets one without it.

mod core_answer;
mod headers;
mod opening;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::admit::Served;
use crate::cors::Cors;
use crate::error::EdgeError;
use crate::event::Door;
use crate::json;
use crate::telemetry::Millis;
pub use core_answer::{core_error, read_core_reply, read_function_result};
pub use headers::Headers;
pub use opening::{Opened, Opening};

/// What Lambda lets a function return, in bytes: 6 MiB and 100.
/// The figure stands in Lambda's own error, `Function.ResponseSizeTooLarge`.
pub const MAX_ANSWER: usize = 6_291_556;

/// An HTTP response in the form that API Gateway and function URLs unwrap.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names as they are written.
    pub headers: Headers,
    /// The body, text or base64.
    pub body: String,
    /// Whether the body is base64.
    pub is_base64: bool,
}

/// What the common headers of an answer say.
#[derive(Debug)]
pub struct Dress<'a> {
    /// Decides about the CORS headers.
    pub cors: &'a Cors,
    /// The request's `Origin`.
    pub origin: Option<&'a str>,
    /// The Lambda request id.
    pub request_id: &'a str,
    /// How long core took.
    pub core: Duration,
    /// How long the edge itself took.
    pub edge: Duration,
}

impl Response {
    /// A JSON answer.
    pub fn json(status: u16, body: String) -> Self {
        let mut headers = Headers::default();
        headers.set("Content-Type", "application/json");
        Self { status, headers, body, is_base64: false }
    }

    /// The answer to a preflight.
    pub fn preflight(cors: &Cors, origin: Option<&str>) -> Self {
        let mut response = Self::json(204, String::new());
        cors.on_preflight(origin, &mut response.headers);
        response
    }

    /// The answer to a request that failed. `served` says what would not have.
    pub fn failure(error: &EdgeError, request_id: &str, served: &Served) -> Self {
        let mut response = Self::json(error.status(), failure_body(error, request_id));
        match error {
            EdgeError::Unauthorized(_) => response.headers.set("WWW-Authenticate", "Bearer"),
            EdgeError::MethodNotAllowed => response.headers.set("Allow", served.allow()),
            EdgeError::CoreThrottled { retry_after, .. } => response.headers.set("Retry-After", retry_after.to_string()),
            EdgeError::IssuerUnreachable(_) => response.headers.set("Retry-After", "1"),
            _ => {}
        }
        response
    }

    /// Puts on what every answer carries, over whatever core said of it.
    pub fn dressed(mut self, dress: &Dress) -> Self {
        let timing = format!("core;dur={}, edge;dur={}", Millis(dress.core), Millis(dress.edge));
        self.headers.set("Cache-Control", "no-store");
        self.headers.set("X-Content-Type-Options", "nosniff");
        self.headers.set("X-Request-Id", dress.request_id.to_owned());
        self.headers.set("Server-Timing", timing);
        dress.cors.on_answer(dress.origin, &mut self.headers);
        self
    }

    /// Without its body, as `HEAD` asks.
    pub fn without_body(mut self) -> Self {
        self.body.clear();
        self.is_base64 = false;
        self
    }

    /// The JSON form for this door, unless Lambda would not let the edge return it.
    pub fn fitting(&self, door: Door) -> Result<Vec<u8>, EdgeError> {
        let json = self.to_json(door);
        if json.len() > MAX_ANSWER { Err(EdgeError::CoreAnswerTooLarge(json.len())) } else { Ok(json) }
    }

    fn to_json(&self, door: Door) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.body.len() + self.body.len() / 8 + 1024);
        self.write_head(&mut json, door);
        // Behind the head's last member.
        json.pop();
        json.extend_from_slice(b",\"body\":");
        json::write_string(&mut json, &self.body);
        json.extend_from_slice(if self.is_base64 { b",\"isBase64Encoded\":true}" } else { b",\"isBase64Encoded\":false}" });
        json
    }

    /// Status and headers as they stand before a stream, with what parts them from it.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>
    pub fn to_prelude(&self) -> Bytes {
        let mut prelude = Vec::with_capacity(512);
        self.write_head(&mut prelude, Door::FunctionUrl);
        prelude.extend_from_slice(&opening::DELIMITER);
        prelude.into()
    }

    // Texts and numbers are always JSON, and a Vec takes every byte.
    fn write_head(&self, json: &mut Vec<u8>, door: Door) {
        serde_json::to_writer(json, &wire::Head { response: self, door }).expect("a head as JSON");
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

/// The last event of an event stream that broke off.
pub fn failure_event(error: &EdgeError, request_id: &str) -> String {
    // Core's detail may be of several lines.
    let data = failure_body(error, request_id).replace('\n', "\ndata: ").replace('\r', "");
    format!("\n\nevent: error\ndata: {data}\n\n")
}

fn failure_body(error: &EdgeError, request_id: &str) -> String {
    let (fields, detail) = match error {
        EdgeError::MissingFields(fields) => (Some(fields.as_slice()), None),
        EdgeError::CoreError { detail, .. } => (None, detail.as_deref()),
        _ => (None, None),
    };
    let body = FailureBody { error: &error.message(), code: error.code(), request_id, fields, detail };
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
            EdgeError::CoreThrottled { retry_after: 7, cause: "why".to_owned() },
            EdgeError::CoreUnreachable("10.0.0.1 refused".to_owned()),
            EdgeError::CoreError {
                error_type: "X".to_owned(),
                detail: RawValue::from_string(r#"{"errorType":"X"}"#.to_owned()).ok(),
            },
        ];
        let served = Served { methods: vec!["POST".to_owned()], routes: Vec::new() };
        let written: Vec<_> = failures
            .iter()
            .map(|error| {
                let response = Response::failure(error, "id-1", &served);
                String::from_utf8(response.to_json(Door::HttpApi)).expect("UTF-8")
            })
            .collect();
        insta::assert_snapshot!(written.join("\n"));
    }

    #[test]
    fn an_answer_is_refused_from_the_byte_on_that_lambda_would_refuse() {
        let answer = |len: usize| Response::json(200, "x".repeat(len));
        let around = answer(0).to_json(Door::HttpApi).len();
        assert!(answer(MAX_ANSWER - around).fitting(Door::HttpApi).is_ok());
        assert!(answer(MAX_ANSWER - around + 1).fitting(Door::HttpApi).is_err());
    }

    #[test]
    fn escaping_counts_towards_the_limit() {
        let quotes = Response::json(200, "\"".repeat(MAX_ANSWER / 2));
        assert!(matches!(quotes.fitting(Door::HttpApi), Err(EdgeError::CoreAnswerTooLarge(_))));
    }
}

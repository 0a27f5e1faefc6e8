//! What is recorded about one request while the API handles it: for the access log line and for the
//! console.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::http::response::Parts as ResponseParts;
use axum::response::Response;
use base64::Engine;
use serde_json::{Map, Value, json};

use super::authorizer::JwtAuthorizerContext;
use crate::terminal::print_line;
use crate::{recorder, trace};

/// The observed data of one request.
#[derive(Debug)]
pub(super) struct Observation {
    pub start: Instant,
    pub peer: SocketAddr,
    /// API Gateway's request id: 16 characters, of which the last is `=`.
    pub request_id: String,
    pub trace_id: String,
    /// The request body, empty until it was read.
    pub body: Bytes,
    pub authorizer_context: Option<JwtAuthorizerContext>,
    pub authorizer_time: Duration,
    pub event: Bytes,
    pub integration_time: Duration,
    /// The reason of an error that the API itself returned.
    pub error: Option<String>,
}

impl Observation {
    pub(super) fn start(parts: &Parts, peer: SocketAddr) -> Self {
        let trace_id = parts
            .headers
            .get("x-amzn-trace-id")
            .and_then(|value| value.to_str().ok());
        Self {
            start: Instant::now(),
            peer,
            request_id: base64::engine::general_purpose::STANDARD
                .encode(&uuid::Uuid::new_v4().as_bytes()[..11]),
            trace_id: trace_id.map_or_else(trace::new_root, str::to_owned),
            body: Bytes::new(),
            authorizer_context: None,
            authorizer_time: Duration::ZERO,
            event: Bytes::new(),
            integration_time: Duration::ZERO,
            error: None,
        }
    }

    fn own_time(&self) -> Duration {
        self.start.elapsed().saturating_sub(self.integration_time)
    }

    /// Prints the access log line, with the time that the API took without the integration.
    pub(super) fn print(&self, parts: &Parts, response: &Response) {
        let error = self
            .error
            .as_deref()
            .map(|error| format!(" · {error}"))
            .unwrap_or_default();
        print_line(format_args!(
            " api │ {} {} → {} in {:.2} ms, {:.2} ms of them the gateway's own{error}",
            parts.method,
            parts.uri.path(),
            response.status().as_u16(),
            millis(self.start.elapsed()),
            millis(self.own_time()),
        ));
    }

    /// The record for the console.
    pub(super) fn record(
        &self,
        parts: &Parts,
        head: &ResponseParts,
        body: &Bytes,
        origins: &[String],
    ) -> Value {
        json!({
            "id": self.request_id,
            "at": jiff::Timestamp::now().as_millisecond(),
            "request": {
                "method": parts.method.as_str(),
                "path": parts.uri.path_and_query().map(|path| path.as_str()),
                "headers": headers(&parts.headers),
                "body": recorder::displayed_body(&self.body),
            },
            "claims": self.authorizer_context.as_ref().map(|context| &context.claims),
            "error": self.error,
            "event": recorder::displayed_body(&self.event),
            "response": { "status": head.status.as_u16(), "headers": headers(&head.headers), "body": recorder::displayed_body(body) },
            "allowedOrigins": origins,
            "ms": millis(self.start.elapsed()),
            "gatewayMs": millis(self.own_time()),
            "authorizerMs": millis(self.authorizer_time),
        })
    }
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .map(|name| {
            let values: Vec<_> = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            (name.to_string(), json!(values.join(", ")))
        })
        .collect()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

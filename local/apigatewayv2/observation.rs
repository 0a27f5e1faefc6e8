//! What is seen of one request on its way: for the line in the terminal, and for the console.

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

/// One request.
#[derive(Debug)]
pub struct Observation {
    /// When it came.
    pub start: Instant,
    /// From where.
    pub peer: SocketAddr,
    /// The gateway's id for it: 16 characters of which the last is `=`, as API Gateway's are.
    pub request_id: String,
    /// Its trace.
    pub trace_id: String,
    /// Its body, once it was read.
    pub body: Bytes,
    /// What the authorizer said of its token.
    pub authorized: Option<JwtAuthorizerContext>,
    /// How long the authorizer took.
    pub authorizer: Duration,
    /// The event that it became.
    pub event: Bytes,
    /// How long the integration took.
    pub integration: Duration,
    /// Why the gateway itself answered.
    pub error: Option<String>,
}

impl Observation {
    /// A request has come.
    pub fn start(parts: &Parts, peer: SocketAddr) -> Self {
        let trace_id = parts.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
        Self {
            start: Instant::now(),
            peer,
            request_id: base64::engine::general_purpose::STANDARD.encode(&uuid::Uuid::new_v4().as_bytes()[..11]),
            trace_id: trace_id.map_or_else(trace::new_root, str::to_owned),
            body: Bytes::new(),
            authorized: None,
            authorizer: Duration::ZERO,
            event: Bytes::new(),
            integration: Duration::ZERO,
            error: None,
        }
    }

    fn own_time(&self) -> Duration {
        self.start.elapsed().saturating_sub(self.integration)
    }

    /// One line in the terminal, with the gateway's own share of the time.
    pub fn print(&self, parts: &Parts, response: &Response) {
        let error = self.error.as_deref().map(|error| format!(" · {error}")).unwrap_or_default();
        print_line(format_args!(
            " api │ {} {} → {} in {:.2} ms, {:.2} ms of them the gateway's own{error}",
            parts.method,
            parts.uri.path(),
            response.status().as_u16(),
            millis(self.start.elapsed()),
            millis(self.own_time()),
        ));
    }

    /// Everything, for the console.
    pub fn record(&self, parts: &Parts, head: &ResponseParts, body: &Bytes, origins: &[String]) -> Value {
        json!({
            "id": self.request_id,
            "at": jiff::Timestamp::now().as_millisecond(),
            "request": {
                "method": parts.method.as_str(),
                "path": parts.uri.path_and_query().map(|path| path.as_str()),
                "headers": headers(&parts.headers),
                "body": recorder::displayed_body(&self.body),
            },
            "claims": self.authorized.as_ref().map(|authorized| &authorized.claims),
            "error": self.error,
            "event": recorder::displayed_body(&self.event),
            "response": { "status": head.status.as_u16(), "headers": headers(&head.headers), "body": recorder::displayed_body(body) },
            "allowedOrigins": origins,
            "ms": millis(self.start.elapsed()),
            "gatewayMs": millis(self.own_time()),
            "authorizerMs": millis(self.authorizer),
        })
    }
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .map(|name| {
            let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            (name.to_string(), json!(values.join(", ")))
        })
        .collect()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

//! How the edge answers, and what it logs.

use std::time::Duration;

use tracing::Level;

use super::environment::Environment;
use super::value::header_name;
use crate::cors::{Cors, OriginRule};
use crate::limits::LONGEST_TIMEOUT;
use crate::pipeline::{ResponseMode, StreamSettings};
use crate::stages::respond::ErrorDetail;
use crate::telemetry::LogFormat;

/// Whether answers are streamed: `RESPONSE`.
pub fn response_mode(env: &mut Environment) -> ResponseMode {
    let words = [
        ("buffered", ResponseMode::Buffered),
        ("stream", ResponseMode::Stream),
    ];
    env.choice("RESPONSE", &words, ResponseMode::Buffered)
}

/// How long a stream may be silent, and how long it may last: `STREAM_HEARTBEAT_S`, `STREAM_MAX_S`.
pub fn stream(env: &mut Environment) -> StreamSettings {
    let heartbeat = env.seconds("STREAM_HEARTBEAT_S", 0..=LONGEST_TIMEOUT.as_secs());
    let heartbeat = heartbeat.unwrap_or(StreamSettings::DEFAULT_HEARTBEAT);
    StreamSettings {
        heartbeat: (heartbeat > Duration::ZERO).then_some(heartbeat),
        longest: env.seconds("STREAM_MAX_S", 1..=LONGEST_TIMEOUT.as_secs()),
    }
}

pub fn error_detail(env: &mut Environment) -> ErrorDetail {
    let words = [
        ("none", ErrorDetail::None),
        ("message", ErrorDetail::Message),
        ("full", ErrorDetail::Full),
    ];
    env.choice("ERROR_DETAIL", &words, ErrorDetail::Message)
}

pub fn cors(env: &mut Environment, methods: &[String]) -> Cors {
    let origins = env.list("ALLOWED_ORIGINS", "", |origin| OriginRule::parse(&origin));
    if origins.len() > 1 && origins.contains(&OriginRule::Any) {
        env.problem("ALLOWED_ORIGINS: `*` opens the answers to every origin: write it alone, or leave it out");
    }
    let headers = env.list("ALLOWED_HEADERS", "", header_name);
    Cors::new(origins, methods, &headers)
}

/// Whether the entry point's own CORS configuration writes the headers: `CORS`.
pub fn platform_cors(env: &mut Environment) -> bool {
    env.choice("CORS", &[("edge", false), ("platform", true)], false)
}

pub fn log(env: &mut Environment) -> LogFormat {
    let words = [
        ("TRACE", Level::TRACE),
        ("DEBUG", Level::DEBUG),
        ("INFO", Level::INFO),
        ("WARN", Level::WARN),
        ("ERROR", Level::ERROR),
        ("FATAL", Level::ERROR),
    ];
    let own = env.choice("LOG_LEVEL", &words, Level::INFO);
    LogFormat {
        level: env.choice("AWS_LAMBDA_LOG_LEVEL", &words, own),
        json: env.choice(
            "AWS_LAMBDA_LOG_FORMAT",
            &[("JSON", true), ("Text", false)],
            true,
        ),
    }
}

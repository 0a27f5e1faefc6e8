//! The log, and the metrics in CloudWatch's embedded metric format, on one stream.
//!
//! Given what became of a request, writes a line each. Nothing of a token, a body or an e-mail address comes this far.

use std::io::Write;
use std::time::{Duration, SystemTime};

use serde_json::json;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Log;

/// What became of a request.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The Lambda request id.
    pub request_id: &'a str,
    /// The door's name.
    pub door: &'a str,
    /// The HTTP status, or what it would have been.
    pub status: u16,
    /// The error's code; empty on success.
    pub code: &'a str,
    /// How long core took; `None` when it was not called.
    pub core: Option<Duration>,
    /// How long the edge itself took.
    pub edge: Duration,
    /// Whether this is the first request of the environment.
    pub is_cold_start: bool,
}

/// Starts the log. Of the libraries only warnings are written, whatever the level: below that they print whole events.
pub fn start(log: Log) {
    let of_libraries = log.level.min(Level::WARN);
    // The runtime prints a handler's error once more, which the request's own line has told.
    let targets = Targets::new()
        .with_default(of_libraries)
        .with_target("edge", log.level)
        .with_target("lambda_runtime::layers::panic", tracing::level_filters::LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(targets);
    let layer = tracing_subscriber::fmt::layer();
    // An `Err` says that the process has a log already.
    let _ = match log.json {
        true => registry.with(layer.json().flatten_event(true).with_span_list(false)).try_init(),
        false => registry.with(layer.with_ansi(false)).try_init(),
    };
}

/// Writes the request's line.
pub fn log_request(outcome: &Outcome, cause: &str) {
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level,
                requestId = outcome.request_id,
                door = outcome.door,
                status = outcome.status,
                code = outcome.code,
                coreMs = outcome.core.map(millis),
                edgeMs = millis(outcome.edge),
                coldStart = outcome.is_cold_start,
                cause,
                "request"
            )
        };
    }
    match outcome.status {
        500.. => line!(Level::ERROR),
        _ => line!(Level::INFO),
    }
}

/// Tells that Lambda did not take an answer: it came too late, or was too large.
pub fn log_refused_answer(request_id: &str, status: u16) {
    tracing::error!(requestId = request_id, status, "the Runtime API did not take the answer");
}

/// Prints the request's metrics.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
pub fn print_metrics(outcome: &Outcome, function_name: &str) {
    let mut line = metrics(outcome, function_name, SystemTime::now()).to_string();
    line.push('\n');
    // A closed stream is no reason to fail a request.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

fn metrics(outcome: &Outcome, function_name: &str, now: SystemTime) -> serde_json::Value {
    let timestamp = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let metric = |name: &str, unit: &str| json!({ "Name": name, "Unit": unit });
    let mut metrics =
        vec![metric("Count", "Count"), metric("4xx", "Count"), metric("5xx", "Count"), metric("EdgeLatency", "Milliseconds")];
    let mut line = json!({
        "FunctionName": function_name,
        "Count": 1,
        "4xx": u8::from((400..500).contains(&outcome.status)),
        "5xx": u8::from(outcome.status >= 500),
        "EdgeLatency": millis(outcome.edge),
    });
    if let Some(core) = outcome.core {
        metrics.push(metric("CoreLatency", "Milliseconds"));
        line["CoreLatency"] = json!(millis(core));
    }
    let directive = json!({ "Namespace": "inference-edge", "Dimensions": [["FunctionName"]], "Metrics": metrics });
    line["_aws"] = json!({ "Timestamp": timestamp as u64, "CloudWatchMetrics": [directive] });
    line
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_follow_the_embedded_metric_format() {
        let outcome = Outcome {
            request_id: "id",
            door: "http-api",
            status: 502,
            code: "core_error",
            core: Some(Duration::from_micros(12_345)),
            edge: Duration::from_micros(200),
            is_cold_start: true,
        };
        let line = metrics(&outcome, "edge", SystemTime::UNIX_EPOCH + Duration::from_millis(7));
        insta::assert_snapshot!(line, @r#"{"4xx":0,"5xx":1,"CoreLatency":12.345,"Count":1,"EdgeLatency":0.2,"FunctionName":"edge","_aws":{"CloudWatchMetrics":[{"Dimensions":[["FunctionName"]],"Metrics":[{"Name":"Count","Unit":"Count"},{"Name":"4xx","Unit":"Count"},{"Name":"5xx","Unit":"Count"},{"Name":"EdgeLatency","Unit":"Milliseconds"},{"Name":"CoreLatency","Unit":"Milliseconds"}],"Namespace":"inference-edge"}],"Timestamp":7}}"#);
    }
}

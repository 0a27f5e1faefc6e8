//! The line of a request: a log record and, in CloudWatch's embedded metric format, its metrics.
//!
//! It is formatted by hand, because every request writes one, and its members are always the same.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use tracing::Level;

use super::{LogFormat, Millis, timestamp};

/// The outcome of a request.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The Lambda request id.
    pub request_id: &'a str,
    /// The name of the entry point: `http-api`, `rest-api`, `function-url` or `direct`.
    pub event_source: &'a str,
    /// The HTTP status; for a direct Invoke, the status that it would have over HTTP.
    pub status: u16,
    /// The error's code; empty on success.
    pub code: &'a str,
    /// The time that core took; `None` when core was not invoked.
    pub core: Option<Duration>,
    /// The time that the edge itself took.
    pub edge: Duration,
    /// Whether the response failed after its status was sent.
    pub stream_failed: bool,
    /// Whether this is the first request of the environment.
    pub is_cold_start: bool,
    /// The internal message, which only the log has.
    pub cause: &'a str,
}

/// The line of a request. Metrics are in it whatever the level; the record is left out where the
/// level leaves it out.
pub fn request_line(outcome: &Outcome, function_name: &str, log: LogFormat) -> String {
    let mut line = line(outcome, function_name, log, SystemTime::now());
    line.push('\n');
    line
}

fn line(outcome: &Outcome, function_name: &str, log: LogFormat, now: SystemTime) -> String {
    let is_error = outcome.status >= 500 || outcome.stream_failed;
    let level = if is_error { Level::ERROR } else { Level::INFO };
    let mut line = String::with_capacity(900);
    if level > log.level {
        line.push('{');
    } else if log.json {
        json_record(&mut line, level, outcome);
    } else {
        text_record(&mut line, level, outcome);
    }
    metrics(&mut line, outcome, function_name, now);
    line
}

// Writing to a String does not fail.

fn json_record(line: &mut String, level: Level, outcome: &Outcome) {
    line.push_str("{\"timestamp\":\"");
    timestamp(line);
    let _ = write!(
        line,
        "\",\"level\":\"{level}\",\"message\":\"request\",\"requestId\":"
    );
    text(line, outcome.request_id);
    let _ = write!(
        line,
        ",\"eventSource\":\"{}\",\"status\":{},\"code\":\"{}\",\"coldStart\":{},",
        outcome.event_source, outcome.status, outcome.code, outcome.is_cold_start
    );
    if !outcome.cause.is_empty() {
        line.push_str("\"cause\":");
        text(line, outcome.cause);
        line.push(',');
    }
}

fn text_record(line: &mut String, level: Level, outcome: &Outcome) {
    timestamp(line);
    let _ = writeln!(
        line,
        " {level} request requestId={} eventSource={} status={} code={:?} coldStart={} cause={:?}",
        outcome.request_id,
        outcome.event_source,
        outcome.status,
        outcome.code,
        outcome.is_cold_start,
        outcome.cause
    );
    line.push('{');
}

fn metrics(line: &mut String, outcome: &Outcome, function_name: &str, now: SystemTime) {
    line.push_str("\"FunctionName\":");
    text(line, function_name);
    let is_4xx = u8::from((400..500).contains(&outcome.status));
    let is_5xx = u8::from(outcome.status >= 500);
    let _ = write!(
        line,
        ",\"Count\":1,\"4xx\":{is_4xx},\"5xx\":{is_5xx},\"EdgeLatency\":{}",
        Millis(outcome.edge)
    );
    if let Some(core) = outcome.core {
        let _ = write!(line, ",\"CoreLatency\":{}", Millis(core));
    }
    if outcome.stream_failed {
        line.push_str(",\"StreamFailures\":1");
    }
    let timestamp = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let _ = write!(line, ",\"_aws\":{{\"Timestamp\":{timestamp},");
    line.push_str(
        r#""CloudWatchMetrics":[{"Namespace":"inference-edge","Dimensions":[["FunctionName"]],"Metrics":[{"Name":"Count","Unit":"Count"},{"Name":"4xx","Unit":"Count"},{"Name":"5xx","Unit":"Count"},{"Name":"EdgeLatency","Unit":"Milliseconds"}"#,
    );
    if outcome.core.is_some() {
        line.push_str(r#",{"Name":"CoreLatency","Unit":"Milliseconds"}"#);
    }
    if outcome.stream_failed {
        line.push_str(r#",{"Name":"StreamFailures","Unit":"Count"}"#);
    }
    line.push_str("]}]}}");
}

/// Writes a text as a JSON string.
fn text(line: &mut String, text: &str) {
    let is_plain = text
        .bytes()
        .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if is_plain {
        line.extend(["\"", text, "\""]);
    } else {
        line.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16) -> Outcome<'static> {
        Outcome {
            request_id: "id",
            event_source: "http-api",
            status,
            code: "core_error",
            core: (status == 502).then_some(Duration::from_micros(12_345)),
            edge: Duration::from_micros(200),
            stream_failed: false,
            is_cold_start: true,
            cause: "a \"cause\"\n",
        }
    }

    fn written(status: u16, log: LogFormat) -> String {
        let outcome = outcome(status);
        let line = line(
            &outcome,
            "edge",
            log,
            SystemTime::UNIX_EPOCH + Duration::from_millis(7),
        );
        // The first text of this form is the time at which the record was written.
        let is_time = |text: &str| text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z');
        let time = (0..40).find_map(|at| {
            line.get(at..at + 27)
                .filter(|text| is_time(text))
                .map(str::to_owned)
        });
        time.map_or_else(|| line.clone(), |time| line.replace(&time, "<time>"))
    }

    #[test]
    fn a_line_is_a_record_and_its_metrics() {
        let line = written(502, LogFormat::DEFAULT);
        let _: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        insta::assert_snapshot!(line);
    }

    #[test]
    fn a_record_that_the_level_leaves_out_leaves_its_metrics() {
        let line = written(
            200,
            LogFormat {
                level: Level::WARN,
                json: true,
            },
        );
        let _: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert!(
            line.starts_with(r#"{"FunctionName":"edge","Count":1,"4xx":0,"5xx":0,"#)
                && !line.contains("CoreLatency"),
            "{line}"
        );
    }

    #[test]
    fn a_log_in_words_has_its_metrics_in_a_line_of_their_own() {
        let line = written(
            502,
            LogFormat {
                level: Level::INFO,
                json: false,
            },
        );
        let (record, metrics) = line.split_once('\n').expect("two lines");
        insta::assert_snapshot!(record);
        let _: serde_json::Value = serde_json::from_str(metrics).expect("JSON");
    }
    #[test]
    fn a_response_that_fails_after_its_status_is_an_error_with_a_metric() {
        let failed = Outcome {
            stream_failed: true,
            ..outcome(200)
        };
        let line = line(&failed, "edge", LogFormat::DEFAULT, SystemTime::UNIX_EPOCH);
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            (&line["level"], &line["StreamFailures"], &line["5xx"]),
            (&"ERROR".into(), &1.into(), &0.into())
        );
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            .as_array()
            .expect("metrics");
        assert!(
            metrics
                .iter()
                .any(|metric| metric["Name"] == "StreamFailures"),
            "{line}"
        );
        let whole: serde_json::Value =
            serde_json::from_str(&written(200, LogFormat::DEFAULT)).expect("JSON");
        assert_eq!(
            (&whole["level"], whole.get("StreamFailures")),
            (&"INFO".into(), None)
        );
    }
}

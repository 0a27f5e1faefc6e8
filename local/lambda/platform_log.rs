//! The lines that Lambda itself writes to a function's log, as text or, with the log format `JSON`,
//! as events of the platform.
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>

use std::time::Duration;

use serde_json::{Value, json};

/// The format of a function's log: its variable `AWS_LAMBDA_LOG_FORMAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// How an invocation has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending<'a> {
    /// The function has responded, or has reported an error of its own.
    Responded,
    /// The function took too long.
    TimedOut(Duration),
    /// Lambda ended the invocation with an error. Holds the error's type and message.
    Failed {
        error_type: &'a str,
        message: &'a str,
    },
}

/// The figures of an invocation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metrics {
    pub duration: Duration,
    /// The memory of the function in MB.
    pub memory: u32,
    /// The most memory that the process has used, in MB.
    pub used_memory: u64,
    /// How long the process took to start; only for the first invocation of an environment.
    pub init: Option<Duration>,
}

impl LogFormat {
    /// The line at the beginning of an invocation.
    pub(super) fn start(self, request_id: &str) -> String {
        match self {
            Self::Text => format!("START RequestId: {request_id} Version: $LATEST"),
            Self::Json => event(
                "platform.start",
                json!({ "requestId": request_id, "version": "$LATEST" }),
            ),
        }
    }

    /// The lines at the end of an invocation.
    pub(super) fn end(self, request_id: &str, ending: Ending, metrics: Metrics) -> Vec<String> {
        match self {
            Self::Text => text_lines(request_id, ending, metrics),
            Self::Json => json_lines(request_id, ending, metrics),
        }
    }
}

impl Ending<'_> {
    fn status(&self) -> &'static str {
        match self {
            Self::Responded => "success",
            Self::TimedOut(_) => "timeout",
            Self::Failed { .. } => "error",
        }
    }

    fn error_type(&self) -> Option<&str> {
        match self {
            Self::Failed { error_type, .. } => Some(error_type),
            Self::Responded | Self::TimedOut(_) => None,
        }
    }
}

fn text_lines(request_id: &str, ending: Ending, metrics: Metrics) -> Vec<String> {
    let mut lines = Vec::new();
    match ending {
        Ending::Responded => {}
        Ending::TimedOut(timeout) => lines.push(format!(
            "{} {request_id} Task timed out after {:.2} seconds\n",
            now(),
            timeout.as_secs_f64()
        )),
        Ending::Failed {
            error_type,
            message,
        } => lines.extend([message.to_owned(), error_type.to_owned()]),
    }
    let millis = millis(metrics.duration);
    let init = metrics
        .init
        .map(|init| format!("\tInit Duration: {:.2} ms", self::millis(init)));
    let status = match ending {
        Ending::Responded => String::new(),
        _ => format!("Status: {}", ending.status()),
    };
    let error_type = ending
        .error_type()
        .map(|error_type| format!("\tError Type: {error_type}"));
    lines.push(format!("END RequestId: {request_id}"));
    lines.push(format!(
        "REPORT RequestId: {request_id}\tDuration: {millis:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB\t\
         Max Memory Used: {} MB{}\t{status}{}",
        millis.ceil(),
        metrics.memory,
        metrics.used_memory,
        init.unwrap_or_default(),
        error_type.unwrap_or_default(),
    ));
    lines
}

fn json_lines(request_id: &str, ending: Ending, metrics: Metrics) -> Vec<String> {
    let mut figures = json!({
        "durationMs": rounded(metrics.duration),
        "billedDurationMs": millis(metrics.duration).ceil(),
        "memorySizeMB": metrics.memory,
        "maxMemoryUsedMB": metrics.used_memory,
    });
    if let Some(init) = metrics.init {
        figures["initDurationMs"] = json!(rounded(init));
    }
    let mut report =
        json!({ "requestId": request_id, "metrics": figures, "status": ending.status() });
    let mut done = json!({ "requestId": request_id, "status": ending.status() });
    if let Some(error_type) = ending.error_type() {
        report["errorType"] = json!(error_type);
        done["errorType"] = json!(error_type);
    }
    let mut lines = Vec::new();
    if ending != Ending::Responded {
        // A success is of the level DEBUG, which is not logged by default.
        lines.push(event("platform.runtimeDone", done));
    }
    lines.push(event("platform.report", report));
    lines
}

fn event(event_type: &str, record: Value) -> String {
    json!({ "time": now(), "type": event_type, "record": record }).to_string()
}

fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Milliseconds with three digits after the point.
fn rounded(duration: Duration) -> f64 {
    (millis(duration) * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: Metrics = Metrics {
        duration: Duration::from_micros(1_500),
        memory: 128,
        used_memory: 7,
        init: None,
    };

    #[test]
    fn the_lines_at_the_end_say_how_the_invocation_has_ended() {
        let failed = Ending::Failed {
            error_type: "Runtime.ExitError",
            message: "RequestId: r Error: Runtime exited with error: exit status 1",
        };
        for (name, ending, before, after) in [
            ("a response", Ending::Responded, vec![], ""),
            (
                "a time-out",
                Ending::TimedOut(Duration::from_secs(3)),
                vec![" r Task timed out after 3.00 seconds\n"],
                "Status: timeout",
            ),
            (
                "an exit",
                failed,
                vec![
                    "RequestId: r Error: Runtime exited with error: exit status 1",
                    "Runtime.ExitError",
                ],
                "Status: error\tError Type: Runtime.ExitError",
            ),
        ] {
            let lines = LogFormat::Text.end("r", ending, METRICS);
            let report = format!(
                "REPORT RequestId: r\tDuration: 1.50 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 7 MB\t{after}"
            );
            let expected: Vec<_> = before
                .into_iter()
                .chain(["END RequestId: r", &report])
                .collect();
            assert_eq!(lines.len(), expected.len(), "{name}: {lines:?}");
            for (line, end) in lines.iter().zip(expected) {
                assert!(line.ends_with(end), "{name}: {line:?} has no {end:?}");
            }
        }
    }

    #[test]
    fn with_the_format_json_the_lines_are_events_of_the_platform() {
        let failed = Ending::Failed {
            error_type: "Runtime.ExitError",
            message: "",
        };
        for (name, ending, expected) in [
            ("a response", Ending::Responded, r#"report success null"#),
            (
                "a time-out",
                Ending::TimedOut(Duration::from_secs(3)),
                "runtimeDone timeout null, report timeout null",
            ),
            (
                "an exit",
                failed,
                r#"runtimeDone error "Runtime.ExitError", report error "Runtime.ExitError""#,
            ),
        ] {
            let lines = LogFormat::Json.end("r", ending, METRICS);
            let got: Vec<_> = lines
                .iter()
                .map(|line| {
                    let line: Value = serde_json::from_str(line).expect("JSON");
                    let kind = line["type"].as_str().expect("a type");
                    let kind = kind.strip_prefix("platform.").expect("the platform's");
                    let status = line["record"]["status"].as_str().expect("a status");
                    format!("{kind} {status} {}", line["record"]["errorType"])
                })
                .collect();
            assert_eq!(got.join(", "), expected, "{name}");
        }
        let start: Value = serde_json::from_str(&LogFormat::Json.start("r")).expect("JSON");
        assert_eq!(
            (&start["type"], &start["record"]["requestId"]),
            (&json!("platform.start"), &json!("r"))
        );
    }
}

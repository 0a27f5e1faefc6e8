//! The template's logs, alarms and dashboard watch what the functions really write.

use std::collections::BTreeSet;
use std::time::Duration;

use edge::telemetry::{LogFormat, Outcome, request_line};
use serde_json::Value as Json;
use serde_yaml_ng::Value;

use super::{at, reference, tagged, template};

/// The metrics of the line that the edge writes for a request.
struct Written {
    namespace: String,
    dimension: String,
    names: BTreeSet<String>,
}

fn written() -> Written {
    let outcome = Outcome {
        request_id: "id",
        event_source: "rest-api",
        status: 200,
        code: "",
        core: Some(Duration::from_millis(1)),
        edge: Duration::from_millis(1),
        stream_failed: true,
        is_cold_start: false,
        cause: "",
    };
    let line = request_line(&outcome, "edge", LogFormat::DEFAULT);
    let line: Json = serde_json::from_str(&line).expect("JSON");
    let metrics = &line["_aws"]["CloudWatchMetrics"][0];
    let text = |value: &Json| value.as_str().expect("a text").to_owned();
    Written {
        namespace: text(&metrics["Namespace"]),
        dimension: text(&metrics["Dimensions"][0][0]),
        names: metrics["Metrics"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|metric| text(&metric["Name"]))
            .collect(),
    }
}

/// Every metric of the template's alarms: alarm, namespace, name, dimensions.
fn watched(template: &Value) -> Vec<(String, String, String, Vec<String>)> {
    let resources = template["Resources"].as_mapping().expect("resources");
    let alarms = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let metrics = alarms.flat_map(|(name, alarm)| {
        let metrics = at(alarm, "Properties.Metrics")
            .as_sequence()
            .expect("a list");
        metrics.iter().map(move |metric| (name, metric))
    });
    let found = metrics.filter_map(|(name, metric)| {
        let metric = match metric {
            Value::Tagged(_) => &tagged(metric, "If")[1],
            plain => plain,
        };
        let of = metric.get("MetricStat")?.get("Metric")?;
        let dimensions = of["Dimensions"].as_sequence().expect("a list");
        let names = dimensions.iter().map(|one| text(&one["Name"])).collect();
        Some((
            text(name),
            text(&of["Namespace"]),
            text(&of["MetricName"]),
            names,
        ))
    });
    found.collect()
}

#[test]
fn alarms_watch_metrics_that_the_edge_writes() {
    let written = written();
    let watched = watched(&template());
    let own: Vec<_> = watched
        .iter()
        .filter(|(_, namespace, ..)| *namespace == written.namespace)
        .collect();
    for (alarm, _, name, dimensions) in &own {
        assert!(written.names.contains(name), "{alarm}: {name}");
        assert_eq!(
            dimensions,
            std::slice::from_ref(&written.dimension),
            "{alarm}"
        );
    }
    let names: BTreeSet<&str> = own.iter().map(|(_, _, name, _)| name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["5xx", "StreamFailures"]));
}

#[test]
fn alarms_watch_every_entry_point_and_every_function() {
    let watched = watched(&template());
    let count = |metric: &str| {
        watched
            .iter()
            .filter(|(_, namespace, name, _)| namespace.starts_with("AWS/") && name == metric)
            .count()
    };
    // The HTTP API, the REST API, two function URLs; four functions.
    let counts = ["5xx", "5XXError", "Url5xxCount", "Errors", "Throttles"].map(count);
    assert_eq!(counts, [1, 1, 2, 4, 4]);
}

#[test]
fn the_dashboard_shows_every_metric_of_the_edge() {
    let written = written();
    let template = template();
    let body = tagged(
        at(
            &template,
            "Resources.RequestsDashboard.Properties.DashboardBody",
        ),
        "Sub",
    );
    let mut text = body[0].as_str().expect("the text").to_owned();
    for (name, value) in body[1].as_mapping().expect("its values") {
        let line = match value {
            Value::Tagged(tagged) => match &tagged.value[1] {
                Value::Tagged(inner) if inner.tag == "Sub" => inner.value.as_str(),
                _ => Some("core"),
            },
            _ => None,
        };
        let name = format!("${{{}}}", name.as_str().expect("a name"));
        assert!(text.contains(&name), "{name} is not used");
        text = text.replace(&name, line.expect("a line of the streaming twin"));
    }
    let dashboard: Json = serde_json::from_str(&text).expect("JSON");
    let mut shown = BTreeSet::new();
    for widget in dashboard["widgets"].as_array().expect("widgets") {
        for metric in widget["properties"]["metrics"].as_array().expect("metrics") {
            if metric[0] == written.namespace.as_str() {
                assert_eq!(metric[2], written.dimension.as_str(), "{metric}");
                shown.insert(metric[1].as_str().expect("a name").to_owned());
            }
        }
    }
    assert_eq!(shown, written.names);
}

#[test]
fn the_log_keeps_lambdas_reports_and_the_edges_metrics() {
    let template = template();
    let logging = at(&template, "Globals.Function.LoggingConfig");
    // WARN would drop platform.report.
    assert_eq!(logging["SystemLogLevel"], "INFO");
    assert_eq!(reference(&logging["ApplicationLogLevel"]), "LogLevel");
    // Lambda takes a line without a level, as that of metrics alone, for INFO.
    let levels = super::words(at(&template, "Parameters.LogLevel.AllowedValues"));
    assert_eq!(levels, "TRACE,DEBUG,INFO");
}

#[test]
fn no_log_group_has_a_name_that_a_new_stack_could_find_taken() {
    let template = template();
    let resources = template["Resources"].as_mapping().expect("resources");
    let groups = resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::Logs::LogGroup");
    let names: Vec<_> = groups
        .map(|group| group["Properties"].get("LogGroupName"))
        .collect();
    assert!(
        names.len() >= 5 && names.iter().all(Option::is_none),
        "{names:?}"
    );
}

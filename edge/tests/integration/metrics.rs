//! Which statuses count as errors of the caller and of the edge.

use std::time::Duration;

use edge::telemetry::{LogFormat, Outcome, request_line};
use serde_json::Value;

#[test]
fn the_metrics_4xx_and_5xx_count_the_statuses_of_their_hundreds() {
    for (status, is_4xx, is_5xx, level) in [
        (200, 0, 0, "INFO"),
        (399, 0, 0, "INFO"),
        (400, 1, 0, "INFO"),
        (499, 1, 0, "INFO"),
        (500, 0, 1, "ERROR"),
        (599, 0, 1, "ERROR"),
    ] {
        let outcome = Outcome {
            request_id: "id",
            event_source: "http-api",
            status,
            code: "",
            core: None,
            edge: Duration::from_millis(1),
            stream_failed: false,
            is_cold_start: false,
            cause: "",
        };
        let line = request_line(&outcome, "edge", LogFormat::DEFAULT);
        let line: Value = serde_json::from_str(&line).expect("JSON");
        let got = (&line["4xx"], &line["5xx"], &line["level"]);
        assert_eq!(
            got,
            (&is_4xx.into(), &is_5xx.into(), &level.into()),
            "{status}"
        );
    }
}

//! The filter of a list of records: by status, entry point and text.

use serde::Deserialize;

use super::MAX_RECORDS;
use super::facts::{Facts, StoredBody};
use super::record::{EntryPoint, Summary};

/// The query parameters of `GET /records`. Absent ones select everything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Filter {
    /// A status such as `404`, a class such as `4xx`, `stopped` or `passed`.
    status: Option<String>,
    entry_point: Option<EntryPoint>,
    /// A text in the path, the bodies, the ids, or the reason of the stop, in any case.
    text: Option<String>,
    /// The most records to list.
    limit: Option<usize>,
}

impl Filter {
    /// Fails if the status is none of those that can be selected.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Some(status) = &self.status else {
            return Ok(());
        };
        let is_class = status.len() == 3
            && (status.ends_with("xx") && status.as_bytes()[0].is_ascii_digit()
                || status.bytes().all(|byte| byte.is_ascii_digit()));
        if is_class || matches!(status.as_str(), "stopped" | "passed") {
            return Ok(());
        }
        Err(format!(
            "status={status}: give a status such as 404, a class such as 4xx, stopped, or passed"
        ))
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(MAX_RECORDS)
    }

    pub(super) fn selects(&self, summary: &Summary, facts: &Facts) -> bool {
        let by_status = self
            .status
            .as_deref()
            .is_none_or(|status| has_status(summary, status));
        let by_entry_point = self
            .entry_point
            .is_none_or(|entry_point| entry_point == summary.entry_point);
        let by_text = self
            .text
            .as_deref()
            .is_none_or(|text| has_text(summary, facts, &text.to_lowercase()));
        by_status && by_entry_point && by_text
    }
}

fn has_status(summary: &Summary, wanted: &str) -> bool {
    match (wanted, summary.status) {
        ("stopped", _) => summary.stop.is_some(),
        ("passed", _) => summary.stop.is_none(),
        (_, None) => false,
        (wanted, Some(status)) => match wanted.strip_suffix("xx") {
            Some(class) => (status / 100).to_string() == class,
            None => status.to_string() == wanted,
        },
    }
}

fn has_text(summary: &Summary, facts: &Facts, text: &str) -> bool {
    let in_body = |body: &StoredBody| {
        String::from_utf8_lossy(&body.kept)
            .to_lowercase()
            .contains(text)
    };
    let stop = summary.stop.iter();
    let mut texts = stop.flat_map(|stop| [&stop.rule, &stop.why]).chain([
        &summary.method,
        &summary.path,
        &facts.request_id,
    ]);
    texts.any(|value| value.to_lowercase().contains(text))
        || in_body(&facts.body)
        || facts.response.as_ref().is_some_and(|r| in_body(&r.body))
}

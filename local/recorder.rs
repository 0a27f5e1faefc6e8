//! The records that the console shows: one for each request to the API, with the invocations that
//! it caused.
//!
//! Nothing is recorded while no console is open. The signatures of tokens are removed before a
//! record is sent.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::broadcast;

/// The most of a body that is shown, in bytes.
const MAX_SHOWN_BODY: usize = 64 * 1024;
/// How many records are buffered for a slow console.
const BACKLOG: usize = 64;

/// Collects what belongs to one request by its trace id, and sends it to the open consoles. Clones
/// share one recorder.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    records: broadcast::Sender<Arc<str>>,
    invocations: Mutex<HashMap<String, Vec<Value>>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self(Arc::new(Inner {
            records: broadcast::Sender::new(BACKLOG),
            invocations: Mutex::default(),
        }))
    }
}

impl Recorder {
    /// Whether a console is open.
    pub(crate) fn has_subscribers(&self) -> bool {
        self.0.records.receiver_count() > 0
    }

    /// Subscribes to the records from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        self.0.records.subscribe()
    }

    /// Starts the record of a request, to which the invocations of its trace belong.
    pub(crate) fn begin(&self, trace_id: &str) {
        if self.has_subscribers() {
            self.0
                .invocations
                .lock()
                .insert(trace_root(trace_id), Vec::new());
        }
    }

    /// Adds an invocation to the record of its trace.
    pub(crate) fn invocation(
        &self,
        trace_id: &str,
        function: &str,
        payload: &[u8],
        reply: &[u8],
        is_error: bool,
        millis: f64,
    ) {
        if let Some(invocations) = self.0.invocations.lock().get_mut(&trace_root(trace_id)) {
            invocations.push(json!({
                "function": function,
                "payload": displayed_body(payload),
                "reply": displayed_body(reply),
                "isError": is_error,
                "ms": millis,
            }));
        }
    }

    /// Discards the record of a request, when no console is open any longer.
    pub(crate) fn discard(&self, trace_id: &str) {
        self.0.invocations.lock().remove(&trace_root(trace_id));
    }

    /// Completes the record of a request and sends it.
    pub(crate) fn end(&self, trace_id: &str, mut record: Value) {
        let invocations = self
            .0
            .invocations
            .lock()
            .remove(&trace_root(trace_id))
            .unwrap_or_default();
        record["invocations"] = Value::Array(invocations);
        remove_signatures(&mut record);
        // An `Err` means that no console is open any longer.
        let _ = self.0.records.send(record.to_string().into());
    }
}

fn trace_root(trace_id: &str) -> String {
    let root = trace_id
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="));
    root.unwrap_or_default().to_owned()
}

/// A body as text, truncated if it is long.
pub(crate) fn displayed_body(bytes: &[u8]) -> Value {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_SHOWN_BODY)]);
    if bytes.len() > MAX_SHOWN_BODY {
        json!(format!("{shown}… ({} bytes in all)", bytes.len()))
    } else {
        json!(shown)
    }
}

/// Removes the signature of every JSON Web Token in a value.
fn remove_signatures(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("eyJ") => *text = without_signatures(text),
        Value::Array(items) => items.iter_mut().for_each(remove_signatures),
        Value::Object(members) => members.values_mut().for_each(remove_signatures),
        _ => {}
    }
}

fn without_signatures(text: &str) -> String {
    let is_token_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_token_character(c)).unwrap_or(from.len());
        let (token, after) = from.split_at(end);
        let mut parts = token.splitn(3, '.');
        let kept: Vec<_> = parts.by_ref().take(2).collect();
        cleaned.push_str(before);
        cleaned.push_str(&kept.join("."));
        cleaned.push_str(if parts.next().is_some() {
            ".[signature removed]"
        } else {
            ""
        });
        rest = after;
    }
    cleaned + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_record_holds_the_invocations_of_its_trace_and_no_signature() {
        let recorder = Recorder::default();
        let mut records = recorder.subscribe();
        recorder.begin("Root=1-a-b;Sampled=0");
        recorder.invocation("Root=1-a-b;Parent=c", "core", b"{}", b"null", false, 1.0);
        recorder.invocation("Root=1-other", "core", b"{}", b"null", false, 1.0);
        recorder.end(
            "Root=1-a-b",
            json!({ "headers": { "authorization": "Bearer eyJh.eyJi.c2ln, eyJh.eyJi.c2ln" } }),
        );
        insta::assert_snapshot!(records.recv().await.expect("a record"), @r#"{"headers":{"authorization":"Bearer eyJh.eyJi.[signature removed], eyJh.eyJi.[signature removed]"},"invocations":[{"function":"core","isError":false,"ms":1.0,"payload":"{}","reply":"null"}]}"#);
    }

    #[test]
    fn nothing_is_kept_while_nobody_looks() {
        let recorder = Recorder::default();
        recorder.begin("Root=1-a-b");
        assert!(recorder.0.invocations.lock().is_empty());
    }
}

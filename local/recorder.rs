//! What passes through the rooms, for the console to show: one record for each request to the API, when it is answered.
//!
//! Nothing is recorded while nobody looks. The signatures of tokens are cut off before anything leaves this file.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::broadcast;

/// How much of a body is shown, in bytes.
const MAX_SHOWN_BODY: usize = 64 * 1024;
/// How many records a slow reader may be behind.
const BACKLOG: usize = 64;

/// Gathers what belongs to one request by its trace, and hands it to whoever looks.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    records: broadcast::Sender<Arc<str>>,
    invocations: Mutex<HashMap<String, Vec<Value>>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self(Arc::new(Inner { records: broadcast::Sender::new(BACKLOG), invocations: Mutex::default() }))
    }
}

impl Recorder {
    /// Whether somebody looks.
    pub(crate) fn has_subscribers(&self) -> bool {
        self.0.records.receiver_count() > 0
    }

    /// Records from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        self.0.records.subscribe()
    }

    /// A request has come in: invocations of its trace belong to it.
    pub(crate) fn begin(&self, trace_id: &str) {
        if self.has_subscribers() {
            self.0.invocations.lock().insert(trace_root(trace_id), Vec::new());
        }
    }

    /// A function was invoked.
    pub(crate) fn invocation(&self, trace_id: &str, function: &str, payload: &[u8], reply: &[u8], is_error: bool, millis: f64) {
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

    /// The request is answered, and nobody looks any longer.
    pub(crate) fn discard(&self, trace_id: &str) {
        self.0.invocations.lock().remove(&trace_root(trace_id));
    }

    /// The request is answered: everything that belongs to it is handed out.
    pub(crate) fn end(&self, trace_id: &str, mut record: Value) {
        let invocations = self.0.invocations.lock().remove(&trace_root(trace_id)).unwrap_or_default();
        record["invocations"] = Value::Array(invocations);
        remove_signatures(&mut record);
        // An `Err` says that nobody looks any longer.
        let _ = self.0.records.send(record.to_string().into());
    }
}

fn trace_root(trace_id: &str) -> String {
    let root = trace_id.split(';').find_map(|part| part.trim().strip_prefix("Root="));
    root.unwrap_or_default().to_owned()
}

/// A body as text, cut where it is long.
pub(crate) fn displayed_body(bytes: &[u8]) -> Value {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_SHOWN_BODY)]);
    if bytes.len() > MAX_SHOWN_BODY { json!(format!("{shown}… ({} bytes in all)", bytes.len())) } else { json!(shown) }
}

/// Every JSON Web Token within loses its third part.
fn remove_signatures(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("eyJ") => *text = without_signatures(text),
        Value::Array(items) => items.iter_mut().for_each(remove_signatures),
        Value::Object(members) => members.values_mut().for_each(remove_signatures),
        _ => {}
    }
}

fn without_signatures(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut cut = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_token(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let mut parts = word.splitn(3, '.');
        let kept: Vec<_> = parts.by_ref().take(2).collect();
        cut.push_str(before);
        cut.push_str(&kept.join("."));
        cut.push_str(if parts.next().is_some() { ".[signature cut]" } else { "" });
        rest = after;
    }
    cut + rest
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
        recorder.end("Root=1-a-b", json!({ "headers": { "authorization": "Bearer eyJh.eyJi.c2ln, eyJh.eyJi.c2ln" } }));
        insta::assert_snapshot!(records.recv().await.expect("a record"), @r#"{"headers":{"authorization":"Bearer eyJh.eyJi.[signature cut], eyJh.eyJi.[signature cut]"},"invocations":[{"function":"core","isError":false,"ms":1.0,"payload":"{}","reply":"null"}]}"#);
    }

    #[test]
    fn nothing_is_kept_while_nobody_looks() {
        let recorder = Recorder::default();
        recorder.begin("Root=1-a-b");
        assert!(recorder.0.invocations.lock().is_empty());
    }
}

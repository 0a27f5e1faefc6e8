//! The recorder: the last requests through every entry point, with what each hop did to them, for
//! the console, the command line and the terminal.
//!
//! It records from the start of the stack on, whether anybody looks or not, and keeps at most
//! [`MAX_RECORDS`] requests and [`MAX_BYTES`] of memory. Services note what they do in a
//! `Recording`; when it is dropped, the record ends. What must not leave the process is removed
//! when a record is read.

mod checks;
mod facts;
mod filter;
mod hops;
mod mend;
mod record;
mod recording;
mod redaction;
mod text;
mod view;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use axum::http::HeaderMap;
use axum::http::request::Parts;
use parking_lot::Mutex;
use tokio::sync::watch;

use facts::{Facts, SentMail};
pub(crate) use facts::{Refusal, Rule, TokenRefusal};
pub(crate) use filter::Filter;
pub use record::{EntryPoint, Mail, Record, RecordState, Summary};
pub(crate) use recording::{InvocationHandle, InvocationRecording, Recording};
pub(crate) use text::write_record;
use view::summary_line;

/// The most records that are kept.
pub const MAX_RECORDS: usize = 200;
/// The most memory that records take, in bytes. Beyond it the oldest are dropped.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// The most messages of Cognito's that are kept.
const MAX_MAIL: usize = 20;

/// Collects the records. Clones share one recorder.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_enabled: AtomicBool,
    prints: AtomicBool,
    history: Mutex<History>,
    /// The number of the last change.
    change: AtomicU64,
    changes: watch::Sender<u64>,
    /// The records to which requests with these spans belong, and the invocation whose function
    /// sends them.
    spans: Mutex<HashMap<u64, Origin>>,
    /// What is known of requests that the console is about to send, by the root of their trace.
    announced: Mutex<HashMap<String, Announcement>>,
}

#[derive(Debug, Default)]
struct History {
    last_id: u64,
    /// The memory that the kept records take, in bytes.
    bytes: usize,
    records: VecDeque<Arc<Entry>>,
    mail: VecDeque<SentMail>,
}

/// One record in the history.
#[derive(Debug)]
struct Entry {
    id: u64,
    /// The number of its last change.
    change: AtomicU64,
    bytes: AtomicUsize,
    is_dropped: AtomicBool,
    facts: Mutex<Facts>,
}

/// The record and the invocation that a request to Lambda comes from.
#[derive(Debug, Clone)]
struct Origin {
    entry: Weak<Entry>,
    caller: Option<usize>,
}

/// What the console says of a request before it sends it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Announcement {
    /// The record that the request repeats.
    pub replay_of: Option<u64>,
    /// The experiment of the error lab.
    pub experiment: Option<&'static str>,
    /// The function that takes the place of the one that a function invokes.
    pub stand_in: Option<&'static str>,
}

/// A stored request that can be sent again.
#[derive(Debug)]
pub(crate) struct StoredRequest {
    pub entry_point: EntryPoint,
    pub method: axum::http::Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: axum::body::Bytes,
    /// The function that a function URL invokes.
    pub function: Option<String>,
    /// Whether the body is only the beginning, so that it cannot be sent again.
    pub is_truncated: bool,
}

/// What has changed since a number.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Changes {
    /// The number of the last change.
    pub change: u64,
    pub records: Vec<Summary>,
    pub mail: Vec<Mail>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            is_enabled: AtomicBool::new(true),
            prints: AtomicBool::new(false),
            history: Mutex::default(),
            change: AtomicU64::new(0),
            changes: watch::Sender::new(0),
            spans: Mutex::default(),
            announced: Mutex::default(),
        }
    }
}

impl Recorder {
    /// Records nothing from now on. Only for measuring what recording costs.
    pub fn disable(&self) {
        self.0.is_enabled.store(false, Ordering::Relaxed);
    }

    /// Prints a line for each request when it ends.
    pub fn print_requests(&self) {
        self.0.prints.store(true, Ordering::Relaxed);
    }

    /// Starts the record of a request.
    pub(crate) fn begin(&self, entry_point: EntryPoint, parts: &Parts) -> Recording {
        if !self.0.is_enabled.load(Ordering::Relaxed) {
            return Recording::disabled();
        }
        let mut facts = Facts::new(entry_point, parts);
        if let Some(announcement) = self.announcement(&parts.headers) {
            facts.replay_of = announcement.replay_of;
            facts.experiment = announcement.experiment;
            facts.stand_in = announcement.stand_in;
        }
        let size = facts.initial_size();
        let entry = {
            let mut history = self.0.history.lock();
            history.last_id += 1;
            let entry = Arc::new(Entry {
                id: history.last_id,
                change: AtomicU64::new(0),
                bytes: AtomicUsize::new(0),
                is_dropped: AtomicBool::new(false),
                facts: Mutex::new(facts),
            });
            history.records.push_back(Arc::clone(&entry));
            entry
        };
        self.0.grow(&entry, size);
        self.0.changed(&entry);
        Recording::new(self.clone(), entry)
    }

    /// Starts the record of a request to invoke a function: as an invocation of the request that
    /// caused it, which the trace header tells, or else as a request of its own.
    pub(crate) fn invocation(&self, parts: &Parts, function: &str) -> InvocationRecording {
        let trace = parts
            .headers
            .get("x-amzn-trace-id")
            .and_then(|value| value.to_str().ok());
        let origin = trace
            .and_then(span_of)
            .and_then(|span| self.0.spans.lock().get(&span).cloned());
        let entry = origin
            .as_ref()
            .and_then(|origin| origin.entry.upgrade())
            .filter(|entry| !entry.is_dropped.load(Ordering::Relaxed));
        match (entry, origin) {
            (Some(entry), Some(Origin { caller, .. })) => {
                InvocationRecording::nested(self, entry, caller, function)
            }
            _ => InvocationRecording::root(self.begin(EntryPoint::Invoke, parts), function),
        }
    }

    /// Keeps a message that Cognito would send.
    pub(crate) fn mail(&self, to: &str, purpose: &str, code: &str) {
        if !self.0.is_enabled.load(Ordering::Relaxed) {
            return;
        }
        let change = self.0.next_change();
        let mail = Mail {
            at: jiff::Timestamp::now().as_millisecond(),
            to: to.to_owned(),
            purpose: purpose.to_owned(),
            code: code.to_owned(),
        };
        let mut history = self.0.history.lock();
        history.mail.push_back(SentMail { change, mail });
        if history.mail.len() > MAX_MAIL {
            history.mail.pop_front();
        }
        drop(history);
        self.0.notify(change);
    }

    /// Says what a request is that the console is about to send with this trace root.
    pub(crate) fn announce(&self, root: &str, announcement: Announcement) {
        self.0
            .announced
            .lock()
            .insert(root.to_owned(), announcement);
    }

    /// Forgets an announcement, after the request was sent.
    pub(crate) fn forget_announcement(&self, root: &str) {
        self.0.announced.lock().remove(root);
    }

    fn announcement(&self, headers: &HeaderMap) -> Option<Announcement> {
        let announced = self.0.announced.lock();
        if announced.is_empty() {
            return None;
        }
        let trace = headers.get("x-amzn-trace-id")?.to_str().ok()?;
        announced.get(trace_root(trace)).copied()
    }

    /// The numbers of the records whose request has this trace root, oldest first.
    pub(crate) fn ids_of_trace(&self, root: &str) -> Vec<u64> {
        self.entries()
            .iter()
            .filter(|entry| trace_root(&entry.facts.lock().trace_id) == root)
            .map(|entry| entry.id)
            .collect()
    }

    /// Subscribes to the numbers of changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// What has changed since a number; everything for 0.
    pub(crate) fn changes_since(&self, since: u64) -> Changes {
        let change = self.0.change.load(Ordering::SeqCst);
        let changed = |entry: &&Arc<Entry>| entry.change.load(Ordering::SeqCst) > since;
        let records = self
            .entries()
            .iter()
            .filter(changed)
            .map(|entry| view::summary(entry.id, &entry.facts.lock()))
            .collect();
        let mail = self.0.history.lock().mail.clone();
        let mail = mail.into_iter().filter(|mail| mail.change > since);
        Changes {
            change,
            records,
            mail: mail.map(|sent| sent.mail).collect(),
        }
    }

    /// The records that a filter selects, newest first.
    pub(crate) fn list(&self, filter: &Filter) -> Vec<Summary> {
        let mut summaries = Vec::new();
        for entry in self.entries().iter().rev() {
            let facts = entry.facts.lock();
            let summary = view::summary(entry.id, &facts);
            if filter.selects(&summary, &facts) {
                summaries.push(summary);
            }
            if summaries.len() >= filter.limit() {
                break;
            }
        }
        summaries
    }

    /// A record by its number, or by a request id of the API, of Lambda or of the edge.
    pub(crate) fn find(&self, id: &str) -> Option<Record> {
        let number = id.parse::<u64>().ok();
        let entries = self.entries();
        let by_number = entries.iter().find(|entry| Some(entry.id) == number);
        let entry = by_number.or_else(|| {
            entries.iter().rev().find(|entry| {
                let facts = entry.facts.lock();
                facts.request_id == id
                    || facts
                        .invocations
                        .iter()
                        .any(|invocation| invocation.request_id == id)
            })
        })?;
        Some(view::record(entry.id, &entry.facts.lock()))
    }

    /// The request of a record as it arrived, to be sent again by the stack itself.
    pub(crate) fn stored_request(&self, id: u64) -> Option<StoredRequest> {
        let entries = self.entries();
        let entry = entries.iter().find(|entry| entry.id == id)?;
        let facts = entry.facts.lock();
        Some(StoredRequest {
            entry_point: facts.entry_point,
            method: facts.method.clone(),
            path: facts.path.clone(),
            headers: facts.headers.clone(),
            function: facts.function.clone(),
            body: facts::bytes_of(&facts.body.kept),
            is_truncated: facts.body.total > facts.body.kept.len(),
        })
    }

    fn entries(&self) -> Vec<Arc<Entry>> {
        self.0.history.lock().records.iter().cloned().collect()
    }
}

impl Inner {
    /// Counts the memory of a record, and drops the oldest records while there are too many or they
    /// take too much.
    fn grow(&self, entry: &Entry, size: usize) {
        let mut dropped = Vec::new();
        {
            let mut history = self.history.lock();
            if entry.is_dropped.load(Ordering::Relaxed) {
                return;
            }
            entry.bytes.fetch_add(size, Ordering::Relaxed);
            history.bytes += size;
            while history.bytes > MAX_BYTES || history.records.len() > MAX_RECORDS {
                let Some(oldest) = history.records.pop_front() else {
                    break;
                };
                oldest.is_dropped.store(true, Ordering::Relaxed);
                history.bytes -= oldest.bytes.load(Ordering::Relaxed);
                dropped.push(oldest);
            }
        }
        for entry in dropped {
            let mut facts = entry.facts.lock();
            let mut spans = self.spans.lock();
            facts.spans.iter().for_each(|span| drop(spans.remove(span)));
            drop(spans);
            // Its request may still be in progress.
            facts.clear();
        }
    }

    /// Remembers that requests with this span belong to a record.
    fn add_span(&self, span: u64, origin: Origin) {
        self.spans.lock().insert(span, origin);
    }

    fn next_change(&self) -> u64 {
        self.change.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn changed(&self, entry: &Entry) {
        let change = self.next_change();
        entry.change.store(change, Ordering::SeqCst);
        self.notify(change);
    }

    fn notify(&self, change: u64) {
        if self.changes.receiver_count() > 0 {
            self.changes.send_replace(change);
        }
    }
}

/// The root of a trace header.
pub(crate) fn trace_root(trace_id: &str) -> &str {
    trace_id
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="))
        .unwrap_or_default()
}

/// The span of the sender of a request: the parent in its trace header.
fn span_of(trace_id: &str) -> Option<u64> {
    let parent = trace_id
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Parent="))?;
    u64::from_str_radix(parent, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use axum::response::Response;
    use http_body_util::BodyExt;

    fn parts() -> Parts {
        let request = Request::post("/inference").header("authorization", "Bearer eyJh.eyJi.c2ln");
        request.body(()).expect("a request").into_parts().0
    }

    async fn answer(recording: Recording, body: &str) {
        let response = recording.respond(Response::new(Body::from(body.to_owned())));
        let _ = response.into_body().collect().await;
    }

    #[tokio::test]
    async fn a_record_has_the_invocations_that_its_request_caused_and_no_signature() {
        let recorder = Recorder::default();
        let recording = recorder.begin(EntryPoint::HttpApi, &parts());
        recording.ids("one", "Root=1-a-b");
        let header = recording.trace_for_lambda("Root=1-a-b");
        let mut lambda_parts = parts();
        let trace = header.parse().expect("a header");
        lambda_parts.headers.insert("x-amzn-trace-id", trace);
        let invocation = recorder.invocation(&lambda_parts, "edge");
        let header = invocation.request("two", Some(&header), b"{}");
        let trace = header.parse().expect("a header");
        lambda_parts.headers.insert("x-amzn-trace-id", trace);
        drop(recorder.invocation(&lambda_parts, "core"));
        drop(invocation);
        answer(recording, "{}").await;
        let record = recorder.find("one").expect("a record");
        let functions: Vec<_> = record.invocations.iter().map(|one| &one.function).collect();
        assert_eq!(functions, ["edge", "core"]);
        let authorization = &record.request.headers["authorization"];
        assert_eq!(authorization, "Bearer eyJh.eyJi.[signature removed]");
        assert_eq!(
            recorder.find("two").map(|record| record.summary.id),
            Some(1)
        );
    }

    #[tokio::test]
    async fn requests_at_once_with_one_trace_root_do_not_mix() {
        let recorder = Recorder::default();
        let recordings = [(); 2].map(|()| recorder.begin(EntryPoint::HttpApi, &parts()));
        for (recording, function) in recordings.iter().zip(["edge", "edge-open"]) {
            let header = recording.trace_for_lambda("Root=1-a-b");
            let mut parts = parts();
            let trace = header.parse().expect("a header");
            parts.headers.insert("x-amzn-trace-id", trace);
            drop(recorder.invocation(&parts, function));
        }
        let functions = ["1", "2"].map(|id| {
            let record = recorder.find(id).expect("a record");
            record
                .invocations
                .iter()
                .map(|one| one.function.clone())
                .collect::<Vec<_>>()
        });
        assert_eq!(functions, [["edge"], ["edge-open"]]);
    }

    #[tokio::test]
    async fn a_request_that_the_client_aborts_ends_as_aborted() {
        let recorder = Recorder::default();
        drop(recorder.begin(EntryPoint::HttpApi, &parts()));
        let recording = recorder.begin(EntryPoint::HttpApi, &parts());
        drop(recording.respond(Response::new(Body::from("not read"))));
        answer(recorder.begin(EntryPoint::HttpApi, &parts()), "read").await;
        // The server drops a body that the status does not allow.
        let mut no_content = Response::new(Body::from("not read"));
        *no_content.status_mut() = axum::http::StatusCode::NO_CONTENT;
        drop(
            recorder
                .begin(EntryPoint::HttpApi, &parts())
                .respond(no_content),
        );
        let states = ["1", "2", "3", "4"].map(|id| recorder.find(id).map(|one| one.summary.state));
        use RecordState::{Aborted, Complete};
        let expected = [Aborted, Aborted, Complete, Complete];
        assert_eq!(states, expected.map(Some));
    }

    #[tokio::test]
    async fn the_number_and_the_memory_of_the_records_are_bounded() {
        let recorder = Recorder::default();
        let body = vec![b'x'; 1024 * 1024];
        let mut open = Vec::new();
        for _ in 0..3 * MAX_RECORDS {
            let recording = recorder.begin(EntryPoint::HttpApi, &parts());
            recording.body(&body);
            recording.trace_for_lambda("Root=1-a-b");
            for _ in 0..20 {
                let invocation = recording.invocation("edge");
                invocation.request("id", None, &body);
            }
            open.push(recording);
        }
        let (count, bytes) = {
            let history = recorder.0.history.lock();
            (history.records.len(), history.bytes)
        };
        assert!(
            count <= MAX_RECORDS && bytes <= MAX_BYTES,
            "{count}, {bytes}"
        );
        assert!(count > 10, "{count} records are kept");
        let kept: usize = recorder
            .0
            .history
            .lock()
            .records
            .iter()
            .map(|entry| entry.facts.lock().body.kept.capacity())
            .sum();
        assert!(kept <= bytes + count * 1024, "{kept} of {bytes}");
        // What was dropped holds no body, although its request is still open.
        let spans = recorder.0.spans.lock().len();
        assert!(spans <= 22 * count, "{spans} spans of {count} records");
        drop(open);
    }

    #[test]
    fn nothing_is_recorded_when_recording_is_off() {
        let recorder = Recorder::default();
        recorder.disable();
        drop(recorder.begin(EntryPoint::HttpApi, &parts()));
        recorder.mail("a@example.edu", "SignUp", "123456");
        let changes = recorder.changes_since(0);
        assert!(changes.records.is_empty() && changes.mail.is_empty());
    }
}

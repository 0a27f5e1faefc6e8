//! The recorder: the last requests through every entry point, with what each hop did to them, for
//! the console, the command line and the terminal.
//!
//! It records from the start of the stack on, whether anybody looks or not, and keeps at most
//! [`MAX_RECORDS`] requests, those of the last seconds besides, and [`MAX_BYTES`] of memory.
//! Services note what they do in a `Recording`; when it is dropped, the record ends. What must not
//! leave the process is removed when a record is read.

mod checks;
mod edge_reply;
mod facts;
mod filter;
mod history;
mod hops;
mod mend;
mod periods;
mod record;
mod recording;
mod redaction;
mod text;
mod view;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use tokio::sync::watch;

use facts::{Facts, SentMail};
pub(crate) use facts::{Refusal, Rule, TokenRefusal};
pub(crate) use filter::Filter;
use history::{Entry, Inner, Origin};
pub use record::{EntryPoint, Mail, Record, RecordState, Summary};
pub(crate) use recording::{InvocationHandle, InvocationRecording, Recording};
pub(crate) use text::write_record;
use view::summary_line;

/// The most records that are listed, and that are kept when they are older than ten
/// seconds.
pub const MAX_RECORDS: usize = 200;
/// How long a record is kept if the memory allows it, however many come after it: under load, one
/// that was just listed can still be read.
const MIN_AGE: Duration = Duration::from_secs(10);
/// The most memory that records take, in bytes. Beyond it the oldest are dropped.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// The most messages of Cognito's that are kept.
const MAX_MAIL: usize = 20;

/// Collects the records. Clones share one recorder.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Inner>);

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
    pub id: u64,
    /// When it arrived, in milliseconds since 1970.
    pub at: i64,
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
        let entry = self.0.push(facts);
        Recording::new(self.clone(), entry)
    }

    /// Starts the record of a request to invoke a function: as an invocation of the request that
    /// caused it, which the trace header tells, or else as a request of its own.
    pub(crate) fn invocation(&self, parts: &Parts, function: &str) -> InvocationRecording {
        let trace = parts
            .headers
            .get("x-amzn-trace-id")
            .and_then(|value| value.to_str().ok());
        let origin = trace.and_then(|trace| self.0.origin(trace));
        let known = origin.and_then(|Origin { entry, caller }| Some((entry.upgrade()?, caller)));
        let kept = known.filter(|(entry, _)| !entry.is_dropped.load(Ordering::Relaxed));
        match kept {
            Some((entry, caller)) => InvocationRecording::nested(self, entry, caller, function),
            None => InvocationRecording::root(self.begin(EntryPoint::Invoke, parts), function),
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
        self.0
            .entries()
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
            .0
            .listed()
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
        for entry in self.0.listed().iter().rev() {
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
        let entries = self.0.entries();
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
        let entries = self.0.entries();
        let entry = entries.iter().find(|entry| entry.id == id)?;
        let facts = entry.facts.lock();
        Some(StoredRequest {
            id,
            at: facts.at,
            entry_point: facts.entry_point,
            method: facts.method.clone(),
            path: facts.path.clone(),
            headers: facts.headers.clone(),
            function: facts.function.clone(),
            body: facts::bytes_of(&facts.body.kept),
            is_truncated: facts.body.total > facts.body.kept.len(),
        })
    }
}

/// The root of a trace header.
pub(crate) fn trace_root(trace_id: &str) -> &str {
    trace_id
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;

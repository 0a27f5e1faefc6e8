//! The records that are kept, within bounds of number and memory, and the numbers of their changes.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::facts::{Facts, SentMail};
use super::{Announcement, MAX_BYTES, MAX_RECORDS, MIN_AGE};

/// What all clones of a recorder share.
#[derive(Debug)]
pub(super) struct Inner {
    pub is_enabled: AtomicBool,
    pub prints: AtomicBool,
    pub history: Mutex<History>,
    /// The number of the last change.
    pub change: AtomicU64,
    pub changes: watch::Sender<u64>,
    /// The records to which requests with these spans belong, and the invocation whose function
    /// sends them.
    pub spans: Mutex<HashMap<u64, Origin>>,
    /// What is known of requests that the console is about to send, by the root of their trace.
    pub announced: Mutex<HashMap<String, Announcement>>,
}

/// The records and messages that are kept, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    pub last_id: u64,
    /// The memory that the kept records take, in bytes.
    pub bytes: usize,
    pub records: VecDeque<Arc<Entry>>,
    pub mail: VecDeque<SentMail>,
}

/// One record in the history.
#[derive(Debug)]
pub(super) struct Entry {
    pub id: u64,
    pub arrived: Instant,
    /// The number of its last change.
    pub change: AtomicU64,
    pub bytes: AtomicUsize,
    pub is_dropped: AtomicBool,
    pub facts: Mutex<Facts>,
}

/// The record and the invocation that a request to Lambda comes from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub entry: Weak<Entry>,
    pub caller: Option<usize>,
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

impl History {
    /// Removes the oldest record if there are too many or they take too much.
    fn take_superfluous(&mut self, now: Instant) -> Option<Arc<Entry>> {
        let oldest = self.records.front()?;
        let is_old = now.saturating_duration_since(oldest.arrived) >= MIN_AGE;
        let is_superfluous = self.bytes > MAX_BYTES || (self.records.len() > MAX_RECORDS && is_old);
        is_superfluous.then(|| self.records.pop_front()).flatten()
    }
}

impl Inner {
    /// Begins a record.
    pub(super) fn push(&self, facts: Facts) -> Arc<Entry> {
        let size = facts.initial_size();
        let entry = {
            let mut history = self.history.lock();
            history.last_id += 1;
            let entry = Arc::new(Entry {
                id: history.last_id,
                arrived: Instant::now(),
                change: AtomicU64::new(0),
                bytes: AtomicUsize::new(0),
                is_dropped: AtomicBool::new(false),
                facts: Mutex::new(facts),
            });
            history.records.push_back(Arc::clone(&entry));
            entry
        };
        self.grow(&entry, size);
        self.changed(&entry);
        entry
    }

    /// Changes what is known of a request, unless its record was dropped; `change` gives the bytes
    /// that it adds.
    pub(super) fn note(&self, entry: &Entry, change: impl FnOnce(&mut Facts) -> usize) {
        if entry.is_dropped.load(Ordering::Relaxed) {
            return;
        }
        let size = change(&mut entry.facts.lock());
        self.grow(entry, size);
        self.changed(entry);
    }

    /// Remembers that the requests sent with this trace header belong to a record, and to the
    /// invocation whose function sends them.
    pub(super) fn add_span(&self, entry: &Arc<Entry>, caller: Option<usize>, header: &str) {
        let Some(span) = span_of(header) else {
            return;
        };
        self.note(entry, |facts| {
            facts.spans.push(span);
            size_of::<u64>() + size_of::<Origin>()
        });
        let origin = Origin {
            entry: Arc::downgrade(entry),
            caller,
        };
        self.spans.lock().insert(span, origin);
    }

    /// Where a request with this trace header comes from.
    pub(super) fn origin(&self, header: &str) -> Option<Origin> {
        let span = span_of(header)?;
        self.spans.lock().get(&span).cloned()
    }

    /// The records of a list, oldest first.
    pub(super) fn listed(&self) -> Vec<Arc<Entry>> {
        let records = &self.history.lock().records;
        let older = records.len().saturating_sub(MAX_RECORDS);
        records.iter().skip(older).cloned().collect()
    }

    /// All records, oldest first.
    pub(super) fn entries(&self) -> Vec<Arc<Entry>> {
        self.history.lock().records.iter().cloned().collect()
    }

    /// Counts the memory of a record, and drops the oldest records while there are too many or they
    /// take too much.
    fn grow(&self, entry: &Entry, size: usize) {
        self.grow_at(entry, size, Instant::now());
    }

    pub(super) fn grow_at(&self, entry: &Entry, size: usize, now: Instant) {
        let mut dropped = Vec::new();
        {
            let mut history = self.history.lock();
            if entry.is_dropped.load(Ordering::Relaxed) {
                return;
            }
            entry.bytes.fetch_add(size, Ordering::Relaxed);
            history.bytes += size;
            while let Some(oldest) = history.take_superfluous(now) {
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

    pub(super) fn next_change(&self) -> u64 {
        self.change.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn changed(&self, entry: &Entry) {
        let change = self.next_change();
        entry.change.store(change, Ordering::SeqCst);
        self.notify(change);
    }

    pub(super) fn notify(&self, change: u64) {
        if self.changes.receiver_count() > 0 {
            self.changes.send_replace(change);
        }
    }
}

/// The span of the sender of a request: the parent in its trace header.
fn span_of(trace_id: &str) -> Option<u64> {
    let parent = trace_id
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Parent="))?;
    u64::from_str_radix(parent, 16).ok()
}

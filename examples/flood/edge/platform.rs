//! The Runtime API and the Invoke API for one edge, on plain sockets: hands out the events, takes
//! the answers, and sees that there is one for each, and that the edge does not grow.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use testkit::event_files;

use super::core;
use crate::request::read_request;
use crate::watch::Held;

/// How much more memory than after a tenth of the events is a leak, in KiB.
const MAX_GROWTH: u64 = 4096;
/// How many more descriptors than after a tenth of the events are a leak. A connection that broke
/// may not be closed yet.
const MAX_MORE_DESCRIPTORS: u64 = 2;
/// Events of more bytes come once in ten thousand.
const LARGE: usize = 100_000;

/// An event as the Runtime API hands it out.
#[derive(Debug)]
struct Event {
    /// The header with the Cognito identity, where the invocation has one.
    identity: String,
    text: String,
}

/// What the connections of the edge share.
#[derive(Debug)]
pub struct Platform {
    events: Vec<Event>,
    large_events: Vec<Event>,
    requests: u64,
    pid: u32,
    handed_out: AtomicU64,
    answered: AtomicU64,
    calls: AtomicU64,
    after_a_tenth: Mutex<Option<Held>>,
    start: Instant,
    end: Sender<Result<(), String>>,
}

impl Platform {
    /// Hands out this number of events to a process, and sends the result.
    pub fn new(requests: u64, pid: u32, end: Sender<Result<(), String>>) -> Self {
        let events = event_files::events().into_iter().map(|named| {
            let identity = named.expected.cognito_identity;
            let identity =
                identity.map(|identity| format!("Lambda-Runtime-Cognito-Identity: {identity}\r\n"));
            Event {
                identity: identity.unwrap_or_default(),
                text: named.event,
            }
        });
        let (large_events, events) = events.partition(|event| event.text.len() > LARGE);
        Self {
            events,
            large_events,
            requests,
            pid,
            handed_out: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            after_a_tenth: Mutex::default(),
            start: Instant::now(),
            end,
        }
    }

    /// How often core was called.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Serves a connection until it closes.
    pub fn serve(&self, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut writer = stream.try_clone().ok()?;
        let mut reader = BufReader::with_capacity(64 * 1024, stream);
        loop {
            let request = read_request(&mut reader)?;
            if request.path.ends_with("/invocation/next") {
                self.hand_out(&mut writer)?;
            } else if request.path.contains("/runtime/invocation/") {
                self.take_answer(&request.path, &request.body);
                write_answer(&mut writer, "202 Accepted\r\n", br#"{"status":"OK"}"#, 0)?;
            } else {
                let call = self.calls.fetch_add(1, Ordering::SeqCst);
                let answer = core::answer(call, &request.path);
                let missing = if answer.is_cut { 100 } else { 0 };
                write_answer(&mut writer, answer.head, &answer.body, missing)?;
                if answer.is_cut {
                    return None;
                }
            }
        }
    }

    fn hand_out(&self, writer: &mut TcpStream) -> Option<()> {
        let id = self.handed_out.load(Ordering::SeqCst);
        if self.answered.load(Ordering::SeqCst) != id {
            self.fail(format!("event {id} was not answered before the next poll"));
        }
        if id == self.requests {
            let _ = self.end.send(Ok(()));
            return None;
        }
        self.handed_out.store(id + 1, Ordering::SeqCst);
        let event = self.event(id);
        let head = format!(
            "200 OK\r\nLambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n{}",
            event.identity
        );
        write_answer(writer, &head, event.text.as_bytes(), 0)
    }

    fn event(&self, id: u64) -> &Event {
        let in_turn = |events: &[Event], at: u64| (at % events.len().max(1) as u64) as usize;
        let large = self
            .large_events
            .get(in_turn(&self.large_events, id / 10_000));
        match large.filter(|_| id % 10_000 == 9) {
            Some(large) => large,
            None => &self.events[in_turn(&self.events, id)],
        }
    }

    fn take_answer(&self, path: &str, body: &[u8]) {
        let id = path.split('/').nth_back(1);
        let id = id.and_then(|id| id.parse::<u64>().ok());
        let expected = self.answered.fetch_add(1, Ordering::SeqCst);
        if id != Some(expected) || body.is_empty() {
            let length = body.len();
            self.fail(format!(
                "instead of an answer to event {expected} came one to {path}, of {length} bytes"
            ));
        }
        let step = (self.requests / 10).max(1);
        if (expected + 1).is_multiple_of(step) {
            self.report(expected + 1);
        }
    }

    /// Prints what the edge holds; that is an error if it is more than after a tenth.
    fn report(&self, answered: u64) {
        let held = match Held::by(self.pid) {
            Ok(held) => held,
            Err(why) => return self.fail(why),
        };
        let seconds = self.start.elapsed().as_secs_f64();
        println!("{answered:>8} answered, {seconds:4.0} s, {held}");
        let Ok(mut first) = self.after_a_tenth.lock() else {
            return;
        };
        let first = first.get_or_insert(held);
        if held.memory > first.memory + MAX_GROWTH
            || held.descriptors > first.descriptors + MAX_MORE_DESCRIPTORS
        {
            self.fail(format!("the edge has grown from {first} to {held}"));
        }
    }

    fn fail(&self, why: String) {
        let _ = self.end.send(Err(why));
    }
}

/// Writes an answer, of whose body this number of bytes is missing.
fn write_answer(writer: &mut TcpStream, head: &str, body: &[u8], missing: usize) -> Option<()> {
    let length = body.len() + missing;
    let head = format!("HTTP/1.1 {head}Content-Length: {length}\r\n\r\n");
    writer.write_all(&[head.as_bytes(), body].concat()).ok()
}

//! The events that wait for a free environment. Their callers have their answer already.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html>

use std::collections::VecDeque;

use crate::lambda::invocation::Invocation;

/// The most payloads that are queued, in bytes together, because they are held in memory.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// The most events that are queued.
const MAX_EVENTS: usize = 10_000;

/// The queue, first in, first out.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    events: VecDeque<Invocation>,
    bytes: usize,
    is_served: bool,
}

impl EventQueue {
    /// Adds an event; gives it back if the queue is full.
    pub(super) fn push(&mut self, event: Invocation) -> Result<(), Box<Invocation>> {
        let bytes = self.bytes + event.payload.len();
        if bytes > MAX_BYTES || self.events.len() >= MAX_EVENTS {
            return Err(Box::new(event));
        }
        self.bytes = bytes;
        self.events.push_back(event);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<Invocation> {
        let event = self.events.pop_front()?;
        self.bytes -= event.payload.len();
        Some(event)
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.bytes = 0;
    }

    /// Marks the queue as served by a task; returns whether it was not before.
    pub(super) fn begin_serving(&mut self) -> bool {
        !std::mem::replace(&mut self.is_served, true)
    }

    /// Marks the queue as not served, so that the next event starts a task again.
    pub(super) fn end_serving(&mut self) {
        self.is_served = false;
    }
}

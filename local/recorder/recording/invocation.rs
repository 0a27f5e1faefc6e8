//! The handles for one invocation of a function: Lambda's, from the arrival of the request to the
//! response, and that of the environment which works on it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::response::Response;

use super::Recording;
use crate::recorder::Recorder;
use crate::recorder::facts::{
    AccessFacts, InvocationFacts, Refusal, StoredBody, push_log_line, push_piece,
};
use crate::recorder::history::Entry;
use crate::trace;

/// The record of one invocation, from its arrival at Lambda to Lambda's response.
#[derive(Debug)]
pub(crate) struct InvocationRecording {
    handle: InvocationHandle,
    /// The record of the request, if nothing else has caused the invocation.
    own: Option<Recording>,
}

/// Notes what an environment does for an invocation. It does not keep the record.
#[derive(Debug, Clone, Default)]
pub(crate) struct InvocationHandle(Option<(Recorder, Weak<Entry>, usize)>);

impl InvocationRecording {
    pub(super) fn disabled() -> Self {
        Self {
            handle: InvocationHandle::default(),
            own: None,
        }
    }

    /// The invocation of a request that is recorded already.
    pub(in crate::recorder) fn nested(
        recorder: &Recorder,
        entry: Arc<Entry>,
        caller: Option<usize>,
        function: &str,
    ) -> Self {
        let mut index = 0;
        recorder.0.note(&entry, |facts| {
            index = facts.invocations.len();
            let arrived = facts.elapsed();
            facts
                .invocations
                .push(InvocationFacts::new(function, caller, arrived));
            size_of::<InvocationFacts>()
        });
        Self {
            handle: InvocationHandle(Some((recorder.clone(), Arc::downgrade(&entry), index))),
            own: None,
        }
    }

    /// The invocation that a caller of the Invoke API has requested.
    pub(in crate::recorder) fn root(recording: Recording, function: &str) -> Self {
        recording.function(function);
        let nested = recording.invocation(function);
        Self {
            handle: nested.handle.clone(),
            own: Some(recording),
        }
    }

    /// The handle for the environment.
    pub(crate) fn handle(&self) -> InvocationHandle {
        self.handle.clone()
    }

    /// Notes Lambda's request id, the trace header and the payload, and returns the trace header
    /// for the function, by which the requests that the function sends are found to belong to
    /// this record.
    pub(crate) fn request(&self, request_id: &str, trace: Option<&str>, payload: &[u8]) -> String {
        let header = trace::for_next_service(trace);
        if let Some(own) = &self.own {
            own.ids(request_id, &header);
            own.body(payload);
        }
        self.handle.note(|invocation, _| {
            invocation.request_id = request_id.to_owned();
            invocation.payload = StoredBody::new(payload);
            invocation.payload.kept.len() + request_id.len()
        });
        if let Some((recorder, entry, index)) = &self.handle.0
            && let Some(entry) = entry.upgrade()
        {
            recorder.0.add_span(&entry, Some(*index), &header);
        }
        header
    }

    /// Notes the name of the function, after the caller's form of it was read.
    pub(crate) fn function(&self, name: &str) {
        if let Some(own) = &self.own {
            own.function(name);
        }
        self.handle.note(|invocation, _| {
            if invocation.function != name {
                invocation.function = name.to_owned();
            }
            0
        });
    }

    /// Notes the caller whose signature holds.
    pub(crate) fn signed_by(&self, principal: &str) {
        self.handle.note(|invocation, _| {
            invocation.access = Some(AccessFacts {
                principal: Some(principal.to_owned()),
                mismatch: None,
            });
            principal.len()
        });
    }

    /// Notes a signature that does not hold.
    pub(crate) fn signature_refused(&self, mismatch: Option<&sigv4::Mismatch>) {
        self.handle.note(|invocation, _| {
            invocation.access = Some(AccessFacts {
                principal: None,
                mismatch: mismatch.cloned(),
            });
            1024
        });
    }

    /// Notes the error with which Lambda answers in place of the function.
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.handle.note(|invocation, _| {
            let size = refusal.why.len();
            invocation.refusal = Some(refusal);
            size
        });
    }

    /// Passes Lambda's response on. If the invocation is a request of its own, its record ends with
    /// the response.
    pub(crate) fn respond(mut self, response: Response) -> Response {
        match self.own.take() {
            Some(own) => own.respond(response),
            None => response,
        }
    }
}

impl Drop for InvocationRecording {
    fn drop(&mut self) {
        self.handle.note(|invocation, now| {
            invocation.answered = Some(now);
            0
        });
    }
}

impl InvocationHandle {
    fn note(&self, change: impl FnOnce(&mut InvocationFacts, Duration) -> usize) {
        let Some((recorder, entry, index)) = &self.0 else {
            return;
        };
        let Some(entry) = entry.upgrade() else {
            return;
        };
        recorder.0.note(&entry, |facts| {
            let now = facts.elapsed();
            let invocation = facts.invocations.get_mut(*index);
            invocation.map_or(0, |invocation| change(invocation, now))
        });
    }

    /// The function that takes the place of the invoked one in an experiment.
    pub(crate) fn stand_in(&self) -> Option<&'static str> {
        let (_, entry, index) = self.0.as_ref()?;
        let entry = entry.upgrade()?;
        let mut facts = entry.facts.lock();
        let stand_in = facts.stand_in?;
        let invocation = facts.invocations.get_mut(*index)?;
        invocation.caller?;
        stand_in.clone_into(&mut invocation.function);
        Some(stand_in)
    }

    /// The handle for another attempt at the same event, which the record shows as an invocation of
    /// its own.
    pub(crate) fn next_attempt(&self) -> Self {
        let mut next = None;
        if let Some((recorder, entry, index)) = &self.0
            && let Some(entry) = entry.upgrade()
        {
            recorder.0.note(&entry, |facts| {
                let arrived = facts.elapsed();
                let Some(last) = facts.invocations.get(*index) else {
                    return 0;
                };
                let mut attempt = InvocationFacts::new(&last.function, last.caller, arrived);
                attempt.request_id.clone_from(&last.request_id);
                attempt.payload = last.payload.clone();
                let size = size_of::<InvocationFacts>() + attempt.payload.kept.len();
                next = Some((
                    recorder.clone(),
                    Arc::downgrade(&entry),
                    facts.invocations.len(),
                ));
                facts.invocations.push(attempt);
                size
            });
        }
        Self(next)
    }

    /// Notes that an environment begins to work on the invocation; with the time of its
    /// initialization, if it is the first one.
    pub(crate) fn began(&self, init: Option<Duration>, memory: u32) {
        self.note(|invocation, now| {
            invocation.began = Some(now);
            invocation.init = init;
            invocation.memory = memory;
            0
        });
    }

    /// Notes a piece of a streamed reply.
    pub(crate) fn piece(&self, piece: &[u8]) {
        self.note(|invocation, now| {
            let kept = invocation.reply.get_or_insert_default().push(piece);
            kept + push_piece(&mut invocation.pieces, now, piece.len())
        });
    }

    /// Notes the end of the invocation: what the function has returned, unless it was streamed.
    pub(crate) fn finished(&self, reply: &[u8], is_function_error: bool, max_memory_used: u64) {
        self.note(|invocation, now| {
            invocation.finished = Some(now);
            invocation.is_function_error = is_function_error;
            invocation.max_memory_used = Some(max_memory_used);
            if invocation.pieces.is_empty() || is_function_error {
                return invocation.reply.get_or_insert_default().push(reply);
            }
            0
        });
    }

    /// Notes a line that the function has printed.
    pub(crate) fn log(&self, line: &str) {
        self.note(|invocation, _| push_log_line(&mut invocation.log, line));
    }

    /// Notes a line that the function has printed for this invocation or for another one that its
    /// environment works on.
    pub(crate) fn shared_log(&self, line: &str) {
        self.note(|invocation, _| push_log_line(&mut invocation.shared_log, line));
    }

    /// The request ids by which a line that the function prints may name the invocation: that of
    /// Lambda, and that of the API.
    pub(crate) fn request_ids(&self) -> Vec<String> {
        let Some((_, entry, index)) = &self.0 else {
            return Vec::new();
        };
        let Some(entry) = entry.upgrade() else {
            return Vec::new();
        };
        let facts = entry.facts.lock();
        let own = facts.invocations.get(*index).map(|one| &one.request_id);
        let ids = own.into_iter().chain([&facts.request_id]);
        ids.filter(|id| !id.is_empty()).cloned().collect()
    }
}

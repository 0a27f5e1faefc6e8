//! The handles with which services note what they do for a request. A record ends when its handle
//! is dropped, so that a request that the client aborts ends too.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};
use serde_json::{Map, Value};
use std::sync::atomic::Ordering;

use super::facts::{
    AccessFacts, AuthorizerFacts, Facts, InvocationFacts, Refusal, ResponseFacts, Rule, StoredBody,
    TokenRefusal, push_log_line, push_piece,
};
use super::record::RecordState;
use super::{Entry, Origin, Recorder, span_of, summary_line};
use crate::cors::CorsConfiguration;
use crate::trace;

/// The record of one request, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Recording(Option<Open>);

#[derive(Debug)]
struct Open {
    recorder: Recorder,
    entry: Arc<Entry>,
    is_complete: bool,
}

impl Recording {
    pub(super) fn new(recorder: Recorder, entry: Arc<Entry>) -> Self {
        Self(Some(Open {
            recorder,
            entry,
            is_complete: false,
        }))
    }

    pub(super) fn disabled() -> Self {
        Self(None)
    }

    fn note(&self, change: impl FnOnce(&mut Facts) -> usize) {
        if let Some(Open {
            recorder, entry, ..
        }) = &self.0
        {
            note(recorder, entry, change);
        }
    }

    /// Notes the ids of the request.
    pub(crate) fn ids(&self, request_id: &str, trace_id: &str) {
        self.note(|facts| {
            facts.request_id = request_id.to_owned();
            facts.trace_id = trace_id.to_owned();
            request_id.len() + trace_id.len()
        });
    }

    /// Notes the function that a function URL invokes.
    pub(crate) fn function(&self, name: &str) {
        self.note(|facts| {
            facts.function = Some(name.to_owned());
            name.len()
        });
    }

    /// Notes the CORS configuration of the API or function URL.
    pub(crate) fn cors(&self, cors: &Arc<CorsConfiguration>) {
        self.note(|facts| {
            facts.cors = Some(Arc::clone(cors));
            0
        });
    }

    /// Notes the body of the request.
    pub(crate) fn body(&self, body: &[u8]) {
        self.note(|facts| {
            facts.body = StoredBody::new(body);
            facts.body.kept.len()
        });
    }

    /// Notes the key of the route that matches the request.
    pub(crate) fn route(&self, key: &str) {
        self.note(|facts| {
            facts.route = Some(key.to_owned());
            key.len()
        });
    }

    /// Notes the verdict of an authorizer that has worked since `start`.
    pub(crate) fn authorized(
        &self,
        start: Instant,
        result: Result<Arc<Map<String, Value>>, TokenRefusal>,
    ) {
        self.note(|facts| {
            facts.authorizer = Some(AuthorizerFacts {
                start: start.saturating_duration_since(facts.start),
                end: facts.elapsed(),
                result,
            });
            1024
        });
    }

    /// Notes the caller whose signature holds.
    pub(crate) fn signed_by(&self, principal: &str) {
        self.note(|facts| {
            facts.access = Some(AccessFacts {
                principal: Some(principal.to_owned()),
                mismatch: None,
            });
            principal.len()
        });
    }

    /// Notes a signature that does not hold.
    pub(crate) fn signature_refused(&self, mismatch: Option<&sigv4::Mismatch>) {
        self.note(|facts| {
            facts.access = Some(AccessFacts {
                principal: None,
                mismatch: mismatch.cloned(),
            });
            1024
        });
    }

    /// Notes the event for the function.
    pub(crate) fn event(&self, event: &[u8]) {
        self.note(|facts| {
            let event = StoredBody::new(event);
            let size = event.kept.len();
            facts.event = Some(event);
            size
        });
    }

    /// Notes the error with which the service answers in place of the function.
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.note(|facts| {
            let size = refusal.why.len();
            facts.refusal = Some(refusal);
            size
        });
    }

    /// The trace header for a request to Lambda, by which its invocation is found to belong to this
    /// record.
    pub(crate) fn trace_for_lambda(&self, trace_id: &str) -> String {
        let header = trace::for_next_service(Some(trace_id));
        if let Some(Open {
            recorder, entry, ..
        }) = &self.0
        {
            add_span(recorder, entry, None, &header);
        }
        header
    }

    /// Starts the record of an invocation that this request causes.
    pub(crate) fn invocation(&self, function: &str) -> InvocationRecording {
        match &self.0 {
            Some(Open {
                recorder, entry, ..
            }) => InvocationRecording::nested(recorder, Arc::clone(entry), None, function),
            None => InvocationRecording::disabled(),
        }
    }

    /// Passes a response on and notes what of it is sent. The record ends with the response.
    pub(crate) fn respond(mut self, response: Response) -> Response {
        if self.0.is_none() {
            return response;
        }
        let mut has_body = !matches!(
            response.status(),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
        self.note(|facts| {
            has_body &= facts.method != Method::HEAD;
            let headers = response.headers().clone();
            let size = headers.len() * 128;
            facts.response = Some(ResponseFacts {
                status: response.status(),
                headers,
                body: StoredBody::default(),
                pieces: Vec::new(),
            });
            size
        });
        if !has_body {
            // The server drops the body of such a response without reading it.
            self.complete();
        }
        response.map(|body| {
            Body::new(RecordedBody {
                body,
                recording: self,
            })
        })
    }

    fn complete(&mut self) {
        if let Some(open) = &mut self.0 {
            open.is_complete = true;
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let Some(Open {
            recorder,
            entry,
            is_complete,
        }) = self.0.take()
        else {
            return;
        };
        note(&recorder, &entry, |facts| {
            facts.ended = Some(facts.elapsed());
            facts.state = if is_complete {
                RecordState::Complete
            } else {
                RecordState::Aborted
            };
            0
        });
        if recorder.0.prints.load(Ordering::Relaxed) {
            summary_line(entry.id, &entry.facts.lock()).print();
        }
    }
}

/// The body of a response, whose pieces are noted when the client takes them.
struct RecordedBody {
    body: Body,
    recording: Recording,
}

impl http_body::Body for RecordedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.recording.note(|facts| {
                        let at = facts.elapsed();
                        let Some(response) = &mut facts.response else {
                            return 0;
                        };
                        let kept = response.body.push(data);
                        kept + push_piece(&mut response.pieces, at, data.len())
                    });
                }
            }
            Poll::Ready(Some(Err(error))) => {
                let why = error.to_string();
                self.recording.refused(Refusal {
                    rule: Rule::Response,
                    why,
                });
                self.recording.complete();
            }
            Poll::Ready(None) => self.recording.complete(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        // The server does not ask again after the last piece of a body of known length.
        if self.body.is_end_stream() {
            self.recording.complete();
        }
    }
}

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
    fn disabled() -> Self {
        Self {
            handle: InvocationHandle::default(),
            own: None,
        }
    }

    /// The invocation of a request that is recorded already.
    pub(super) fn nested(
        recorder: &Recorder,
        entry: Arc<Entry>,
        caller: Option<usize>,
        function: &str,
    ) -> Self {
        let mut index = 0;
        note(recorder, &entry, |facts| {
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
    pub(super) fn root(recording: Recording, function: &str) -> Self {
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
            add_span(recorder, &entry, Some(*index), &header);
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
        note(recorder, &entry, |facts| {
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
}

fn note(recorder: &Recorder, entry: &Entry, change: impl FnOnce(&mut Facts) -> usize) {
    if entry.is_dropped.load(Ordering::Relaxed) {
        return;
    }
    let size = change(&mut entry.facts.lock());
    recorder.0.grow(entry, size);
    recorder.0.changed(entry);
}

fn add_span(recorder: &Recorder, entry: &Arc<Entry>, caller: Option<usize>, header: &str) {
    let Some(span) = span_of(header) else {
        return;
    };
    note(recorder, entry, |facts| {
        facts.spans.push(span);
        size_of::<u64>() + size_of::<Origin>()
    });
    let origin = Origin {
        entry: Arc::downgrade(entry),
        caller,
    };
    recorder.0.add_span(span, origin);
}

//! The handles with which services note what they do for a request. A record ends when its handle
//! is dropped, so that a request that the client aborts ends too.

mod body;
mod invocation;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value};

use super::facts::{
    AccessFacts, AuthorizerFacts, Facts, Refusal, ResponseFacts, StoredBody, TokenRefusal,
};
use super::history::Entry;
use super::record::RecordState;
use super::{Recorder, summary_line};
use crate::cors::CorsConfiguration;
use crate::trace;
use body::RecordedBody;
pub(crate) use invocation::{InvocationHandle, InvocationRecording};

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
            recorder.0.note(entry, change);
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
            recorder.0.add_span(entry, None, &header);
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
        recorder.0.note(&entry, |facts| {
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

//! The body of a response on its way to the client. The record of the request ends with it.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Body as _, Frame, SizeHint};

use super::Recording;
use crate::recorder::facts::{Refusal, Rule, push_piece};

/// The body of a response, whose pieces are noted when the client takes them.
pub(super) struct RecordedBody {
    pub body: Body,
    pub recording: Recording,
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

//! Encodes an answer, or the error that ended the stages, as the entry point reads it.
//!
//! Nothing before this file depends on whether the reply is a function's result, an HTTP response
//! in one piece, or one that is streamed.

use bytes::Bytes;
use lambda_runtime::Diagnostic;

use super::answer::{Answer, CoreBody};
use super::record::Record;
use super::reply::{Head, Reply};
use super::settings::{ResponseMode, Settings};
use super::stream_body::StreamBody;
use crate::error::EdgeError;
use crate::limits::MAX_ANSWER;
use crate::stages::event::{EventSource, Request};
use crate::stages::respond::{CommonHeaders, INTEGRATION_RESPONSE, Response, ResponseHead};

/// Encodes the answer to one request.
pub struct Encoder<'a> {
    settings: &'a Settings,
    format: Format,
    source: EventSource,
    is_head: bool,
    origin: Option<String>,
}

/// The forms of a reply.
#[derive(Debug, Clone, Copy)]
enum Format {
    /// Core's JSON as the function's result, or a function error: a direct Invoke has no HTTP.
    FunctionResult,
    /// An HTTP response as JSON in one piece.
    Json,
    /// Status and headers as a prelude, then the body.
    Prelude,
}

impl<'a> Encoder<'a> {
    /// The encoder for the entry point of a request.
    pub fn of(settings: &'a Settings, request: &Request) -> Self {
        let source = request.source;
        let format = match (source, settings.response.at(source)) {
            (EventSource::Direct, _) => Format::FunctionResult,
            (_, ResponseMode::Buffered) => Format::Json,
            (_, ResponseMode::Stream) => Format::Prelude,
        };
        Self {
            settings,
            format,
            source,
            is_head: request.method == "HEAD",
            origin: request.origin.as_deref().map(str::to_owned),
        }
    }

    /// The reply, with the record that is written once it is sent.
    pub fn encode(self, answer: Result<Answer, EdgeError>, record: Record<'a>) -> Reply<'a> {
        match answer {
            Ok(Answer::Whole(response)) => self.whole(response, record),
            Ok(Answer::Stream(head, body)) => self.stream(head, body, record),
            Err(error) => self.failure(&error, record),
        }
    }

    fn whole(self, response: Response, record: Record<'a>) -> Reply<'a> {
        let status = response.status;
        let encoded = match self.format {
            Format::FunctionResult => response.into_function_result(),
            Format::Json => self
                .with_common_headers(response, &record)
                .to_json_within_limit(self.source),
            Format::Prelude => {
                let response = self.with_common_headers(response, &record);
                return whole_stream(response, record.ended(status, None));
            }
        };
        match encoded {
            Ok(json) => Reply::Result(json, record.ended(status, None)),
            Err(error) => self.failure(&error, record),
        }
    }

    fn stream(self, head: ResponseHead, body: CoreBody, record: Record<'a>) -> Reply<'a> {
        let ResponseHead { response, first } = head;
        let status = response.status;
        let content_type = response.headers.get("content-type").unwrap_or_default();
        let is_event_stream = content_type
            .to_ascii_lowercase()
            .starts_with("text/event-stream");
        let head = match self.format {
            Format::FunctionResult => Head {
                content_type: content_type.to_owned(),
                prelude: Bytes::new(),
            },
            Format::Json | Format::Prelude => {
                let response = self.with_common_headers(response, &record);
                if self.is_head {
                    return whole_stream(response, record.ended(status, None));
                }
                Head::of(&response)
            }
        };
        let (heartbeat, record) = (self.settings.stream.heartbeat, record.ended(status, None));
        let body = StreamBody::of_core(first, body, is_event_stream, heartbeat, record);
        Reply::Stream(head, body)
    }

    fn failure(self, error: &EdgeError, record: Record<'a>) -> Reply<'a> {
        match self.format {
            Format::FunctionResult => {
                let diagnostic = Diagnostic {
                    error_type: error.code().to_owned(),
                    error_message: error.message(),
                };
                Reply::Failure(diagnostic, record.ended(error.status(), Some(error)))
            }
            Format::Json => {
                let response = self.failure_response(error, &record);
                let json = response.to_json_within_limit(self.source);
                let record = record.ended(error.status(), Some(error));
                Reply::Result(json.unwrap_or_default(), record)
            }
            Format::Prelude => {
                let response = self.failure_response(error, &record);
                whole_stream(response, record.ended(error.status(), Some(error)))
            }
        }
    }

    /// The response for an error. A detail is left out if the response would pass Lambda's limit
    /// with it.
    fn failure_response(&self, error: &EdgeError, record: &Record) -> Response {
        let response_for = |error: &EdgeError| {
            let response = Response::failure(error, record.request_id, &self.settings.route_table);
            self.with_common_headers(response, record)
        };
        let response = response_for(error);
        // JSON escapes make at most six bytes of one.
        let surely_fits = response.body.len() < MAX_ANSWER / 8;
        match error {
            EdgeError::CoreError { error_type, .. }
                if !surely_fits && response.to_json_within_limit(self.source).is_err() =>
            {
                response_for(&EdgeError::CoreError {
                    error_type: error_type.clone(),
                    detail: None,
                })
            }
            _ => response,
        }
    }

    /// The response with the headers that every response has, and without its body where the
    /// request was `HEAD`.
    fn with_common_headers(&self, response: Response, record: &Record) -> Response {
        let response = response.with_common_headers(&CommonHeaders {
            cors: self.settings.cors_at(self.source),
            origin: self.origin.as_deref(),
            request_id: record.request_id,
            core: record.clock.core().unwrap_or_default(),
            edge: record.clock.edge(),
        });
        if self.is_head {
            response.without_body()
        } else {
            response
        }
    }
}

/// A response that is whole already, where the entry point reads a stream.
fn whole_stream(response: Response, record: Record) -> Reply {
    let head = Head::of(&response);
    Reply::Stream(head, StreamBody::whole(response.body.into(), record))
}

impl Head {
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>
    fn of(response: &Response) -> Self {
        Self {
            content_type: INTEGRATION_RESPONSE.to_owned(),
            prelude: response.to_prelude(),
        }
    }
}

//! The stages of a request in their order. This is the only file that logs the outcome of a
//! request.
//!
//! ```text
//! preflight? ─yes─▶ respond
//!     │ no
//!   event ─▶ route ─▶ (token) ─▶ authorize ─▶ validate ─▶ enrich ─▶ invoke ─▶ respond ─▶ cors
//! ```
//!
//! Each stage takes the type of the stage before it: a stage that is left out, or comes too early,
//! does not compile.

mod clock;
mod streamed;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Diagnostic};

use crate::cors::Cors;
use crate::deadline::remaining;
use crate::error::{EdgeError, edge_gave_up};
use crate::stages::authorize::{Access, authorize};
use crate::stages::enrich::{PayloadShape, enrich};
use crate::stages::event::{EventSource, Request};
use crate::stages::invoke::{Call, InvokeCore};
use crate::stages::respond::{
    CommonHeaders, CoreReplyShape, ErrorDetail, MAX_ANSWER, Response, read_core_reply,
    read_function_result,
};
use crate::stages::route::{RouteTable, route};
use crate::stages::token::{Issuer, TokenVerifier};
use crate::stages::validate::validate;
use crate::telemetry::{self, LogFormat, Outcome, WriteLine, write_to_stdout};
use clock::Clock;
pub use streamed::{Head, StreamAborted, StreamBody};

/// The time before the edge's own deadline that is kept for its response.
const RESERVE: Duration = Duration::from_millis(500);

/// What the stages are configured with.
#[derive(Debug)]
pub struct Settings {
    /// `ALLOWED_METHODS`, `ROUTES`.
    pub route_table: RouteTable,
    /// `JWT_ISSUER`, `JWT_AUDIENCE`: whose tokens the edge verifies itself.
    pub issuer: Option<Issuer>,
    /// `RESPONSE`.
    pub response: ResponseMode,
    /// Who is authorized, and what core receives about the caller.
    pub access: Access,
    /// `REQUIRED_FIELDS`, in the order in which missing ones are reported.
    pub required_fields: Vec<String>,
    /// `PAYLOAD`.
    pub payload: PayloadShape,
    /// `CORE_REPLY`.
    pub core_reply: CoreReplyShape,
    /// `CORE_TIMEOUT_MS`; `None` leaves the edge's remaining time as the only limit.
    pub core_timeout: Option<Duration>,
    /// `ERROR_DETAIL`.
    pub error_detail: ErrorDetail,
    /// `ALLOWED_ORIGINS`, `ALLOWED_HEADERS`, `CORS`.
    pub cors: Cors,
    /// `LOG_LEVEL`, `AWS_LAMBDA_LOG_LEVEL`, `AWS_LAMBDA_LOG_FORMAT`.
    pub log: LogFormat,
    /// `AWS_LAMBDA_FUNCTION_NAME`, the dimension of the metrics.
    pub function_name: String,
}

/// `RESPONSE`: how the edge answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In one piece.
    Buffered,
    /// As core's bytes come, at every entry point that can stream.
    Stream,
}

/// The edge function: its settings, and a core.
#[derive(Debug)]
pub struct Edge<C> {
    settings: Settings,
    core: C,
    tokens: Option<TokenVerifier>,
    is_warm: AtomicBool,
    write_line: WriteLine,
}

/// The answer to an event.
pub enum Reply<'a, C> {
    /// The function's result: JSON in one piece.
    Result(Vec<u8>, Record<'a, C>),
    /// A function error.
    Failure(FunctionError, Record<'a, C>),
    /// A response that is streamed.
    Stream(Head, StreamBody<'a, C>),
}

/// The error of a direct Invoke, which has no HTTP response.
#[derive(Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// The error's code.
    pub error_type: &'static str,
    /// The error's public message.
    pub error_message: String,
}

impl From<EdgeError> for FunctionError {
    fn from(error: EdgeError) -> Self {
        Self {
            error_type: error.code(),
            error_message: error.message(),
        }
    }
}

impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        Self {
            error_type: error.error_type.to_owned(),
            error_message: error.error_message,
        }
    }
}

/// What is needed of an event after the stages have consumed the request.
#[derive(Debug)]
struct RequestContext<'a> {
    event_source: EventSource,
    is_head: bool,
    is_preflight: bool,
    origin: Option<String>,
    context: &'a Context,
    clock: Clock,
}

impl<C: InvokeCore> Edge<C> {
    /// The edge in front of a core.
    pub fn new(settings: Settings, core: C) -> Self {
        let tokens = settings.issuer.clone().map(TokenVerifier::new);
        Self {
            settings,
            core,
            tokens,
            is_warm: AtomicBool::new(false),
            write_line: write_to_stdout,
        }
    }

    /// Writes the lines of the requests with a function instead of to the standard output.
    pub fn with_log(self, write_line: WriteLine) -> Self {
        Self { write_line, ..self }
    }

    /// Connects to Lambda and fetches the issuer's keys, so that the first request does not wait.
    pub async fn warm(&self) {
        tokio::join!(self.core.connect(), self.warm_keys());
    }

    async fn warm_keys(&self) {
        let Some(tokens) = &self.tokens else { return };
        if let Err(why) = tokens.warm().await {
            tracing::warn!(
                why,
                "the issuer's keys could not be fetched; the first token tries again"
            );
        }
    }

    /// Answers an event.
    pub async fn handle<'a>(&'a self, event: &str, context: &'a Context) -> Reply<'a, C> {
        let clock = Clock::start();
        let request = Request::read(event, context);
        let request_context = RequestContext {
            event_source: request.source,
            is_head: request.method == "HEAD",
            is_preflight: request.method == "OPTIONS",
            origin: request.origin.as_deref().map(str::to_owned),
            context,
            clock,
        };
        // An HTTP API cannot stream.
        let streams = self.settings.response == ResponseMode::Stream
            && request_context.event_source != EventSource::HttpApi;
        let is_direct = request_context.event_source == EventSource::Direct;
        match (is_direct, streams) {
            (true, false) => self.result(request, request_context).await,
            (true, true) => self.streamed_result(request, request_context).await,
            (false, false) => self.response(request, request_context).await,
            (false, true) => self.streamed_response(request, request_context).await,
        }
    }

    async fn result<'a>(
        &'a self,
        request: Request<'_>,
        mut request_context: RequestContext<'a>,
    ) -> Reply<'a, C> {
        let reply = match self.call(request, request_context.context).await {
            Ok(call) => {
                request_context
                    .clock
                    .time_core(self.core.invoke(call))
                    .await
            }
            Err(error) => Err(error),
        };
        match reply.and_then(|reply| read_function_result(reply, self.settings.error_detail)) {
            Ok(json) => Reply::Result(json, self.record(request_context, 200, None)),
            Err(error) => {
                let record = self.record(request_context, 200, Some(&error));
                Reply::Failure(error.into(), record)
            }
        }
    }

    async fn response<'a>(
        &'a self,
        request: Request<'_>,
        mut request_context: RequestContext<'a>,
    ) -> Reply<'a, C> {
        let result = if request_context.is_preflight {
            Ok(Response::preflight(
                &self.settings.cors,
                request_context.origin.as_deref(),
            ))
        } else {
            self.answer(request, &mut request_context).await
        };
        let common_headers = self.common_headers(&request_context);
        let bare = |response: Response| {
            if request_context.is_head {
                response.without_body()
            } else {
                response
            }
        };
        let result = result.and_then(|response| {
            let response = bare(response.with_common_headers(&common_headers));
            response
                .to_json_within_limit(request_context.event_source)
                .map(|json| (response.status, json))
        });
        match result {
            Ok((status, json)) => Reply::Result(json, self.record(request_context, status, None)),
            Err(error) => {
                let response =
                    bare(self.failure(&error, request_context.event_source, &common_headers));
                let json = response
                    .to_json_within_limit(request_context.event_source)
                    .unwrap_or_default();
                Reply::Result(
                    json,
                    self.record(request_context, error.status(), Some(&error)),
                )
            }
        }
    }

    async fn answer(
        &self,
        request: Request<'_>,
        request_context: &mut RequestContext<'_>,
    ) -> Result<Response, EdgeError> {
        let call = self.call(request, request_context.context).await?;
        let reply = request_context
            .clock
            .time_core(self.core.invoke(call))
            .await?;
        read_core_reply(reply, self.settings.core_reply, self.settings.error_detail)
    }

    /// The stages before the invocation of core.
    async fn call<'a>(
        &self,
        request: Request<'_>,
        context: &'a Context,
    ) -> Result<Call<'a>, EdgeError> {
        let routed = route(request, &self.settings.route_table)?;
        let token = match &self.tokens {
            Some(tokens) => {
                let limit = budget(context.deadline(), None).ok_or_else(edge_gave_up)?;
                let verified = tokio::time::timeout(limit, tokens.verify(&routed)).await;
                verified.unwrap_or_else(|_| {
                    let why = "no keys before the deadline";
                    Err(EdgeError::IssuerUnreachable(why.to_owned()))
                })?
            }
            None => None,
        };
        let authorized = authorize(routed, token.as_ref(), &self.settings.access)?;
        let validated = validate(authorized, &self.settings.required_fields)?;
        let enriched = enrich(validated, self.settings.payload)?;
        let budget =
            budget(context.deadline(), self.settings.core_timeout).ok_or_else(edge_gave_up)?;
        Ok(Call {
            enriched,
            trace_id: context.xray_trace_id.as_deref(),
            budget,
        })
    }

    /// The response for an error. A detail is left out if the response would pass Lambda's limit
    /// with it.
    fn failure(
        &self,
        error: &EdgeError,
        source: EventSource,
        common_headers: &CommonHeaders,
    ) -> Response {
        let answer = |error: &EdgeError| {
            Response::failure(error, common_headers.request_id, &self.settings.route_table)
                .with_common_headers(common_headers)
        };
        let whole = answer(error);
        // JSON escapes make at most six bytes of one.
        let surely_fits = whole.body.len() < MAX_ANSWER / 8;
        match error {
            EdgeError::CoreError { error_type, .. }
                if !surely_fits && whole.to_json_within_limit(source).is_err() =>
            {
                answer(&EdgeError::CoreError {
                    error_type: error_type.clone(),
                    detail: None,
                })
            }
            _ => whole,
        }
    }

    fn common_headers<'v>(&'v self, request_context: &'v RequestContext) -> CommonHeaders<'v> {
        let core = request_context.clock.core().unwrap_or_default();
        CommonHeaders {
            cors: &self.settings.cors,
            origin: request_context.origin.as_deref(),
            request_id: &request_context.context.request_id,
            core,
            edge: request_context.clock.edge(),
        }
    }

    /// The record of the request, which is written when it is answered.
    fn record<'a>(
        &'a self,
        request_context: RequestContext<'a>,
        status: u16,
        error: Option<&EdgeError>,
    ) -> Record<'a, C> {
        let status = error.map_or(status, EdgeError::status);
        let (code, cause) = (
            error.map_or("", EdgeError::code),
            error.and_then(EdgeError::cause).unwrap_or_default(),
        );
        Record {
            edge: self,
            edge_time: request_context.clock.edge(),
            request_context,
            status,
            code,
            cause,
            stream_failed: false,
        }
    }
}

/// The record of a request. It is written after the response, so that the caller does not wait for
/// it.
pub struct Record<'a, C> {
    edge: &'a Edge<C>,
    request_context: RequestContext<'a>,
    edge_time: Duration,
    status: u16,
    code: &'static str,
    cause: String,
    stream_failed: bool,
}

impl<C> Record<'_, C> {
    /// Writes the line of the request.
    pub fn write(self) {
        let outcome = Outcome {
            request_id: &self.request_context.context.request_id,
            event_source: self.request_context.event_source.name(),
            status: self.status,
            code: self.code,
            core: self.request_context.clock.core(),
            edge: self.edge_time,
            stream_failed: self.stream_failed,
            is_cold_start: !self.edge.is_warm.swap(true, Ordering::Relaxed),
            cause: &self.cause,
        };
        let settings = &self.edge.settings;
        (self.edge.write_line)(&telemetry::request_line(
            &outcome,
            &settings.function_name,
            settings.log,
        ));
    }
}

/// How long to wait for core: the time until the deadline less the reserve, or `CORE_TIMEOUT_MS` if
/// that is shorter; `None` when no time is left.
fn budget(deadline: SystemTime, core_timeout: Option<Duration>) -> Option<Duration> {
    let left = remaining(deadline)?.checked_sub(RESERVE)?;
    Some(core_timeout.map_or(left, |timeout| timeout.min(left))).filter(|budget| !budget.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_gets_what_is_left_less_the_reserve_and_never_more_than_configured() {
        let in_ms = |ms| SystemTime::now() + Duration::from_millis(ms);
        let whole = budget(in_ms(10_000), None).expect("time");
        assert!(
            whole <= Duration::from_millis(9_500) && whole > Duration::from_millis(9_000),
            "{whole:?}"
        );
        assert_eq!(
            budget(in_ms(10_000), Some(Duration::from_secs(1))),
            Some(Duration::from_secs(1))
        );
        assert!(
            budget(in_ms(10_000), Some(Duration::from_secs(60))).expect("time")
                <= Duration::from_millis(9_500)
        );
        assert_eq!(budget(in_ms(400), None), None);
        assert_eq!(budget(SystemTime::UNIX_EPOCH, None), None);
    }
}

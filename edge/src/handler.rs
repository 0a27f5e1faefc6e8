//! The order of the stages, and the only file that logs what becomes of a request.
//!
//! ```text
//! preflight? ─yes─▶ respond
//!    │no
//!  event ─▶ admit ─▶ (token) ─▶ authorize ─▶ validate ─▶ enrich ─▶ invoke ─▶ respond ─▶ cors
//! ```
//!
//! Each stage takes the type of the stage before it: one that is left out, or comes too early, does not compile.

mod clock;
mod streamed;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Diagnostic};

use crate::admit::admit;
use crate::authorize::authorize;
use crate::config::{Config, ResponseMode};
use crate::enrich::enrich;
use crate::error::{EdgeError, edge_gave_up};
use crate::event::{Door, Request};
use crate::invoke::{Call, InvokeCore};
use crate::respond::{Dress, MAX_ANSWER, Response, read_core_reply, read_function_result};
use crate::telemetry::{self, Outcome, WriteLine, write_to_stdout};
use crate::token::TokenVerifier;
use crate::validate::validate;
use clock::Clock;
pub use streamed::{Cut, Head, Relay};

/// What the edge leaves of its time for its own answer to travel.
const RESERVE: Duration = Duration::from_millis(500);

/// The edge function: a configuration and a core.
#[derive(Debug)]
pub struct Edge<C> {
    config: Config,
    core: C,
    tokens: Option<TokenVerifier>,
    is_warm: AtomicBool,
    write_line: WriteLine,
}

/// What becomes of an event.
pub enum Reply<'a, C> {
    /// The function's result, JSON in one piece.
    Result(Vec<u8>, Record<'a, C>),
    /// A function error.
    Failure(FunctionError, Record<'a, C>),
    /// A response that is passed on as it comes.
    Stream(Head, Relay<'a, C>),
}

/// The failure of a direct Invoke, where there is no HTTP to carry it.
#[derive(Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// The error's code.
    pub error_type: &'static str,
    /// The error's public message.
    pub error_message: String,
}

impl From<EdgeError> for FunctionError {
    fn from(error: EdgeError) -> Self {
        Self { error_type: error.code(), error_message: error.message() }
    }
}

impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        Self { error_type: error.error_type.to_owned(), error_message: error.error_message }
    }
}

/// An event on its way: what is still needed of it when the stages have taken the request.
#[derive(Debug)]
struct Visit<'a> {
    door: Door,
    is_head: bool,
    is_preflight: bool,
    origin: Option<String>,
    context: &'a Context,
    clock: Clock,
}

impl<C: InvokeCore> Edge<C> {
    /// Puts the edge before a core.
    pub fn new(config: Config, core: C) -> Self {
        let tokens = config.issuer.clone().map(TokenVerifier::new);
        Self { config, core, tokens, is_warm: AtomicBool::new(false), write_line: write_to_stdout }
    }

    /// Gives the lines of the requests to a function instead of the standard output.
    pub fn with_log(self, write_line: WriteLine) -> Self {
        Self { write_line, ..self }
    }

    /// Fetches what the first request would have to wait for.
    pub async fn warm(&self) {
        tokio::join!(self.core.connect(), self.warm_keys());
    }

    async fn warm_keys(&self) {
        let Some(tokens) = &self.tokens else { return };
        if let Err(why) = tokens.warm().await {
            tracing::warn!(why, "the issuer's keys could not be fetched, and will be when a token comes");
        }
    }

    /// Answers one event, whatever it is.
    pub async fn handle<'a>(&'a self, event: &str, context: &'a Context) -> Reply<'a, C> {
        let clock = Clock::start();
        let request = Request::read(event, context);
        let visit = Visit {
            door: request.door,
            is_head: request.method == "HEAD",
            is_preflight: request.method == "OPTIONS",
            origin: request.origin.as_deref().map(str::to_owned),
            context,
            clock,
        };
        // An HTTP API invokes its functions without a stream, whatever they can.
        let streams = self.config.response == ResponseMode::Stream && visit.door != Door::HttpApi;
        match (visit.door, streams) {
            (Door::Direct, false) => self.result(request, visit).await,
            (Door::Direct, true) => self.streamed_result(request, visit).await,
            (_, false) => self.response(request, visit).await,
            (_, true) => self.streamed_response(request, visit).await,
        }
    }

    async fn result<'a>(&'a self, request: Request<'_>, mut visit: Visit<'a>) -> Reply<'a, C> {
        let reply = match self.call(request, visit.context).await {
            Ok(call) => visit.clock.time_core(self.core.invoke(call)).await,
            Err(error) => Err(error),
        };
        match reply.and_then(|reply| read_function_result(reply, self.config.error_detail)) {
            Ok(json) => Reply::Result(json, self.record(visit, 200, None)),
            Err(error) => {
                let record = self.record(visit, 200, Some(&error));
                Reply::Failure(error.into(), record)
            }
        }
    }

    async fn response<'a>(&'a self, request: Request<'_>, mut visit: Visit<'a>) -> Reply<'a, C> {
        let result = match visit.is_preflight {
            true => Ok(Response::preflight(&self.config.cors, visit.origin.as_deref())),
            false => self.answer(request, &mut visit).await,
        };
        let dress = self.dress(&visit);
        let bare = |response: Response| if visit.is_head { response.without_body() } else { response };
        let result = result.and_then(|response| {
            let response = bare(response.dressed(&dress));
            response.fitting(visit.door).map(|json| (response.status, json))
        });
        match result {
            Ok((status, json)) => Reply::Result(json, self.record(visit, status, None)),
            Err(error) => {
                let response = bare(self.failure(&error, visit.door, &dress));
                let json = response.fitting(visit.door).unwrap_or_default();
                Reply::Result(json, self.record(visit, error.status(), Some(&error)))
            }
        }
    }

    async fn answer(&self, request: Request<'_>, visit: &mut Visit<'_>) -> Result<Response, EdgeError> {
        let call = self.call(request, visit.context).await?;
        let reply = visit.clock.time_core(self.core.invoke(call)).await?;
        read_core_reply(reply, self.config.core_reply, self.config.error_detail)
    }

    /// Every stage up to the call of core.
    async fn call<'a>(&self, request: Request<'_>, context: &'a Context) -> Result<Call<'a>, EdgeError> {
        let admitted = admit(request, &self.config.served)?;
        let token = match &self.tokens {
            Some(tokens) => tokens.verify(&admitted).await?,
            None => None,
        };
        let authorized = authorize(admitted, token.as_ref(), &self.config.access)?;
        let validated = validate(authorized, &self.config.required_fields)?;
        let enriched = enrich(validated, self.config.payload)?;
        let budget = budget(context.deadline(), self.config.core_timeout).ok_or_else(edge_gave_up)?;
        Ok(Call { enriched, trace_id: context.xray_trace_id.as_deref(), budget })
    }

    /// The answer to a failed request; a detail with which it would be too large for Lambda is left out.
    fn failure(&self, error: &EdgeError, door: Door, dress: &Dress) -> Response {
        let answer = |error: &EdgeError| Response::failure(error, dress.request_id, &self.config.served).dressed(dress);
        let without_detail = EdgeError::CoreError { error_type: String::new(), detail: None };
        let whole = answer(error);
        // Escaping makes a byte six at the worst.
        let surely_fits = whole.body.len() < MAX_ANSWER / 8;
        if surely_fits || whole.fitting(door).is_ok() { whole } else { answer(&without_detail) }
    }

    fn dress<'v>(&'v self, visit: &'v Visit) -> Dress<'v> {
        let core = visit.clock.core().unwrap_or_default();
        Dress {
            cors: &self.config.cors,
            origin: visit.origin.as_deref(),
            request_id: &visit.context.request_id,
            core,
            edge: visit.clock.edge(),
        }
    }

    /// What became of the request, to be logged when it is answered.
    fn record<'a>(&'a self, visit: Visit<'a>, status: u16, error: Option<&EdgeError>) -> Record<'a, C> {
        let status = error.map_or(status, EdgeError::status);
        let (code, cause) = (error.map_or("", EdgeError::code), error.and_then(EdgeError::cause).unwrap_or_default());
        Record { edge: self, edge_time: visit.clock.edge(), visit, status, code, cause }
    }
}

/// What became of a request. Written when the caller has its answer: a line in the log keeps nobody waiting.
pub struct Record<'a, C> {
    edge: &'a Edge<C>,
    visit: Visit<'a>,
    edge_time: Duration,
    status: u16,
    code: &'static str,
    cause: String,
}

impl<C> Record<'_, C> {
    /// Writes the line.
    pub fn write(self) {
        let outcome = Outcome {
            request_id: &self.visit.context.request_id,
            door: self.visit.door.name(),
            status: self.status,
            code: self.code,
            core: self.visit.clock.core(),
            edge: self.edge_time,
            is_cold_start: !self.edge.is_warm.swap(true, Ordering::Relaxed),
            cause: &self.cause,
        };
        let config = &self.edge.config;
        (self.edge.write_line)(&telemetry::request_line(&outcome, &config.function_name, config.log));
    }
}

/// How long to wait for core: what is left until the deadline less the reserve, or less if so configured; `None`: no time.
fn budget(deadline: SystemTime, core_timeout: Option<Duration>) -> Option<Duration> {
    let left = deadline.duration_since(SystemTime::now()).ok()?.checked_sub(RESERVE)?;
    Some(core_timeout.map_or(left, |timeout| timeout.min(left))).filter(|budget| !budget.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_gets_what_is_left_less_the_reserve_and_never_more_than_configured() {
        let in_ms = |ms| SystemTime::now() + Duration::from_millis(ms);
        let whole = budget(in_ms(10_000), None).expect("time");
        assert!(whole <= Duration::from_millis(9_500) && whole > Duration::from_millis(9_000), "{whole:?}");
        assert_eq!(budget(in_ms(10_000), Some(Duration::from_secs(1))), Some(Duration::from_secs(1)));
        assert!(budget(in_ms(10_000), Some(Duration::from_secs(60))).expect("time") <= Duration::from_millis(9_500));
        assert_eq!(budget(in_ms(400), None), None);
        assert_eq!(budget(SystemTime::UNIX_EPOCH, None), None);
    }
}

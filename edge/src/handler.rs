//! The order of the stages, and the only file that logs.
//!
//! ```text
//! preflight? ─yes─▶ respond
//!    │no
//!  event ─▶ admit ─▶ authorize ─▶ validate ─▶ enrich ─▶ invoke ─▶ respond ─▶ cors
//! ```
//!
//! Each stage takes the type of the stage before it: one that is left out, or comes too early, does not compile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use lambda_runtime::{Context, Diagnostic};
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::admit::admit;
use crate::authorize::authorize;
use crate::config::Config;
use crate::enrich::{Enriched, enrich};
use crate::error::EdgeError;
use crate::event::{Door, Request};
use crate::invoke::{Call, CoreReply, InvokeCore};
use crate::respond::{Dress, Response, read_core_reply, read_function_result};
use crate::telemetry::{self, Outcome};
use crate::validate::validate;

/// What the edge leaves of its time for its own answer to travel.
const RESERVE: Duration = Duration::from_millis(500);

/// The edge function: a configuration and a core.
#[derive(Debug)]
pub struct Edge<C> {
    config: Config,
    core: C,
    is_warm: AtomicBool,
}

/// What becomes of an event.
pub type Reply = Result<Box<RawValue>, FunctionError>;

/// The failure of a direct Invoke, where there is no HTTP to carry it.
#[derive(Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// The error's code.
    pub error_type: &'static str,
    /// The error's public message.
    pub error_message: String,
}

impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        Self { error_type: error.error_type.to_owned(), error_message: error.error_message }
    }
}

impl<C: InvokeCore> Edge<C> {
    /// Puts the edge before a core.
    pub fn new(config: Config, core: C) -> Self {
        Self { config, core, is_warm: AtomicBool::new(false) }
    }

    /// Answers one event, whatever it is. Every line that is logged meanwhile has the request id.
    pub async fn handle(&self, event: &RawValue, context: &Context) -> Reply {
        let span = tracing::error_span!("invocation", requestId = context.request_id);
        self.reply(event, context).instrument(span).await
    }

    async fn reply(&self, event: &RawValue, context: &Context) -> Reply {
        let mut clock = Clock::start();
        let request = Request::read(event, context);
        let door = request.door;
        let origin = request.origin.as_deref().map(str::to_owned);
        if door == Door::Direct {
            let result = self.call_core(request, context, &mut clock).await;
            let result = result.and_then(|reply| read_function_result(reply, self.config.error_detail));
            self.record(door, context, &clock, 200, result.as_ref().err());
            return result.map_err(|e| FunctionError { error_type: e.code(), error_message: e.message() });
        }
        let result = match request.method.as_ref() {
            "OPTIONS" => Ok(Response::preflight(&self.config.cors, origin.as_deref())),
            _ => self.answer(request, context, &mut clock).await,
        };
        let dress = self.dress(&clock, context, origin.as_deref());
        let result = result.map(|response| response.dressed(&dress)).and_then(|response| response.fitting(door));
        let status = result.as_ref().map_or_else(EdgeError::status, |response| response.status);
        self.record(door, context, &clock, status, result.as_ref().err());
        let response = result.unwrap_or_else(|error| self.failure(&error, door, &dress));
        Ok(to_raw(&response, door))
    }

    async fn answer(&self, request: Request<'_>, context: &Context, clock: &mut Clock) -> Result<Response, EdgeError> {
        let reply = self.call_core(request, context, clock).await?;
        read_core_reply(reply, self.config.core_reply, self.config.error_detail)
    }

    async fn call_core(&self, request: Request<'_>, context: &Context, clock: &mut Clock) -> Result<CoreReply, EdgeError> {
        let admitted = admit(request, &self.config.methods)?;
        let authorized = authorize(admitted, &self.config.access)?;
        let validated = validate(authorized, &self.config.required_fields)?;
        let enriched = enrich(validated, self.config.payload)?;
        self.invoke(enriched, context, clock).await
    }

    async fn invoke(&self, enriched: Enriched, context: &Context, clock: &mut Clock) -> Result<CoreReply, EdgeError> {
        let budget = budget(context.deadline(), self.config.core_timeout).ok_or(EdgeError::CoreTimedOut)?;
        let call = Call { enriched, trace_id: context.xray_trace_id.as_deref(), budget };
        clock.time_core(self.core.invoke(call)).await
    }

    /// The answer to a failed request; a detail with which it would be too large for Lambda is left out.
    fn failure(&self, error: &EdgeError, door: Door, dress: &Dress) -> Response {
        let answer = |error: &EdgeError| Response::failure(error, dress.request_id, &self.config.methods).dressed(dress);
        let without_detail = EdgeError::CoreError { error_type: String::new(), detail: None };
        answer(error).fitting(door).unwrap_or_else(|_| answer(&without_detail))
    }

    fn dress<'a>(&'a self, clock: &Clock, context: &'a Context, origin: Option<&'a str>) -> Dress<'a> {
        let core = clock.core.unwrap_or_default();
        Dress { cors: &self.config.cors, origin, request_id: &context.request_id, core, edge: clock.edge() }
    }

    fn record(&self, door: Door, context: &Context, clock: &Clock, status: u16, error: Option<&EdgeError>) {
        let outcome = Outcome {
            request_id: &context.request_id,
            door: door.name(),
            status: error.map_or(status, EdgeError::status),
            code: error.map_or("", EdgeError::code),
            core: clock.core,
            edge: clock.edge(),
            is_cold_start: !self.is_warm.swap(true, Ordering::Relaxed),
        };
        let cause = error.and_then(EdgeError::cause).unwrap_or_default();
        telemetry::log_request(&outcome, &cause);
        telemetry::print_metrics(&outcome, &self.config.function_name);
    }
}

/// How long to wait for core: what is left until the deadline less the reserve, or less if so configured; `None`: no time.
fn budget(deadline: SystemTime, core_timeout: Option<Duration>) -> Option<Duration> {
    let left = deadline.duration_since(SystemTime::now()).ok()?.checked_sub(RESERVE)?;
    Some(core_timeout.map_or(left, |timeout| timeout.min(left))).filter(|budget| !budget.is_zero())
}

// A response is made of texts and numbers alone, which are always JSON.
fn to_raw(response: &Response, door: Door) -> Box<RawValue> {
    serde_json::value::to_raw_value(&response.for_door(door)).expect("a response as JSON")
}

/// Times a request, and core within it.
struct Clock {
    start: Instant,
    core: Option<Duration>,
}

impl Clock {
    fn start() -> Self {
        Self { start: Instant::now(), core: None }
    }

    async fn time_core<T>(&mut self, call: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let result = call.await;
        self.core = Some(start.elapsed());
        result
    }

    fn edge(&self) -> Duration {
        self.start.elapsed().saturating_sub(self.core.unwrap_or_default())
    }
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

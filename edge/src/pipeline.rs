//! The stages of a request in their order.
//!
//! ```text
//! preflight? ─yes─▶ respond
//!     │ no
//!   event ─▶ route ─▶ (token) ─▶ authorize ─▶ validate ─▶ enrich ─▶ invoke ─▶ respond ─▶ encode
//! ```
//!
//! Each stage takes the type of the stage before it: a stage that is left out, or comes too early,
//! does not compile. Every answer goes this way, whole or streamed, over HTTP or by a direct
//! Invoke; `encoder` alone knows what the entry point reads, and `record` logs the outcome.

mod answer;
mod clock;
mod encoder;
mod heartbeat;
mod record;
mod reply;
mod settings;
mod stream_body;

use lambda_runtime::Context;
use tokio::time::{Instant, timeout};

use crate::deadline::time_for_core;
use crate::error::{EdgeError, edge_gave_up};
use crate::stages::authorize::authorize;
use crate::stages::enrich::{Enriched, enrich};
use crate::stages::event::{EventSource, Request};
use crate::stages::invoke::{Call, InvokeCore};
use crate::stages::respond::{PreludeParser, Response, read_core_reply};
use crate::stages::route::{RoutedRequest, route};
use crate::stages::token::{TokenVerifier, VerifiedToken};
use crate::stages::validate::validate;
use crate::telemetry::WriteLine;
use answer::{Answer, CoreBody, StreamLimits};
use clock::Clock;
use encoder::Encoder;
use record::{Record, RequestLog};
pub use reply::{Head, Reply};
pub use settings::{ResponseMode, Settings, StreamSettings};
pub use stream_body::{StreamAborted, StreamBody};

/// The edge function: its settings, and a core.
#[derive(Debug)]
pub struct Edge<C> {
    settings: Settings,
    core: C,
    tokens: Option<TokenVerifier>,
    log: RequestLog,
}

impl<C: InvokeCore> Edge<C> {
    /// The edge in front of a core.
    pub fn new(settings: Settings, core: C) -> Self {
        Self {
            tokens: settings.issuer.clone().map(TokenVerifier::new),
            log: RequestLog::new(&settings),
            settings,
            core,
        }
    }

    /// Writes the lines of the requests with a function instead of to the standard output.
    pub fn with_log(mut self, write_line: WriteLine) -> Self {
        self.log.write_line = write_line;
        self
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

    /// Answers an event: takes it through the stages, and encodes what comes of it for the entry
    /// point.
    pub async fn handle<'a>(&'a self, event: &str, context: &'a Context) -> Reply<'a> {
        let clock = Clock::start();
        let request = Request::read(event, context);
        let mut record = Record::of(&self.log, request.source, &context.request_id, clock);
        let encoder = Encoder::of(&self.settings, &request);
        let answer = self.answer(request, context, &mut record.clock).await;
        encoder.encode(answer, record)
    }

    /// The stages from the request to the answer; the first failure ends them.
    async fn answer(
        &self,
        request: Request<'_>,
        context: &Context,
        clock: &mut Clock,
    ) -> Result<Answer, EdgeError> {
        if request.is_preflight() {
            let cors = self.settings.cors_at(request.source);
            let preflight = Response::preflight(cors, request.origin.as_deref());
            return Ok(Answer::Whole(preflight));
        }
        let source = request.source;
        let routed = route(request, &self.settings.route_table)?;
        let token = self.verify_token(&routed, context).await?;
        let authorized = authorize(routed, token.as_ref(), &self.settings.access)?;
        let validated = validate(authorized, &self.settings.required_fields)?;
        let signer = self.settings.identity_signer.as_ref();
        let enriched = enrich(validated, self.settings.payload, signer)?;
        self.invoke(enriched, source, context, clock).await
    }

    /// Invokes core, and reads its answer: all of it, or as far as it must be known before a stream
    /// begins.
    async fn invoke(
        &self,
        enriched: Enriched,
        source: EventSource,
        context: &Context,
        clock: &mut Clock,
    ) -> Result<Answer, EdgeError> {
        let mode = self.settings.response.at(source);
        let deadline = context.deadline();
        let budget = time_for_core(deadline, self.settings.core_limit(mode));
        let budget = budget.ok_or_else(edge_gave_up)?;
        let call = Call {
            enriched,
            trace_id: context.xray_trace_id.as_deref(),
            budget,
        };
        let shape = self.settings.core_reply.at(source);
        let detail = self.settings.error_detail;
        match mode {
            ResponseMode::Buffered => {
                let reply = clock.time_core(self.core.invoke(call)).await?;
                read_core_reply(reply, shape, detail).map(Answer::Whole)
            }
            ResponseMode::Stream => {
                let limits = StreamLimits {
                    core: Instant::now() + budget,
                    reader: Instant::now() + time_for_core(deadline, None).unwrap_or(budget),
                };
                let stream = clock.time_core(self.core.invoke_streamed(call)).await?;
                let parser = PreludeParser::new(stream.content_type, shape, detail);
                let mut body = CoreBody::new(stream.events, detail, limits);
                let head = body.read_head(parser, clock).await?;
                Ok(Answer::Stream(head, body))
            }
        }
    }

    /// The caller's token, where the edge verifies it itself.
    async fn verify_token(
        &self,
        routed: &RoutedRequest<'_>,
        context: &Context,
    ) -> Result<Option<VerifiedToken>, EdgeError> {
        let Some(tokens) = &self.tokens else {
            return Ok(None);
        };
        let limit = time_for_core(context.deadline(), None).ok_or_else(edge_gave_up)?;
        let verified = timeout(limit, tokens.verify(routed)).await;
        verified.unwrap_or_else(|_| {
            let why = "no keys before the deadline";
            Err(EdgeError::IssuerUnreachable(why.to_owned()))
        })
    }
}

//! What the stages are configured with; the configuration fills it.

use std::time::Duration;

use crate::cors::Cors;
use crate::stages::authorize::Access;
use crate::stages::enrich::{IdentitySigner, PayloadShape};
use crate::stages::event::EventSource;
use crate::stages::respond::{CoreReplyShape, ErrorDetail};
use crate::stages::route::RouteTable;
use crate::stages::token::Issuer;
use crate::telemetry::LogFormat;

/// What the stages are configured with.
#[derive(Debug)]
pub struct Settings {
    /// Which paths and methods are served: `ROUTES`, `ALLOWED_METHODS`.
    pub route_table: RouteTable,
    /// Whose tokens the edge verifies itself: `JWT_ISSUER`, `JWT_AUDIENCE`.
    pub issuer: Option<Issuer>,
    /// Whether answers are streamed, where the entry point can: `RESPONSE`.
    pub response: ResponseMode,
    /// How long a stream may be silent, and how long it may last.
    pub stream: StreamSettings,
    /// Who is authorized, and what core receives about the caller.
    pub access: Access,
    /// The fields that an input must have, in the order in which missing ones are reported:
    /// `REQUIRED_FIELDS`.
    pub required_fields: Vec<String>,
    /// What core receives: `PAYLOAD`.
    pub payload: PayloadShape,
    /// What signs the identity that core receives, if anything does: `IDENTITY_SIGNING_KEY`.
    pub identity_signer: Option<IdentitySigner>,
    /// How core's answer is read: `CORE_REPLY`.
    pub core_reply: CoreReplyShape,
    /// How long core may take: `CORE_TIMEOUT_MS`; `None` leaves the edge's remaining time as the
    /// only limit.
    pub core_timeout: Option<Duration>,
    /// What a browser may read of a failure of core: `ERROR_DETAIL`.
    pub error_detail: ErrorDetail,
    /// Which pages may read answers: `ALLOWED_ORIGINS`, `ALLOWED_HEADERS`.
    pub cors: Cors,
    /// Whether the platform writes the CORS headers where it can: `CORS`.
    pub platform_cors: bool,
    /// Which lines are logged, and how: `LOG_LEVEL`, `AWS_LAMBDA_LOG_LEVEL`,
    /// `AWS_LAMBDA_LOG_FORMAT`.
    pub log: LogFormat,
    /// The dimension of the metrics: `AWS_LAMBDA_FUNCTION_NAME`.
    pub function_name: String,
}

impl Settings {
    /// The CORS policy at an entry point.
    pub(super) fn cors_at(&self, source: EventSource) -> &Cors {
        static PLATFORM: Cors = Cors::platform();
        if self.platform_cors && source.has_platform_cors() {
            &PLATFORM
        } else {
            &self.cors
        }
    }

    /// The configured limit of the time for core, beside the deadline.
    pub(super) fn core_limit(&self, mode: ResponseMode) -> Option<Duration> {
        let of_streams = match mode {
            ResponseMode::Buffered => None,
            ResponseMode::Stream => self.stream.longest,
        };
        [self.core_timeout, of_streams].into_iter().flatten().min()
    }
}

/// `RESPONSE`: how the edge answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// Each answer in one piece.
    Buffered,
    /// As core's bytes come, at every entry point that can stream.
    Stream,
}

/// How long a stream may be silent, and how long it may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSettings {
    /// `STREAM_HEARTBEAT_S`: after how long a silence of core in an event stream a comment is sent;
    /// `None` sends none.
    pub heartbeat: Option<Duration>,
    /// `STREAM_MAX_S`: how long a stream may last; `None` leaves the other limits.
    pub longest: Option<Duration>,
}

impl StreamSettings {
    /// Half of the 30 s after which an edge-optimised REST API closes a silent stream.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html>
    pub const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(15);
}

impl ResponseMode {
    /// The mode at an entry point: an HTTP API cannot stream.
    pub(super) fn at(self, source: EventSource) -> Self {
        match source {
            EventSource::HttpApi => Self::Buffered,
            EventSource::RestApi | EventSource::FunctionUrl | EventSource::Direct => self,
        }
    }
}

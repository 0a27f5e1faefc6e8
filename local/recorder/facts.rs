//! What is noted about a request while it is processed. `view` makes the record of it, when
//! somebody asks for one: a request that nobody looks at costs no more than these copies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};
use sigv4::Mismatch;

use super::record::{EntryPoint, Mail, RecordState};
use crate::cors::CorsConfiguration;
use crate::jwt::TokenCheck;

/// The most of a body that is kept, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// What a record takes besides its bodies, headers and texts, in bytes: the resident memory of some
/// thousand records of small requests, less what was counted for them, for each.
const RECORD_OVERHEAD: usize = 20 * 1024;
/// The most pieces of a stream of which the times are kept.
const MAX_PIECES: usize = 500;
/// The most log lines of an invocation that are kept, and the most of a line in bytes.
const MAX_LOG_LINES: usize = 200;
const MAX_LOG_LINE: usize = 4 * 1024;

/// The beginning of a body. The bytes are copied: a slice would keep the whole buffer that it was
/// read into.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredBody {
    pub kept: Vec<u8>,
    pub total: usize,
}

impl StoredBody {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut body = Self::default();
        body.push(bytes);
        body
    }

    /// Adds the next bytes; returns how many are kept.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        let kept = bytes.len().min(MAX_BODY - self.kept.len());
        self.kept.extend_from_slice(&bytes[..kept]);
        self.total += bytes.len();
        kept
    }
}

#[derive(Debug)]
pub(super) struct Facts {
    pub start: Instant,
    /// Milliseconds since 1970.
    pub at: i64,
    pub entry_point: EntryPoint,
    pub state: RecordState,
    /// The time from the arrival to the end of the response.
    pub ended: Option<Duration>,
    pub request_id: String,
    pub trace_id: String,
    pub method: Method,
    /// The path with the query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: StoredBody,
    pub replay_of: Option<u64>,
    pub experiment: Option<&'static str>,
    /// The function that takes the place of the one that a function invokes.
    pub stand_in: Option<&'static str>,
    /// The function that a function URL or the Invoke API names.
    pub function: Option<String>,
    /// The key of the route that matches.
    pub route: Option<String>,
    pub cors: Option<Arc<CorsConfiguration>>,
    pub authorizer: Option<AuthorizerFacts>,
    pub access: Option<AccessFacts>,
    /// The error that the API itself returned.
    pub refusal: Option<Refusal>,
    pub event: Option<StoredBody>,
    pub invocations: Vec<InvocationFacts>,
    pub response: Option<ResponseFacts>,
    /// The spans by which the requests that this one causes are recognized.
    pub spans: Vec<u64>,
}

/// The work of an API's authorizer.
#[derive(Debug)]
pub(super) struct AuthorizerFacts {
    pub start: Duration,
    pub end: Duration,
    pub result: Result<Arc<Map<String, Value>>, TokenRefusal>,
}

/// The check of an authorizer that a token does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRefusal {
    pub check: TokenCheck,
    /// The reason in API Gateway's words.
    pub why: String,
}

/// The result of Lambda's access control for a signed request.
#[derive(Debug)]
pub(super) struct AccessFacts {
    /// The ARN of the caller, if the signature holds.
    pub principal: Option<String>,
    pub mismatch: Option<Mismatch>,
}

/// The rule by which a service refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The routes of an API.
    Route,
    /// The limit of the request's size.
    Size,
    /// The form of a request: its name, parameters or JSON.
    Form,
    /// The signature of the request.
    Signature,
    /// The permission of the caller.
    Permission,
    /// The concurrency of a function.
    Concurrency,
    /// What a function returns to an API.
    Response,
    /// The time-out of an integration.
    TimeOut,
}

/// The error of a service that did not pass a request on, or not the response to it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub rule: Rule,
    pub why: String,
}

#[derive(Debug)]
pub(super) struct InvocationFacts {
    pub function: String,
    pub request_id: String,
    /// The index of the invocation whose function made this one; `None` for the API's.
    pub caller: Option<usize>,
    pub arrived: Duration,
    pub answered: Option<Duration>,
    /// When an environment began to work on it.
    pub began: Option<Duration>,
    pub finished: Option<Duration>,
    pub access: Option<AccessFacts>,
    pub refusal: Option<Refusal>,
    pub payload: StoredBody,
    pub reply: Option<StoredBody>,
    pub pieces: Vec<(Duration, usize)>,
    pub is_function_error: bool,
    pub init: Option<Duration>,
    pub memory: u32,
    pub max_memory_used: Option<u64>,
    pub log: Vec<String>,
    /// The lines that the function has printed for this invocation or for another one.
    pub shared_log: Vec<String>,
}

#[derive(Debug)]
pub(super) struct ResponseFacts {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: StoredBody,
    pub pieces: Vec<(Duration, usize)>,
}

impl InvocationFacts {
    pub(super) fn new(function: &str, caller: Option<usize>, arrived: Duration) -> Self {
        Self {
            function: function.to_owned(),
            request_id: String::new(),
            caller,
            arrived,
            answered: None,
            began: None,
            finished: None,
            access: None,
            refusal: None,
            payload: StoredBody::default(),
            reply: None,
            pieces: Vec::new(),
            is_function_error: false,
            init: None,
            memory: 0,
            max_memory_used: None,
            log: Vec::new(),
            shared_log: Vec::new(),
        }
    }
}

impl Facts {
    pub(super) fn new(entry_point: EntryPoint, parts: &Parts) -> Self {
        Self {
            start: Instant::now(),
            at: jiff::Timestamp::now().as_millisecond(),
            entry_point,
            state: RecordState::Open,
            ended: None,
            request_id: String::new(),
            trace_id: String::new(),
            method: parts.method.clone(),
            path: parts
                .uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
            headers: parts.headers.clone(),
            body: StoredBody::default(),
            replay_of: None,
            experiment: None,
            stand_in: None,
            function: None,
            route: None,
            cors: None,
            authorizer: None,
            access: None,
            refusal: None,
            event: None,
            // The edge's and core's.
            invocations: Vec::with_capacity(2),
            response: None,
            spans: Vec::with_capacity(2),
        }
    }

    /// About how many bytes the facts took when the request arrived, with what the allocations of a
    /// whole record take besides what is counted as it is noted.
    pub(super) fn initial_size(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        RECORD_OVERHEAD + self.path.len() + headers
    }

    /// Frees what takes memory, after the record was dropped.
    pub(super) fn clear(&mut self) {
        self.headers = HeaderMap::new();
        self.body = StoredBody::default();
        self.event = None;
        self.invocations = Vec::new();
        self.response = None;
        self.spans = Vec::new();
    }

    /// The time since the request arrived.
    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Adds a piece of a stream, unless there are too many; returns how many bytes it takes.
pub(super) fn push_piece(pieces: &mut Vec<(Duration, usize)>, at: Duration, bytes: usize) -> usize {
    if pieces.len() >= MAX_PIECES {
        return 0;
    }
    pieces.push((at, bytes));
    size_of::<(Duration, usize)>()
}

/// Adds a log line, unless there are too many; returns how many bytes it takes.
pub(super) fn push_log_line(log: &mut Vec<String>, line: &str) -> usize {
    if log.len() >= MAX_LOG_LINES {
        return 0;
    }
    let line = &line[..line.floor_char_boundary(MAX_LOG_LINE)];
    let size = line.len() + size_of::<String>();
    log.push(line.to_owned());
    size
}

/// A message of Cognito's, with the number of the change that it was.
#[derive(Debug, Clone)]
pub(super) struct SentMail {
    pub change: u64,
    pub mail: Mail,
}

/// The bytes of a response that may be looked at.
pub(super) fn bytes_of(body: &[u8]) -> Bytes {
    Bytes::copy_from_slice(body)
}

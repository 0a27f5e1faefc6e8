//! The one error type of the edge: every way a request can fail, each with its status, its code and
//! its public message.
//!
//! What a browser may read is [`EdgeError::message`]; what only the operator may read is
//! [`EdgeError::cause`].

use std::borrow::Cow;
use std::error::Error;

use serde_json::value::RawValue;

/// The longest text of another library's or service's error in the log, in characters.
const MAX_LOGGED_ERROR: usize = 300;

/// A request that does not end with core's answer.
#[derive(Debug)]
pub enum EdgeError {
    /// There is no body where one is needed.
    MissingBody,
    /// The body is not JSON, not UTF-8, or not the base64 that the event says it is.
    InvalidJson,
    /// The body is JSON, but not an object.
    NotAnObject,
    /// Required fields are absent, `null` or `""`, in the configured order.
    MissingFields(Vec<String>),
    /// Nothing about the caller is verified; the reason is for the log.
    Unauthorized(Cow<'static, str>),
    /// The caller is not allowed to do this; the reason is for the log.
    Forbidden(&'static str),
    /// The path is not among `ROUTES`.
    NotFound,
    /// The method is not among `ALLOWED_METHODS`.
    MethodNotAllowed,
    /// The payload for core passes Lambda's limit: its size, or Lambda's message.
    RequestTooLarge(String),
    /// The keys of `JWT_ISSUER` cannot be fetched, so that no token can be verified.
    IssuerUnreachable(String),
    /// Lambda has no function of that name; Lambda's message.
    CoreNotFound(String),
    /// The edge's role may not invoke core; Lambda's message.
    CoreAccessDenied(String),
    /// Any other error of the Invoke API or of the SDK; its message.
    InvocationFailure(String),
    /// No connection to Lambda could be made, it broke, or the answer was not Lambda's.
    CoreUnreachable(String),
    /// Core ran, and failed.
    CoreError {
        /// Its `errorType`, for the log.
        error_type: String,
        /// What the browser may read of it.
        detail: Option<Box<RawValue>>,
    },
    /// Core's answer does not fit into the edge's response; the size in bytes.
    CoreAnswerTooLarge(usize),
    /// Lambda throttles core, or is not ready to start it.
    CoreThrottled {
        /// The number of seconds after which to try again.
        retry_after: u32,
        /// Lambda's message, for the log.
        cause: String,
    },
    /// The edge stopped waiting for core before its own deadline, or core reached its own time-out;
    /// which of the two.
    CoreTimedOut(String),
}

impl EdgeError {
    /// The HTTP status of the response; of a direct Invoke it stands in the log alone.
    pub fn status(&self) -> u16 {
        match self {
            Self::MissingBody | Self::InvalidJson | Self::NotAnObject | Self::MissingFields(_) => {
                400
            }
            Self::Unauthorized(_) => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTooLarge(_) => 413,
            Self::CoreNotFound(_) | Self::CoreAccessDenied(_) | Self::InvocationFailure(_) => 500,
            Self::CoreUnreachable(_) | Self::CoreError { .. } | Self::CoreAnswerTooLarge(_) => 502,
            Self::CoreThrottled { .. } | Self::IssuerUnreachable(_) => 503,
            Self::CoreTimedOut(_) => 504,
        }
    }

    /// The code for programs; for a direct Invoke, the `errorType` of the function error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingBody => "missing_body",
            Self::InvalidJson => "invalid_json",
            Self::NotAnObject => "not_an_object",
            Self::MissingFields(_) => "missing_fields",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTooLarge(_) => "request_too_large",
            Self::IssuerUnreachable(_) => "issuer_unreachable",
            Self::CoreNotFound(_) => "core_not_found",
            Self::CoreAccessDenied(_) => "core_access_denied",
            Self::InvocationFailure(_) => "invocation_failure",
            Self::CoreUnreachable(_) => "core_unreachable",
            Self::CoreError { .. } => "core_error",
            Self::CoreAnswerTooLarge(_) => "core_answer_too_large",
            Self::CoreThrottled { .. } => "core_throttled",
            Self::CoreTimedOut(_) => "core_timed_out",
        }
    }

    /// The public message; for a direct Invoke, the `errorMessage` of the function error.
    pub fn message(&self) -> String {
        let text = match self {
            Self::MissingBody => "Missing request body",
            Self::InvalidJson => "Body must be valid JSON",
            Self::NotAnObject => "Body must be a JSON object",
            Self::MissingFields(fields) => return format!("Missing fields: {}", fields.join(", ")),
            Self::Unauthorized(_) => "Unauthorized",
            Self::Forbidden(_) => "Forbidden",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::RequestTooLarge(_) => "Request too large",
            Self::IssuerUnreachable(_) => "Token issuer unreachable",
            Self::CoreNotFound(_) => "Target lambda not found",
            Self::CoreAccessDenied(_) => "Not allowed to invoke the target lambda",
            Self::InvocationFailure(_) | Self::CoreUnreachable(_) => "Invocation failure",
            Self::CoreError { .. } => "Core lambda error",
            Self::CoreAnswerTooLarge(_) => "Core lambda answer too large",
            Self::CoreThrottled { .. } => "Core lambda is busy",
            Self::CoreTimedOut(_) => "Core lambda timed out",
        };
        text.to_owned()
    }

    /// The internal message, which only the log has.
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::Unauthorized(reason) => Some(reason.clone().into_owned()),
            Self::Forbidden(reason) => Some((*reason).to_owned()),
            Self::InvocationFailure(cause)
            | Self::CoreUnreachable(cause)
            | Self::IssuerUnreachable(cause)
            | Self::CoreNotFound(cause)
            | Self::CoreAccessDenied(cause)
            | Self::CoreThrottled { cause, .. }
            | Self::CoreTimedOut(cause)
            | Self::RequestTooLarge(cause)
            | Self::CoreError {
                error_type: cause, ..
            } => Some(cause.clone()),
            Self::CoreAnswerTooLarge(bytes) => Some(format!("{bytes} bytes")),
            Self::MissingBody
            | Self::InvalidJson
            | Self::NotAnObject
            | Self::MissingFields(_)
            | Self::NotFound
            | Self::MethodNotAllowed => None,
        }
    }
}

/// The error for a wait for core that reached the edge's own limit.
pub fn edge_gave_up() -> EdgeError {
    EdgeError::CoreTimedOut("the edge stopped waiting for core".to_owned())
}

/// An error and its causes in one line, shortened for the log.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    truncate(&line)
}

/// The beginning of a text, as long as the log allows.
pub fn truncate(text: &str) -> String {
    text.chars().take(MAX_LOGGED_ERROR).collect()
}

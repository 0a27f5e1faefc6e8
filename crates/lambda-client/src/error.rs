//! Why a call has no result.

use std::error::Error;
use std::fmt;

use aws_smithy_types::error::ErrorMetadata;
use hyper::HeaderMap;
use hyper::http::response::Parts;
use serde_json::{Map, Value};

use crate::http::HttpError;

type BoxError = Box<dyn Error + Send + Sync>;

/// A call that has no result.
#[derive(Debug)]
pub enum InvokeError {
    /// The request could not be made: region, endpoint, credentials or a header is missing or
    /// invalid. Nothing was sent.
    NotSent(BoxError),
    /// The connection could not be made, broke, or brought what is not Lambda's answer.
    Unreachable(BoxError),
    /// Lambda answered with an error.
    Service(ServiceError),
    /// The answer is larger than any that Lambda sends.
    AnswerTooLarge {
        /// Its size, as far as it is known.
        bytes: usize,
    },
}

/// An error that Lambda named.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// The HTTP status of Lambda's answer.
    pub status: u16,
    /// The error's name, for example `ResourceNotFoundException`.
    pub name: String,
    /// Lambda's text; empty where there is none.
    pub message: String,
    /// Seconds, from the header `Retry-After`.
    pub retry_after: Option<u32>,
}

impl InvokeError {
    /// A request that could not be made.
    pub fn not_sent(why: impl Into<BoxError>) -> Self {
        Self::NotSent(why.into())
    }

    /// An answer that did not come, or is not Lambda's.
    pub fn unreachable(why: impl Into<BoxError>) -> Self {
        Self::Unreachable(why.into())
    }

    /// An error answer. One without an error name is not Lambda's: a proxy or a load balancer sent
    /// it.
    pub(crate) fn from_answer(head: &Parts, body: &[u8]) -> Self {
        let status = head.status.as_u16();
        match error_metadata(&head.headers, body) {
            Some(metadata) => Self::from_metadata(
                status,
                &metadata,
                head.headers
                    .get("retry-after")
                    .and_then(|v| v.to_str().ok()),
            ),
            None => Self::without_name(status),
        }
    }

    /// An error answer as the AWS SDK reads it: status, name and message, and the header
    /// `Retry-After`.
    pub fn from_metadata(status: u16, metadata: &ErrorMetadata, retry_after: Option<&str>) -> Self {
        let Some(name) = metadata.code() else {
            return Self::without_name(status);
        };
        Self::Service(ServiceError {
            status,
            name: name.to_owned(),
            message: metadata.message().unwrap_or_default().to_owned(),
            retry_after: retry_after.and_then(|seconds| seconds.parse().ok()),
        })
    }

    fn without_name(status: u16) -> Self {
        Self::unreachable(format!("an answer with status {status} and no error name"))
    }
}

/// The error's name from the header `x-amzn-errortype`, else from the body; `None` if there is no
/// name, or the body is neither empty nor a JSON object.
fn error_metadata(headers: &HeaderMap, body: &[u8]) -> Option<ErrorMetadata> {
    let body: Map<String, Value> = if body.is_empty() {
        Map::new()
    } else {
        serde_json::from_slice(body).ok()?
    };
    let text = |names: &[&str]| names.iter().find_map(|name| body.get(*name)?.as_str());
    let name = error_type(headers).or_else(|| text(&["code", "__type"]).map(error_name))?;
    let mut metadata = ErrorMetadata::builder().code(name);
    if let Some(message) = text(&["message", "Message", "errorMessage"]) {
        metadata = metadata.message(message);
    }
    Some(metadata.build())
}

/// The error name in the header `x-amzn-errortype`.
pub(crate) fn error_type(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("x-amzn-errortype")
        .and_then(|name| name.to_str().ok())
        .map(error_name)
}

/// `namespace#Name:http://…` is the error `Name`.
fn error_name(text: &str) -> &str {
    let text = text.split(':').next().unwrap_or_default();
    text.split_once('#').map_or(text, |(_, name)| name)
}

impl From<HttpError> for InvokeError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::TooLarge { bytes } => Self::AnswerTooLarge { bytes },
            error => Self::unreachable(error),
        }
    }
}

/// The texts of `NotSent` and `Unreachable` are those of their causes.
impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotSent(why) | Self::Unreachable(why) => why.fmt(f),
            Self::Service(ServiceError { name, message, .. }) => write!(f, "{name}: {message}"),
            Self::AnswerTooLarge { bytes } => write!(f, "an answer of {bytes} bytes"),
        }
    }
}

impl Error for InvokeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotSent(why) | Self::Unreachable(why) => why.source(),
            Self::Service(_) | Self::AnswerTooLarge { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::Response;

    use super::*;

    fn error(error_type: &str, body: &str) -> InvokeError {
        let mut answer = Response::builder().status(400);
        if !error_type.is_empty() {
            answer = answer.header("x-amzn-errortype", error_type);
        }
        let (head, ()) = answer.body(()).expect("an answer").into_parts();
        InvokeError::from_answer(&head, body.as_bytes())
    }

    #[test]
    fn the_name_is_the_headers_without_its_suffix_or_else_the_bodys() {
        for (error_type, body, expected) in [
            ("SomeException", "", "SomeException: "),
            (
                "SomeException:http://internal/",
                r#"{"message":"why"}"#,
                "SomeException: why",
            ),
            (
                "SomeException",
                r#"{"Message":"why"}"#,
                "SomeException: why",
            ),
            ("", r#"{"__type":"aws#SomeException"}"#, "SomeException: "),
            (
                "",
                r#"{"message":"why"}"#,
                "an answer with status 400 and no error name",
            ),
            (
                "SomeException",
                "<html>",
                "an answer with status 400 and no error name",
            ),
        ] {
            assert_eq!(
                error(error_type, body).to_string(),
                expected,
                "{error_type} {body}"
            );
        }
    }
}

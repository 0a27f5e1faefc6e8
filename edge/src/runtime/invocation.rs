//! Polls the Runtime API for the next invocation.
//!
//! The context is read tolerantly: an app's user writes the client context, and one that cannot be
//! read must not end the environment, as `lambda_runtime`'s own reader of it does.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::header::{HeaderMap, HeaderValue};
use lambda_http::Error;
use lambda_runtime::Context;
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::Body;

/// Identifies the invocation beside its request id; it is sent back as it came.
pub const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
const FUNCTION_ARN: &str = "lambda-runtime-invoked-function-arn";
const TRACE_ID: &str = "lambda-runtime-trace-id";
const TENANT_ID: &str = "lambda-runtime-aws-tenant-id";
const CLIENT_CONTEXT: &str = "lambda-runtime-client-context";
const COGNITO_IDENTITY: &str = "lambda-runtime-cognito-identity";

/// The time that an invocation without a deadline is given.
const DEFAULT_TIME: Duration = Duration::from_secs(60);

/// An invocation, as the Runtime API gives it.
#[derive(Debug)]
pub struct Invocation {
    /// The request id, the deadline and who called.
    pub context: Context,
    /// The event as it was sent: bytes that may not be UTF-8.
    pub event: Bytes,
    /// The value of [`INVOCATION_ID`].
    pub invocation_id: Option<HeaderValue>,
}

/// A poll that gave no invocation.
#[derive(Debug)]
pub enum PollError {
    /// No connection, or a broken one: another poll may succeed.
    Connection(Error),
    /// The Runtime API refuses to give invocations: the environment is to end.
    Ended(String),
}

impl fmt::Display for PollError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "the Runtime API cannot be reached: {error}"),
            Self::Ended(why) => write!(f, "the Runtime API gives no invocation: {why}"),
        }
    }
}

/// Waits for the next invocation.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next>
pub async fn next(api: &PooledClient) -> Result<Invocation, PollError> {
    let request = Request::get("/2018-06-01/runtime/invocation/next").body(Body::empty());
    let request = request.map_err(|error| PollError::Ended(error.to_string()))?;
    let response = api.call(request).await.map_err(PollError::Connection)?;
    let (parts, body) = response.into_parts();
    let event = body
        .collect()
        .await
        .map_err(|error| PollError::Connection(error.into()))?
        .to_bytes();
    if !parts.status.is_success() {
        return Err(PollError::Ended(format!(
            "status {}",
            parts.status.as_u16()
        )));
    }
    let context = read_context(&parts.headers)
        .ok_or_else(|| PollError::Ended(format!("no header {REQUEST_ID}")))?;
    Ok(Invocation {
        context,
        event,
        invocation_id: parts.headers.get(INVOCATION_ID).cloned(),
    })
}

/// Reads the headers; `None` without a request id, because nothing could be answered.
fn read_context(headers: &HeaderMap) -> Option<Context> {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let bytes = |name: &str| {
        headers
            .get(name)
            .map(HeaderValue::as_bytes)
            .filter(|value| !value.is_empty())
    };
    let mut context = Context::default();
    context.request_id = text(REQUEST_ID)?;
    context.deadline = text(DEADLINE_MS)
        .and_then(|millis| millis.parse().ok())
        .unwrap_or_else(default_deadline);
    context.invoked_function_arn = text(FUNCTION_ARN).unwrap_or_default();
    context.xray_trace_id = text(TRACE_ID);
    context.tenant_id = text(TENANT_ID);
    // Its presence says that an app has called, even where it cannot be read.
    context.client_context = bytes(CLIENT_CONTEXT).and_then(|json| {
        serde_json::from_slice(json)
            .or_else(|_| serde_json::from_str("{}"))
            .ok()
    });
    context.identity = bytes(COGNITO_IDENTITY).and_then(|json| {
        serde_json::from_slice(json)
            .or_else(|_| serde_json::from_str(UNKNOWN_IDENTITY))
            .ok()
    });
    Some(context)
}

/// What stands for a Cognito identity that cannot be read: nobody.
const UNKNOWN_IDENTITY: &str = r#"{"identityId":"","identityPoolId":""}"#;

fn default_deadline() -> u64 {
    let deadline = (SystemTime::now() + DEFAULT_TIME)
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(deadline.as_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&'static str, &[u8])]) -> Context {
        let value = |bytes: &&[u8]| HeaderValue::from_bytes(bytes).expect("a value");
        let mut headers: HeaderMap = pairs
            .iter()
            .map(|(name, bytes)| (name.parse().expect("a name"), value(bytes)))
            .collect();
        headers.insert(REQUEST_ID, HeaderValue::from_static("id-1"));
        read_context(&headers).expect("a context")
    }

    #[test]
    fn a_client_context_that_cannot_be_read_is_still_one() {
        for json in [
            "{}",
            r#"{"custom":{"a":"b"}}"#,
            r#"{"custom":{"n":1}}"#,
            "7",
            r#"{"custom":{"name":"Zoë"}}"#,
            "{",
            "null",
        ] {
            assert!(
                context(&[(CLIENT_CONTEXT, json.as_bytes())])
                    .client_context
                    .is_some(),
                "{json}"
            );
        }
        assert!(context(&[(CLIENT_CONTEXT, b"")]).client_context.is_none());
        assert!(context(&[]).client_context.is_none());
        assert!(
            context(&[(CLIENT_CONTEXT, b"\xff\xfe")])
                .client_context
                .is_some()
        );
    }

    #[test]
    fn an_identity_that_cannot_be_read_is_nobody_and_not_none() {
        let identity = |json: &str| {
            context(&[(COGNITO_IDENTITY, json.as_bytes())])
                .identity
                .map(|identity| identity.identity_id)
        };
        let written =
            r#"{"cognitoIdentityId":"us-east-1:1","cognitoIdentityPoolId":"us-east-1:2"}"#;
        assert_eq!(identity(written).as_deref(), Some("us-east-1:1"));
        assert_eq!(identity("[]").as_deref(), Some(""));
        assert_eq!(identity(""), None);
    }

    #[test]
    fn a_deadline_that_is_missing_or_odd_is_a_minute_from_now() {
        assert_eq!(
            context(&[(DEADLINE_MS, b"1795000000000")]).deadline,
            1_795_000_000_000
        );
        for odd in [&b""[..], b"soon", b"-1"] {
            assert!(context(&[(DEADLINE_MS, odd)]).deadline > default_deadline() - 1_000);
        }
    }

    #[test]
    fn without_a_request_id_there_is_no_invocation() {
        assert!(read_context(&HeaderMap::new()).is_none());
    }
}

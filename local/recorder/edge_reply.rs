//! Reads what the edge has returned, in any of the forms in which it answers.

use serde_json::Value;

use super::facts::StoredBody;

/// What the edge has returned, as far as it tells an error.
#[derive(Debug, Default)]
pub(super) struct EdgeReply {
    pub code: Option<String>,
    pub message: String,
    pub body: Value,
}

impl EdgeReply {
    /// Reads a response for an API, a streamed one with its prelude, or a function error.
    pub(super) fn read(reply: &StoredBody) -> Self {
        let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        let prelude = reply.kept.windows(8).position(|window| window == [0; 8]);
        let body = match prelude {
            Some(at) => parse(&reply.kept[at + 8..]),
            None => {
                let whole = parse(&reply.kept);
                match whole.get("body").and_then(Value::as_str) {
                    Some(text) if whole.get("statusCode").is_some() => parse(text.as_bytes()),
                    _ => whole,
                }
            }
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let code = text("code").or_else(|| text("errorType"));
        let message = text("error").or_else(|| text("errorMessage"));
        Self {
            code: code.filter(|_| message.is_some()),
            message: message.unwrap_or_default(),
            body,
        }
    }
}

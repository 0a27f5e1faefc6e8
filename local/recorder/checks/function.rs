//! The verdict of a function that is not the edge: its result, or how it failed.

use serde_json::Value;

use super::Verdict;
use crate::recorder::edge_reply::EdgeReply;
use crate::recorder::facts::InvocationFacts;
use crate::recorder::mend;

/// Core, or any other function that is not the edge.
pub(in crate::recorder) fn function(
    invocation: &InvocationFacts,
    caller: Option<&EdgeReply>,
) -> Verdict {
    let mut verdict = Verdict::default();
    let code = caller.and_then(|reply| reply.code.as_deref());
    let body = caller.map_or(&Value::Null, |reply| &reply.body);
    if invocation.is_function_error {
        let why = invocation.reply.as_ref().map(|reply| error_of(&reply.kept));
        let code = code.unwrap_or("core_error");
        verdict.stopped("Result", why.unwrap_or_default(), mend::edge(code, body));
        return verdict;
    }
    if let Some(code @ ("core_timed_out" | "core_answer_too_large" | "core_error")) = code {
        let message = caller.map_or("", |reply| reply.message.as_str());
        verdict.stopped(
            "Result",
            format!("{code}: {message}"),
            mend::edge(code, body),
        );
    } else if invocation.finished.is_some() {
        let bytes = invocation.reply.as_ref().map_or(0, |reply| reply.total);
        verdict.passed("Result", format!("{bytes} bytes"));
    }
    verdict
}

/// The error of a function as `type: message`.
fn error_of(payload: &[u8]) -> String {
    let Ok(error) = serde_json::from_slice::<Value>(payload) else {
        return String::from_utf8_lossy(payload).chars().take(300).collect();
    };
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    format!("{}: {}", text("errorType"), text("errorMessage"))
}

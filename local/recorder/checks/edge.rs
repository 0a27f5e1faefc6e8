//! The verdict of the edge: each of its stages, by the code with which it answers.

use serde_json::Value;

use super::Verdict;
use crate::recorder::edge_reply::EdgeReply;
use crate::recorder::mend;
use crate::recorder::record::HopState;

/// The stages of the edge in their order.
const STAGES: [&str; 7] = [
    "event",
    "route",
    "authorize",
    "validate",
    "enrich",
    "invoke",
    "respond",
];

/// The edge: stage by stage.
pub(in crate::recorder) fn edge(reply: Option<&EdgeReply>) -> Verdict {
    let mut verdict = Verdict::default();
    let code = reply.and_then(|reply| reply.code.as_deref());
    let stop = code.and_then(stage_of);
    for stage in STAGES {
        match stop {
            Some(stopped) if stopped == stage => {
                let reply = reply.filter(|reply| reply.code.is_some());
                let (code, message) = reply.map_or(("", ""), |reply| {
                    (
                        reply.code.as_deref().unwrap_or_default(),
                        reply.message.as_str(),
                    )
                });
                let body = reply.map_or(&Value::Null, |reply| &reply.body);
                verdict.stopped(stage, format!("{code}: {message}"), mend::edge(code, body));
            }
            Some(_) if verdict.stop().is_some() => verdict.add(stage, HopState::NotReached, ""),
            _ => verdict.passed(stage, ""),
        }
    }
    verdict
}

/// The stage of the edge that answers with a code; `None` for the errors of core, which is where
/// the request was stopped then.
fn stage_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "missing_body" | "invalid_json" | "not_an_object" | "missing_fields" => "validate",
        "unauthorized" | "forbidden" | "issuer_unreachable" => "authorize",
        "not_found" | "method_not_allowed" => "route",
        "request_too_large" => "enrich",
        "core_unreachable" | "invocation_failure" => "invoke",
        "core_not_found" | "core_access_denied" | "core_throttled" => return None,
        "core_error" | "core_answer_too_large" | "core_timed_out" => return None,
        _ => "respond",
    })
}

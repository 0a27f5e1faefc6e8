//! Makes the record of a request from the facts that were noted, without what must not leave the
//! process.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderMap;
use serde_json::Value;

use super::checks::{self, Verdict};
use super::facts::{Facts, InvocationFacts, StoredBody};
use super::hops::{Period, exclusive, millis};
use super::record::{
    EntryPoint, Hop, HopKind, HopState, Piece, Record, RecordState, RecordedBody,
    RecordedInvocation, RecordedRequest, RecordedResponse, SignatureMismatch, Stop, Summary,
};
use super::redaction;
use crate::terminal::RequestLine;

/// The beginning of the names of the edge functions; every other function counts as core.
const EDGE: &str = "edge";

/// The members of a list.
pub(super) fn summary(id: u64, facts: &Facts) -> Summary {
    let hops = hops(facts);
    summary_of(id, facts, &hops)
}

/// The line for the terminal.
pub(crate) fn summary_line(id: u64, facts: &Facts) -> RequestLine {
    let hops = hops(facts);
    let summary = summary_of(id, facts, &hops);
    let times = hops.into_iter().map(|(hop, _)| hop);
    let times = times.filter(|hop| hop.state != HopState::NotReached);
    RequestLine {
        summary: serde_json::to_value(&summary).unwrap_or_default(),
        id,
        method: summary.method,
        path: summary.path,
        status: summary.status,
        ms: summary.ms,
        is_aborted: summary.state == RecordState::Aborted,
        is_cold_start: summary.cold_start,
        hops: times.map(|hop| (hop.name, hop.ms)).collect(),
        stop: summary.stop.map(|stop| (stop.hop, stop.why, stop.mend)),
    }
}

/// The whole record.
pub(super) fn record(id: u64, facts: &Facts) -> Record {
    let hops = hops(facts);
    let host = header(&facts.headers, "host").unwrap_or("localhost");
    let claims = facts
        .authorizer
        .as_ref()
        .and_then(|authorizer| authorizer.result.as_ref().ok());
    Record {
        summary: summary_of(id, facts, &hops),
        request_id: facts.request_id.clone(),
        trace_id: redaction::text(&facts.trace_id).into_owned(),
        request: RecordedRequest {
            url: redaction::text(&format!("http://{host}{}", facts.path)).into_owned(),
            headers: headers(&facts.headers),
            body: body(&facts.body),
        },
        claims: claims.map(|claims| (**claims).clone()),
        event: facts.event.as_ref().map(body),
        response: facts.response.as_ref().map(|response| RecordedResponse {
            status: response.status.as_u16(),
            headers: headers(&response.headers),
            body: body(&response.body),
            pieces: pieces(&response.pieces),
        }),
        mismatch: mismatch(facts),
        hops: hops.into_iter().map(|(hop, _)| hop).collect(),
        invocations: facts.invocations.iter().map(invocation).collect(),
    }
}

fn summary_of(id: u64, facts: &Facts, hops: &[(Hop, Option<String>)]) -> Summary {
    Summary {
        id,
        at: facts.at,
        entry_point: facts.entry_point,
        state: facts.state,
        method: facts.method.to_string(),
        path: redaction::text(&facts.path).into_owned(),
        status: facts
            .response
            .as_ref()
            .map(|response| response.status.as_u16()),
        ms: millis(now(facts)),
        cold_start: facts.invocations.iter().any(|one| one.init.is_some()),
        stop: stop(facts, hops),
        replay_of: facts.replay_of,
        experiment: facts.experiment.map(str::to_owned),
    }
}

/// The time until the end of the request, or until now.
fn now(facts: &Facts) -> Duration {
    facts.ended.unwrap_or_else(|| facts.elapsed())
}

/// The hop that stopped the request. An API refuses a request before the others have it; whatever
/// else it finds wrong, such as the origin of the page, is said if no other hop has stopped it.
fn stop(facts: &Facts, hops: &[(Hop, Option<String>)]) -> Option<Stop> {
    let stopped = |(hop, mend): &(Hop, Option<String>)| {
        let check = hop
            .checks
            .iter()
            .find(|check| check.state == HopState::Stopped)?;
        Some(Stop {
            hop: hop.name.clone(),
            rule: check.rule.clone(),
            why: redaction::text(&check.detail).into_owned(),
            mend: mend.clone().unwrap_or_default(),
        })
    };
    let aborted = || {
        (facts.state == RecordState::Aborted).then(|| Stop {
            hop: "Client".to_owned(),
            rule: "Connection".to_owned(),
            why: "the client closed the connection before it had the whole response".to_owned(),
            mend: "Let the client wait longer, or make the answer faster.".to_owned(),
        })
    };
    let after_first = hops.iter().skip(1).rev().find_map(stopped);
    after_first
        .or_else(|| hops.first().and_then(stopped))
        .or_else(aborted)
}

/// The hops with their times and verdicts, and what to do where one stopped the request.
fn hops(facts: &Facts) -> Vec<(Hop, Option<String>)> {
    let end = now(facts);
    let mut periods = vec![Period::new(Duration::ZERO, end)];
    let mut hops = vec![first_hop(facts)];
    if let Some(authorizer) = &facts.authorizer {
        periods.push(Period::new(authorizer.start, authorizer.end));
        let name = match facts.entry_point {
            EntryPoint::RestApi => "Cognito authorizer",
            _ => "JWT authorizer",
        };
        let verdict = checks::authorizer(authorizer, facts.entry_point);
        hops.push(hop(name, HopKind::Authorizer, None, verdict));
    }
    for (index, invocation) in facts.invocations.iter().enumerate() {
        let is_first_hop = facts.entry_point == EntryPoint::Invoke && invocation.caller.is_none();
        if !is_first_hop {
            let last = invocation.answered.max(invocation.finished).unwrap_or(end);
            periods.push(Period::new(invocation.arrived, last));
            let verdict = checks::lambda(invocation);
            hops.push(hop("Lambda", HopKind::Lambda, Some(index), verdict));
        }
        if let Some(began) = invocation.began {
            periods.push(Period::new(began, invocation.finished.unwrap_or(end)));
            let verdict = function_verdict(facts, invocation);
            let name = &invocation.function;
            hops.push(hop(name, HopKind::Function, Some(index), verdict));
        }
    }
    for ((hop, _), segments) in hops.iter_mut().zip(exclusive(&periods)) {
        hop.ms = segments.iter().map(|(_, length)| length).sum();
        hop.segments = segments;
    }
    if facts.state == RecordState::Open {
        mark_working(facts, &mut hops);
    }
    add_missing(facts, &mut hops);
    hops
}

fn first_hop(facts: &Facts) -> (Hop, Option<String>) {
    let (name, kind) = match facts.entry_point {
        EntryPoint::HttpApi => ("HTTP API".to_owned(), HopKind::Api),
        EntryPoint::RestApi => ("REST API".to_owned(), HopKind::Api),
        EntryPoint::FunctionUrl => {
            let function = facts.function.as_deref().unwrap_or_default();
            (format!("Function URL of {function}"), HopKind::Api)
        }
        EntryPoint::Invoke => ("Lambda".to_owned(), HopKind::Lambda),
    };
    match (facts.entry_point, facts.invocations.first()) {
        (EntryPoint::Invoke, Some(invocation)) => {
            hop(&name, kind, Some(0), checks::lambda(invocation))
        }
        _ => hop(&name, kind, None, checks::api(facts)),
    }
}

fn hop(
    name: &str,
    kind: HopKind,
    invocation: Option<usize>,
    verdict: Verdict,
) -> (Hop, Option<String>) {
    let state = if verdict.stop().is_some() {
        HopState::Stopped
    } else {
        HopState::Passed
    };
    let hop = Hop {
        name: name.to_owned(),
        kind,
        state,
        ms: 0.0,
        segments: Vec::new(),
        checks: verdict.checks,
        invocation,
    };
    (hop, verdict.mend)
}

fn function_verdict(facts: &Facts, invocation: &InvocationFacts) -> Verdict {
    if invocation.function.starts_with(EDGE) {
        let reply = invocation.reply.as_ref().map(EdgeReply::read);
        return checks::edge(reply.as_ref());
    }
    let caller = invocation
        .caller
        .and_then(|caller| facts.invocations.get(caller))
        .and_then(|caller| caller.reply.as_ref())
        .map(EdgeReply::read);
    checks::function(invocation, caller.as_ref())
}

/// Marks the last hop of a request in progress.
fn mark_working(facts: &Facts, hops: &mut [(Hop, Option<String>)]) {
    let is_open = |hop: &Hop| match hop.invocation {
        Some(index) => facts
            .invocations
            .get(index)
            .is_some_and(|invocation| invocation.finished.is_none()),
        None => true,
    };
    if let Some((hop, _)) = hops.iter_mut().rev().find(|(hop, _)| is_open(hop)) {
        hop.state = HopState::Working;
    }
}

/// Adds the hops of the chain that the request did not come to.
fn add_missing(facts: &Facts, hops: &mut Vec<(Hop, Option<String>)>) {
    let is_preflight = facts.method == axum::http::Method::OPTIONS;
    if is_preflight {
        return;
    }
    let mut add = |name: &str, kind| {
        let (mut missing, _) = hop(name, kind, None, Verdict::default());
        missing.state = HopState::NotReached;
        hops.push((missing, None));
    };
    let has_authorizer = matches!(facts.entry_point, EntryPoint::HttpApi | EntryPoint::RestApi);
    if has_authorizer && facts.authorizer.is_none() {
        add("Authorizer", HopKind::Authorizer);
    }
    let functions: Vec<&str> = facts
        .invocations
        .iter()
        .filter(|invocation| invocation.began.is_some())
        .map(|invocation| invocation.function.as_str())
        .collect();
    let goes_to_edge = facts
        .function
        .as_deref()
        .is_none_or(|function| function.starts_with(EDGE));
    if goes_to_edge && !functions.iter().any(|name| name.starts_with(EDGE)) {
        add(facts.function.as_deref().unwrap_or(EDGE), HopKind::Function);
    }
    if !functions.iter().any(|name| !name.starts_with(EDGE)) {
        add("core", HopKind::Function);
    }
}

/// What the edge has returned, as far as it tells an error.
#[derive(Debug, Default)]
pub(super) struct EdgeReply {
    pub code: Option<String>,
    pub message: String,
    pub body: Value,
}

impl EdgeReply {
    /// Reads a response for an API, a streamed one with its prelude, or a function error.
    fn read(reply: &StoredBody) -> Self {
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

fn invocation(facts: &InvocationFacts) -> RecordedInvocation {
    let period = |from: Option<Duration>, to: Option<Duration>| Some(millis(to?) - millis(from?));
    let ms = period(facts.began, facts.finished);
    RecordedInvocation {
        function: facts.function.clone(),
        request_id: facts.request_id.clone(),
        payload: body(&facts.payload),
        reply: facts.reply.as_ref().map(body),
        is_function_error: facts.is_function_error,
        pieces: pieces(&facts.pieces),
        ms,
        billed_ms: ms.map(f64::ceil),
        init_ms: facts.init.map(millis),
        memory_mb: facts.memory,
        max_memory_used_mb: facts.max_memory_used,
        log: facts
            .log
            .iter()
            .map(|line| redaction::text(line).into_owned())
            .collect(),
    }
}

fn body(stored: &StoredBody) -> RecordedBody {
    let text = String::from_utf8_lossy(&stored.kept);
    RecordedBody {
        text: redaction::text(&text).into_owned(),
        bytes: stored.total,
        is_truncated: stored.total > stored.kept.len(),
    }
}

fn pieces(pieces: &[(Duration, usize)]) -> Vec<Piece> {
    pieces
        .iter()
        .map(|(at, bytes)| Piece {
            at_ms: millis(*at),
            bytes: *bytes,
        })
        .collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .keys()
        .map(|name| {
            let values: Vec<_> = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            let value = redaction::header(name.as_str(), &values.join(", "));
            (name.to_string(), value)
        })
        .collect()
}

/// The refused signature of the request itself.
fn mismatch(facts: &Facts) -> Option<SignatureMismatch> {
    let invocations = facts
        .invocations
        .iter()
        .filter_map(|one| one.access.as_ref());
    let mismatch = facts
        .access
        .iter()
        .chain(invocations)
        .find_map(|access| access.mismatch.as_ref())?;
    let lines = |text: &str| -> Vec<String> {
        text.split('\n')
            .map(|line| redaction::text(line).into_owned())
            .collect()
    };
    let computed = lines(&mismatch.computed);
    let signed = mismatch.signed.as_ref().map(|(signed, _)| lines(signed));
    let differs = |signed: &Vec<String>| computed.iter().zip(signed).position(|(a, b)| a != b);
    Some(SignatureMismatch {
        first_difference: signed.as_ref().and_then(differs),
        mistake: mismatch.signed.as_ref().map(|(_, why)| (*why).to_owned()),
        signed,
        computed,
    })
}

//! The hops of a request with their times and verdicts, those that it did not come to, and the one
//! that stopped it.

use std::time::Duration;

use super::checks::{self, Verdict};
use super::edge_reply::EdgeReply;
use super::facts::{Facts, InvocationFacts};
use super::periods::{Period, exclusive};
use super::record::{EntryPoint, Hop, HopKind, HopState, RecordState, Stop};
use super::redaction;

/// The beginning of the names of the edge functions; every other function counts as core.
const EDGE: &str = "edge";

/// The time until the end of the request, or until now.
pub(super) fn now(facts: &Facts) -> Duration {
    facts.ended.unwrap_or_else(|| facts.elapsed())
}

/// The hops with their times and verdicts, and what to do where one stopped the request.
pub(super) fn hops(facts: &Facts) -> Vec<(Hop, Option<String>)> {
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

/// The hop that stopped the request. An API refuses a request before the others have it; whatever
/// else it finds wrong, such as the origin of the page, is said if no other hop has stopped it.
pub(super) fn stop(facts: &Facts, hops: &[(Hop, Option<String>)]) -> Option<Stop> {
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

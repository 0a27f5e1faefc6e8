//! Makes the record of a request from the facts that were noted, without what must not leave the
//! process.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderMap;

use super::facts::{Facts, InvocationFacts, StoredBody};
use super::hops::{hops, now, stop};
use super::periods::millis;
use super::record::{
    Hop, HopState, Piece, Record, RecordState, RecordedBody, RecordedInvocation, RecordedRequest,
    RecordedResponse, SignatureMismatch, Summary,
};
use super::redaction;
use crate::terminal::RequestLine;

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

/// Everything that is known of a request, in the documented form.
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
        log: lines(&facts.log),
        shared_log: lines(&facts.shared_log),
    }
}

fn lines(log: &[String]) -> Vec<String> {
    let lines = log.iter().map(|line| redaction::text(line).into_owned());
    lines.collect()
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

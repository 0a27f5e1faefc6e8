//! The verdict of an API or a function URL: signature, route, and what a browser may do.

use axum::http::HeaderValue;

use super::{Verdict, rule_name, signature};
use crate::cors::CorsConfiguration;
use crate::recorder::facts::{Facts, Refusal};
use crate::recorder::mend;

/// The API or function URL.
pub(in crate::recorder) fn api(facts: &Facts) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(access) = &facts.access {
        signature(&mut verdict, access, facts.refusal.as_ref());
    }
    if let Some(route) = &facts.route {
        verdict.passed("Route", route);
    }
    cors(&mut verdict, facts);
    if let Some(refusal) = &facts.refusal
        && verdict.stop().is_none()
    {
        let Refusal { rule, why } = refusal;
        // Where Lambda or the function has stopped the request, the API only passes that on.
        let is_passed_on = facts
            .invocations
            .iter()
            .any(|one| one.refusal.is_some() || one.is_function_error);
        if is_passed_on {
            verdict.passed(rule_name(*rule), format!("passes the error on: {why}"));
            return verdict;
        }
        verdict.stopped(
            rule_name(*rule),
            why,
            mend::refusal(*rule, facts.entry_point),
        );
    }
    verdict
}

/// What browsers ask for: the answer to a preflight, and the permission to read a response.
fn cors(verdict: &mut Verdict, facts: &Facts) {
    let header = |name: &str| {
        facts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let Some(origin) = header("origin") else {
        return;
    };
    let Some(response) = &facts.response else {
        return;
    };
    let answered = |name: &str| {
        response
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let allowed = answered("access-control-allow-origin");
    let reads = allowed.is_some_and(|allowed| allowed == "*" || allowed == origin);
    let wanted = header("access-control-request-method");
    // A preflight of an allowed origin has no headers of CORS if its method or a header is not
    // allowed.
    let is_allowed = wanted.is_some()
        && HeaderValue::from_str(origin)
            .is_ok_and(|origin| facts.cors.as_ref().is_some_and(|cors| cors.allows(&origin)));
    let reads = reads || is_allowed;
    let rule = if wanted.is_some() {
        "CORS preflight"
    } else {
        "CORS"
    };
    let list = facts.cors.as_ref().map_or_else(String::new, |cors| {
        format!(" (ALLOWED_ORIGINS: {})", cors.allow_origins.join(", "))
    });
    if !reads {
        verdict.stopped(
            rule,
            format!("the browser blocks the response: {origin} is not allowed{list}"),
            mend::origin(origin),
        );
        return;
    }
    let (Some(method), true) = (wanted, facts.method.as_str() == "OPTIONS") else {
        verdict.passed(rule, format!("{origin} may read the response"));
        return;
    };
    let headers = header("access-control-request-headers").unwrap_or_default();
    match facts
        .cors
        .as_ref()
        .and_then(|cors| missing(cors, method, headers))
    {
        Some((why, mend)) => verdict.stopped(rule, why, mend),
        None => verdict.passed(rule, format!("{origin} may send {method} {headers}")),
    }
}

/// What of a preflight the configuration does not allow.
fn missing(cors: &CorsConfiguration, method: &str, headers: &str) -> Option<(String, String)> {
    let has_method = |known: &String| known == "*" || known == method;
    if !cors.allow_methods.iter().any(has_method) {
        let allowed = cors.allow_methods.join(", ");
        return Some((
            format!("the method {method} is not allowed (AllowMethods: {allowed})"),
            format!("Send {allowed}, or add {method} to the AllowMethods of the API."),
        ));
    }
    let has = |name: &str| {
        cors.allow_headers
            .iter()
            .any(|known| known == "*" || known.eq_ignore_ascii_case(name))
    };
    let mut names = headers.split(',').map(str::trim);
    let name = names.find(|name| !name.is_empty() && !has(name))?;
    let allowed = cors.allow_headers.join(", ");
    Some((
        format!("the request header {name} is not allowed (AllowHeaders: {allowed})"),
        format!("Leave the header out, or add {name} to the AllowHeaders of the API."),
    ))
}

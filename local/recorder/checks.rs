//! The verdict of each hop: by which rule it let a request pass, or stopped it and why.

use axum::http::HeaderValue;
use serde_json::Value;

use super::facts::{AccessFacts, AuthorizerFacts, Facts, InvocationFacts, Refusal, Rule};
use super::mend;
use super::record::{Check, EntryPoint, HopState};
use super::view::EdgeReply;
use crate::cors::CorsConfiguration;
use crate::jwt::TokenCheck;

/// The checks of a hop, and what to do about the one that stopped the request.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub checks: Vec<Check>,
    pub mend: Option<String>,
}

impl Verdict {
    fn passed(&mut self, rule: impl Into<String>, detail: impl Into<String>) {
        self.add(rule, HopState::Passed, detail);
    }

    fn stopped(
        &mut self,
        rule: impl Into<String>,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.add(rule, HopState::Stopped, detail);
        self.mend.get_or_insert(mend.into());
    }

    fn add(&mut self, rule: impl Into<String>, state: HopState, detail: impl Into<String>) {
        self.checks.push(Check {
            rule: rule.into(),
            state,
            detail: detail.into(),
        });
    }

    /// The check that stopped the request.
    pub(super) fn stop(&self) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.state == HopState::Stopped)
    }
}

/// The API or function URL.
pub(super) fn api(facts: &Facts) -> Verdict {
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

fn rule_name(rule: Rule) -> &'static str {
    match rule {
        Rule::Route => "Route",
        Rule::Size => "Size",
        Rule::Form => "Form of the request",
        Rule::Signature => "Signature",
        Rule::Permission => "Permission",
        Rule::Concurrency => "Concurrency",
        Rule::Response => "The function's response",
        Rule::TimeOut => "Integration time-out",
    }
}

fn signature(verdict: &mut Verdict, access: &AccessFacts, refusal: Option<&Refusal>) {
    match (&access.principal, refusal) {
        (Some(principal), _) => verdict.passed("Signature", format!("made by {principal}")),
        (None, refusal) => {
            let why = refusal.map_or("the signature does not hold", |refusal| &refusal.why);
            let mistake = access
                .mismatch
                .as_ref()
                .and_then(|mismatch| mismatch.signed.as_ref());
            let mend = mistake.map_or_else(
                || mend::refusal(Rule::Signature, EntryPoint::Invoke).to_owned(),
                |(_, mistake)| {
                    format!("Change how the client signs: {mistake}. The line that differs is marked below.")
                },
            );
            verdict.stopped("Signature", why, mend);
        }
    }
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

/// The authorizer of an API: check by check.
pub(super) fn authorizer(facts: &AuthorizerFacts, entry_point: EntryPoint) -> Verdict {
    let mut verdict = Verdict::default();
    let failed = facts.result.as_ref().err();
    let claim = |name: &str| {
        let claims = facts.result.as_ref().ok()?;
        Some(match claims.get(name)? {
            Value::String(text) => text.clone(),
            Value::Number(seconds) => jiff::Timestamp::from_second(seconds.as_i64()?)
                .ok()?
                .to_string(),
            other => other.to_string(),
        })
    };
    let mut was_stopped = false;
    for check in TokenCheck::ALL {
        let is_stop = failed.is_some_and(|refusal| refusal.check == check);
        if !applies(check, entry_point) && !is_stop {
            continue;
        }
        let (rule, detail) = (token_rule(check), token_detail(check, &claim));
        if was_stopped {
            verdict.add(rule, HopState::NotReached, "");
        } else if let Some(refusal) = failed.filter(|_| is_stop) {
            verdict.stopped(rule, &refusal.why, mend::token(check));
            was_stopped = true;
        } else {
            verdict.passed(rule, detail);
        }
    }
    verdict
}

/// Whether the authorizer of an entry point makes a check. An HTTP API looks neither at `token_use`
/// nor, on a route without scopes, at scopes.
fn applies(check: TokenCheck, entry_point: EntryPoint) -> bool {
    match check {
        TokenCheck::Use => entry_point == EntryPoint::RestApi,
        TokenCheck::Scope | TokenCheck::KeysAvailable => false,
        _ => true,
    }
}

fn token_rule(check: TokenCheck) -> &'static str {
    match check {
        TokenCheck::Present => "A token is there",
        TokenCheck::Form => "It is a JSON Web Token",
        TokenCheck::Algorithm => "alg is allowed",
        TokenCheck::KeysAvailable => "The issuer's keys can be fetched",
        TokenCheck::Key => "kid is a key of the pool",
        TokenCheck::Signature => "The signature is the key's",
        TokenCheck::Issuer => "iss is this user pool",
        TokenCheck::Audience => "aud is this app client",
        TokenCheck::Expiry => "exp is not reached",
        TokenCheck::NotBefore => "nbf is reached",
        TokenCheck::IssuedAt => "iat is reached",
        TokenCheck::Use => "token_use is id",
        TokenCheck::Scope => "It has one of the scopes",
    }
}

fn token_detail(check: TokenCheck, claim: &impl Fn(&str) -> Option<String>) -> String {
    let name = match check {
        TokenCheck::Issuer => "iss",
        TokenCheck::Audience => "aud",
        TokenCheck::Expiry => "exp",
        TokenCheck::IssuedAt => "iat",
        TokenCheck::Use => "token_use",
        _ => return String::new(),
    };
    claim(name).unwrap_or_default()
}

/// Lambda, before the function: signature, permission and an environment.
pub(super) fn lambda(invocation: &InvocationFacts) -> Verdict {
    let mut verdict = Verdict::default();
    let InvocationFacts {
        function, refusal, ..
    } = invocation;
    if let Some(access) = &invocation.access {
        signature(&mut verdict, access, refusal.as_ref());
    }
    if verdict.stop().is_some() {
        return verdict;
    }
    if let Some(Refusal { rule, why }) = refusal {
        verdict.stopped(
            rule_name(*rule),
            why,
            mend::refusal(*rule, EntryPoint::Invoke),
        );
        return verdict;
    }
    if let Some(principal) = invocation
        .access
        .as_ref()
        .and_then(|access| access.principal.as_ref())
    {
        let detail = format!("{principal} may lambda:InvokeFunction on {function}");
        verdict.passed("Permission", detail);
    }
    if invocation.began.is_some() {
        let detail = match invocation.init {
            Some(init) => format!(
                "the first invocation of a new environment, whose start took {:.0} ms",
                init.as_secs_f64() * 1e3
            ),
            None => "an environment that has served before".to_owned(),
        };
        verdict.passed("Concurrency", detail);
    }
    verdict
}

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
pub(super) fn edge(reply: Option<&EdgeReply>) -> Verdict {
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

/// Core, or any other function that is not the edge.
pub(super) fn function(invocation: &InvocationFacts, caller: Option<&EdgeReply>) -> Verdict {
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

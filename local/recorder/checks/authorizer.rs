//! The verdict of an authorizer: each check of the token.

use serde_json::Value;

use super::Verdict;
use crate::jwt::TokenCheck;
use crate::recorder::facts::AuthorizerFacts;
use crate::recorder::mend;
use crate::recorder::record::{EntryPoint, HopState};

/// The authorizer of an API: check by check.
pub(in crate::recorder) fn authorizer(facts: &AuthorizerFacts, entry_point: EntryPoint) -> Verdict {
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

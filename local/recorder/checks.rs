//! The verdict of each hop: by which rule it let a request pass, or stopped it and why. Each kind
//! of hop is a file.

mod api;
mod authorizer;
mod edge;
mod function;
mod lambda;

use super::facts::{AccessFacts, Refusal, Rule};
use super::mend;
use super::record::{Check, EntryPoint, HopState};
pub(super) use api::api;
pub(super) use authorizer::authorizer;
pub(super) use edge::edge;
pub(super) use function::function;
pub(super) use lambda::lambda;

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
    if let Some(principal) = &access.principal {
        verdict.passed("Signature", format!("made by {principal}"));
        return;
    }
    let why = refusal.map_or("the signature does not hold", |refusal| &refusal.why);
    let mistake = access
        .mismatch
        .as_ref()
        .and_then(|mismatch| mismatch.signed.as_ref());
    let mend = mistake.map_or_else(
        || mend::refusal(Rule::Signature, EntryPoint::Invoke).to_owned(),
        |(_, mistake)| {
            format!(
                "Change how the client signs: {mistake}. The line that differs is marked below."
            )
        },
    );
    verdict.stopped("Signature", why, mend);
}

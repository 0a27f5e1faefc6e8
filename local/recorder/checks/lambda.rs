//! The verdict of Lambda: signature, permission, and whether there is an environment.

use super::{Verdict, rule_name, signature};
use crate::recorder::facts::{InvocationFacts, Refusal};
use crate::recorder::mend;
use crate::recorder::record::EntryPoint;

/// Lambda, before the function: signature, permission and an environment.
pub(in crate::recorder) fn lambda(invocation: &InvocationFacts) -> Verdict {
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

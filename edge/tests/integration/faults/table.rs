//! The table of the faults between the edge and Lambda.

use std::time::Duration;

use futures_util::StreamExt;

use super::fault::{Fault, Mode};
use super::run::{Outcome, inject, inject_with_sdk};
use super::scene::deadline;
use super::{answers, connections, credentials, document, lambda, sizes};

/// How many faults are injected at once.
const AT_ONCE: usize = 8;
/// Longer than any deadline, and shorter than a test waits for a response.
const NO_RESPONSE: Duration = Duration::from_secs(55);

fn groups() -> Vec<(&'static str, Vec<Fault>)> {
    vec![
        ("Connecting", connections::opening()),
        ("Breaking off", connections::answering()),
        ("Kept connections", connections::kept()),
        ("Lengths and chunks", answers::framing()),
        ("Heads of answers", answers::heads()),
        ("Too early, too much", answers::timing()),
        ("Sizes (direct Invoke)", sizes::rows()),
        ("Credentials and clocks", credentials::rows()),
        ("Throttling", lambda::throttled()),
        ("Lambda's errors", lambda::named()),
    ]
}

// The endpoints need threads of their own: the SDK's client runs in this one.
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_answered_as_the_table_says_and_core_runs_once_at_most() {
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    let rows: Vec<_> = groups()
        .into_iter()
        .flat_map(|(group, faults)| faults.into_iter().map(move |fault| (group, fault)))
        .collect();
    let mut injected = futures_util::stream::iter(&rows)
        .map(|(group, fault)| async move { (*group, row(fault).await) })
        .buffered(AT_ONCE);
    let mut last_group = "";
    while let Some((group, row)) = injected.next().await {
        if group != last_group {
            lines.push(format!("| **{group}** | | | | | | |"));
            last_group = group;
        }
        match row {
            Ok(line) => lines.push(line),
            Err(problem) => problems.push(problem),
        }
    }
    assert!(
        problems.is_empty(),
        "\n{}\n{}",
        lines.join("\n"),
        problems.join("\n")
    );
    let head = "| fault | whole | streamed | answered | calls | executions | the SDK's client |\n|---|---|---|---|---|---|---|";
    document::check("faults", &format!("{head}\n{}", lines.join("\n")));
}

/// Injects a fault in both modes and into both clients; the line of the table, or what is wrong.
async fn row(fault: &Fault) -> Result<String, String> {
    let both = async { tokio::join!(inject(fault, Mode::Whole), inject(fault, Mode::Streamed)) };
    let (whole, streamed) = tokio::time::timeout(NO_RESPONSE, both)
        .await
        .map_err(|_| format!("{}: no response was posted", fault.name))?;
    for (mode, outcome) in [(Mode::Whole, &whole), (Mode::Streamed, &streamed)] {
        check(fault, mode, outcome).map_err(|why| format!("{}: {why}: {outcome:?}", fault.name))?;
    }
    let calls = if whole.calls == streamed.calls {
        whole.calls.to_string()
    } else {
        format!("{}, {}", whole.calls, streamed.calls)
    };
    let executions = executions(fault, &whole).max(executions(fault, &streamed));
    let sdk = sdk_column(fault, &whole, &streamed).await?;
    let name = &fault.name;
    let answered = match fault.waits {
        [false, false] => "at once",
        [false, true] => "at once, at the time-out",
        [true, _] => "at the time-out",
    };
    Ok(format!(
        "| {name} | {} | {} | {answered} | {calls} | {executions} | {sdk} |",
        whole.answer, streamed.answer
    ))
}

/// What holds for every fault.
fn check(fault: &Fault, mode: Mode, outcome: &Outcome) -> Result<(), String> {
    let limit = if fault.waits(mode) {
        deadline(fault)
    } else {
        Duration::from_secs(25)
    };
    if outcome.elapsed > limit {
        return Err(format!("it was answered only after {:?}", outcome.elapsed));
    }
    if !outcome.answer.has_cors_headers {
        return Err("a page cannot read the answer".to_owned());
    }
    if executions(fault, outcome) > 1 {
        return Err("core ran twice".to_owned());
    }
    let is_as_expected = if fault.lasts {
        outcome.next.code == outcome.answer.code
    } else {
        outcome.next.is_good()
    };
    if !is_as_expected {
        return Err("the next request is not answered as it should be".to_owned());
    }
    Ok(())
}

/// How often core ran: of several calls, those before the last were refused.
fn executions(fault: &Fault, outcome: &Outcome) -> usize {
    let refused_before = if outcome.answer.is_good() {
        outcome.calls.saturating_sub(1)
    } else {
        0
    };
    if fault.starts_core {
        outcome.calls - refused_before
    } else {
        0
    }
}

/// `the same`, or why the AWS SDK's own client comes to another verdict.
async fn sdk_column(
    fault: &Fault,
    whole: &Outcome,
    streamed: &Outcome,
) -> Result<&'static str, String> {
    if fault.credentials.is_some() || fault.name == "no credentials" {
        return Ok("not compared");
    }
    let ((sdks_whole, _), (sdks_streamed, _)) = tokio::join!(
        inject_with_sdk(fault, Mode::Whole),
        inject_with_sdk(fault, Mode::Streamed)
    );
    let is_same = sdks_whole == whole.answer && sdks_streamed == streamed.answer;
    match (is_same, fault.sdk_differs) {
        (true, None) => Ok("the same"),
        (false, Some(why)) => Ok(why),
        (false, None) => Err(format!(
            "{}: the SDK's client: {sdks_whole} and {sdks_streamed}, ours: {} and {}",
            fault.name, whole.answer, streamed.answer
        )),
        (true, Some(_)) => Err(format!("{}: the SDK's client does not differ", fault.name)),
    }
}

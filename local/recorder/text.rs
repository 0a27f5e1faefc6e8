//! A record as text, for the command line: each hop with its time and its verdict, what to do where
//! one stopped the request, and the logs.

use std::fmt::{self, Write};

use super::record::{EntryPoint, Hop, HopState, Record, RecordedInvocation};

impl fmt::Display for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::HttpApi => "http-api",
            Self::RestApi => "rest-api",
            Self::FunctionUrl => "function-url",
            Self::Invoke => "invoke",
        })
    }
}

/// Writes a record as text.
pub(crate) fn write_record(record: &Record) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, record);
    text
}

fn write(text: &mut String, record: &Record) -> fmt::Result {
    let summary = &record.summary;
    let status = summary
        .status
        .map_or_else(|| "no response".to_owned(), |status| status.to_string());
    writeln!(
        text,
        "#{} {} {} → {status} in {:.2} ms, through {}",
        summary.id, summary.method, record.request.url, summary.ms, summary.entry_point
    )?;
    writeln!(text, "request id {}", record.request_id)?;
    if let Some(id) = summary.replay_of {
        writeln!(text, "repeats #{id}")?;
    }
    text.push('\n');
    for hop in &record.hops {
        write_hop(text, hop)?;
    }
    if let Some(stop) = &summary.stop {
        writeln!(text, "\n✗ {}: {}\n→ {}", stop.hop, stop.why, stop.mend)?;
    }
    if let Some(mismatch) = &record.mismatch {
        writeln!(text, "\nThe canonical request:")?;
        let signed = mismatch.signed.as_ref();
        for (at, line) in mismatch.computed.iter().enumerate() {
            writeln!(text, "  {line}")?;
            let other = signed.and_then(|signed| signed.get(at));
            if let Some(other) = other.filter(|other| *other != line) {
                writeln!(text, "  {other}   ← signed by the client")?;
            }
        }
    }
    if let Some(response) = &record.response {
        writeln!(text, "\n{}", response.body.text)?;
    }
    for invocation in &record.invocations {
        write_log(text, invocation)?;
    }
    Ok(())
}

fn write_hop(text: &mut String, hop: &Hop) -> fmt::Result {
    let mark = match hop.state {
        HopState::Passed => '✓',
        HopState::Stopped => '✗',
        HopState::NotReached => '·',
        HopState::Working => '…',
    };
    if hop.state == HopState::NotReached {
        return writeln!(text, "{mark} {:24} not reached", hop.name);
    }
    writeln!(text, "{mark} {:24} {:>9.2} ms", hop.name, hop.ms)?;
    let known = |state| !matches!(state, HopState::NotReached);
    for check in hop.checks.iter().filter(|check| known(check.state)) {
        let mark = if check.state == HopState::Stopped {
            '✗'
        } else {
            '✓'
        };
        let detail = match check.detail.as_str() {
            "" => String::new(),
            detail => format!(": {detail}"),
        };
        writeln!(text, "    {mark} {}{detail}", check.rule)?;
    }
    Ok(())
}

fn write_log(text: &mut String, invocation: &RecordedInvocation) -> fmt::Result {
    let billed = invocation.billed_ms.unwrap_or_default();
    let used = invocation.max_memory_used_mb.unwrap_or_default();
    writeln!(
        text,
        "\nLog of {} ({billed:.0} ms billed, {used} of {} MB)",
        invocation.function, invocation.memory_mb
    )?;
    for line in &invocation.log {
        writeln!(text, "  {line}")?;
    }
    if !invocation.shared_log.is_empty() {
        writeln!(
            text,
            "  could belong to this request, or to another that the environment worked on at the same time:"
        )?;
    }
    for line in &invocation.shared_log {
        writeln!(text, "  ? {line}")?;
    }
    Ok(())
}

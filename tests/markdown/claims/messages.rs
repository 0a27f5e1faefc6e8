//! The error codes and messages that the README lists, and those of the programs.

use std::collections::BTreeSet;

use super::{document, read, spans, text_of};

/// Folders whose programs print the messages of the troubleshooting table.
const PROGRAMS: [&str; 5] = ["edge/src", "crates", "local", "core/src", "web/src"];

/// The codes of the edge's errors.
pub fn codes_of_the_edge() -> BTreeSet<String> {
    let source = read("edge/src/error.rs");
    let body = source
        .split("fn code(&self)")
        .nth(1)
        .and_then(|rest| rest.split("\n    }").next())
        .expect("fn code");
    body.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The codes that the README lists.
pub fn codes_of_the_table() -> BTreeSet<String> {
    document("README.md")
        .table("status")
        .iter()
        .flat_map(|row| spans(&row[1]).map(str::to_owned))
        .collect()
}

/// Messages of the troubleshooting table that no program prints; `…` stands for what differs from
/// case to case.
pub fn unknown_messages() -> Vec<String> {
    let sources = one_line(&text_of(&PROGRAMS));
    let document = document("README.md");
    let rows = document.table("message");
    let messages = rows.iter().flat_map(|row| spans(&row[0]));
    let is_unknown = |message: &&str| {
        message
            .split('…')
            .any(|part| !sources.contains(part.trim()))
    };
    let mut problems: Vec<String> = messages
        .filter(is_unknown)
        .map(|message| format!("no program prints `{message}`"))
        .collect();
    if rows.len() < 10 {
        problems.push(format!("the troubleshooting table has {} rows", rows.len()));
    }
    problems
}

/// Sources with the strings that Rust's and TypeScript's authors break over lines put together.
fn one_line(source: &str) -> String {
    let mut text = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let mut line = line.to_owned();
        while let Some(start) = line.strip_suffix('\\') {
            line = format!("{start}{}", lines.next().unwrap_or_default().trim_start());
        }
        text.push_str(&line.replace("\\\"", "\""));
        text.push('\n');
    }
    text
}

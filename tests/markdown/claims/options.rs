//! The options that the documents name, and those that the program has.

use std::collections::BTreeSet;
use std::process::Command;

use super::{document, spans};
use crate::document::Document;

/// The long options of the stack, which `--help` lists.
pub fn options_of_the_program() -> BTreeSet<String> {
    options_of(&[])
}

/// The long options that `--help` of a subcommand lists.
fn options_of(subcommand: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_inference-edge"))
        .args(subcommand)
        .arg("--help")
        .output()
        .expect("the program");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = help
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('-'))
        .flat_map(str::split_whitespace);
    let options = words
        .filter(|word| word.starts_with("--"))
        .map(|word| word.trim_end_matches(',').to_owned());
    options
        .filter(|option| option != "--help" && option != "--version")
        .collect()
}

/// The options that the documents list.
pub fn options_of_the_table() -> BTreeSet<String> {
    let rows = document("docs/local.md").table("option");
    let options = rows.iter().flat_map(|row| {
        spans(&row[0]).map(|span| span.split(' ').next().unwrap_or_default().to_owned())
    });
    options.collect()
}

/// Options, in the text and after `cargo run --`, that the program does not have.
pub fn unknown_options(document: &Document) -> Vec<String> {
    let known: BTreeSet<String> = [&[][..], &["requests"], &["replay"]]
        .into_iter()
        .flat_map(options_of)
        .collect();
    let in_text = document
        .code_spans()
        .into_iter()
        .filter(|(_, span)| span.starts_with("--"));
    let in_blocks = document.blocks.iter().flat_map(|block| {
        let lines = (block.line..)
            .zip(block.text.lines())
            .filter(|_| block.is_shell());
        let runs = lines.filter_map(|(line, text)| {
            Some((line, text.split_once("cargo run -- ")?.1.to_owned()))
        });
        runs.collect::<Vec<_>>()
    });
    let words = in_text.chain(in_blocks).flat_map(|(line, text)| {
        let outside_of_quotes: String = text.split('"').step_by(2).collect();
        let words = outside_of_quotes
            .split([' ', '=', ','])
            .filter(|word| word.starts_with("--") && word.len() > 2);
        words
            .map(|word| (line, word.to_owned()))
            .collect::<Vec<_>>()
    });
    let unknown = words.filter(|(_, word)| !known.contains(word));
    unknown
        .map(|(line, word)| format!("{}:{line}: the program has no option {word}", document.path))
        .collect()
}

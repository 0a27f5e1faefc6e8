//! The last test of `cargo test`: prints what the others could not run on this machine, and how to
//! enable it.
//!
//! It has no test runner of its own, because a runner hides what a passing test prints.

#[path = "../not_run.rs"]
#[expect(
    dead_code,
    reason = "the summary reads the notes that the other targets write"
)]
mod not_run;

use std::collections::BTreeSet;
use std::os::unix::process::parent_id;

fn main() {
    // A runner that asks for the list of tests gets none.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let notes = std::fs::read_to_string(not_run::notes()).unwrap_or_default();
    let own = parent_id().to_string();
    let notes: BTreeSet<Vec<&str>> = notes
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let of_this_run: Vec<_> = notes
        .iter()
        .filter_map(|note| note.split_first())
        .filter(|(parent, _)| **parent == own)
        .collect();
    println!("\nNot run on this machine: {}", of_this_run.len());
    for (_, note) in &of_this_run {
        if let [what, why, how] = note {
            println!("  - {what}: {why}. To run it: {how}.");
        }
    }
    if notes.len() == of_this_run.len() {
        // Nobody else's notes are in the file.
        let _ = std::fs::remove_file(not_run::notes());
    }
}

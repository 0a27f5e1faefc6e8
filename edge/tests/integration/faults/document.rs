//! The tables in `docs/reliability.md`: compared with what the tests saw, or written anew.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Set to write the tables instead of comparing them.
const UPDATE: &str = "UPDATE_FAULT_TABLE";

/// The tests of one program write to the same file.
static FILE: Mutex<()> = Mutex::new(());

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reliability.md")
}

/// Compares a table with the one between the comments that name it.
pub fn check(name: &str, table: &str) {
    let _guard = FILE.lock().expect("a lock");
    let text = std::fs::read_to_string(path()).expect("the document");
    let (begin, end) = (
        format!("<!-- table: {name} -->\n"),
        format!("<!-- end of table: {name} -->"),
    );
    let (before, rest) = text.split_once(&begin).expect("the beginning of the table");
    let (present, after) = rest.split_once(&end).expect("the end of the table");
    let written = format!("\n{table}\n");
    if std::env::var_os(UPDATE).is_some() {
        let text = [before, &begin, &written, &end, after].concat();
        std::fs::write(path(), text).expect("the document");
        return;
    }
    let differing: Vec<_> = differing_lines(present, &written);
    assert!(
        differing.is_empty(),
        "docs/reliability.md differs from what was seen; {UPDATE}=1 writes it anew:\n{}",
        differing.join("\n")
    );
}

fn differing_lines(document: &str, seen: &str) -> Vec<String> {
    let only_in = |one: &str, other: &str, sign: char| -> Vec<String> {
        let lines = one
            .lines()
            .filter(|line| !other.lines().any(|known| known == *line));
        lines.map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = only_in(document, seen, '-');
    lines.extend(only_in(seen, document, '+'));
    if lines.is_empty() && document != seen {
        lines.push("the order of the rows differs".to_owned());
    }
    lines
}

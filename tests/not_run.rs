//! Notes of the tests that could not run on this machine, which `tests/summary` prints at the end.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::parent_id;
use std::path::PathBuf;

/// Notes that a test was not run, why, and how to enable it. Panics if the variable `CI` is set,
/// because CI must run every test.
pub fn not_run(what: &str, why: &str, how: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "{what}: not run, and CI must run it: {why}"
    );
    // All tests of one `cargo test` have one parent process, by which the notes of earlier runs are
    // distinguished.
    let line = format!("{}\t{what}\t{why}\t{how}\n", parent_id());
    let file = OpenOptions::new().create(true).append(true).open(notes());
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .expect("a note of what was not run");
}

/// The path of the file of notes.
pub fn notes() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("not-run.tsv")
}

//! What could not be run here is written down, and fails where `CI` is set.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Notes that something was not run, and how to enable it.
pub fn report(what: &str, why: &str, how: &str) -> Result<(), String> {
    if std::env::var_os("CI").is_some() {
        return Err(format!("{what} was not run: {why}; {how} (CI is set, where everything must run)"));
    }
    let line = format!("markdown: {what} was not run: {why}; {how}");
    eprintln!("{line}");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("not-run.txt");
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

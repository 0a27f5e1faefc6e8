//! What the stack tells the person who started it. A terminal that is gone is no reason to fail.

use std::fmt::Display;
use std::io::Write;

/// Writes a line.
pub fn print_line(line: impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

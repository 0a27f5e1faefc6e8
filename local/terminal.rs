//! Output to the terminal of the person who started the stack. Errors are ignored: a closed
//! terminal must not stop the stack.

use std::fmt::Display;
use std::io::Write;

/// Prints a line to the standard output; unlike `println!` it does not panic if the output is
/// closed.
pub fn print_line(line: impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

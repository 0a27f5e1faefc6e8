//! The binary that is deployed as the edge function.

use std::process::ExitCode;

fn main() -> ExitCode {
    edge::main()
}

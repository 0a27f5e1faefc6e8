//! The binary that is deployed as the sample core function.

use std::process::ExitCode;

fn main() -> ExitCode {
    core_function::main()
}

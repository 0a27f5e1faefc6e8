//! The real clients of AWS's services, in Python, against the stack. `.ci/run` installs them and names their interpreter.

use std::process::Command;

use crate::harness::Stack;

/// How often pycognito signs in, in a row.
const SIGN_INS: &str = "300";

#[test]
fn the_real_clients_open_every_door() {
    let Ok(python) = std::env::var("PYTHON_WITH_CLIENTS") else {
        eprintln!("PYTHON_WITH_CLIENTS names no python3 with boto3, pycognito, awscli and awscurl: those clients were not run");
        assert!(std::env::var_os("CI").is_none(), "CI installs the clients, and they are not there");
        return;
    };
    let stack = Stack::start(&[]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/aws.py");
    let output = Command::new(python).arg(script).arg(stack.ready_file()).arg(SIGN_INS).output().expect("python3");
    let written = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&written));
}

//! Python clients of AWS's services (boto3, pycognito, awscli, awscurl) against the stack.
//! `.ci/run` installs them.

use std::process::Command;

use crate::harness::Stack;
use crate::not_run::not_run;

/// How many times pycognito signs in.
const SIGN_INS: &str = "300";

#[test]
fn the_aws_clients_for_python_work_with_every_entry_point() {
    let Ok(python) = std::env::var("PYTHON_WITH_CLIENTS") else {
        not_run(
            "the Python clients",
            "PYTHON_WITH_CLIENTS is not the path of a python3",
            "python3 -m venv clients && clients/bin/pip install boto3 pycognito awscli awscurl && \
             export PYTHON_WITH_CLIENTS=$PWD/clients/bin/python3",
        );
        return;
    };
    let stack = Stack::start(&["--user-password-auth"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/aws.py");
    let output = Command::new(python)
        .arg(script)
        .arg(stack.ready_file())
        .arg(SIGN_INS)
        .output()
        .expect("python3");
    let written = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&written)
    );
}

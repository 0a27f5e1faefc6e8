//! The command line: error messages, the printed example, signals, and a core function in Python.

use std::net::TcpListener;
use std::process::Output;

#[cfg(target_os = "linux")]
use rustix::process::Signal;

use crate::harness::{Stack, TEST_TIMEOUT, program, scripted_core, value};
use crate::not_run::not_run;

fn run(arguments: &[&str]) -> (Output, String) {
    let output = program(arguments).output().expect("the program");
    let text = String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat())
        .into_owned();
    (output, text)
}

#[test]
fn what_cannot_work_is_explained_and_the_exit_status_is_not_zero() {
    let taken = (0..100).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let with_port = |listener: TcpListener| Some((listener.local_addr().ok()?.port(), listener));
    let (port, _taken) = taken
        .filter_map(with_port)
        .find(|(port, _)| *port <= 65_526)
        .expect("a port");
    let port = port.to_string();
    for (name, arguments, message) in [
        ("a taken port", vec!["--port", &port], format!("port {port} for the console is in use at ")),
        ("an unknown option", vec!["--ports", "1"], "unexpected argument '--ports'".to_owned()),
        ("a variable without a value", vec!["--env", "PAYLOAD"], "write KEY=VALUE".to_owned()),
        (
            "a core that is not there",
            vec!["--port", "0", "--core", "/no/such/core"],
            "`/no/such/core` cannot be started".to_owned(),
        ),
        (
            "a core that ends at once",
            vec!["--port", "0", "--core", "sh -c 'echo cannot; exit 3'"],
            "exit 3` ended with exit status 3 before it asked for work. It wrote:\ncannot\nA core is a program that asks the Lambda Runtime API".to_owned(),
        ),
        (
            "a core that ends at once without output",
            vec!["--port", "0", "--core", "true"],
            "the core function does not start: `true` ended with exit status 0 before it asked for work. It wrote nothing.".to_owned(),
        ),
        ("a port of the system's", vec!["--port", "80"], "give 0, or a number from 1024 to 65526".to_owned()),
        ("a port without nine after it", vec!["--port", "65530"], "give 0, or a number from 1024 to 65526".to_owned()),
        ("a host that is a name", vec!["--host", "example.com"], "give an IP address of this machine".to_owned()),
        ("all of IPv6", vec!["--host", "::"], "give 0.0.0.0, or one IPv6 address".to_owned()),
        ("a user without a password", vec!["--user", "ada@example.edu:"], "write EMAIL:PASSWORD".to_owned()),
        ("a core without a name", vec!["--core", ""], "it is empty".to_owned()),
        (
            "a misconfigured edge",
            vec!["--port", "0", "--env", "PAYLOAD=wrapped"],
            "PAYLOAD: `wrapped`: write envelope or bare".to_owned(),
        ),
        (
            "a ready file that cannot be",
            vec!["--port", "0", "--ready-file", "/no/such/folder/x"],
            "/no/such/folder/x cannot be written".to_owned(),
        ),
    ] {
        let (output, text) = run(&arguments);
        assert!(!output.status.success(), "{name}: {text}");
        assert!(text.contains(&message), "{name}: {text}");
    }
}

#[test]
fn a_quiet_start_that_fails_still_prints_the_reason() {
    let (output, text) = run(&[
        "--quiet",
        "--port",
        "0",
        "--core",
        "sh -c 'echo cannot; exit 3'",
    ]);
    assert!(
        !output.status.success() && text.contains("cannot"),
        "{text}"
    );
}

#[tokio::test]
async fn the_printed_curl_line_works_when_it_is_pasted() {
    let stack = Stack::start(&[]);
    let written = stack.written();
    let line: String = written
        .lines()
        .skip_while(|line| !line.starts_with("curl "))
        .take(4)
        .map(|line| format!("{line}\n"))
        .collect();
    let output = std::process::Command::new("sh")
        .args(["-c", &line])
        .output()
        .expect("a shell");
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(
        answer.contains("$117,154 million"),
        "{line}{answer}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn ctrl_c_and_term_end_every_process_that_was_started() {
    for signal in [Signal::INT, Signal::TERM] {
        let core = format!("sh -c '{} & wait'", scripted_core());
        let mut stack = Stack::start(&["--core", &core]);
        assert_eq!(stack.ask_core("text").await.status, 200);
        let started = descendants(stack.pid());
        assert!(
            started.len() >= 3,
            "the edge, the shell and what it started: {started:?}"
        );
        assert!(stack.end(signal).success());
        // What was killed may be there for a moment longer.
        let deadline = std::time::Instant::now() + TEST_TIMEOUT;
        while started.iter().any(|pid| is_running(*pid)) {
            assert!(
                std::time::Instant::now() < deadline,
                "one of {started:?} still runs"
            );
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_core_function_in_python_works() {
    let core = match std::env::var("PYTHON_WITH_AWSLAMBDARIC") {
        Ok(python) => format!("{python} -m awslambdaric handler.handler"),
        Err(_) => {
            not_run(
                "a core with awslambdaric (a client of Python's standard library stands in)",
                "PYTHON_WITH_AWSLAMBDARIC names no python3",
                "python3 -m venv clients && clients/bin/pip install awslambdaric && \
                 export PYTHON_WITH_AWSLAMBDARIC=$PWD/clients/bin/python3",
            );
            format!(
                "python3 {}/tests/cores/handler.py",
                env!("CARGO_MANIFEST_DIR")
            )
        }
    };
    if std::process::Command::new("python3")
        .arg("--version")
        .output()
        .is_err()
    {
        not_run(
            "a core in Python",
            "python3 is not installed",
            "install Python 3",
        );
        return;
    }
    let with_path = format!(
        "env PYTHONPATH={}/tests/cores {core}",
        env!("CARGO_MANIFEST_DIR")
    );
    let stack = Stack::start(&["--core", &with_path]);
    let answer = stack.ask_core("hello").await;
    assert_eq!(value(&answer)["answer"], "Python heard: hello");
    assert_eq!(
        value(&stack.ask_core("throw").await)["detail"]["errorType"],
        "ValueError"
    );
}

#[cfg(target_os = "linux")]
fn descendants(pid: u32) -> Vec<u32> {
    let children =
        std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let all: String = tasks
        .map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default() + " ")
        .collect();
    let mut found: Vec<u32> = format!("{children} {all}")
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect();
    found.sort_unstable();
    found.dedup();
    let below: Vec<_> = found.iter().flat_map(|pid| descendants(*pid)).collect();
    found.extend(below);
    found
}

#[cfg(target_os = "linux")]
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next())
        .is_some_and(|state| state != "Z")
}

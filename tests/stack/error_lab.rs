//! The error lab on a busy machine, without a browser: a slow process must not turn one experiment
//! into another.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Stack, TEST_TIMEOUT, send, value};

/// Makes the experiment of a core that throws, and returns its record.
async fn core_throws(stack: &Stack) -> Value {
    let url = format!("{}/lab/core-throws", stack.ready_value("/consoleUrl"));
    let sent = value(&send(Method::POST, &url, &[], "").await);
    stack.console(&format!("records/{}", sent["id"])).await
}

/// The process of a function that the stack has started.
fn process_of(stack: &Stack, function: &str) -> Option<Pid> {
    let processes = std::fs::read_dir("/proc").expect("/proc");
    let names = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut ids = names.filter_map(|name| name.parse::<i32>().ok());
    let id = ids.find(|id| {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}"));
        let is_function = |line: String| line.ends_with(&format!("function\0{function}\0"));
        let is_child = |status: String| status.contains(&format!("PPid:\t{}\n", stack.pid()));
        read("cmdline").is_ok_and(is_function) && read("status").is_ok_and(is_child)
    });
    id.and_then(Pid::from_raw)
}

#[tokio::test]
async fn a_core_that_throws_late_has_thrown_and_not_timed_out() {
    let stack = Arc::new(Stack::start(&[]));
    let first = core_throws(&stack).await;
    let expected = "ZeroDivisionError: division by zero";
    assert_eq!(first["stop"]["why"], expected, "{first}");
    // The process sleeps while the stack hands the next invocation to it.
    let process = process_of(&stack, "core-throws").expect("the function's process");
    kill_process(process, Signal::STOP).expect("a signal");
    let asking = Arc::clone(&stack);
    let asked = tokio::spawn(async move { core_throws(&asking).await });
    let deadline = std::time::Instant::now() + TEST_TIMEOUT;
    loop {
        let list = stack.console("records?limit=1").await;
        let id = list["records"][0]["id"].clone();
        let record = stack.console(&format!("records/{id}")).await;
        if id != first["id"] && record["invocations"][1]["function"] == "core-throws" {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{record}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Longer than the time-out of the core that never answers.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    kill_process(process, Signal::CONT).expect("a signal");
    let second = asked.await.expect("a record");
    assert_eq!(second["stop"]["why"], expected, "{second}");
}

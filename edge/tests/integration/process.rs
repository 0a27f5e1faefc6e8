//! The edge as a process, as Lambda starts it: its environment, its log, its end.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use testkit::output::Output;
use testkit::runtime_api::RuntimeApi;

/// The time after which a test fails that waits for the process.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A running edge, which is ended with the test, and the Runtime API that it polls.
pub struct EdgeProcess {
    pub api: RuntimeApi,
    child: Child,
    output: Output,
}

impl EdgeProcess {
    /// Starts the edge with these variables and what Lambda sets beside them.
    pub async fn start(variables: &[(&str, &str)]) -> Self {
        let api = RuntimeApi::start().await;
        let address = api.address.clone();
        let all = [("AWS_LAMBDA_RUNTIME_API", address.as_str())];
        Self::spawn(api, &[&all, variables].concat())
    }

    /// Starts the edge with these variables and nothing else but its target, region and name.
    pub fn spawn(api: RuntimeApi, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_edge"))
            .env_clear()
            .env("TARGET_LAMBDA_NAME", "core")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_LAMBDA_FUNCTION_NAME", "edge")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the edge");
        let output = Output::of(&mut child);
        Self { api, child, output }
    }

    /// What it has written until now.
    pub fn log(&self) -> String {
        self.output.text()
    }

    /// Waits until it has written this text.
    pub async fn logged(&self, text: &str) {
        self.output.logged(text).await;
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a running process");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(start.elapsed() < TEST_TIMEOUT, "no end: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for EdgeProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The edge as a process, as Lambda starts it: its environment, its log, its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use testkit::runtime_api::RuntimeApi;

/// The time after which a test fails that waits for the process.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A running edge, which is ended with the test, and the Runtime API that it polls.
pub struct EdgeProcess {
    pub api: RuntimeApi,
    child: Child,
    log: Arc<Mutex<String>>,
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
        let log = Arc::default();
        keep(child.stdout.take().expect("its output"), &log);
        keep(child.stderr.take().expect("its errors"), &log);
        Self { api, child, log }
    }

    /// What it has written until now.
    pub fn log(&self) -> String {
        self.log.lock().expect("a lock").clone()
    }

    /// Waits until it has written this text.
    pub async fn logged(&self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            assert!(
                start.elapsed() < TEST_TIMEOUT,
                "{text:?} is not in the log: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
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

fn keep(stream: impl Read + Send + 'static, log: &Arc<Mutex<String>>) {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut log = log.lock().expect("a lock");
            log.push_str(&line);
            log.push('\n');
        }
    });
}

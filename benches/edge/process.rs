//! The process of a function, and its CPU time and memory as the system reports them.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Instant;

use super::peers::Peer;

/// A process that is killed on drop.
pub struct Process {
    child: Child,
    /// When it was spawned.
    pub spawned: Instant,
}

impl Process {
    /// Starts a peer with the address of a server and additional environment variables.
    pub fn start(peer: &Peer, address: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = peer.command();
        command
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_ENDPOINT_URL_LAMBDA", format!("http://{address}"))
            .env("AWS_LAMBDA_FUNCTION_NAME", "edge")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("TARGET_LAMBDA_NAME", "core")
            .env("ALLOWED_ORIGINS", "https://main.example.com")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let spawned = Instant::now();
        Self {
            child: command
                .spawn()
                .unwrap_or_else(|error| panic!("{}: {error}", peer.name)),
            spawned,
        }
    }

    /// The CPU time of all threads, in milliseconds.
    pub fn cpu(&self) -> f64 {
        cpu_of(self.child.id())
    }

    /// The peak memory in MiB.
    pub fn peak(&self) -> f64 {
        peak_of(self.child.id())
    }
}

/// The CPU time of all threads of a process, in milliseconds.
pub fn cpu_of(pid: u32) -> f64 {
    let tasks = std::fs::read_dir(PathBuf::from(format!("/proc/{pid}/task")))
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let spent =
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
    spent
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum::<f64>()
        / 1e6
}

/// The processes that a process has started by any of its threads.
pub fn children_of(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(PathBuf::from(format!("/proc/{pid}/task")))
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let children: String = tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .collect();
    let pids = children.split_whitespace();
    pids.filter_map(|pid| pid.parse().ok()).collect()
}

/// The peak memory of a process in MiB.
pub fn peak_of(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or_default()
        / 1024.0
}

impl Process {
    /// Sends SIGTERM and waits for the end of the process.
    pub fn end(mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The local stack as a process of its own, as a developer starts it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::build::built;

/// How long the stack may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running stack, which is ended on drop.
#[derive(Debug)]
pub struct LocalStack {
    child: Child,
    ready_file: PathBuf,
    ready: Value,
}

impl LocalStack {
    /// Starts a program, or the stack that it builds, on free ports with these options; it may have
    /// this number of file descriptors at most.
    pub fn start(
        program: Option<&str>,
        options: &[&str],
        descriptors: Option<u32>,
    ) -> Result<Self, String> {
        // With the example, so that the dependencies have the features that they have already.
        let build = [
            "build",
            "--locked",
            "--example",
            "flood",
            "--bin",
            "inference-edge",
        ];
        let program = match program {
            Some(program) => program.to_owned(),
            None => built(&build, "target/debug/inference-edge")?,
        };
        let name = format!("inference-edge-flood-{}.json", std::process::id());
        let ready_file = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&ready_file);
        let limit = descriptors.map_or_else(String::new, |most| format!("ulimit -n {most} && "));
        let child = Command::new("sh")
            .args(["-c", &format!("{limit}exec \"$0\" \"$@\""), &program])
            .args(["--port", "0", "--quiet", "--ready-file"])
            .arg(&ready_file)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let mut stack = Self {
            child,
            ready_file,
            ready: Value::Null,
        };
        stack.ready = stack.wait_until_ready()?;
        Ok(stack)
    }

    fn wait_until_ready(&mut self) -> Result<Value, String> {
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT {
            if let Some(ready) = read_json(&self.ready_file) {
                return Ok(ready);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the stack has ended: {status}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!(
            "the stack does not answer within {START_TIMEOUT:?}"
        ))
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A text in the ready file.
    pub fn value(&self, name: &str) -> Result<&str, String> {
        let value = self.ready[name].as_str();
        value.ok_or_else(|| format!("the ready file has no {name}"))
    }

    /// The authority of a URL in the ready file: `localhost:4001`.
    pub fn authority(&self, name: &str) -> Result<&str, String> {
        let url = self.value(name)?.trim_start_matches("http://");
        Ok(url.split('/').next().unwrap_or(url))
    }
}

fn read_json(file: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(file).ok()?;
    serde_json::from_str(&text).ok()
}

impl Drop for LocalStack {
    fn drop(&mut self) {
        // By the signal that Ctrl-C sends, upon which the stack ends the processes of its functions.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.ready_file);
    }
}

//! `wrk`, which sends good requests on kept connections as fast as they are answered.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::traffic::QUESTION;

/// The connections of `wrk`.
const CONNECTIONS: u32 = 16;
/// What each thread counts, and what is printed at the end.
const COUNTING: &str = r#"
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() statuses = {} end
function response(status) statuses[status] = (statuses[status] or 0) + 1 end
function done(summary)
  for _, thread in ipairs(threads) do
    for status, times in pairs(thread:get("statuses")) do print("status", status, times) end
  end
  local errors = summary.errors
  print("broken", errors.connect + errors.read + errors.write + errors.timeout)
end
"#;

/// A running `wrk`.
#[derive(Debug)]
pub struct Wrk {
    child: Child,
    script: PathBuf,
}

/// What `wrk` has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// How often each status was answered.
    pub statuses: Vec<(u16, u64)>,
    /// Requests whose connection broke, or that were not answered.
    pub broken: u64,
}

/// Starts `wrk` for a number of seconds; `None` if it is not installed, which is printed.
pub fn start(api: &str, token: &str, seconds: u64) -> Result<Option<Wrk>, String> {
    let script = std::env::temp_dir().join(format!("flood-{}.lua", std::process::id()));
    let request = format!(
        "wrk.method = \"POST\"\nwrk.body = '{QUESTION}'\nwrk.headers[\"Content-Type\"] = \"application/json\"\n\
         wrk.headers[\"Authorization\"] = \"Bearer {token}\"\n"
    );
    std::fs::write(&script, request + COUNTING)
        .map_err(|error| format!("{}: {error}", script.display()))?;
    let child = Command::new("wrk")
        .args(["--threads", "1", "--timeout", "40s"])
        .args(["--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{seconds}s")])
        .arg("--script")
        .arg(&script)
        .arg(format!("{api}/inference"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    match child {
        Ok(child) => Ok(Some(Wrk { child, script })),
        Err(error) => {
            let _ = std::fs::remove_file(&script);
            println!("NOT RUN: wrk ({error}); the good requests are those of this program alone");
            Ok(None)
        }
    }
}

impl Wrk {
    /// Waits for the end, and returns what it has seen.
    pub fn end(self) -> Result<Seen, String> {
        let output = self.child.wait_with_output();
        let _ = std::fs::remove_file(&self.script);
        let output = output.map_err(|error| format!("wrk: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut seen = Seen::default();
        for line in text.lines() {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["status", status, times] => {
                    let number = |text: &str| text.parse::<u64>().unwrap_or_default();
                    let status = u16::try_from(number(status)).unwrap_or_default();
                    seen.statuses.push((status, number(times)));
                }
                ["broken", times] => seen.broken = times.parse().unwrap_or_default(),
                ["Requests/sec:", rate] => println!("wrk: {rate} requests a second"),
                _ => {}
            }
        }
        if seen.statuses.is_empty() {
            return Err(format!("wrk saw no answer:\n{text}"));
        }
        Ok(seen)
    }
}

//! A flood of events through the edge, one after the other, each answered once and logged in one
//! line: the first half to an edge that answers whole, the second half to one that streams.
//!
//! The events are all of those under `events/`, of every entry point; those of some megabytes come
//! once in ten thousand. Core answers, fails, throttles, breaks off and says nothing, in turn.

mod core;
mod log;
mod platform;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use crate::build::built;
use platform::Platform;

/// Sends this number of events to the edge, which is built by `cargo build --release` unless a
/// program is named.
pub fn flood(events: u64, program: Option<&str>) -> Result<(), String> {
    let program = match program {
        Some(program) => program.to_owned(),
        None => {
            let build = ["build", "--release", "--locked", "--package", "edge"];
            built(&build, "target/release/edge")?
        }
    };
    flood_one(&program, "buffered", events.div_ceil(2))?;
    flood_one(&program, "stream", events / 2)
}

/// Sends this number of events to an edge with this value of `RESPONSE`.
fn flood_one(program: &str, response: &str, events: u64) -> Result<(), String> {
    println!("RESPONSE={response}:");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (end, ended) = channel();
    let mut edge = start(program, &address.to_string(), response)?;
    let platform = Arc::new(Platform::new(events, edge.id(), end));
    let output = edge.stdout.take().ok_or("the edge has no output")?;
    let log = std::thread::spawn(move || log::read(output));
    let start = Instant::now();
    let shared = Arc::clone(&platform);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let platform = Arc::clone(&shared);
            // It ends when the edge closes the connection.
            std::thread::spawn(move || platform.serve(stream));
        }
    });
    let result = loop {
        // The edge may end without having polled for what it lost.
        match ended.recv_timeout(std::time::Duration::from_secs(1)) {
            Ok(result) => break result,
            Err(_) => {
                if let Ok(Some(status)) = edge.try_wait() {
                    break Err(format!("the edge has ended: {status}"));
                }
            }
        }
    };
    let _ = edge.kill();
    let _ = edge.wait();
    let log = log
        .join()
        .unwrap_or_else(|_| Err("the log was not read".to_owned()));
    result?;
    let log = log?;
    log.print();
    println!(
        "{events} events, {} calls of core, {} lines of log of requests and {} others, {:.0} s\n",
        platform.calls(),
        log.requests,
        log.others,
        start.elapsed().as_secs_f64()
    );
    if log.requests != events {
        let lines = log.requests;
        return Err(format!("{events} events, and {lines} lines of log"));
    }
    Ok(())
}

fn start(program: &str, address: &str, response: &str) -> Result<Child, String> {
    Command::new(program)
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address),
            ("AWS_ENDPOINT_URL_LAMBDA", &format!("http://{address}")),
            ("AWS_LAMBDA_FUNCTION_NAME", "edge"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("TARGET_LAMBDA_NAME", "core"),
            ("ALLOWED_METHODS", "GET,POST"),
            ("RESPONSE", response),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))
}

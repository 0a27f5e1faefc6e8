//! The driver: fuzzes each target for some time, and prints what it did. It needs no nightly
//! compiler. Each target runs in a process of its own, so that an input that ends the process is
//! found as well.
//!
//! An input that breaks a promise is made smaller and written to `target/fuzz`.

mod worker;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::thread::sleep;
use std::time::Duration;

use clap::Parser;
use fuzz::{TARGETS, Target};

/// Fuzzes the edge, the shared crates and the local stack.
#[derive(Debug, Parser)]
struct Arguments {
    /// The targets; all of them if none is named.
    targets: Vec<String>,
    /// How long each target is fuzzed.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many targets are fuzzed at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Makes the same inputs again; by default every run makes others.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs one target on this file alone.
    #[arg(long)]
    input: Option<PathBuf>,
    /// Fuzzes the one target that is named in this process.
    #[arg(long, hide = true)]
    worker: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let targets = match named_targets(&arguments.targets) {
        Ok(targets) => targets,
        Err(unknown) => {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            eprintln!(
                "error: `{unknown}` is no target: write one of {}",
                names.join(", ")
            );
            return ExitCode::FAILURE;
        }
    };
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let seconds = Duration::from_secs(arguments.seconds);
    match (&arguments.input, targets.as_slice()) {
        (Some(file), [target]) => worker::run_file(target, file),
        (Some(_), _) => {
            eprintln!("error: --input takes one target: name it before");
            ExitCode::FAILURE
        }
        (None, [target]) if arguments.worker => worker::fuzz(target, seconds, seed),
        (None, targets) => start_workers(targets, &arguments, seed),
    }
}

fn named_targets(names: &[String]) -> Result<Vec<Target>, &str> {
    if names.is_empty() {
        return Ok(TARGETS.to_vec());
    }
    let find = |name: &String| TARGETS.iter().find(|target| target.name == *name).copied();
    names
        .iter()
        .map(|name| find(name).ok_or(name.as_str()))
        .collect()
}

/// Where found inputs are written.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz")
}

fn start_workers(targets: &[Target], arguments: &Arguments, seed: u64) -> ExitCode {
    println!("seed {seed}");
    let mut waiting: VecDeque<_> = targets.iter().collect();
    let mut running: Vec<(&Target, Child)> = Vec::new();
    let mut failed = Vec::new();
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < arguments.jobs.max(1)
            && let Some(target) = waiting.pop_front()
        {
            match start_worker(target, arguments.seconds, seed) {
                Ok(child) => running.push((target, child)),
                Err(error) => {
                    eprintln!("error: {}: the worker does not start: {error}", target.name);
                    failed.push(target.name);
                }
            }
        }
        running.retain_mut(|(target, child)| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) if status.success() => false,
            ended => {
                worker::keep_last_input(target, &format!("{ended:?}"));
                failed.push(target.name);
                false
            }
        });
        sleep(Duration::from_millis(50));
    }
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        eprintln!("error: found inputs that break {}", failed.join(", "));
        ExitCode::FAILURE
    }
}

fn start_worker(target: &Target, seconds: u64, seed: u64) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args([target.name, "--worker", "--seconds"])
        .args([seconds.to_string(), "--seed".to_owned(), seed.to_string()])
        .spawn()
}

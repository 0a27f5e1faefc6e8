//! Figures that do not depend on the load of the machine: the instructions of a cold start and of a
//! warm request, counted by callgrind, and the size of the binary. They are compared with the
//! committed figures.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::measure::{core, event};
use super::peers::{self, Peer};
use super::process::Process;
use super::server::Server;

/// The largest accepted relative difference from a committed figure.
const TOLERANCE: f64 = 0.03;
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.json");

/// The figures of `benches/instructions.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    /// Instructions in user space from start to the first answer.
    cold_start: f64,
    /// Instructions for one more request of 200 B.
    warm_request: f64,
    /// The size of the binary in bytes.
    binary: f64,
}

/// Measures the figures and compares them with the file; `--write` replaces the file before.
pub fn main() -> ExitCode {
    let edge = peers::edge();
    let (few, many) = (20, 120);
    let cold_start = count(&edge, 1);
    let warm_request = (count(&edge, many) - count(&edge, few)) / f64::from(many - few);
    let today = Figures {
        cold_start,
        warm_request: warm_request.round(),
        binary: edge.bytes as f64,
    };
    if std::env::args().any(|argument| argument == "--write") {
        let text = serde_json::to_string_pretty(&today).expect("JSON");
        std::fs::write(FILE, format!("{text}\n")).expect("a file");
    }
    let committed: Figures =
        serde_json::from_str(&std::fs::read_to_string(FILE).expect(FILE)).expect("figures");
    let rows = [
        (
            "instructions of a cold start",
            today.cold_start,
            committed.cold_start,
        ),
        (
            "instructions of a warm request",
            today.warm_request,
            committed.warm_request,
        ),
        ("bytes of the binary", today.binary, committed.binary),
    ];
    let is_well = rows.map(|(what, today, committed)| holds(what, today, committed));
    if is_well.iter().all(|well| *well) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn holds(what: &str, today: f64, committed: f64) -> bool {
    let change = today / committed - 1.0;
    let verdict = if change.abs() <= TOLERANCE {
        "holds"
    } else {
        "has changed: correct it, or commit the new figure with --write"
    };
    println!(
        "{what}: {today:.0}, {:+.1} % of {committed:.0}: {verdict}",
        change * 100.0
    );
    change.abs() <= TOLERANCE
}

/// The number of instructions from the start to the last response of `requests` requests.
fn count(edge: &Peer, requests: u32) -> f64 {
    let file = std::env::temp_dir().join(format!(
        "inference-edge-{}-{requests}.callgrind",
        std::process::id()
    ));
    let server = Server::start(core(200), Duration::ZERO);
    let process = Process::start(&edge.counted(&file), &server.address, &[]);
    let event = event(200);
    for _ in 0..requests {
        server.invoke(&event);
    }
    // The function polls again when it has written its log.
    for _ in 0..=requests {
        server
            .polled
            .recv_timeout(Duration::from_secs(60))
            .expect("a poll");
    }
    process.end();
    let total = total(&file);
    let _ = std::fs::remove_file(&file);
    total
}

fn total(file: &Path) -> f64 {
    let text = std::fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("{}: {error}: is valgrind installed?", file.display()));
    let line = text.lines().find_map(|line| {
        line.strip_prefix("totals: ")
            .or_else(|| line.strip_prefix("summary: "))
    });
    line.and_then(|count| count.trim().parse().ok())
        .expect("a total")
}

//! `cargo bench`: measures the edge function and its peers in one run, prints tables with ratios
//! and draws `docs/bench.svg`.
//!
//! It serves the Runtime API and the Invoke API to one process at a time, in turn, so that other
//! load on the machine affects all alike. Quote ratios of one run, not times of two. `cargo bench
//! -- --quick` takes a fifth of the time. `-- --stack` measures only the local stack. `--
//! --instructions` counts instructions and compares them with `benches/instructions.json`, which CI
//! does.

mod chart;
mod floor;
mod instructions;
mod measure;
mod peers;
mod process;
mod server;
mod stack;
mod table;

use std::process::ExitCode;

use measure::{ColdStart, WarmRequests};
use peers::Peer;
use table::Table;

/// The number of cold starts, of rounds, and of requests in a round.
struct Effort {
    cold: usize,
    rounds: usize,
    requests: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "floor") {
        return floor::main();
    }
    if arguments
        .iter()
        .any(|argument| argument == "--instructions")
    {
        return instructions::main();
    }
    if arguments.iter().any(|argument| argument == "--stack") {
        println!("{}", stack::tables());
        return ExitCode::SUCCESS;
    }
    let effort = if arguments.iter().any(|argument| argument == "--quick") {
        Effort {
            cold: 7,
            rounds: 3,
            requests: 60,
        }
    } else {
        Effort {
            cold: 25,
            rounds: 12,
            requests: 100,
        }
    };
    let peers = peers::all();
    println!("\n{}", sizes(&peers));
    let cold = measure::cold(&peers, effort.cold);
    println!("{}", cold_table(&cold));
    let warm = measure::warm(
        &peers,
        effort.rounds,
        &[(200, effort.requests), (10_240, effort.requests)],
    );
    println!("{}", warm_table(&warm));
    let large = measure::warm(
        &peers,
        effort.rounds.div_ceil(3),
        &[(1 << 20, 6), (5 << 20, 3)],
    );
    println!("{}", warm_table(&large));
    println!("{}", cost_table(&cold, &warm));
    println!("{}", measure::concurrency(&peers[0]));
    println!("{}", stack::tables());
    let drawing = chart::draw(&cold, &warm);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/bench.svg");
    match std::fs::write(path, drawing) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn sizes(peers: &[Peer]) -> Table {
    let mut table = Table::new("Size of what is deployed", &["peer", "MB"]);
    for peer in peers {
        table.row([
            peer.name.to_owned(),
            format!("{:.2}", peer.bytes as f64 / 1e6),
        ]);
    }
    table
}

fn cold_table(cold: &[ColdStart]) -> Table {
    let title = "Cold start: spawn to first poll, spawn to first answer, CPU until then, memory after it (medians)";
    let mut table = Table::new(
        title,
        &["peer", "poll ms", "answer ms", "CPU ms", "MiB", "× floor"],
    );
    for one in cold {
        let ratio = one.answer / cold[cold.len().min(2) - 1].answer;
        let row =
            [one.poll, one.answer, one.cpu, one.memory, ratio].map(|value| format!("{value:.2}"));
        table.row(std::iter::once(one.peer.to_owned()).chain(row));
    }
    table
}

fn warm_table(warm: &[WarmRequests]) -> Table {
    let title = "Warm: event handed out to answer received, by the size of the body (medians; CPU is the process's own)";
    let mut table = Table::new(
        title,
        &[
            "body",
            "peer",
            "p50 µs",
            "p99 µs",
            "CPU µs",
            "peak MiB",
            "p50 × floor",
            "CPU × floor",
        ],
    );
    for one in warm {
        let floor = warm
            .iter()
            .find(|other| other.size == one.size && other.peer == "floor")
            .unwrap_or(one);
        let row = [one.p50, one.p99, one.cpu].map(|value| format!("{value:.0}"));
        let ratios = [one.memory, one.p50 / floor.p50, one.cpu / floor.cpu]
            .map(|value| format!("{value:.2}"));
        table.row(
            [bytes(one.size), one.peer.to_owned()]
                .into_iter()
                .chain(row)
                .chain(ratios),
        );
    }
    table
}

/// The cost of the CPU time of a request: Lambda gives a function a share of a processor by its
/// memory, and bills milliseconds. <https://aws.amazon.com/lambda/pricing/>, <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
fn cost_table(cold: &[ColdStart], warm: &[WarmRequests]) -> Table {
    /// MB of memory for which Lambda gives a whole processor.
    const WHOLE: f64 = 1769.0;
    /// US dollars for a GB-second, arm64, us-east-1.
    const GB_SECOND: f64 = 0.000_013_333_4;
    let title = "A million warm requests: billed ms by CPU alone, and what they cost in US dollars (arm64, us-east-1, without the requests' own $0.20)";
    let mut table = Table::new(
        title,
        &[
            "peer",
            "128 MB",
            "256 MB",
            "512 MB",
            "one cold start at 128 MB, ms",
        ],
    );
    for one in warm.iter().filter(|one| one.size == 200) {
        let cold = cold
            .iter()
            .find(|cold| cold.peer == one.peer)
            .map_or(0.0, |cold| cold.cpu);
        let cell = |memory: f64| {
            // A request of less than a millisecond is billed for one.
            let millis = (one.cpu / 1e3 * WHOLE / memory).max(1.0);
            format!(
                "{millis:.1} M ms, ${:.3}",
                millis * 1e3 * memory / 1024.0 * GB_SECOND
            )
        };
        table.row([
            one.peer.to_owned(),
            cell(128.0),
            cell(256.0),
            cell(512.0),
            format!("{:.0}", cold * WHOLE / 128.0),
        ]);
    }
    table
}

fn bytes(size: usize) -> String {
    match size {
        1_048_576.. => format!("{} MB", size >> 20),
        1024.. => format!("{} KB", size >> 10),
        _ => format!("{size} B"),
    }
}

//! Measures the local stack: start, requests through all services, and 100 MB through each way in
//! that streams. It is a release build, with `--profile dev` a development build.

mod running;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::measure::median;
use super::process::peak_of;
use super::table::Table;
use running::{Stack, Way, programs};

/// The size of the streamed response, in MiB.
const MEGABYTES: usize = 100;
/// How many responses of 1 MiB are streamed before it.
const STREAMS: usize = 50;

/// Runs all measurements of the stack and returns their tables.
pub fn tables() -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let programs = programs();
    runtime.block_on(async {
        format!(
            "{}\n{}\n{}\n{}",
            start_up(&programs).await,
            load(&programs).await,
            recording(&programs).await,
            streamed(&programs).await
        )
    })
}

/// How the stack and this program are built.
const BUILD: &str = if cfg!(debug_assertions) {
    "development build"
} else {
    "release build"
};

async fn start_up(programs: &(PathBuf, PathBuf)) -> Table {
    let mut times = Vec::new();
    for _ in 0..7 {
        let start = Instant::now();
        let stack = Stack::start(programs).await;
        let ready = start.elapsed();
        stack.ask().await;
        times.push([ready, start.elapsed()].map(|time| time.as_secs_f64() * 1e3));
    }
    let of = |at: usize| format!("{:.0}", median(times.iter().map(|times| times[at])));
    let mut table = Table::new(
        &format!("The local stack, {BUILD}: start (medians)"),
        &["ready ms", "first answer ms"],
    );
    table.row([of(0), of(1)]);
    table
}

/// Measures requests through authorizer, API, Lambda, edge, Lambda and core.
async fn load(programs: &(PathBuf, PathBuf)) -> Table {
    let title = format!(
        "The local stack, {BUILD}: requests through the whole chain, the client on the same machine"
    );
    let mut table = Table::new(&title, &["at once", "requests/s", "p50 ms", "p99 ms"]);
    let stack = Arc::new(Stack::start(programs).await);
    for at_once in [1_usize, 8, 32] {
        // Starts the environments first.
        clients(&stack, at_once, 50).await;
        let start = Instant::now();
        let mut times = clients(&stack, at_once, 4000 / at_once).await;
        let rate = times.len() as f64 / start.elapsed().as_secs_f64();
        times.sort_by(f64::total_cmp);
        let at = |part: usize| {
            format!(
                "{:.2}",
                times[(times.len() * part / 100).min(times.len() - 1)]
            )
        };
        table.row([at_once.to_string(), format!("{rate:.0}"), at(50), at(99)]);
    }
    table
}

/// Runs concurrent clients, each of which sends `requests` requests one after the other.
async fn clients(stack: &Arc<Stack>, at_once: usize, requests: usize) -> Vec<f64> {
    let clients: Vec<_> = (0..at_once)
        .map(|_| tokio::spawn(client(Arc::clone(stack), requests)))
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.expect("a client"));
    }
    times
}

async fn client(stack: Arc<Stack>, requests: usize) -> Vec<f64> {
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        let start = Instant::now();
        stack.ask().await;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times
}

/// Measures what it costs that the last requests are recorded: two stacks in turn, one of which
/// records nothing. Nobody looks at the records.
async fn recording(programs: &(PathBuf, PathBuf)) -> Table {
    const ROUNDS: usize = 15;
    const REQUESTS: usize = 500;
    let title = "The local stack, release build: what recording costs (medians of rounds in turn; CPU of the stack and of its functions' processes)";
    let columns = ["", "p50 ms", "p50 ×", "CPU µs a request", "CPU ×"];
    let mut table = Table::new(title, &columns);
    let stacks = [
        Arc::new(Stack::start_with(programs, &["--no-records"]).await),
        Arc::new(Stack::start(programs).await),
    ];
    let mut rounds = [const { Vec::new() }; 2];
    for stack in &stacks {
        clients(stack, 1, 200).await;
    }
    for _ in 0..ROUNDS {
        for (stack, rounds) in stacks.iter().zip(&mut rounds) {
            let before = stack.cpu();
            let times = clients(stack, 1, REQUESTS).await;
            let cpu = (stack.cpu() - before) * 1e3 / REQUESTS as f64;
            rounds.push((median(times.iter().copied()), cpu));
        }
    }
    let time_of = |at: usize| median(rounds[at].iter().map(|(time, _)| *time));
    let cpu_of = |at: usize| median(rounds[at].iter().map(|(_, cpu)| *cpu));
    for (at, name) in ["not recorded", "recorded"].into_iter().enumerate() {
        table.row([
            name.to_owned(),
            format!("{:.3}", time_of(at)),
            format!("{:.3}", time_of(at) / time_of(0)),
            format!("{:.0}", cpu_of(at)),
            format!("{:.3}", cpu_of(at) / cpu_of(0)),
        ]);
    }
    table
}

/// Measures each way in that streams, with a stack of its own, because the peak of a process never
/// falls.
async fn streamed(programs: &(PathBuf, PathBuf)) -> Table {
    let title = format!(
        "Streaming through the local stack, {BUILD}: first byte (median of {STREAMS}), then {MEGABYTES} MB in one response and the most memory used"
    );
    let columns = [
        "way in",
        "first byte ms",
        "MB/s",
        "edge MiB before",
        "edge MiB after",
        "stack MiB before",
        "stack MiB after",
    ];
    let mut table = Table::new(&title, &columns);
    for (name, way) in [
        ("function URL", Way::FunctionUrl),
        ("REST API", Way::RestApi),
    ] {
        let stack = Stack::start(programs).await;
        let mut firsts = Vec::new();
        for _ in 0..STREAMS {
            let (first, bytes) = stack.read_streamed(way, 1).await;
            assert_eq!(bytes, 1 << 20);
            firsts.push(first.as_secs_f64() * 1e3);
        }
        let peaks = || [stack.edge_peak(), peak_of(stack.pid())];
        let before = peaks();
        let start = Instant::now();
        let (_, bytes) = stack.read_streamed(way, MEGABYTES).await;
        assert_eq!(bytes, MEGABYTES << 20);
        let rate = MEGABYTES as f64 / start.elapsed().as_secs_f64();
        let after = peaks();
        table.row([
            name.to_owned(),
            format!("{:.1}", median(firsts.into_iter())),
            format!("{rate:.0}"),
            format!("{:.1}", before[0]),
            format!("{:.1}", after[0]),
            format!("{:.1}", before[1]),
            format!("{:.1}", after[1]),
        ]);
    }
    table
}

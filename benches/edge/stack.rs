//! Measures the local stack: start, requests through all services, and 100 MB through each way in
//! that streams. It is a release build, with `--profile dev` a development build.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use inference_edge::signer::Signer;
use serde_json::{Value, json};
use sigv4::Credentials;

use super::measure::median;
use super::process::{children_of, cpu_of, peak_of};
use super::table::Table;

/// The size of the streamed response, in MiB.
const MEGABYTES: usize = 100;
/// How many responses of 1 MiB are streamed before it.
const STREAMS: usize = 50;

type Http = Client<HttpConnector, Full<Bytes>>;

/// A running stack, which is stopped on drop.
struct Stack {
    child: Child,
    ready: Value,
    http: Http,
}

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

/// A way in that streams.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// The streaming function URL, signed with Signature Version 4.
    FunctionUrl,
    /// The REST API's streaming stage, with the ID token.
    RestApi,
}

impl Stack {
    async fn start(programs: &(PathBuf, PathBuf)) -> Self {
        Self::start_with(programs, &[]).await
    }

    async fn start_with((program, core): &(PathBuf, PathBuf), options: &[&str]) -> Self {
        let ready_file =
            std::env::temp_dir().join(format!("inference-edge-bench-{}.json", std::process::id()));
        let core = core.display().to_string();
        let file = ready_file.display().to_string();
        let mut command = Command::new(program);
        command.args([
            "--port",
            "0",
            "--quiet",
            "--no-throttling",
            "--core",
            &core,
            "--ready-file",
            &file,
            "--env",
            "REQUIRED_FIELDS=",
        ]);
        command.args(options);
        let child = command.stdout(Stdio::null()).spawn().expect("the stack");
        while !ready_file.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let ready = std::fs::read_to_string(&ready_file).expect("the ready file");
        let _ = std::fs::remove_file(&ready_file);
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self {
            child,
            ready: serde_json::from_str(&ready).expect("JSON"),
            http,
        }
    }

    fn ready_value(&self, pointer: &str) -> &str {
        self.ready
            .pointer(pointer)
            .and_then(Value::as_str)
            .expect(pointer)
    }

    fn question(&self) -> Request<Full<Bytes>> {
        let request = Request::post(format!("{}/inference", self.ready_value("/apiUrl")));
        let request = request
            .header(
                "authorization",
                format!("Bearer {}", self.ready_value("/idToken")),
            )
            .header("content-type", "application/json");
        request
            .body(Full::from(r#"{"question":"text"}"#))
            .expect("a request")
    }

    async fn ask(&self) {
        let response = self.http.request(self.question()).await.expect("an answer");
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.expect("a body");
    }

    fn streamed(&self, way: Way, question: &str) -> Request<Full<Bytes>> {
        match way {
            Way::FunctionUrl => self.signed(question),
            Way::RestApi => {
                Request::post(format!("{}/inference", self.ready_value("/streamApiUrl")))
                    .header(
                        "authorization",
                        format!("Bearer {}", self.ready_value("/idToken")),
                    )
                    .body(Full::from(json!({ "question": question }).to_string()))
                    .expect("a request")
            }
        }
    }

    /// Reads a streamed response to its end and returns the time until its first byte, with its
    /// size in bytes.
    async fn read_streamed(&self, way: Way, megabytes: usize) -> (Duration, usize) {
        let start = Instant::now();
        let question = format!("flood:{megabytes}");
        let response = self.http.request(self.streamed(way, &question)).await;
        let mut response = response.expect("an answer");
        let (mut first, mut bytes) = (None, 0);
        while let Some(frame) = response.frame().await {
            first.get_or_insert_with(|| start.elapsed());
            let data = frame.expect("a piece").into_data();
            bytes += data.map_or(0, |data| data.len());
        }
        (first.unwrap_or_default(), bytes)
    }

    fn signed(&self, question: &str) -> Request<Full<Bytes>> {
        let keys = Credentials::new(
            self.ready_value("/credentials/accessKeyId"),
            self.ready_value("/credentials/secretAccessKey"),
        );
        let signer = Signer::new(Arc::new(keys));
        let url = format!("{}/", self.ready_value("/streamFunctionUrl"));
        signer
            .request(
                Method::POST,
                &url,
                &[],
                json!({ "question": question }).to_string().into(),
            )
            .expect("a request")
    }

    /// The largest peak memory of the stack's edge processes, in MiB.
    fn edge_peak(&self) -> f64 {
        let edges = children_of(self.child.id()).into_iter().filter(|pid| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            command.ends_with(b"function\0edge\0")
        });
        edges.map(peak_of).fold(0.0, f64::max)
    }

    /// The CPU time of the stack and of its functions' processes, in milliseconds.
    fn cpu(&self) -> f64 {
        let pid = self.child.id();
        cpu_of(pid) + children_of(pid).into_iter().map(cpu_of).sum::<f64>()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// How the stack and this program are built.
const BUILD: &str = if cfg!(debug_assertions) {
    "development build"
} else {
    "release build"
};

/// Builds the stack and the scripted core function and returns their paths.
fn programs() -> (PathBuf, PathBuf) {
    let build = [
        "build",
        "--profile",
        if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        },
        "--locked",
        "--bin",
        "inference-edge",
        "--example",
        "scripted-core",
    ];
    let built = Command::new(env!("CARGO"))
        .args(build)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "the stack does not build"
    );
    let program = PathBuf::from(env!("CARGO_BIN_EXE_inference-edge"));
    let core = program.with_file_name("examples").join("scripted-core");
    (program, core)
}

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
    let stack = std::sync::Arc::new(Stack::start(programs).await);
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
async fn clients(stack: &std::sync::Arc<Stack>, at_once: usize, requests: usize) -> Vec<f64> {
    let clients: Vec<_> = (0..at_once)
        .map(|_| tokio::spawn(client(std::sync::Arc::clone(stack), requests)))
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.expect("a client"));
    }
    times
}

async fn client(stack: std::sync::Arc<Stack>, requests: usize) -> Vec<f64> {
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
        let peaks = || [stack.edge_peak(), peak_of(stack.child.id())];
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

//! A running stack, and the requests that are sent to it.

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

use crate::process::{children_of, cpu_of, peak_of};

type Http = Client<HttpConnector, Full<Bytes>>;

/// A running stack, which is stopped on drop.
pub struct Stack {
    child: Child,
    ready: Value,
    http: Http,
}

/// A way in that streams.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// The streaming function URL, signed with Signature Version 4.
    FunctionUrl,
    /// The REST API's streaming stage, with the ID token.
    RestApi,
}

impl Stack {
    pub async fn start(programs: &(PathBuf, PathBuf)) -> Self {
        Self::start_with(programs, &[]).await
    }

    pub async fn start_with((program, core): &(PathBuf, PathBuf), options: &[&str]) -> Self {
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

    pub async fn ask(&self) {
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
    pub async fn read_streamed(&self, way: Way, megabytes: usize) -> (Duration, usize) {
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

    /// The stack's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The largest peak memory of the stack's edge processes, in MiB.
    pub fn edge_peak(&self) -> f64 {
        let edges = children_of(self.child.id()).into_iter().filter(|pid| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            command.ends_with(b"function\0edge\0")
        });
        edges.map(peak_of).fold(0.0, f64::max)
    }

    /// The CPU time of the stack and of its functions' processes, in milliseconds.
    pub fn cpu(&self) -> f64 {
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

/// Builds the stack and the scripted core function and returns their paths.
pub fn programs() -> (PathBuf, PathBuf) {
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

//! Starts the stack as a user would, and talks to it over HTTP.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request};
use http_body_util::Full;
use inference_edge::http::{BufferedResponse, HttpClient};
use inference_edge::signer::Signer;
use serde_json::{Value, json};
use sigv4::Credentials;

/// How long anything may take before a test gives up.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A stack that ends with the test.
pub struct Stack {
    child: Child,
    /// What the ready file says.
    pub ready: Value,
    output: Arc<Output>,
    ready_file: PathBuf,
}

/// Lines that a process has written.
#[derive(Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    changed: Condvar,
}

/// What is written here when a stream ends.
const END: &str = "(the stream ended)";

impl Output {
    fn follow(self: &Arc<Self>, stream: impl std::io::Read + Send + 'static) {
        let output = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                output.lines.lock().expect("a lock").push(line);
                output.changed.notify_all();
            }
            output.lines.lock().expect("a lock").push(END.to_owned());
            output.changed.notify_all();
        });
    }

    /// Waits for a line that has the text.
    fn wait_for(&self, text: &str) -> String {
        let mut lines = self.lines.lock().expect("a lock");
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            assert!(lines.iter().filter(|line| *line == END).count() < 2, "no line has {text:?}:\n{}", lines.join("\n"));
            let (waited, timeout) = self.changed.wait_timeout(lines, TEST_TIMEOUT).expect("a lock");
            lines = waited;
            assert!(!timeout.timed_out(), "no line has {text:?}:\n{}", lines.join("\n"));
        }
    }
}

/// The program under test, with options.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inference-edge"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The core function that does what the question says. Cargo builds examples with `cargo test`.
pub fn scripted_core() -> String {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_inference-edge"));
    let core = program.parent().expect("a folder").join("examples/scripted-core");
    assert!(core.exists(), "{} is not built: run `cargo build --example scripted-core`, or plain `cargo test`", core.display());
    core.display().to_string()
}

impl Stack {
    /// Starts it, on free ports unless told others, and waits until it says that it runs.
    pub fn start(arguments: &[&str]) -> Self {
        let ready_file = std::env::temp_dir().join(format!("inference-edge-{}.json", uuid::Uuid::new_v4()));
        let mut command = program(&["--ready-file", &ready_file.display().to_string()]);
        if !arguments.contains(&"--port") {
            command.args(["--port", "0"]);
        }
        let mut child = command.args(arguments).spawn().expect("the stack");
        let output = Arc::new(Output::default());
        output.follow(child.stdout.take().expect("its output"));
        output.follow(child.stderr.take().expect("its errors"));
        output.wait_for("Ctrl-C stops everything.");
        let ready = std::fs::read_to_string(&ready_file).expect("the ready file");
        Self { child, ready: serde_json::from_str(&ready).expect("JSON"), output, ready_file }
    }

    /// Starts it with the scripted core.
    pub fn scripted(arguments: &[&str]) -> Self {
        let core = scripted_core();
        Self::start(&[&["--core", &core], arguments].concat())
    }

    /// Where the ready file is.
    pub fn ready_file(&self) -> &std::path::Path {
        &self.ready_file
    }

    /// A member of the ready file.
    pub fn says(&self, pointer: &str) -> &str {
        self.ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("the ready file has no {pointer}"))
    }

    /// Waits for a line of its output that has the text.
    pub fn wait_for(&self, text: &str) -> String {
        self.output.wait_for(text)
    }

    /// Everything it has written.
    pub fn written(&self) -> String {
        self.output.lines.lock().expect("a lock").join("\n")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal and waits for its end.
    pub fn end(&mut self, signal: rustix::process::Signal) -> std::process::ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a signal");
        self.child.wait().expect("its end")
    }

    /// Asks the API, signed in.
    pub async fn ask(&self, body: &str) -> BufferedResponse {
        self.ask_with(self.says("/idToken"), body).await
    }

    /// Asks the API with a token.
    pub async fn ask_with(&self, token: &str, body: &str) -> BufferedResponse {
        let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
        send(Method::POST, &format!("{}/inference", self.says("/apiUrl")), &headers, body).await
    }

    /// Asks core to do something.
    pub async fn do_it(&self, question: &str) -> BufferedResponse {
        self.ask(&json!({ "partner": "p", "year": 1, "period": "Q1", "question": question }).to_string()).await
    }

    /// Invokes a function by Lambda's API, signed with the stack's own credentials.
    pub async fn invoke(&self, function: &str, headers: &[(&str, String)], payload: &str) -> BufferedResponse {
        self.invoke_with("credentials", function, headers, payload).await
    }

    /// Invokes a function by Lambda's API, signed with a member of the ready file.
    pub async fn invoke_as(&self, credentials: &str, function: &str, payload: &str) -> BufferedResponse {
        self.invoke_with(credentials, function, &[], payload).await
    }

    async fn invoke_with(
        &self,
        credentials: &str,
        function: &str,
        headers: &[(&str, String)],
        payload: &str,
    ) -> BufferedResponse {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.says("/lambdaEndpoint"));
        let keys = &self.ready[credentials];
        let member = |name: &str| keys[name].as_str().map(str::to_owned);
        let credentials = Credentials::new(member("accessKeyId").expect("a key"), member("secretAccessKey").expect("a secret"));
        let credentials = Arc::new(credentials.with_session(member("sessionToken"), None));
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = Bytes::copy_from_slice(payload.as_bytes());
        let request = Signer::new(credentials).post(&url, &headers, body).expect("a signed request");
        HttpClient::new().send(request, TEST_TIMEOUT).await.expect("an answer")
    }

    /// Hands the edge a named event, as Lambda does; gives its response.
    pub async fn replay(&self, name: &str) -> Value {
        let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let event = std::fs::read_to_string(&path).expect("an event");
        value(&self.invoke("edge", &[], &event).await)
    }

    /// Calls an operation of the user pool.
    pub async fn cognito(&self, operation: &str, body: Value) -> BufferedResponse {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1".to_owned())];
        send(Method::POST, self.says("/userPoolEndpoint"), &headers, &body.to_string()).await
    }

    /// The seeded user's tokens, by a sign-in over HTTP.
    pub async fn sign_in(&self) -> Value {
        let parameters = json!({ "USERNAME": self.says("/user/username"), "PASSWORD": self.says("/user/password") });
        let client = self.says("/userPoolClientId");
        let body = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": client, "AuthParameters": parameters });
        value(&self.cognito("InitiateAuth", body).await)["AuthenticationResult"].clone()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end(rustix::process::Signal::TERM);
        }
        let _ = std::fs::remove_file(&self.ready_file);
    }
}

/// One HTTP exchange.
pub async fn send(method: Method, url: &str, headers: &[(&str, String)], body: &str) -> BufferedResponse {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a request");
    HttpClient::new().send(request, TEST_TIMEOUT).await.expect("an answer")
}

/// A body as JSON.
pub fn value(answer: &BufferedResponse) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("not JSON: {}", text(answer)))
}

/// A body as text.
pub fn text(answer: &BufferedResponse) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// A header of an answer; empty when it is not there.
pub fn header<'a>(answer: &'a BufferedResponse, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

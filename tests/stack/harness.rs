//! Starts the stack as a process, as a developer does, and sends requests to it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, Request};
use http_body_util::Full;
use inference_edge::http::{BufferedResponse, HttpClient, serve};
use inference_edge::signer::Signer;
use serde_json::{Value, json};
use sigv4::Credentials;
use testkit::event_files::read_event;
use testkit::output::Output;
use tokio::net::TcpListener;

use crate::srp;

/// The time after which a test fails that waits for something.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A running stack, which is stopped when the test ends.
pub struct Stack {
    child: Child,
    /// The content of the ready file.
    pub ready: Value,
    output: Output,
    ready_file: PathBuf,
}

/// The command that starts the program under test.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inference-edge"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The path of the scripted core function. Plain `cargo test` builds it, because it is an example.
pub fn scripted_core() -> String {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_inference-edge"));
    let core = program
        .parent()
        .expect("a folder")
        .join("examples/scripted-core");
    assert!(
        core.exists(),
        "{} is not built: run `cargo build --example scripted-core`, or plain `cargo test`",
        core.display()
    );
    core.display().to_string()
}

impl Stack {
    /// Starts the stack on free ports, unless the arguments name others, and waits until it is
    /// ready.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = program(arguments);
        if !arguments.contains(&"--port") {
            command.args(["--port", "0"]);
        }
        if !arguments.contains(&"--log") {
            command.args(["--log", "text"]);
        }
        Self::start_command(command)
    }

    /// Starts the stack by a command that ends in its arguments, and waits until it is ready.
    pub fn start_command(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self::spawn(command, Output::default())
    }

    /// Starts the stack on free ports in a terminal of its own, and waits until it is ready.
    pub fn in_terminal(arguments: &[&str]) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&controller).expect("its permission");
        unlockpt(&controller).expect("its release");
        let name = ptsname(&controller, Vec::new()).expect("its name");
        let name = name.into_string().expect("its name as text");
        let options = File::options().read(true).write(true).open(name);
        let terminal = OwnedFd::from(options.expect("the terminal"));
        let mut command = program(&[&["--port", "0"], arguments].concat());
        let copy = || Stdio::from(terminal.try_clone().expect("a descriptor"));
        command.stdin(copy()).stdout(copy()).stderr(copy());
        let output = Output::default();
        output.follow(File::from(controller));
        Self::spawn(command, output)
    }

    fn spawn(mut command: Command, output: Output) -> Self {
        let ready_file =
            std::env::temp_dir().join(format!("inference-edge-{}.json", uuid::Uuid::new_v4()));
        let mut child = command
            .arg("--ready-file")
            .arg(&ready_file)
            .spawn()
            .expect("the stack");
        // It holds the writing end of the output.
        drop(command);
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            output.follow(stdout);
            output.follow(stderr);
        }
        output.wait_for("Ctrl-C stops everything.");
        let ready = std::fs::read_to_string(&ready_file).expect("the ready file");
        Self {
            child,
            ready: serde_json::from_str(&ready).expect("JSON"),
            output,
            ready_file,
        }
    }

    /// Starts the stack with the scripted core function.
    pub fn scripted(arguments: &[&str]) -> Self {
        let core = scripted_core();
        Self::start(&[&["--core", &core], arguments].concat())
    }

    /// The path of the ready file.
    pub fn ready_file(&self) -> &std::path::Path {
        &self.ready_file
    }

    /// A string in the ready file, by its JSON pointer.
    pub fn ready_value(&self, pointer: &str) -> &str {
        self.ready
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("the ready file has no {pointer}"))
    }

    /// Waits for a line of the stack's output that contains a text.
    pub fn wait_for(&self, text: &str) -> String {
        self.output.wait_for(text)
    }

    /// All output of the stack until now.
    pub fn written(&self) -> String {
        self.output.text()
    }

    /// The process id of the stack.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the stack and waits until it has stopped.
    pub fn end(&mut self, signal: rustix::process::Signal) -> std::process::ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a signal");
        self.child.wait().expect("its end")
    }

    /// Sends a request to the API with the first user's ID token.
    pub async fn ask(&self, body: &str) -> BufferedResponse {
        self.ask_with(self.ready_value("/idToken"), body).await
    }

    /// Sends a request to the API with a token.
    pub async fn ask_with(&self, token: &str, body: &str) -> BufferedResponse {
        let headers = [
            ("authorization", format!("Bearer {token}")),
            ("content-type", "application/json".to_owned()),
        ];
        send(
            Method::POST,
            &format!("{}/inference", self.ready_value("/apiUrl")),
            &headers,
            body,
        )
        .await
    }

    /// Sends a request whose question tells the scripted core function what to do.
    pub async fn ask_core(&self, question: &str) -> BufferedResponse {
        self.ask(
            &json!({ "partner": "p", "year": 1, "period": "Q1", "question": question }).to_string(),
        )
        .await
    }

    /// Invokes a function, signed with the developer's credentials.
    pub async fn invoke(
        &self,
        function: &str,
        headers: &[(&str, String)],
        payload: &str,
    ) -> BufferedResponse {
        self.invoke_with("credentials", function, headers, payload)
            .await
    }

    /// Invokes a function, signed with the credentials in a member of the ready file.
    pub async fn invoke_as(
        &self,
        credentials: &str,
        function: &str,
        payload: &str,
    ) -> BufferedResponse {
        self.invoke_with(credentials, function, &[], payload).await
    }

    pub async fn invoke_with(
        &self,
        credentials: &str,
        function: &str,
        headers: &[(&str, String)],
        payload: &str,
    ) -> BufferedResponse {
        let url = format!(
            "{}/2015-03-31/functions/{function}/invocations",
            self.ready_value("/lambdaEndpoint")
        );
        let keys = &self.ready[credentials];
        let member = |name: &str| keys[name].as_str().map(str::to_owned);
        let credentials = Credentials::new(
            member("accessKeyId").expect("a key"),
            member("secretAccessKey").expect("a secret"),
        );
        let credentials = Arc::new(credentials.with_session(member("sessionToken"), None));
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let body = Bytes::copy_from_slice(payload.as_bytes());
        let request = Signer::new(credentials)
            .post(&url, &headers, body)
            .expect("a signed request");
        HttpClient::new()
            .send(request, TEST_TIMEOUT)
            .await
            .expect("an answer")
    }

    /// Invokes the edge function with a file of `events/` and returns the response.
    pub async fn replay(&self, name: &str) -> Value {
        value(&self.invoke("edge", &[], &read_event(name)).await)
    }

    /// What the console answers to `GET` at a path, as JSON.
    pub async fn console(&self, path: &str) -> Value {
        let url = format!("{}/{path}", self.ready_value("/consoleUrl"));
        value(&send(Method::GET, &url, &[], "").await)
    }

    /// Sends a request of the user pool's JSON protocol.
    pub async fn cognito(&self, operation: &str, body: Value) -> BufferedResponse {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        send_json_protocol(self.ready_value("/userPoolEndpoint"), target, &body).await
    }

    /// Sends a request of the identity pool's JSON protocol.
    pub async fn identity_pool(&self, operation: &str, body: Value) -> BufferedResponse {
        let target = format!("AWSCognitoIdentityService.{operation}");
        send_json_protocol(self.ready_value("/identityPoolEndpoint"), target, &body).await
    }

    /// Signs the first user in over HTTP and returns the tokens.
    pub async fn sign_in(&self) -> Value {
        let username = self.ready_value("/user/username");
        let password = self.ready_value("/user/password");
        value(&srp::sign_in(self, username, password).await)["AuthenticationResult"].clone()
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

/// Serves one service on a free port, and returns its URL.
pub async fn serve_on_free_port(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(serve(listener, router));
    url
}

async fn send_json_protocol(url: &str, target: String, body: &Value) -> BufferedResponse {
    let headers = [
        ("x-amz-target", target),
        ("content-type", "application/x-amz-json-1.1".to_owned()),
    ];
    send(Method::POST, url, &headers, &body.to_string()).await
}

/// Sends a request and returns the response.
pub async fn send(
    method: Method,
    url: &str,
    headers: &[(&str, String)],
    body: &str,
) -> BufferedResponse {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .expect("a request");
    HttpClient::new()
        .send(request, TEST_TIMEOUT)
        .await
        .expect("an answer")
}

/// Parses the body of a response as JSON.
pub fn value(answer: &BufferedResponse) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("not JSON: {}", text(answer)))
}

/// The body of a response as text.
pub fn text(answer: &BufferedResponse) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// A header of a response; empty if it is absent.
pub fn header<'a>(answer: &'a BufferedResponse, name: &str) -> &'a str {
    answer
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

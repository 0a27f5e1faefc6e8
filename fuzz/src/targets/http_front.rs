//! The HTTP servers of the local stack: any bytes on a connection.
//!
//! The stack is a process of its own, as a developer starts it. Whatever comes, each answer is one
//! of HTTP's, none is 500, the connection ends, and the next connection is served.
//!
//! An input is the number of the server, a line, and the bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::Target;

pub const TARGET: Target = Target {
    name: "http_front",
    run,
    words: &[
        "POST /inference HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n",
        "OPTIONS /inference HTTP/1.1\r\n",
        "Host: localhost\r\n",
        "Content-Length: ",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Connection: close\r\n",
        "Upgrade: h2c\r\n",
        "Authorization: Bearer ",
        "Authorization: AWS4-HMAC-SHA256 Credential=",
        "\r\n\r\n",
        "0\r\n\r\n",
        "HTTP/1.0",
        "HTTP/2.0",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "%00",
        "%2e%2e/",
        "X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\r\n",
        "Content-Type: application/x-amz-json-1.1\r\n",
        "{\"AuthFlow\":\"USER_SRP_AUTH\"",
        "/2015-03-31/functions/core/invocations",
        "/2021-11-15/functions/core/response-streaming-invocations",
        "/records",
        "/configuration.json",
        "Origin: http://localhost:5173\r\n",
        "\0",
        "\u{e9}",
    ],
};

/// How long an answer may take: no request of these waits for anything.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Starts a program, and ends it when nothing holds its standard input any longer.
const UNTIL_INPUT_ENDS: &str = "\"$@\" & cat >/dev/null; kill $!";

/// A stack, which ends with this process, however that ends.
struct Stack {
    addresses: Vec<String>,
    /// Holds the standard input of the shell that ends the stack.
    _shell: Child,
}

static STACK: LazyLock<Mutex<Stack>> = LazyLock::new(|| Mutex::new(Stack::start()));

impl Stack {
    fn start() -> Self {
        let own = std::env::current_exe().expect("the path of this program");
        let program = own
            .ancestors()
            .map(|folder| folder.join("inference-edge"))
            .find(|program| program.is_file())
            .expect("the stack is not built: run `cargo build` first");
        let name = format!("inference-edge-fuzz-{}.json", std::process::id());
        let ready_file = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&ready_file);
        let mut stack = Self {
            addresses: Vec::new(),
            _shell: Command::new("sh")
                .args(["-c", UNTIL_INPUT_ENDS, "sh"])
                .arg(program)
                .args(["--port", "0", "--quiet", "--ready-file"])
                .arg(&ready_file)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the stack"),
        };
        for _ in 0..600 {
            if let Ok(ready) = std::fs::read(&ready_file) {
                let _ = std::fs::remove_file(&ready_file);
                let ready: Value = serde_json::from_slice(&ready).expect("the ready file is JSON");
                collect_addresses(&ready, &mut stack.addresses);
                assert!(stack.addresses.len() > 5, "{ready}");
                return stack;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the stack is not ready after a minute");
    }
}

/// The addresses of the URLs of this machine that stand in the ready file.
fn collect_addresses(value: &Value, addresses: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let host = text
                .strip_prefix("http://")
                .and_then(|rest| rest.split('/').next());
            let host = host.unwrap_or_default().to_owned();
            if host.contains(':') && !addresses.contains(&host) {
                addresses.push(host);
            }
        }
        Value::Object(members) => members
            .values()
            .for_each(|value| collect_addresses(value, addresses)),
        Value::Array(values) => values
            .iter()
            .for_each(|value| collect_addresses(value, addresses)),
        _ => {}
    }
}

fn run(input: &[u8]) {
    let stack = STACK.lock().unwrap_or_else(PoisonError::into_inner);
    let (server, bytes) = input.split_at(input.len().min(2));
    let server = usize::from(server.first().copied().unwrap_or_default());
    let address = stack.addresses[server % stack.addresses.len()].clone();
    let answer = send(&address, bytes, true);
    check(&answer, &address);
    let request = b"GET /not-there HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let next = send(&address, request, false);
    assert!(
        next.starts_with(b"HTTP/1.1 "),
        "the next request is not answered"
    );
}

/// Sends all and reads to the end. A server that waits for more learns that nothing comes.
fn send(address: &str, bytes: &[u8], is_all: bool) -> Vec<u8> {
    let mut connection = TcpStream::connect(address).expect("a connection");
    connection
        .set_read_timeout(Some(TIMEOUT))
        .expect("a time-out");
    // The server may close the connection before it has read everything.
    let _ = connection.write_all(bytes);
    if is_all {
        let _ = connection.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    if let Err(error) = connection.read_to_end(&mut answer) {
        let is_closed = error.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(is_closed, "the connection does not end: {error}");
    }
    answer
}

/// What came is nothing, or begins as an answer of HTTP/1; a server that answers 500 has a defect.
fn check(answer: &[u8], address: &str) {
    // To the preface of HTTP/2 a server answers with a frame of settings.
    let is_frame = answer.get(3) == Some(&4);
    if answer.is_empty() || is_frame {
        return;
    }
    let text = String::from_utf8_lossy(answer);
    let status = text
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| text.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3));
    let status: u16 = status
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default();
    assert!((100..600).contains(&status), "{address}: {text}");
    assert_ne!(status, 500, "{address}: {text}");
}

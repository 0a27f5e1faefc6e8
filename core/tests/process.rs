//! The binary itself: run by hand, and against a Runtime API on loopback, at the addresses that
//! Lambda and its emulators give.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

const EVENT: &str =
    r#"{"input":{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}}"#;

/// The binary with nothing but what `variables` set.
fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_core-function"));
    command
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Ends the process with the test, whether that passes or not.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn run_by_hand_it_says_that_it_is_a_lambda_function_and_how_to_run_it() {
    let with_an_empty_address = [
        ("AWS_LAMBDA_RUNTIME_API", ""),
        ("AWS_LAMBDA_FUNCTION_NAME", "core-function"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ];
    for variables in [&[][..], &with_an_empty_address] {
        let output = command(variables).output().expect("a process");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{text}");
        for part in [
            "AWS_LAMBDA_RUNTIME_API",
            "not set: this is a Lambda function",
            "`cargo run`",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        assert!(
            !text.contains("panicked") && text.trim_end().lines().count() == 1,
            "{text}"
        );
    }
}

#[test]
fn an_invalid_address_is_reported_without_a_panic() {
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", "/next"),
        ("AWS_LAMBDA_FUNCTION_NAME", "core-function"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ];
    let output = command(&variables).output().expect("a process");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("AWS_LAMBDA_RUNTIME_API: `/next`") && !text.contains("panicked"),
        "{text}"
    );
}

#[test]
fn it_answers_at_an_address_with_and_without_a_scheme_and_a_path() {
    for (prefix, path) in [
        ("", ""),
        ("http://", ""),
        ("http://", "/.rt/core-function"),
        ("http://", "/.rt/core-function/"),
    ] {
        for response in ["buffered", "stream"] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let api = format!(
                "{prefix}{}{path}",
                listener.local_addr().expect("an address")
            );
            let variables = [
                ("AWS_LAMBDA_RUNTIME_API", api.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "core-function"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "4096"),
                ("RESPONSE", response),
            ];
            let process = command(&variables)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("a process");
            let _process = KillOnDrop(process);
            let path = path.trim_end_matches('/');
            let (next, mut stream) = request(&listener);
            assert_eq!(
                next.line,
                format!("GET {path}/2018-06-01/runtime/invocation/next HTTP/1.1"),
                "{api}"
            );
            let head = "Lambda-Runtime-Aws-Request-Id: 8476a536\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\nContent-Type: application/json";
            let length = EVENT.len();
            write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{EVENT}")
                .expect("an event");
            let (answer, mut stream) = request(&listener);
            assert_eq!(
                answer.line,
                format!("POST {path}/2018-06-01/runtime/invocation/8476a536/response HTTP/1.1"),
                "{api}"
            );
            assert!(
                answer.body.contains("revenue of $117,154 million"),
                "{api} {response}: {}",
                answer.body
            );
            assert_eq!(
                answer.body.contains("event: done"),
                response == "stream",
                "{api}: {}",
                answer.body
            );
            if response == "buffered" {
                let body: Value = serde_json::from_str(&answer.body).expect("JSON");
                assert_eq!(
                    body["meta"]["sources"][0]["title"],
                    "Apple Inc., Form 10-Q for Q1 of fiscal 2023, filed 2023-02-03"
                );
            }
            write!(
                stream,
                "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            .expect("an answer");
        }
    }
}

struct Request {
    line: String,
    body: String,
}

/// The next request, whole, and the connection to answer it on.
fn request(listener: &TcpListener) -> (Request, TcpStream) {
    let (stream, _) = listener.accept().expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout");
    let mut reader = BufReader::new(stream.try_clone().expect("the same connection"));
    let mut lines = Vec::new();
    loop {
        let line = read_line(&mut reader);
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let head = lines.join("\n").to_ascii_lowercase();
    let mut body = Vec::new();
    if head.contains("transfer-encoding: chunked") {
        loop {
            let size = usize::from_str_radix(&read_line(&mut reader), 16).expect("a chunk's size");
            if size == 0 {
                while !read_line(&mut reader).is_empty() {}
                break;
            }
            let mut chunk = vec![0; size];
            reader.read_exact(&mut chunk).expect("a chunk");
            body.extend(chunk);
            assert_eq!(read_line(&mut reader), "");
        }
    } else if let Some(length) = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
    {
        body.resize(length.parse().expect("a length"), 0);
        reader.read_exact(&mut body).expect("a body");
    }
    (
        Request {
            line: lines.swap_remove(0),
            body: String::from_utf8(body).expect("UTF-8"),
        },
        stream,
    )
}

fn read_line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    line.trim_end().to_owned()
}

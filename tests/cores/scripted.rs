//! A core function for tests, which does what the question names: responds, fails, sleeps, streams
//! or exits.
//!
//! It is a Runtime API client on plain sockets, so that the stack is tested with another client
//! than the one of the functions.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn main() {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("the Runtime API");
    loop {
        let (id, head, event) = request_runtime_api(&api, "GET", "invocation/next", "");
        let question = field(&event, "question");
        let (kind, rest) = question.split_once(':').unwrap_or((&question, ""));
        println!("scripted core: {kind}");
        match kind {
            "throw" => drop(request_runtime_api(
                &api,
                "POST",
                &format!("invocation/{id}/error"),
                r#"{"errorType":"Boom","errorMessage":"it broke","stackTrace":["secret.py"]}"#,
            )),
            "throw-bytes" => {
                let trace = "\\\"".repeat(rest.parse::<usize>().expect("a number") / 2);
                let error = format!(
                    "{{\"errorType\":\"Boom\",\"errorMessage\":\"it broke\",\"trace\":\"{trace}\"}}"
                );
                drop(request_runtime_api(
                    &api,
                    "POST",
                    &format!("invocation/{id}/error"),
                    &error,
                ));
            }
            "fail-until" => {
                // Each attempt adds its request id to the file.
                let (attempt, path) = rest.split_once(':').expect("a number and a path");
                let attempts = std::fs::read_to_string(path).unwrap_or_default() + &id + "\n";
                std::fs::write(path, &attempts).expect("a file");
                if attempts.lines().count() < attempt.parse().expect("a number") {
                    let error = r#"{"errorType":"Boom","errorMessage":"it broke"}"#;
                    request_runtime_api(&api, "POST", &format!("invocation/{id}/error"), error);
                } else {
                    answer(&api, &id, "null");
                }
            }
            "exit" => std::process::exit(rest.parse().unwrap_or(1)),
            "sleep" => {
                std::thread::sleep(Duration::from_millis(rest.parse().expect("milliseconds")));
                answer(&api, &id, r#"{"slept":true}"#);
            }
            "variable" => {
                let value = std::env::var(rest).map(|value| format!("{value:?}"));
                answer(&api, &id, &value.unwrap_or_else(|_| "null".to_owned()));
            }
            "pid" => answer(&api, &id, &std::process::id().to_string()),
            "create" => {
                std::fs::write(rest, "").expect("a file");
                answer(&api, &id, "null");
            }
            "text" => answer(&api, &id, "plain text"),
            "nothing" => answer(&api, &id, ""),
            "white-space" => answer(&api, &id, " \n"),
            "brace" => answer(&api, &id, "{"),
            "proxy-reply" => answer(
                &api,
                &id,
                r#"{"statusCode":201,"headers":{"x-core":"yes"},"body":"made"}"#,
            ),
            "time-out" => drop(request_runtime_api(
                &api,
                "POST",
                &format!("invocation/{id}/error"),
                r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}"#,
            )),
            "bytes" => answer(
                &api,
                &id,
                &format!(
                    "\"{}\"",
                    "x".repeat(rest.parse::<usize>().expect("a number") - 2)
                ),
            ),
            "quotes" => answer(
                &api,
                &id,
                &format!("\"{}\"", "\\\"".repeat(rest.parse().expect("a number"))),
            ),
            "hold" => {
                let mut stream = StreamedResponse::begin(&api, &id, "text/event-stream");
                stream.send(b"data: {\"text\":\"one \"}\n\n");
                wait_for_file(rest);
                stream.send(b"data: {\"text\":\"two\"}\n\n");
                stream.end();
            }
            "break-off" => {
                // One chunk, then the connection closes.
                let mut stream = StreamedResponse::begin(&api, &id, "application/octet-stream");
                stream.send(format!("{rest}one\n\n").as_bytes());
            }
            "break-off-text" => {
                let mut stream = StreamedResponse::begin(&api, &id, "text/event-stream");
                stream.send(b"data: {\"text\":\"one\"}\n\n");
            }
            "trailer" => {
                let mut stream = StreamedResponse::begin(&api, &id, "text/plain");
                stream.send(b"one");
                let body = "eyJlcnJvclR5cGUiOiJCb29tIiwiZXJyb3JNZXNzYWdlIjoiaXQgYnJva2UifQ==";
                stream.end_with(&format!(
                    "Lambda-Runtime-Function-Error-Type: Boom\r\nLambda-Runtime-Function-Error-Body: {body}\r\n"
                ));
            }
            "prelude" => {
                let kind = "application/vnd.awslambda.http-integration-response";
                let mut stream = StreamedResponse::begin(&api, &id, kind);
                stream.send(
                    br#"{"statusCode":201,"headers":{"content-type":"text/plain","x-page":"7"},"#,
                );
                stream
                    .send(br#""multiValueHeaders":{"x-many":["a","b"]},"cookies":["a=1","b=2"]}"#);
                stream.send(&[0; 8]);
                stream.send(b"one ");
                stream.send(b"two");
                stream.end();
            }
            "flood" => {
                let megabytes: usize = rest.parse().expect("megabytes");
                let mut stream = StreamedResponse::begin(&api, &id, "application/octet-stream");
                (0..megabytes * 16).for_each(|_| stream.send(&[b'x'; 65_536]));
                stream.end();
            }
            "headers" => answer(&api, &id, &format!("{head:?}").replace("\\u{", "?{")),
            _ => answer(&api, &id, &event),
        }
    }
}

/// A streamed response.
struct StreamedResponse(TcpStream);

impl StreamedResponse {
    fn begin(api: &str, id: &str, content_type: &str) -> Self {
        let mut stream = TcpStream::connect(api).expect("a connection");
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\n"
        );
        let mode =
            "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n";
        let trailer =
            "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n";
        write!(
            stream,
            "{head}{mode}{trailer}Content-Type: {content_type}\r\n\r\n"
        )
        .expect("a head");
        Self(stream)
    }

    /// Errors are ignored, because a test may close the stream early.
    fn send(&mut self, chunk: &[u8]) {
        let framed = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
        let _ = self.0.write_all(&framed);
    }

    fn end(self) {
        self.end_with("");
    }

    fn end_with(mut self, trailers: &str) {
        let _ = write!(self.0, "0\r\n{trailers}\r\n");
        let _ = self.0.read_to_end(&mut Vec::new());
    }
}

fn wait_for_file(path: &str) {
    while !std::path::Path::new(path).exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn answer(api: &str, id: &str, body: &str) {
    request_runtime_api(api, "POST", &format!("invocation/{id}/response"), body);
}

thread_local! {
    /// The connection of the last request, which the next one reuses.
    static CONNECTION: RefCell<Option<BufReader<TcpStream>>> = const { RefCell::new(None) };
}

/// The request id in the response, its header lines and its body.
type RuntimeApiResponse = (String, Vec<String>, String);

/// Sends a request and returns the response. A reused connection may be closed, then a new one is
/// tried; if that fails, the environment has ended and so does this process.
fn request_runtime_api(api: &str, method: &str, path: &str, body: &str) -> RuntimeApiResponse {
    let kept = CONNECTION.take();
    let exchanged = kept.and_then(|connection| try_exchange(connection, api, method, path, body));
    let again = || {
        let stream = TcpStream::connect(api).expect("a connection");
        let _ = stream.set_nodelay(true);
        try_exchange(BufReader::new(stream), api, method, path, body)
    };
    exchanged
        .or_else(again)
        .unwrap_or_else(|| std::process::exit(0))
}

fn try_exchange(
    mut reader: BufReader<TcpStream>,
    api: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Option<RuntimeApiResponse> {
    let head = format!("{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: {api}\r\n");
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    reader.get_mut().write_all(request.as_bytes()).ok()?;
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        lines
            .iter()
            .find_map(|line| line.to_lowercase().strip_prefix(name).map(str::to_owned))
    };
    let length = header("content-length: ")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let id = header("lambda-runtime-aws-request-id: ").unwrap_or_default();
    CONNECTION.set(Some(reader));
    Some((id, lines, String::from_utf8(body).expect("UTF-8")))
}

/// The text of a member, wherever it is in the JSON.
fn field(json: &str, name: &str) -> String {
    let rest = json
        .split(&format!("\"{name}\":\""))
        .nth(1)
        .unwrap_or_default();
    rest.split('"').next().unwrap_or_default().to_owned()
}

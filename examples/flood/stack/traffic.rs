//! The requests of the flood, and what is answered to them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::local_stack::LocalStack;

/// How long an answer may take: longer than any time-out of the stack's APIs.
const TIMEOUT: Duration = Duration::from_secs(40);
/// The body of a good request.
pub const QUESTION: &str =
    r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;
/// The statuses with which a request that reaches a function may be answered where a process of a
/// function was killed (502, the HTTP API 500), or where Lambda throttles the edge (HTTP API 503, REST API
/// 500, function URL 429) or core (503).
const FUNCTION_FAILED: [u16; 4] = [500, 502, 503, 429];

/// A kind of request.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    request: String,
    /// The statuses that it may get; 0 is a connection that is closed without an answer.
    allowed: &'static [u16],
    /// Whether it reaches a function.
    reaches_function: bool,
    /// Whether the client ends its side of the connection, because the server would wait for more.
    is_cut: bool,
}

/// The traffic, which all threads share.
#[derive(Debug)]
pub struct Traffic {
    /// `host:port` of the HTTP API, the REST API and the function URL without a signature.
    targets: [(String, &'static str); 3],
    kinds: Vec<Vec<Kind>>,
    is_stopped: AtomicBool,
    /// How often each status came for each kind of request.
    seen: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

impl Traffic {
    /// The requests for a stack.
    pub fn new(stack: &LocalStack) -> Result<Self, String> {
        let target = |name: &str, path| Ok::<_, String>((stack.authority(name)?.to_owned(), path));
        let targets = [
            target("apiUrl", "/inference")?,
            target("restApiUrl", "/prod/inference")?,
            target("openFunctionUrl", "/")?,
        ];
        let token = stack.value("idToken")?;
        let kinds = targets
            .iter()
            .map(|(authority, path)| kinds(authority, path, token));
        Ok(Self {
            kinds: kinds.collect(),
            targets,
            is_stopped: AtomicBool::new(false),
            seen: Mutex::default(),
        })
    }

    /// Ends the threads that send.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// A good request is answered with 200 at every entry point, at the latest after some tries.
    pub fn expect_an_answer(&self) -> Result<(), String> {
        for ((authority, path), kinds) in self.targets.iter().zip(&self.kinds) {
            let mut answer = String::new();
            for _ in 0..40 {
                answer = send(authority, &kinds[0]).unwrap_or_default();
                if status(&answer) == 200 {
                    break;
                }
                std::thread::sleep(Duration::from_millis(500));
            }
            if status(&answer) != 200 {
                return Err(format!("a good request to {authority}{path} gets {answer}"));
            }
        }
        Ok(())
    }

    /// Sends requests of every kind to every entry point in turn, until the end.
    pub fn send_many(&self, from: usize) {
        for at in from.. {
            if self.is_stopped() {
                return;
            }
            let target = at % self.targets.len();
            let kinds = &self.kinds[target];
            let kind = &kinds[at / self.targets.len() % kinds.len()];
            let answer = send(&self.targets[target].0, kind).unwrap_or_default();
            if let Ok(mut seen) = self.seen.lock() {
                *seen.entry((kind.name, status(&answer))).or_default() += 1;
            }
        }
    }

    /// Holds connections until the end: every other one says nothing, the rest a byte a second.
    pub fn hold(&self, at: usize) {
        let (authority, _) = &self.targets[at / 2 % self.targets.len()];
        let request = &self.kinds[at / 2 % self.targets.len()][0].request;
        while !self.is_stopped() {
            let Ok(mut connection) = TcpStream::connect(authority) else {
                std::thread::sleep(Duration::from_millis(100));
                continue;
            };
            for byte in request.as_bytes() {
                std::thread::sleep(Duration::from_secs(1));
                let is_closed = !at.is_multiple_of(2) && connection.write_all(&[*byte]).is_err();
                if is_closed || self.is_stopped() {
                    break;
                }
            }
        }
    }

    /// Prints what came, also to the good requests of `wrk`; an error names what must not come.
    pub fn report<'a>(&self, of_wrk: impl Iterator<Item = &'a (u16, u64)>) -> Result<(), String> {
        let seen = self.seen.lock().map_err(|error| error.to_string())?;
        let mut seen = seen.clone();
        for (status, times) in of_wrk {
            seen.insert(("good, by wrk", *status), *times);
        }
        let mut wrong = Vec::new();
        for ((name, status), times) in &seen {
            println!("{times:>8} times {status:>3} to: {name}");
            let kind = self.kinds[0].iter().find(|kind| kind.name == *name);
            let kind = kind.unwrap_or(&self.kinds[0][0]);
            let is_allowed = kind.allowed.contains(status)
                || kind.reaches_function && FUNCTION_FAILED.contains(status);
            if !is_allowed {
                wrong.push(format!("{status} to: {name} ({times} times)"));
            }
        }
        for name in ["good", "good, by wrk"] {
            let has_any = seen.keys().any(|(known, _)| *known == name);
            if has_any && !seen.contains_key(&(name, 200)) {
                wrong.push(format!("never 200 to: {name}"));
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(format!("must not come: {}", wrong.join(", ")))
        }
    }
}

fn kinds(authority: &str, path: &str, token: &str) -> Vec<Kind> {
    let with = |headers: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{headers}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let authorization = format!("Authorization: Bearer {token}\r\n");
    let good = with(&authorization, QUESTION);
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.";
    let long_header = format!("{authorization}X-Long: {}\r\n", "x".repeat(12_000));
    let refused = |name, request, allowed| Kind {
        name,
        request,
        allowed,
        reaches_function: false,
        is_cut: false,
    };
    let cut = |name, request| Kind {
        is_cut: true,
        ..refused(name, request, &[0, 400])
    };
    let passed = |name, request, allowed| Kind {
        reaches_function: true,
        ..refused(name, request, allowed)
    };
    vec![
        passed("good", good.clone(), &[200]),
        passed("no token", with("", QUESTION), &[401]),
        passed(
            "an unsigned token",
            with(&format!("Authorization: Bearer {unsigned}\r\n"), QUESTION),
            &[401],
        ),
        passed("no JSON", with(&authorization, "{\"partner\":"), &[400]),
        passed("missing fields", with(&authorization, "{}"), &[400]),
        passed(
            "another path",
            good.replacen(path, "/../etc/passwd", 1),
            // A function URL passes every path on.
            &[200, 403, 404],
        ),
        refused(
            "a foreign host",
            good.replacen("Host: ", "Host: evil.example/", 1),
            &[400, 421],
        ),
        // The APIs have a limit of 10,240 bytes, and the function URL has none here.
        passed("a long header", with(&long_header, QUESTION), &[200, 431]),
        cut(
            "a length beyond all limits",
            good.replacen("Content-Length: ", "Content-Length: 99999999", 1),
        ),
        refused(
            "two lengths",
            good.replacen(
                "Content-Length: ",
                "Content-Length: 1\r\nContent-Length: ",
                1,
            ),
            &[400],
        ),
        cut("not HTTP", "\u{16}\u{3}\u{1}\r\n\r\n".to_owned()),
        cut("half of the headers", good[..good.len() / 4].to_owned()),
        cut(
            "half of the body",
            good[..good.len() - QUESTION.len() / 2].to_owned(),
        ),
    ]
}

/// The answer; `None` when there is no connection.
fn send(authority: &str, kind: &Kind) -> Option<String> {
    let mut connection = TcpStream::connect(authority).ok()?;
    connection.set_read_timeout(Some(TIMEOUT)).ok()?;
    connection.write_all(kind.request.as_bytes()).ok()?;
    if kind.is_cut {
        connection.shutdown(Shutdown::Write).ok()?;
    }
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// The status of an answer; 0 where there is none.
fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ");
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
    status.unwrap_or_default()
}

//! Requests of 60 KB that their client breaks off while core works on them, while a console is open:
//! a record ends with its request, and what is kept is bounded.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::local_stack::LocalStack;
use crate::watch::Held;

/// The bytes of a body.
const BODY: usize = 60_000;
/// How much more memory than before is a leak, in KiB. The records may take a third of it.
const MAX_GROWTH: u64 = 96 * 1024;
/// The requests that are open at once. Each keeps an environment busy after it was broken off.
const AT_ONCE: usize = 16;

/// Breaks this number of requests off.
pub fn flood(requests: u64, program: Option<&str>) -> Result<(), String> {
    let options = ["--no-throttling", "--concurrency", "40"];
    let stack = LocalStack::start(program, &options, None)?;
    let api = stack.authority("apiUrl")?.to_owned();
    let request = request(&api, stack.value("idToken")?);
    // The first requests start environments and fill caches.
    break_off(&api, &request, 100)?;
    let console = Console::open(stack.authority("consoleUrl")?)?;
    let before = Held::by(stack.pid())?;
    println!("before {before}");
    for tenth in 1..=10 {
        let count = requests * tenth / 10 - requests * (tenth - 1) / 10;
        break_off(&api, &request, count)?;
        println!("{:>6} {}", requests * tenth / 10, Held::by(stack.pid())?);
    }
    let open = console.open_records()?;
    let after = Held::by(stack.pid())?;
    println!(
        "after  {after}, {} bytes read by the console",
        console.close()
    );
    if open > 0 {
        return Err(format!("{open} records have not ended"));
    }
    if after.memory > before.memory + MAX_GROWTH {
        return Err(format!("the stack has grown from {before} to {after}"));
    }
    Ok(())
}

fn request(api: &str, token: &str) -> String {
    let body = format!(
        r#"{{"partner":"{}","year":2023,"period":"Q1","question":"What was the revenue?"}}"#,
        "p".repeat(BODY)
    );
    let length = body.len();
    format!(
        "POST /inference HTTP/1.1\r\nHost: {api}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Sends requests and closes each connection as soon as the request is written.
fn break_off(api: &str, request: &str, count: u64) -> Result<(), String> {
    let mut open = std::collections::VecDeque::new();
    for _ in 0..count {
        let mut connection = TcpStream::connect(api).map_err(|error| format!("{api}: {error}"))?;
        connection
            .write_all(request.as_bytes())
            .map_err(|error| format!("{api}: {error}"))?;
        open.push_back(connection);
        if open.len() > AT_ONCE {
            open.pop_front();
        }
    }
    Ok(())
}

/// A console that reads what changes, as the page does.
#[derive(Debug)]
struct Console {
    address: String,
    live: TcpStream,
    is_closed: Arc<AtomicBool>,
    reader: std::thread::JoinHandle<u64>,
}

impl Console {
    fn open(address: &str) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{address}: {error}");
        let mut live = TcpStream::connect(address).map_err(failed)?;
        let request = format!("GET /live HTTP/1.1\r\nHost: {address}\r\n\r\n");
        live.write_all(request.as_bytes()).map_err(failed)?;
        let mut events = live.try_clone().map_err(failed)?;
        let is_closed = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&is_closed);
        let list = address.to_owned();
        let reader = std::thread::spawn(move || {
            let (mut bytes, mut piece) = (0, vec![0; 64 * 1024]);
            let _ = events.set_read_timeout(Some(Duration::from_millis(200)));
            while !closed.load(Ordering::Relaxed) {
                bytes += events.read(&mut piece).unwrap_or_default() as u64;
                bytes += get(&list, "/records").map_or(0, |text| text.len() as u64);
            }
            bytes
        });
        Ok(Self {
            address: address.to_owned(),
            live,
            is_closed,
            reader,
        })
    }

    /// How many records are still open, once none has changed for a while or all have ended.
    fn open_records(&self) -> Result<usize, String> {
        let mut open = usize::MAX;
        for _ in 0..300 {
            let records = get(&self.address, "/records").ok_or("the console does not answer")?;
            open = records.matches(r#""state":"open""#).count();
            if open == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(open)
    }

    /// Closes it; returns how many bytes it has read.
    fn close(self) -> u64 {
        self.is_closed.store(true, Ordering::Relaxed);
        let _ = self.live.shutdown(Shutdown::Both);
        self.reader.join().unwrap_or_default()
    }
}

/// The answer to a request, with its headers.
fn get(address: &str, path: &str) -> Option<String> {
    let mut connection = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    Some(answer)
}

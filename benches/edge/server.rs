//! Lambda as a function sees it: the Runtime API, which supplies events, and the Invoke API with
//! the core function's response.
//!
//! It has threads and sockets and no asynchronous runtime, so that it disturbs the measurement
//! little.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The server for one environment.
pub struct Server {
    /// `host:port`
    pub address: String,
    events: Sender<Arc<Vec<u8>>>,
    /// The times of the function's polls.
    pub polled: Receiver<Instant>,
    /// The times at which an event was sent and at which its response was complete.
    pub answers: Receiver<(Instant, Instant)>,
}

/// The state that all connections share.
struct Shared {
    events: Mutex<Receiver<Arc<Vec<u8>>>>,
    handed_out: Mutex<Vec<(u64, Instant)>>,
    polled: Sender<Instant>,
    answers: Sender<(Instant, Instant)>,
    core: Vec<u8>,
    delay: Duration,
}

impl Server {
    /// Starts a server whose core function responds with `core` after `delay`.
    pub fn start(core: Vec<u8>, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (events, waiting) = channel();
        let (polled_sender, polled) = channel();
        let (answers_sender, answers) = channel();
        let shared = Arc::new(Shared {
            events: Mutex::new(waiting),
            handed_out: Mutex::default(),
            polled: polled_sender,
            answers: answers_sender,
            core,
            delay,
        });
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                // `serve` ends when the function closes the connection.
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self {
            address,
            events,
            polled,
            answers,
        }
    }

    /// Queues an event for the next poll.
    pub fn send(&self, event: &Arc<Vec<u8>>) {
        self.events.send(Arc::clone(event)).expect("a server");
    }

    /// Queues an event and waits for its response; returns the time between.
    pub fn invoke(&self, event: &Arc<Vec<u8>>) -> Duration {
        self.send(event);
        let (handed_out, answered) = self
            .answers
            .recv_timeout(Duration::from_secs(60))
            .expect("an answer");
        answered - handed_out
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    loop {
        let (path, _body) = read_request(&mut reader)?;
        if path.ends_with("/invocation/next") {
            let _ = shared.polled.send(Instant::now());
            let event = shared.events.lock().ok()?.recv().ok()?;
            hand_out(&mut writer, shared, &event)?;
        } else if path.contains("/runtime/invocation/") {
            let answered = Instant::now();
            answer(&mut writer, "202 Accepted", br#"{"status":"OK"}"#)?;
            let id = path
                .split('/')
                .nth_back(1)?
                .rsplit('-')
                .next()?
                .parse::<u64>()
                .ok()?;
            let mut handed_out = shared.handed_out.lock().ok()?;
            let at = handed_out.iter().position(|(known, _)| *known == id)?;
            let _ = shared
                .answers
                .send((handed_out.swap_remove(at).1, answered));
        } else {
            std::thread::sleep(shared.delay);
            answer(&mut writer, "200 OK", &shared.core)?;
        }
    }
}

fn hand_out(writer: &mut TcpStream, shared: &Shared, event: &[u8]) -> Option<()> {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let id = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 8f507cfc-7ad4-4697-b07a-{id:012}\r\n\
         Lambda-Runtime-Deadline-Ms: 4102444800000\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:edge\r\n\
         Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\nContent-Length: {}\r\n\r\n",
        event.len()
    );
    let whole = [head.as_bytes(), event].concat();
    shared.handed_out.lock().ok()?.push((id, Instant::now()));
    writer.write_all(&whole).ok()
}

fn answer(writer: &mut TcpStream, status: &str, body: &[u8]) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    writer.write_all(&[head.as_bytes(), body].concat()).ok()
}

/// The path and the body of a request; the body may be chunked.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_ascii_lowercase()),
        }
    }
    let header = |name: &str| {
        lines
            .iter()
            .find_map(|line| line.strip_prefix(name).map(str::to_owned))
    };
    if header("expect: ").is_some() {
        reader
            .get_mut()
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .ok()?;
    }
    let body = match header("content-length: ") {
        Some(length) => read_exactly(reader, length.parse().ok()?)?,
        None if header("transfer-encoding: ").is_some() => read_chunks(reader)?,
        None => Vec::new(),
    };
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    Some((path, body))
}

fn read_exactly(reader: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        body.extend(read_exactly(reader, length)?);
        read_exactly(reader, 2)?;
        if length == 0 {
            return Some(body);
        }
    }
}

//! Lambda as a function sees it: the Runtime API, which supplies events, and the Invoke API with
//! the core function's response.
//!
//! It has threads and sockets and no asynchronous runtime, so that it disturbs the measurement
//! little.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use testkit::blocking::{read_body, read_head};
use testkit::http::{Request, answer};

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
        let request = read_request(&mut reader)?;
        let path = request.path();
        if path.ends_with("/invocation/next") {
            let _ = shared.polled.send(Instant::now());
            let event = shared.events.lock().ok()?.recv().ok()?;
            hand_out(&mut writer, shared, &event)?;
        } else if path.contains("/runtime/invocation/") {
            let answered = Instant::now();
            send_json(&mut writer, 202, br#"{"status":"OK"}"#)?;
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
            send_json(&mut writer, 200, &shared.core)?;
        }
    }
}

fn hand_out(writer: &mut TcpStream, shared: &Shared, event: &[u8]) -> Option<()> {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let id = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let headers = format!(
        "Content-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 8f507cfc-7ad4-4697-b07a-{id:012}\r\n\
         Lambda-Runtime-Deadline-Ms: 4102444800000\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:edge\r\n\
         Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"
    );
    let whole = answer(200, &headers, event);
    shared.handed_out.lock().ok()?.push((id, Instant::now()));
    writer.write_all(&whole).ok()
}

fn send_json(writer: &mut TcpStream, status: u16, body: &[u8]) -> Option<()> {
    let headers = "Content-Type: application/json\r\n";
    writer.write_all(&answer(status, headers, body)).ok()
}

/// The next request and its body; a client that asks whether to send the body is told to.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut request = read_head(reader).ok()??;
    if request.header("expect").is_some() {
        let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
        reader.get_mut().write_all(go_on).ok()?;
    }
    read_body(reader, &mut request);
    request.is_whole.then_some(request)
}

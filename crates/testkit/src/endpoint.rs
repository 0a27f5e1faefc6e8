//! An HTTP endpoint that does what a script says, byte for byte, and counts what reaches it.

mod connection;
mod script;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::TEST_TIMEOUT;
use crate::http::Request;
pub(crate) use connection::{Connection, Socket};
pub use script::{Gate, Script, Step};

/// A running endpoint. It ends with the test's runtime.
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// `http://127.0.0.1:port`, or with TLS `https://localhost:port`.
    pub url: String,
    received: Arc<Received>,
    script: watch::Sender<Script>,
    tls: watch::Sender<Option<TlsAcceptor>>,
    /// Ends the endpoint's thread when it is dropped.
    thread: Option<oneshot::Sender<()>>,
}

/// What has reached an endpoint.
#[derive(Debug, Default)]
pub(crate) struct Received {
    connections: AtomicUsize,
    requests: watch::Sender<Vec<Request>>,
    /// How many connections the clients have closed while the endpoint waited for that.
    closed: watch::Sender<usize>,
}

impl Received {
    /// Keeps a request whose head was read; the number of requests until now.
    pub(crate) fn push(&self, request: Request) -> usize {
        let mut number = 0;
        self.requests.send_modify(|requests| {
            requests.push(request);
            number = requests.len();
        });
        number
    }

    /// Replaces the last request by what has been read of it since.
    pub(crate) fn replace(&self, number: usize, request: Request) {
        self.requests
            .send_modify(|requests| requests[number - 1] = request);
    }

    /// Counts a connection that its client has closed.
    pub(crate) fn closed(&self) {
        self.closed.send_modify(|closed| *closed += 1);
    }
}

impl Endpoint {
    /// Listens on a free port without TLS.
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::serve(listener, script, None)
    }

    /// Listens on a free port with TLS.
    pub async fn start_tls(script: Script, tls: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::serve(listener, script, Some(tls))
    }

    /// Listens on a free port without TLS, in a thread of its own: it goes on while the test's
    /// thread is blocked. The thread ends with the endpoint.
    pub fn start_in_thread(script: Script) -> Self {
        let (started, endpoint) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let (alive, dropped) = oneshot::channel();
                let mut endpoint = Self::start(script).await;
                endpoint.thread = Some(alive);
                let _ = started.send(endpoint);
                let _ = dropped.await;
            });
        });
        endpoint.recv().expect("an endpoint")
    }

    fn serve(listener: TcpListener, script: Script, tls: Option<TlsAcceptor>) -> Self {
        let address = listener.local_addr().expect("an address");
        let url = match tls {
            Some(_) => format!("https://localhost:{}", address.port()),
            None => format!("http://{address}"),
        };
        let (script, scripts) = watch::channel(script);
        let (tls, certificates) = watch::channel(tls);
        let received = Arc::new(Received::default());
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                kept.connections.fetch_add(1, Ordering::SeqCst);
                let (kept, scripts) = (Arc::clone(&kept), scripts.clone());
                let tls = certificates.borrow().clone();
                tokio::spawn(async move {
                    let socket: Box<dyn Socket> = match tls {
                        None => Box::new(stream),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                    };
                    Connection::new(socket).follow(scripts, &kept).await;
                });
            }
        });
        Self {
            address,
            url,
            received,
            script,
            tls,
            thread: None,
        }
    }

    /// Replaces the script: for connections to come, and for those that wait for a request.
    pub fn follow(&self, script: Script) {
        self.script.send_replace(script);
    }

    /// Shows another certificate from the next connection on.
    pub fn certify(&self, tls: TlsAcceptor) {
        self.tls.send_replace(Some(tls));
    }

    /// The requests whose head was read, in their order.
    pub fn requests(&self) -> Vec<Request> {
        self.received.requests.borrow().clone()
    }

    /// Waits for the request with this number, counted from 1, and until its body was read.
    pub async fn request(&self, number: usize) -> Request {
        let mut requests = self.received.requests.subscribe();
        let arrived = requests.wait_for(|requests| {
            requests
                .get(number - 1)
                .is_some_and(|request| request.is_whole)
        });
        let arrived = timeout(TEST_TIMEOUT, arrived).await;
        arrived.expect("a request in time").expect("an endpoint")[number - 1].clone()
    }

    /// Waits until a client has closed a connection on which the endpoint takes
    /// [`Step::AwaitClose`].
    pub async fn closed(&self) {
        let mut closed = self.received.closed.subscribe();
        let closed = timeout(TEST_TIMEOUT, closed.wait_for(|closed| *closed > 0)).await;
        closed.expect("a close in time").expect("an endpoint");
    }

    /// How many connections and how many requests have arrived.
    pub fn counts(&self) -> (usize, usize) {
        let connections = self.received.connections.load(Ordering::SeqCst);
        (connections, self.requests().len())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// A port at which connections are refused until an endpoint opens it.
#[derive(Debug)]
pub struct ClosedPort {
    /// The address that the endpoint will have.
    pub address: SocketAddr,
    socket: TcpSocket,
}

impl ClosedPort {
    /// Takes a free port, without listening.
    pub fn take() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .expect("a port");
        let address = socket.local_addr().expect("an address");
        Self { address, socket }
    }

    /// Listens at the port, without TLS.
    pub fn open(self, script: Script) -> Endpoint {
        let listener = self.socket.listen(128).expect("a listener");
        Endpoint::serve(listener, script, None)
    }
}

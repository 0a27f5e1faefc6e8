//! An HTTP endpoint that does what a script says, byte for byte, and counts what reaches it.

mod connection;
mod script;

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::http::Request;
pub(crate) use connection::{Connection, Socket};
pub use script::{Script, Step};

/// A running endpoint. It ends with the test's runtime.
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// `http://127.0.0.1:port`, or with TLS `https://localhost:port`.
    pub url: String,
    received: Arc<Received>,
    script: watch::Sender<Script>,
    tls: watch::Sender<Option<TlsAcceptor>>,
}

/// What has reached an endpoint.
#[derive(Debug, Default)]
pub(crate) struct Received {
    connections: AtomicUsize,
    requests: Mutex<Vec<Request>>,
}

impl Received {
    /// Keeps a request whose head was read; the number of requests until now.
    pub(crate) fn push(&self, request: Request) -> usize {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(request);
        requests.len()
    }

    /// Replaces the last request by what has been read of it since.
    pub(crate) fn replace(&self, number: usize, request: Request) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests[number - 1] = request;
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
        let requests = self.received.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
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

//! The HTTP server of the local services: it closes connections that are slow to send a request's
//! headers, and reads what a service has left of a request's body.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::unread_body;

/// How long a connection may take until the headers of its first or next request are complete.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// The pause after a connection could not be accepted, mostly because the stack has no descriptor
/// left until another connection ends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Serves a router until the task is aborted.
pub async fn serve(listener: TcpListener, router: Router) {
    serve_within(listener, router, Some(HEADER_TIMEOUT)).await;
}

/// Serves a router to a client that may keep a connection for as long as it likes, until the task
/// is aborted.
pub(crate) async fn serve_without_timeout(listener: TcpListener, router: Router) {
    serve_within(listener, router, None).await;
}

async fn serve_within(listener: TcpListener, router: Router, header_timeout: Option<Duration>) {
    accept(listener, |stream, peer| {
        serve_connection(stream, peer, router.clone(), header_timeout, |_| {})
    })
    .await;
}

/// Serves each connection of a listener in a task of its own, until the task is aborted.
pub(super) async fn accept<F>(
    listener: TcpListener,
    serve_connection: impl Fn(TcpStream, SocketAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without it a small response may wait for an acknowledgement of the client.
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve_connection(stream, peer));
            }
            Err(error) if is_of_connection(&error) => {}
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Whether the error concerns the one connection only, so that the next one can be accepted at
/// once.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Serves the requests of one connection, each of which is given to `prepare` first.
pub(super) async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    header_timeout: Option<Duration>,
    prepare: impl Fn(&mut Request<Body>) + Send + 'static,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        prepare(&mut request);
        async move { Ok::<_, Infallible>(unread_body::respond(router, request).await) }
    });
    // An `Err` means that the client has sent no HTTP, was too slow, or is gone.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn connect(header_timeout: Option<Duration>) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/", get(async || "answered"));
        tokio::spawn(serve_within(listener, router, header_timeout));
        TcpStream::connect(address).await.expect("a connection")
    }

    #[tokio::test]
    async fn a_connection_whose_headers_do_not_come_is_closed() {
        for begun in ["", "GET / HTTP/1.1\r\nHost: localhost\r\n"] {
            let mut stream = connect(Some(Duration::from_millis(50))).await;
            stream.write_all(begun.as_bytes()).await.expect("a write");
            let mut answer = String::new();
            stream
                .read_to_string(&mut answer)
                .await
                .expect("the end of the connection");
            assert!(!answer.contains("answered"), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_connection_without_the_time_out_is_kept() {
        let mut stream = connect(None).await;
        let quiet = stream.read_u8();
        let kept = tokio::time::timeout(Duration::from_millis(200), quiet).await;
        assert!(kept.is_err(), "it was closed");
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .expect("a write");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.ends_with("answered"), "{answer}");
    }
}

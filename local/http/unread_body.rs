//! Reads what a service has left of a request's body before it answers, for example because the
//! body is too large. A client that still writes would otherwise find its connection broken, and
//! might not see the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::EXPECT;
use axum::http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use tower::ServiceExt;

/// The most that is read and dropped, in bytes.
const MAX_DROPPED: usize = 64 * 1024 * 1024;
/// How long to read it at most.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The body of a request, of which what the service does not read stays here.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<State>>);

struct State {
    body: Body,
    was_polled: bool,
}

/// Lets the router answer a request, and reads the rest of the request's body.
pub(super) async fn respond(router: Router, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return answer(router, Request::from_parts(parts, body)).await;
    }
    let waits_for_permission = parts.headers.contains_key(EXPECT);
    let body = SharedBody(Arc::new(Mutex::new(State {
        body,
        was_polled: false,
    })));
    let request = Request::from_parts(parts, Body::new(body.clone()));
    let response = answer(router, request).await;
    // A client that waits for `100 Continue` has not sent the body, and need not.
    if !waits_for_permission || body.0.lock().was_polled {
        let _ = tokio::time::timeout(TIMEOUT, body.read_and_drop()).await;
    }
    response
}

async fn answer(router: Router, request: Request<Body>) -> Response<Body> {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

impl SharedBody {
    async fn read_and_drop(mut self) {
        let mut dropped = 0;
        while dropped < MAX_DROPPED
            && let Some(Ok(frame)) = self.frame().await
        {
            dropped += frame.data_ref().map_or(0, Bytes::len);
        }
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut state = self.0.lock();
        state.was_polled = true;
        Pin::new(&mut state.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_client_that_still_writes_reads_the_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(async || (StatusCode::PAYLOAD_TOO_LARGE, "too large"));
        tokio::spawn(super::super::serve(listener, router));
        for _ in 0..10 {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n";
            stream.write_all(head.as_bytes()).await.expect("a head");
            let piece = vec![b'x'; 100_000];
            for n in 0..100 {
                let written = stream.write_all(&piece).await;
                assert!(written.is_ok(), "piece {n}: {written:?}");
            }
            let mut answer = vec![0; 12];
            stream.read_exact(&mut answer).await.expect("an answer");
            assert_eq!(answer, b"HTTP/1.1 413");
        }
    }

    #[tokio::test]
    async fn a_client_that_waits_for_permission_is_answered_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(async || StatusCode::PAYLOAD_TOO_LARGE);
        tokio::spawn(super::super::serve(listener, router));
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 10000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("a head");
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(answer, b"HTTP/1.1 413");
    }
}

//! The HTTP server and the HTTP client of the local services.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

/// Serves a router until the task is aborted.
pub async fn serve(listener: TcpListener, router: Router) {
    use axum::serve::ListenerExt;
    let listener = listener.tap_io(|stream| {
        // Without it a small response may wait for an acknowledgement of the client.
        let _ = stream.set_nodelay(true);
    });
    // It returns only when the task is aborted.
    let _ = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await;
}

/// An HTTP client with a pool of connections, with which services send requests to each other.
#[derive(Debug, Clone)]
pub struct HttpClient(Client<HttpConnector, Full<Bytes>>);

/// A response whose body was read to its end.
#[derive(Debug)]
pub struct BufferedResponse {
    /// The status code.
    pub status: StatusCode,
    /// The response headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// The reason why a request has no response.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There was no whole response within the time-out.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection could not be established, or it was closed before the response was complete. Holds the chain of errors.
    #[error("{0}")]
    Connection(String),
}

impl HttpClient {
    /// Creates a client. It connects with the first request.
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends a request and reads the whole response within a time-out.
    pub async fn send(&self, request: Request<Full<Bytes>>, timeout: Duration) -> Result<BufferedResponse, RequestError> {
        let exchange = async {
            let response = self.0.request(request).await.map_err(|error| RequestError::Connection(error_chain(&error)))?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| RequestError::Connection(error_chain(&error)))?.to_bytes();
            Ok(BufferedResponse { status: parts.status, headers: parts.headers, body })
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(RequestError::TimedOut(timeout)))
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

/// Creates a response with a JSON body.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    response
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

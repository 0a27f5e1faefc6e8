//! The HTTP server and the HTTP client of the local services.

mod header_names;
mod request_body;
mod resolver;
mod server;
mod unread_body;

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::middleware::Next;
use edge::error::error_chain;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustix::io::Errno;

pub(crate) use header_names::{HeaderNames, serve_with_header_names};
pub(crate) use request_body::{BodyError, read_body};
use resolver::Resolver;
pub use server::serve;
pub(crate) use server::serve_without_timeout;

/// How many connections to a service are kept for later requests.
const MAX_IDLE_CONNECTIONS: usize = 16;

/// Lets only requests in whose `Host` is an address or a name of this machine. By DNS rebinding a
/// web page can make its own name stand for this machine; a browser then lets the page read what
/// the stack answers, but still sends the page's name.
pub fn with_host_check(router: Router) -> Router {
    router.layer(axum::middleware::from_fn(check_host))
}

async fn check_host(request: Request<Body>, next: Next) -> Response<Body> {
    let host = request
        .headers()
        .get(HOST)
        .map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    match host {
        Some(host) if !is_this_machine(&host) => {
            let text = format!(
                "The stack does not answer for the host {host}: use localhost or an IP address"
            );
            json(
                StatusCode::MISDIRECTED_REQUEST,
                serde_json::json!({ "message": text }).to_string(),
            )
        }
        _ => next.run(request).await,
    }
}

/// Whether a `Host` is an IP address, `localhost` or a name below it, or the name that Docker gives
/// this machine.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let name = name.to_ascii_lowercase();
    is_address
        || name == "localhost"
        || name.ends_with(".localhost")
        || name == "host.docker.internal"
}

/// An HTTP client with a pool of connections, with which services send requests to each other.
#[derive(Debug, Clone)]
pub struct HttpClient(Client<HttpConnector<Resolver>, Full<Bytes>>);

/// A response whose body was read to its end.
#[derive(Debug)]
pub struct BufferedResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers, with repeated ones.
    pub headers: HeaderMap,
    /// The body, read to its end.
    pub body: Bytes,
}

impl BufferedResponse {
    /// Reads the rest of a response.
    pub(crate) async fn read(response: Response<Body>) -> Result<Self, RequestError> {
        let (parts, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| RequestError::new(&error))?
            .to_bytes();
        Ok(Self {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

/// The reason why a request has no response.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There was no whole response within the time-out.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection could not be established, or it was closed before the response was complete.
    /// Holds the chain of errors.
    #[error("{0}")]
    Connection(String),
    /// The stack has no descriptor left for the connection. Holds the chain of errors.
    #[error("{0}")]
    OutOfDescriptors(String),
}

impl RequestError {
    fn new(error: &(dyn std::error::Error + 'static)) -> Self {
        let chain = error_chain(error);
        let mut cause = Some(error);
        while let Some(error) = cause {
            let errno = error
                .downcast_ref::<std::io::Error>()
                .and_then(Errno::from_io_error);
            if matches!(errno, Some(Errno::MFILE | Errno::NFILE)) {
                return Self::OutOfDescriptors(chain);
            }
            cause = error.source();
        }
        Self::Connection(chain)
    }
}

impl HttpClient {
    /// Creates a client. It connects with the first request.
    pub fn new() -> Self {
        let mut connector = HttpConnector::new_with_resolver(Resolver);
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
            .build(connector);
        Self(client)
    }

    /// Sends a request and returns the response as soon as its head has arrived. The connection
    /// closes when the body is dropped before its end.
    pub(crate) async fn open(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Body>, RequestError> {
        let response = self.0.request(request).await;
        response
            .map(|response| response.map(Body::new))
            .map_err(|error| RequestError::new(&error))
    }

    /// Sends a request and reads the whole response within a time-out.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        timeout: Duration,
    ) -> Result<BufferedResponse, RequestError> {
        let exchange = async {
            let response = self.open(request).await?;
            BufferedResponse::read(response).await
        };
        tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or(Err(RequestError::TimedOut(timeout)))
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

/// The size of a request line and headers in bytes, as API Gateway's quotas count it.
pub(crate) fn head_length(parts: &Parts) -> usize {
    let path = parts.uri.path_and_query();
    let line = parts.method.as_str().len() + path.map_or(0, |path| path.as_str().len());
    let headers = parts.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    line + headers
}

/// Creates a response with a JSON body.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        "content-type",
        axum::http::HeaderValue::from_static("application/json"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_names_of_this_machine_are_answered() {
        for (host, is_answered) in [
            ("localhost:4000", true),
            ("LOCALHOST", true),
            ("app.localhost:4005", true),
            ("127.0.0.1:4001", true),
            ("[::1]:4001", true),
            ("192.0.2.7:4001", true),
            ("host.docker.internal:4004", true),
            ("evil.example:4000", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:4000", false),
            ("", false),
        ] {
            assert_eq!(is_this_machine(host), is_answered, "{host}");
        }
    }
}

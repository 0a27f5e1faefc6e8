//! The HTTP/1.1 client: hyper-util's pooled client over TCP, or TLS by rustls with ring.
//!
//! It adds three things to hyper-util's: a connection can be made before the first request needs
//! it; a connection's age is taken from the wall clock, because the monotonic clock may stand still
//! while an execution environment is frozen; and its errors say whether a request can have reached
//! the server. The pool sends a request over another connection only if the one before was found
//! closed and nothing was written to it.
//!
//! TLS uses ring and not aws-lc, which spends 30 to 45 ms of CPU time on entropy at the first
//! handshake.

mod connector;
mod error;
mod proxy;
mod sdk;
mod timer;

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::http::response::Parts;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;

use crate::roots::Roots;
use connector::PreconnectConnector;
pub use error::HttpError;
pub use proxy::Proxy;
use timer::WallClockTimer;

/// How long an unused connection is kept: a server or a load balancer may close it after that.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// An HTTP client. Clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    pool: legacy::Client<PreconnectConnector, Full<Bytes>>,
    connector: PreconnectConnector,
}

impl HttpClient {
    /// A client that trusts these certificate authorities. Nothing is connected, and no certificate
    /// is read.
    pub fn new(roots: Roots) -> Self {
        Self::with_proxy(roots, Proxy::default())
    }

    /// A client that reaches servers with TLS by a proxy.
    pub fn with_proxy(roots: Roots, proxy: Proxy) -> Self {
        Self::with_idle_timeout(roots, proxy, IDLE_TIMEOUT)
    }

    fn with_idle_timeout(roots: Roots, proxy: Proxy, idle_timeout: Duration) -> Self {
        let connector = PreconnectConnector::new(roots, proxy, idle_timeout);
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(idle_timeout)
            .pool_timer(WallClockTimer::default())
            .build(connector.clone());
        Self { pool, connector }
    }

    /// Makes a connection to the server of an absolute URI, for the next request to find.
    pub async fn connect(&self, uri: &Uri) -> Result<(), HttpError> {
        self.connector
            .preconnect(uri)
            .await
            .map_err(HttpError::Connect)
    }

    /// Sends a request with an absolute URI and waits for the head of the answer.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, HttpError> {
        // The runtime looks for input before it comes back here: a connection that the server has
        // closed is seen to be closed, and one whose last answer has just been read is back
        // in the pool.
        tokio::task::yield_now().await;
        Ok(self.pool.request(request).await?)
    }

    /// What the AWS SDK sends its own requests with.
    pub fn for_sdk(&self) -> SharedHttpClient {
        sdk::shared(self)
    }
}

/// Reads the body of an answer to its end. If it is longer than `limit` bytes, the connection is
/// closed.
pub async fn collect(
    response: Response<Incoming>,
    limit: usize,
) -> Result<(Parts, Vec<u8>), HttpError> {
    let (head, mut body) = response.into_parts();
    let length = head
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if length > limit {
        return Err(HttpError::TooLarge { bytes: length });
    }
    // Each piece is freed when it is copied: there is never much more than one body in memory.
    let mut bytes = Vec::with_capacity(length);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(HttpError::Broken)?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > limit {
            return Err(HttpError::TooLarge { bytes: bytes.len() });
        }
    }
    Ok((head, bytes))
}

#[cfg(test)]
mod tests {
    use testkit::endpoint::{Endpoint, Script};
    use testkit::http::answer;

    use super::*;

    #[tokio::test]
    async fn a_connection_that_is_older_than_the_idle_timeout_is_not_used() {
        let answers = vec![answer(200, "", b"ok")];
        let endpoint = Endpoint::start(Script::in_turn(answers, usize::MAX)).await;
        let uri: Uri = endpoint.url.parse().expect("a URI");
        let idle_timeout = Duration::from_millis(300);
        let client = HttpClient::with_idle_timeout(Roots::Amazon, Proxy::default(), idle_timeout);
        client.connect(&uri).await.expect("a connection");
        // The preconnected connection is too old; its successor is used twice, and is then too old
        // as well.
        for (wait, expected) in [(idle_timeout, 2), (Duration::ZERO, 2), (idle_timeout, 3)] {
            tokio::time::sleep(wait).await;
            let answer = client
                .send(Request::get(&uri).body(Full::default()).expect("a request"))
                .await
                .expect("an answer");
            collect(answer, 10).await.expect("a body");
            assert_eq!(endpoint.counts().0, expected, "after {wait:?}");
        }
    }
}

//! Makes connections, directly or by a proxy, and hands over one that was made before it was
//! needed.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use hyper::Uri;
use hyper::rt::{Read, ReadBuf};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::crypto::ring;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::proxy::{Proxy, ProxyError};
use crate::roots::Roots;

/// How long a connection may take, TLS included, as with the AWS SDKs.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

type BoxError = Box<dyn Error + Send + Sync>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Connects by TCP to all addresses of a host ("happy eyeballs"), and by TLS over it. Clones share
/// the preconnected stream.
#[derive(Clone)]
pub struct PreconnectConnector {
    tcp: HttpConnector,
    shared: Arc<Shared>,
}

struct Shared {
    tls: LazyTls,
    proxy: Proxy,
    /// How old a preconnected stream may be when it is used.
    max_age: Duration,
    preconnected: Mutex<Option<Preconnected>>,
}

/// A stream that no request has used yet.
struct Preconnected {
    uri: Uri,
    stream: Stream,
    since: SystemTime,
}

/// The configuration of TLS, made when it is first needed: an endpoint without TLS never pays for
/// it.
struct LazyTls {
    roots: Roots,
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl LazyTls {
    fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.config
            .get_or_init(|| client_config(&self.roots))
            .clone()
    }
}

fn client_config(roots: &Roots) -> Result<Arc<ClientConfig>, String> {
    let roots = roots.store()?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(Arc::new(
        builder.with_root_certificates(roots).with_no_client_auth(),
    ))
}

impl PreconnectConnector {
    /// A connector that trusts these certificate authorities.
    pub fn new(roots: Roots, proxy: Proxy, max_age: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let tls = LazyTls {
            roots,
            config: OnceLock::new(),
        };
        Self {
            tcp,
            shared: Arc::new(Shared {
                tls,
                proxy,
                max_age,
                preconnected: Mutex::default(),
            }),
        }
    }

    /// Connects, and keeps the stream for the next request to the same server.
    pub async fn preconnect(&self, uri: &Uri) -> Result<(), BoxError> {
        let stream = self.connect(uri.clone()).await?;
        let preconnected = Preconnected {
            uri: uri.clone(),
            stream,
            since: SystemTime::now(),
        };
        *self
            .shared
            .preconnected
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(preconnected);
        Ok(())
    }

    async fn connect(&self, uri: Uri) -> Result<Stream, BoxError> {
        let connected = timeout(CONNECT_TIMEOUT, self.connect_stream(uri)).await;
        let too_slow = || {
            io::Error::new(
                io::ErrorKind::TimedOut,
                format!("not connected within {CONNECT_TIMEOUT:?}"),
            )
        };
        connected.map_err(|_| too_slow())?
    }

    async fn connect_stream(&self, uri: Uri) -> Result<Stream, BoxError> {
        let mut tcp = self.tcp.clone();
        if uri.scheme_str() != Some("https") {
            return Ok(MaybeHttpsStream::Http(tcp.call(uri).await?));
        }
        let tls = self.shared.tls.config()?;
        let Some((tunnel, proxy)) = self.shared.proxy.tunnel(&uri, &tcp) else {
            return HttpsConnector::from((tcp, tls)).call(uri).await;
        };
        let connected = HttpsConnector::from((tunnel, tls)).call(uri).await;
        connected.map_err(|cause| ProxyError { proxy, cause }.into())
    }

    /// The preconnected stream, if it leads to the server of `uri`, is young enough, and is still
    /// open.
    async fn take_preconnected(&self, uri: &Uri) -> Option<Stream> {
        let preconnected = self
            .shared
            .preconnected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_if(|preconnected| {
                preconnected.uri.scheme() == uri.scheme()
                    && preconnected.uri.authority() == uri.authority()
            })?;
        let Preconnected {
            mut stream, since, ..
        } = preconnected;
        let is_young = since.elapsed().is_ok_and(|age| age < self.shared.max_age);
        (is_young && is_open(&mut stream).await).then_some(stream)
    }
}

/// Whether a stream over which nothing was sent is open: a server has nothing to say before the
/// first request, so whatever can be read is its end, an error, or no HTTP.
async fn is_open(stream: &mut Stream) -> bool {
    poll_fn(|cx| {
        let mut byte = [0];
        Poll::Ready(
            Pin::new(&mut *stream)
                .poll_read(cx, ReadBuf::new(&mut byte).unfilled())
                .is_pending(),
        )
    })
    .await
}

impl Service<Uri> for PreconnectConnector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        ready!(self.tcp.poll_ready(cx))?;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            match connector.take_preconnected(&uri).await {
                Some(stream) => Ok(stream),
                None => connector.connect(uri).await,
            }
        })
    }
}

impl fmt::Debug for PreconnectConnector {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("PreconnectConnector")
            .field("roots", &self.shared.tls.roots)
            .finish_non_exhaustive()
    }
}

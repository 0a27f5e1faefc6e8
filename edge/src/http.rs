//! The HTTP/1.1 client: connections that are made before they are needed, and kept until they are old.
//!
//! The SDK's own client cannot be handed a connection, nor says whether a request that failed was ever written; both matter
//! here: the first for the cold start, the second because core may run once alone.

mod connect;
mod error;
mod exchange;
mod roots;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper::header::HOST;
use tokio::time::timeout;

pub use connect::Origin;
use connect::Tls;
pub use error::HttpError;
pub use exchange::Exchange;
pub use roots::Roots;

/// For how long an unused connection is kept: the other end may close it while the environment is frozen, and a request that
/// is written to a closed connection cannot be tried again.
const IDLE: Duration = Duration::from_secs(20);

/// For how long the SDK waits for an answer where it does not say.
const ANSWER: Duration = Duration::from_secs(3);
/// For how long to wait for a kept connection that is not ready: another end that answered before it had read the whole
/// request may never take the rest.
const READY: Duration = Duration::from_millis(50);

/// A client; its clones share their connections.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tls: Tls,
    idle: Mutex<Vec<Idle>>,
}

/// A connection that waits for its next request.
#[derive(Debug)]
struct Idle {
    origin: Origin,
    connection: SendRequest<SdkBody>,
    since: SystemTime,
}

impl Client {
    /// A client that takes these authorities' word; nothing is connected.
    pub fn new(roots: Roots) -> Self {
        Self(Arc::new(Inner { tls: Tls::new(roots), idle: Mutex::default() }))
    }

    /// Connects, for the first request to find the connection made.
    pub async fn connect(&self, origin: &Origin) -> Result<(), HttpError> {
        let connection = connect::connect(origin, &self.0.tls).await?;
        self.keep(origin, connection);
        Ok(())
    }

    /// Sends a request whose URI is a path, once: over another connection only if it was never written to the one before.
    pub async fn send(&self, origin: &Origin, mut request: Request<SdkBody>) -> Result<Exchange, HttpError> {
        request.headers_mut().insert(HOST, origin.authority().clone());
        while let Some(mut connection) = self.take(origin).await {
            match connection.try_send_request(request).await {
                Ok(response) => return Ok(Exchange::new(self.clone(), origin, connection, response)),
                Err(mut failure) => match failure.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(HttpError::Broken(failure.into_error())),
                },
            }
        }
        // Seldom, and large: on the way of every request it would be copied along.
        let mut connection = Box::pin(connect::connect(origin, &self.0.tls)).await?;
        let response = connection.send_request(request).await.map_err(HttpError::Broken)?;
        Ok(Exchange::new(self.clone(), origin, connection, response))
    }

    /// A connection that is still of use, the last used first.
    async fn take(&self, origin: &Origin) -> Option<SendRequest<SdkBody>> {
        while let Some(mut idle) = self.pop(origin) {
            if idle.is_fresh() && matches!(timeout(READY, idle.connection.ready()).await, Ok(Ok(()))) {
                return Some(idle.connection);
            }
        }
        None
    }

    fn pop(&self, origin: &Origin) -> Option<Idle> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let place = idle.iter().rposition(|idle| idle.origin == *origin)?;
        Some(idle.remove(place))
    }

    fn keep(&self, origin: &Origin, connection: SendRequest<SdkBody>) {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(Idle::is_fresh);
        idle.push(Idle { origin: origin.clone(), connection, since: SystemTime::now() });
    }

    /// What the SDK's own requests for credentials are sent with.
    pub fn shared(&self) -> SharedHttpClient {
        let client = self.clone();
        http_client_fn(move |settings, _| {
            let limit = settings.connect_timeout().unwrap_or(ANSWER) + settings.read_timeout().unwrap_or(ANSWER);
            SharedHttpConnector::new(Forward { client: client.clone(), limit })
        })
    }
}

/// Requests of the SDK's.
#[derive(Debug, Clone)]
struct Forward {
    client: Client,
    limit: Duration,
}

impl Forward {
    async fn forward(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let other = |why: String| ConnectorError::other(why.into(), None);
        let mut request = request.try_into_http1x().map_err(|error| other(error.to_string()))?;
        let origin = Origin::of(request.uri()).map_err(other)?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| other(format!("{path} is no path")))?;
        let answer = timeout(self.limit, self.client.send(&origin, request)).await;
        let answer = answer.map_err(|_| ConnectorError::timeout(format!("no answer within {:?}", self.limit).into()))?;
        let exchange = answer.map_err(|error| ConnectorError::io(error.into()))?;
        HttpResponse::try_from(exchange.into_stream()).map_err(|error| other(error.to_string()))
    }
}

impl Idle {
    /// By the wall's clock: the other one may stand still while the environment is frozen.
    fn is_fresh(&self) -> bool {
        !self.connection.is_closed() && self.since.elapsed().is_ok_and(|age| age < IDLE)
    }
}

impl HttpConnector for Forward {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().forward(request))
    }
}

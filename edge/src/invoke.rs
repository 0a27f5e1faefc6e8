//! The Invoke API: an enriched request becomes core's reply. The only stage that touches the network.
//!
//! One request makes at most one execution of core: `at_most_once.rs` says which attempts may be made again.

mod account;
mod at_most_once;
mod failure;
mod operation;
mod sign;
mod streamed;

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_lambda::operation::invoke::InvokeInput;
use aws_sdk_lambda::operation::invoke_with_response_stream::InvokeWithResponseStreamInput;
use aws_sdk_lambda::primitives::Blob;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use hyper::header::{HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use tokio::time::timeout;

use crate::enrich::Enriched;
use crate::error::{EdgeError, told};
use crate::http::{Client, Exchange};
use account::{Account, Endpoint};
use at_most_once::{Failed, at_most_once, was_turned_away};
use operation::Operation;
use sign::{Signable, Signer};

/// One call of core.
#[derive(Debug)]
pub struct Call<'a> {
    /// What core receives.
    pub enriched: Enriched,
    /// The invocation's trace header, passed on as `X-Amzn-Trace-Id`.
    pub trace_id: Option<&'a str>,
    /// For how long to wait.
    pub budget: Duration,
}

/// What core gave back.
#[derive(Debug)]
pub struct CoreReply {
    /// The function's result, or the error payload.
    pub payload: Vec<u8>,
    /// Whether `X-Amz-Function-Error` was present.
    pub is_function_error: bool,
}

/// What core says while it works; the end of the stream is core's own, an error is the way's.
pub struct CoreStream {
    /// The type that core's runtime gave its answer, where Lambda tells.
    pub content_type: Option<String>,
    /// What comes, as it comes.
    pub events: BoxStream<'static, Result<CoreEvent, EdgeError>>,
}

/// A piece of core's streamed answer.
#[derive(Debug)]
pub enum CoreEvent {
    /// Bytes of it.
    Bytes(Bytes),
    /// Core failed; the error payload.
    Failed(Vec<u8>),
}

/// Invokes core. Each call is made once, and makes at most one execution.
pub trait InvokeCore: Send + Sync + 'static {
    /// Makes ready for the first call.
    fn connect(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Calls core and waits for its whole answer.
    fn invoke(&self, call: Call) -> impl Future<Output = Result<CoreReply, EdgeError>> + Send;

    /// Calls core and gives its answer as it comes, whether core streams or not. The budget bounds the call alone, not the stream.
    fn invoke_streamed(&self, call: Call) -> impl Future<Output = Result<CoreStream, EdgeError>> + Send;
}

/// Whose requests these are.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("inference-edge/", env!("CARGO_PKG_VERSION")));

/// For how long a start may wait for a connection that nobody needs yet.
const AHEAD: Duration = Duration::from_secs(1);

/// Core behind Lambda's Invoke API.
#[derive(Debug)]
pub struct LambdaCore {
    http: Client,
    endpoint: Result<Endpoint, String>,
    account: Account,
    signer: Signer,
    whole: Operation,
    streamed: Operation,
    function: String,
}

/// A request that may be sent.
#[derive(Debug)]
struct Signed {
    uri: Uri,
    headers: HeaderMap,
    body: SdkBody,
}

impl Signed {
    /// The request for an attempt; a body in memory is shared, not copied.
    fn request(&self) -> Request<SdkBody> {
        let mut request = Request::new(self.body.try_clone().unwrap_or_else(SdkBody::taken));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

impl LambdaCore {
    /// Finds endpoint and account; no request is sent to Lambda.
    pub async fn new(sdk: &SdkConfig, http: Client, function: String) -> Self {
        let endpoint = Endpoint::resolve(sdk).await;
        let region = endpoint.as_ref().map(|endpoint| endpoint.region.clone()).unwrap_or_default();
        Self {
            http,
            endpoint,
            account: Account::new(sdk),
            signer: Signer::new(region),
            whole: Operation::invoke(),
            streamed: Operation::invoke_with_response_stream(),
            function,
        }
    }

    fn endpoint(&self) -> Result<&Endpoint, EdgeError> {
        self.endpoint.as_ref().map_err(|why| EdgeError::InvocationFailure(why.clone()))
    }

    /// Makes an operation's request, and sends it until Lambda takes it.
    async fn send<I: Debug + Send + Sync + 'static>(
        &self,
        operation: &Operation,
        input: I,
        trace_id: Option<&str>,
    ) -> Result<Exchange, EdgeError> {
        let request = operation.request(input).map_err(EdgeError::InvocationFailure)?;
        let signed = self.sign(request, trace_id).await.map_err(EdgeError::InvocationFailure)?;
        at_most_once(|| self.attempt(operation, &signed)).await
    }

    async fn sign(&self, request: Request<SdkBody>, trace_id: Option<&str>) -> Result<Signed, String> {
        let endpoint = self.endpoint.as_ref().map_err(Clone::clone)?;
        let now = SystemTime::now();
        let credentials = self.account.credentials(now).await?;
        let (head, body) = request.into_parts();
        let path = format!("{}{}", endpoint.prefix, head.uri.path());
        let mut headers = head.headers;
        headers.insert(HOST, endpoint.origin.authority().clone());
        headers.insert(USER_AGENT, AGENT);
        // A trace header that no HTTP header can hold is not worth a request.
        if let Some(trace_id) = trace_id.and_then(|id| HeaderValue::try_from(id).ok()) {
            headers.insert("x-amzn-trace-id", trace_id);
        }
        let signable = Signable { method: "POST", path: &path, payload: body.bytes().unwrap_or_default() };
        self.signer.sign(signable, &mut headers, &credentials, now).map_err(|error| told(&error))?;
        Ok(Signed { uri: path.parse().map_err(|_| format!("{path} is no path"))?, headers, body })
    }

    async fn attempt(&self, operation: &Operation, signed: &Signed) -> Result<Exchange, Failed> {
        let endpoint = self.endpoint().map_err(Failed::Final)?;
        let exchange = self.http.send(&endpoint.origin, signed.request()).await.map_err(|error| {
            let failed = if error.was_refused() { Failed::BeforeCore } else { Failed::Final };
            failed(failure::of_http(&error))
        })?;
        if (200..300).contains(&exchange.status()) {
            return Ok(exchange);
        }
        let (head, body) = exchange.collect().await.map_err(|error| Failed::Final(failure::of_http(&error)))?;
        let failed = if was_turned_away(&head) { Failed::BeforeCore } else { Failed::Final };
        let mut response = Response::new(SdkBody::from(body));
        (*response.status_mut(), *response.headers_mut()) = (head.status, head.headers.clone());
        Err(failed(failure::of_lambda(operation.error(response).as_ref(), &head)))
    }
}

/// Endpoint, region and credentials as the SDK finds them.
pub async fn sdk_config(http: &Client) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http.shared()).load().await
}

impl InvokeCore for LambdaCore {
    /// The first call then finds a connection; why there is none, that call will tell.
    async fn connect(&self) {
        if let Ok(endpoint) = &self.endpoint {
            let _ = timeout(AHEAD, self.http.connect(&endpoint.origin)).await;
        }
    }

    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let Call { enriched, trace_id, budget } = call;
        let input = InvokeInput::builder().function_name(&self.function).set_tenant_id(enriched.tenant);
        let input = input.payload(Blob::new(enriched.payload)).build();
        let input = input.map_err(|error| EdgeError::InvocationFailure(told(&error)))?;
        let answer = async {
            let exchange = self.send(&self.whole, input, trace_id).await?;
            exchange.collect().await.map_err(|error| failure::of_http(&error))
        };
        let (head, payload) = timeout(budget, answer).await.map_err(|_| EdgeError::CoreTimedOut)??;
        Ok(CoreReply { payload, is_function_error: head.headers.contains_key("x-amz-function-error") })
    }

    async fn invoke_streamed(&self, call: Call<'_>) -> Result<CoreStream, EdgeError> {
        let Call { enriched, trace_id, budget } = call;
        let input = InvokeWithResponseStreamInput::builder().function_name(&self.function).set_tenant_id(enriched.tenant);
        let input = input.payload(Blob::new(enriched.payload)).build();
        let input = input.map_err(|error| EdgeError::InvocationFailure(told(&error)))?;
        let answer = timeout(budget, self.send(&self.streamed, input, trace_id)).await;
        let exchange = answer.map_err(|_| EdgeError::CoreTimedOut)??;
        let output = self.streamed.output(exchange.into_stream());
        output.map(streamed::stream).ok_or_else(|| EdgeError::CoreUnreachable("an answer that is no event stream".to_owned()))
    }
}

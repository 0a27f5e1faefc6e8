//! The two operations on a function: their requests, and what becomes of the answers.

use std::error::Error;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_smithy_types::date_time::{DateTime, Format};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, DATE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::http::response::Parts;
use hyper::{Method, Request, Response, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sigv4::{Scope, Target};

use crate::credentials::CredentialsCache;
use crate::endpoint::Endpoint;
use crate::error::{InvokeError, error_type};
use crate::http::{HttpClient, HttpError, collect};
use crate::response_stream::ResponseStream;
use crate::retry::{Failure, Retry, at_most_once, is_retryable};

/// The longest answer that is read, in bytes: more than the 6 MiB and 100 bytes that Lambda lets a
/// function return.
const MAX_ANSWER: usize = 7 * 1024 * 1024;
/// How many seconds our clock must be wrong by for a refused signature to be its fault. Lambda
/// accepts five minutes.
const CLOCK_TOLERANCE: u64 = 4 * 60;
/// What is not percent-encoded in a path: RFC 3986's unreserved characters.
const ENCODED_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// The type of a streamed answer where the function's own is not known.
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";
const DEFAULT_USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("lambda-client/", env!("CARGO_PKG_VERSION")));

/// A client for one function.
#[derive(Debug)]
pub struct Client {
    http: HttpClient,
    endpoint: Endpoint,
    credentials: CredentialsCache,
    host: HeaderValue,
    user_agent: HeaderValue,
    invoke_uri: Uri,
    stream_uri: Uri,
    /// Seconds by which Lambda's clock is ahead of ours; zero until Lambda refuses a signature for
    /// its time.
    clock_offset: AtomicI64,
}

/// What one call sends.
#[derive(Debug, Clone, Default)]
pub struct Invocation<'a> {
    /// The JSON document that the function receives.
    pub payload: Bytes,
    /// The tenant that the call is for: the header `X-Amz-Tenant-Id`.
    pub tenant_id: Option<&'a str>,
    /// The header `X-Amzn-Trace-Id`; left out if no header can hold it.
    pub trace_id: Option<&'a str>,
}

/// The answer of a function that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeOutput {
    /// The function's result, or its error payload.
    pub payload: Vec<u8>,
    /// Whether the header `X-Amz-Function-Error` is present.
    pub is_function_error: bool,
}

/// The answer of a function that runs.
#[derive(Debug)]
pub struct StreamOutput {
    /// The content type that the function gave its answer, where Lambda passes it on.
    pub content_type: Option<String>,
    /// Its chunks as they arrive, and how it ends.
    pub events: ResponseStream,
}

impl Client {
    /// A client for the function with this name or ARN. No request is sent.
    pub async fn new(
        sdk: &SdkConfig,
        http: HttpClient,
        function: &str,
    ) -> Result<Self, InvokeError> {
        let endpoint = Endpoint::resolve(sdk).await.map_err(InvokeError::NotSent)?;
        let function = utf8_percent_encode(function, ENCODED_IN_PATH);
        let invoke_path = format!("/2015-03-31/functions/{function}/invocations");
        let stream_path =
            format!("/2021-11-15/functions/{function}/response-streaming-invocations");
        Ok(Self {
            host: HeaderValue::try_from(endpoint.host()).map_err(InvokeError::not_sent)?,
            user_agent: DEFAULT_USER_AGENT,
            invoke_uri: endpoint.join(&invoke_path).map_err(InvokeError::NotSent)?,
            stream_uri: endpoint.join(&stream_path).map_err(InvokeError::NotSent)?,
            credentials: CredentialsCache::new(sdk),
            clock_offset: AtomicI64::new(0),
            http,
            endpoint,
        })
    }

    /// Sets the header `User-Agent`.
    pub fn with_user_agent(self, user_agent: HeaderValue) -> Self {
        Self { user_agent, ..self }
    }

    /// Makes a connection, for the next call to find.
    pub async fn connect(&self) -> Result<(), HttpError> {
        self.http.connect(&self.endpoint.url).await
    }

    /// `Invoke` with the invocation type `RequestResponse`.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
    pub async fn invoke(&self, invocation: &Invocation<'_>) -> Result<InvokeOutput, InvokeError> {
        let response = self.send(&self.invoke_uri, invocation).await?;
        let (head, payload) = collect(response, MAX_ANSWER).await?;
        Ok(InvokeOutput {
            payload,
            is_function_error: head.headers.contains_key("x-amz-function-error"),
        })
    }

    /// `InvokeWithResponseStream`; waits for the head of the answer.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html>
    pub async fn invoke_with_response_stream(
        &self,
        invocation: &Invocation<'_>,
    ) -> Result<StreamOutput, InvokeError> {
        let response = self.send(&self.stream_uri, invocation).await?;
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|content_type| content_type.to_str().ok());
        let content_type = content_type
            .filter(|content_type| *content_type != EVENT_STREAM)
            .map(str::to_owned);
        Ok(StreamOutput {
            content_type,
            events: ResponseStream::new(response.into_body()),
        })
    }

    async fn send(
        &self,
        uri: &Uri,
        invocation: &Invocation<'_>,
    ) -> Result<Response<Incoming>, InvokeError> {
        at_most_once(|| self.attempt(uri, invocation)).await
    }

    async fn attempt(
        &self,
        uri: &Uri,
        invocation: &Invocation<'_>,
    ) -> Result<Response<Incoming>, Failure> {
        let signed_at = self.now();
        let request = self
            .request(uri, invocation, signed_at)
            .await
            .map_err(InvokeError::NotSent)?;
        let response = self.http.send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = collect(response, MAX_ANSWER)
            .await
            .map_err(InvokeError::from)?;
        let retry = if is_retryable(&head) {
            Retry::AfterBackoff
        } else if self.corrects_clock(&head, signed_at) {
            Retry::ClockCorrected
        } else {
            Retry::Never
        };
        Err(Failure {
            error: InvokeError::from_answer(&head, &body),
            retry,
        })
    }

    /// A signed request; the payload is shared with other attempts, not copied.
    async fn request(
        &self,
        uri: &Uri,
        invocation: &Invocation<'_>,
        now: SystemTime,
    ) -> Result<Request<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
        let credentials = self.credentials.credentials(now).await?;
        let mut headers = HeaderMap::with_capacity(10);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        headers.insert(HOST, self.host.clone());
        headers.insert(USER_AGENT, self.user_agent.clone());
        if let Some(tenant_id) = invocation.tenant_id {
            headers.insert("x-amz-tenant-id", HeaderValue::try_from(tenant_id)?);
        }
        if let Some(trace_id) = invocation
            .trace_id
            .and_then(|id| HeaderValue::try_from(id).ok())
        {
            headers.insert("x-amzn-trace-id", trace_id);
        }
        let target = Target {
            method: "POST",
            path: uri.path(),
            query: "",
            body: &invocation.payload,
        };
        let scope = Scope {
            region: &self.endpoint.region,
            service: "lambda",
        };
        sigv4::sign(target, &mut headers, scope, &credentials, now)?;
        let mut request = Request::new(Full::new(invocation.payload.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// The time by Lambda's clock, as far as it is known.
    fn now(&self) -> SystemTime {
        let offset = self.clock_offset.load(Ordering::Relaxed);
        let by = Duration::from_secs(offset.unsigned_abs());
        let now = SystemTime::now();
        if offset < 0 { now - by } else { now + by }
    }

    /// Corrects our clock if it is why Lambda refused a signature of this time; such a request
    /// cannot have started the function. Another request may have corrected the clock meanwhile.
    fn corrects_clock(&self, answer: &Parts, signed_at: SystemTime) -> bool {
        if error_type(&answer.headers) != Some("InvalidSignatureException") {
            return false;
        }
        let date = answer.headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(theirs) = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok())
        else {
            return false;
        };
        if theirs.secs().abs_diff(unix_seconds(signed_at)) <= CLOCK_TOLERANCE {
            return false;
        }
        self.clock_offset.store(
            theirs.secs() - unix_seconds(SystemTime::now()),
            Ordering::Relaxed,
        );
        true
    }
}

fn unix_seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

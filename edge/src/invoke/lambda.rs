//! Lambda's two ways to run a function, as requests to its endpoint.

use std::fmt::Debug;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_sdk_lambda::operation::invoke::InvokeInput;
use aws_sdk_lambda::operation::invoke_with_response_stream::InvokeWithResponseStreamInput;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use hyper::header::{HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri};

use super::account::{Account, Endpoint};
use super::at_most_once::{Failed, at_most_once, was_turned_away};
use super::operation::{Head, Operation};
use super::{Call, CoreReply, CoreStream, failure, streamed};
use crate::error::{EdgeError, told};
use crate::http::{Client, Exchange, HttpError, Origin};
use sigv4::{Scope, Target};

/// Whose requests these are.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("inference-edge/", env!("CARGO_PKG_VERSION")));

/// A function behind Lambda's endpoint.
#[derive(Debug)]
pub struct Lambda {
    http: Client,
    origin: Origin,
    account: Account,
    region: String,
    whole: Template,
    streamed: Template,
}

/// An operation on the function, and what its requests have in common.
#[derive(Debug)]
struct Template {
    operation: Operation,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

/// What one call adds to a template.
struct Content<'a> {
    payload: Bytes,
    tenant: Option<HeaderValue>,
    trace_id: Option<&'a str>,
}

impl<'a> Content<'a> {
    fn of(call: Call<'a>) -> Result<Self, EdgeError> {
        let tenant = call.enriched.tenant.map(HeaderValue::try_from).transpose();
        let tenant = tenant.map_err(|error| EdgeError::InvocationFailure(told(&error)))?;
        Ok(Self { payload: call.enriched.payload.into(), tenant, trace_id: call.trace_id })
    }
}

impl Template {
    fn of<I: Debug + Send + Sync + 'static>(operation: Operation, input: I, endpoint: &Endpoint) -> Result<Self, String> {
        let Head { method, path, mut headers } = operation.head(input)?;
        let uri = format!("{}{path}", endpoint.prefix).parse().map_err(|_| format!("{path} is no path"))?;
        headers.insert(HOST, endpoint.origin.authority().clone());
        headers.insert(USER_AGENT, AGENT);
        Ok(Self { operation, method, uri, headers })
    }
}

impl Lambda {
    /// Finds the endpoint, and writes what the requests have in common.
    pub async fn find(sdk: &SdkConfig, http: Client, function: &str) -> Result<Self, String> {
        let endpoint = Endpoint::resolve(sdk).await?;
        let input = InvokeInput::builder().function_name(function).build().map_err(|error| told(&error))?;
        let whole = Template::of(Operation::invoke()?, input, &endpoint)?;
        let input = InvokeWithResponseStreamInput::builder().function_name(function).build().map_err(|error| told(&error))?;
        let streamed = Template::of(Operation::invoke_with_response_stream()?, input, &endpoint)?;
        let Endpoint { origin, region, .. } = endpoint;
        Ok(Self { http, origin, account: Account::new(sdk), region, whole, streamed })
    }

    /// Connects, for the first request to find the connection made.
    pub async fn connect(&self) -> Result<(), HttpError> {
        self.http.connect(&self.origin).await
    }

    /// `Invoke`, with its whole answer.
    pub async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let exchange = self.send(&self.whole, call).await?;
        let (head, payload) = exchange.collect().await.map_err(|error| failure::of_http(&error))?;
        Ok(CoreReply { payload, is_function_error: head.headers.contains_key("x-amz-function-error") })
    }

    /// `InvokeWithResponseStream`, as far as its head.
    pub async fn invoke_streamed(&self, call: Call<'_>) -> Result<CoreStream, EdgeError> {
        let exchange = self.send(&self.streamed, call).await?;
        let output = self.streamed.operation.output(exchange.into_stream());
        output.map(streamed::stream).ok_or_else(|| EdgeError::CoreUnreachable("an answer that is no event stream".to_owned()))
    }

    async fn send(&self, template: &Template, call: Call<'_>) -> Result<Exchange, EdgeError> {
        let content = Content::of(call)?;
        at_most_once(|| self.attempt(template, &content)).await
    }

    async fn attempt(&self, template: &Template, content: &Content<'_>) -> Result<Exchange, Failed> {
        let request = self.request(template, content).await;
        let request = request.map_err(|why| Failed::Final(EdgeError::InvocationFailure(why)))?;
        let exchange = self.http.send(&self.origin, request).await.map_err(|error| {
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
        Err(failed(failure::of_lambda(template.operation.error(response).as_ref(), &head)))
    }

    /// A signed request; its payload is shared with the next attempt's, not copied.
    async fn request(&self, template: &Template, content: &Content<'_>) -> Result<Request<SdkBody>, String> {
        let now = SystemTime::now();
        let credentials = self.account.credentials(now).await?;
        let mut request = Request::new(SdkBody::from(content.payload.clone()));
        *request.method_mut() = template.method.clone();
        *request.uri_mut() = template.uri.clone();
        let mut headers = template.headers.clone();
        if let Some(tenant) = &content.tenant {
            headers.insert("x-amz-tenant-id", tenant.clone());
        }
        // A trace header that no HTTP header can hold is not worth a request.
        if let Some(trace_id) = content.trace_id.and_then(|id| HeaderValue::try_from(id).ok()) {
            headers.insert("x-amzn-trace-id", trace_id);
        }
        let (method, path) = (template.method.as_str(), template.uri.path());
        let target = Target { method, path, query: "", body: &content.payload };
        let scope = Scope { region: &self.region, service: "lambda" };
        sigv4::sign(target, &mut headers, scope, &credentials, now).map_err(|error| told(&error))?;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

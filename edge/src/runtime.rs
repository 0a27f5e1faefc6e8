//! Wildcard the Lambda runtime and the handler: an invocation's bytes become an event, a reply goes to the Runtime API.
//!
//! `lambda_runtime` polls; what it would do with a handler's answer is done here, because it types every answer as JSON once
//! more, and ends a stream that broke as if it were whole.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::header::{HeaderMap, HeaderValue};
use hyper_util::client::legacy::connect::HttpConnector;
use lambda_http::{Error, lambda_runtime};
use lambda_runtime::{Context, Diagnostic, LambdaEvent, LambdaInvocation, Runtime, service_fn};
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::{Body, sender::Sender};
use serde::de::IgnoredAny;
use tokio::time::{Instant, timeout_at};
use tower::{Service, layer::layer_fn};

use crate::invoke::InvokeCore;
use crate::pipeline::{Edge, Head, Reply, StreamBody};
use crate::runtime_api::RuntimeApi;
use crate::telemetry;

/// Keeps a stale answer from being taken for another's; sent back as it came.
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
/// Announces an answer in pieces.
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";

/// Answers invocations until Lambda ends the environment.
pub async fn run<C: InvokeCore>(edge: Edge<C>, runtime_api: RuntimeApi) -> Result<(), Error> {
    let mut connector = HttpConnector::new();
    // Otherwise the last bytes of an answer may wait for the acknowledgement of those before them.
    connector.set_nodelay(true);
    let api = PooledClient::builder().with_connector(connector).with_endpoint(runtime_api.endpoint).build();
    let service = Answering { edge: Arc::new(edge), api: Arc::new(api) };
    // The runtime wants a handler of its own kind, whose place is then taken.
    let placeholder = service_fn(|_: LambdaEvent<IgnoredAny>| std::future::ready(Err::<(), Diagnostic>(unanswered())));
    Runtime::new(placeholder).layer(layer_fn(move |_| service.clone())).run_concurrent().await
}

fn unanswered() -> Diagnostic {
    Diagnostic { error_type: "Runtime.Unanswered".to_owned(), error_message: "no handler".to_owned() }
}

/// The service that the runtime hands its invocations.
struct Answering<C> {
    edge: Arc<Edge<C>>,
    api: Arc<PooledClient>,
}

impl<C> Clone for Answering<C> {
    fn clone(&self) -> Self {
        Self { edge: Arc::clone(&self.edge), api: Arc::clone(&self.api) }
    }
}

impl<C: InvokeCore> Service<LambdaInvocation> for Answering<C> {
    type Response = ();
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let this = self.clone();
        let request_id = invocation.context.request_id.clone();
        Box::pin(telemetry::of_request(request_id, async move { this.answer(invocation).await }))
    }
}

impl<C: InvokeCore> Answering<C> {
    async fn answer(&self, invocation: LambdaInvocation) -> Result<(), Error> {
        let LambdaInvocation { parts, body, context } = invocation;
        if parts.status.is_server_error() {
            return Err(format!("the Runtime API answers {}", parts.status).into());
        }
        let answer = Answer { api: &self.api, context: &context, invocation_id: parts.headers.get(INVOCATION_ID) };
        let Ok(event) = std::str::from_utf8(&body) else {
            telemetry::log_unreadable_event();
            return answer.failed("invalid_event", "The event is not UTF-8").await;
        };
        match self.edge.handle(event, &context).await {
            Reply::Result(json, record) => {
                let sent = answer.whole(json.into()).await;
                record.write();
                sent
            }
            Reply::Failure(error, record) => {
                let sent = answer.failed(error.error_type, &error.error_message).await;
                record.write();
                sent
            }
            Reply::Stream(head, body_stream) => answer.streamed(head, body_stream).await,
        }
    }
}

/// The answer to one invocation.
struct Answer<'a> {
    api: &'a PooledClient,
    context: &'a Context,
    invocation_id: Option<&'a HeaderValue>,
}

impl Answer<'_> {
    async fn whole(&self, json: Bytes) -> Result<(), Error> {
        self.send("response", &[("content-type", "application/json")], json.into()).await
    }

    async fn failed(&self, error_type: &str, error_message: &str) -> Result<(), Error> {
        let error = Diagnostic { error_type: error_type.to_owned(), error_message: error_message.to_owned() };
        let headers = [("content-type", "application/json"), ("lambda-runtime-function-error-type", "Function.Error")];
        self.send("error", &headers, serde_json::to_vec(&error)?.into()).await
    }

    /// A stream that breaks off takes the connection with it, which is how Lambda learns that there is no more.
    async fn streamed<C: InvokeCore>(&self, head: Head, body_stream: StreamBody<'_, C>) -> Result<(), Error> {
        let (sender, body) = Body::channel();
        let headers = [("content-type", head.content_type.as_str()), (RESPONSE_MODE, "streaming")];
        let (sent, is_whole) = tokio::join!(self.send("response", &headers, body), pump(sender, head.prelude, body_stream));
        if is_whole { sent } else { Ok(()) }
    }

    async fn send(&self, what: &str, headers: &[(&'static str, &str)], body: Body) -> Result<(), Error> {
        let path = format!("/2018-06-01/runtime/invocation/{}/{what}", self.context.request_id);
        let mut request = Request::post(path).body(body)?;
        set(request.headers_mut(), headers)?;
        if let Some(id) = self.invocation_id {
            request.headers_mut().insert(INVOCATION_ID, id.clone());
        }
        let response = self.api.call(request).await?;
        let status = response.status().as_u16();
        // Read to its end, so that the connection is kept.
        response.into_body().collect().await?;
        if !matches!(status, 200 | 202) {
            telemetry::log_refused_answer(status);
        }
        Ok(())
    }
}

fn set(headers: &mut HeaderMap, pairs: &[(&'static str, &str)]) -> Result<(), Error> {
    for (name, value) in pairs {
        headers.insert(*name, HeaderValue::from_str(value)?);
    }
    Ok(())
}

/// Sends the prelude and what follows; false when the stream was cut.
async fn pump<C: InvokeCore>(mut sender: Sender, prelude: Bytes, body_stream: StreamBody<'_, C>) -> bool {
    let is_whole = pass_on(&mut sender, prelude, body_stream).await;
    if !is_whole {
        // What was sent before must leave first: an error takes along what is not written yet.
        tokio::task::yield_now().await;
        sender.abort();
    }
    is_whole
}

async fn pass_on<C: InvokeCore>(sender: &mut Sender, prelude: Bytes, mut body_stream: StreamBody<'_, C>) -> bool {
    if !prelude.is_empty() && !send(sender, prelude, body_stream.deadline()).await {
        body_stream.abandon();
        return false;
    }
    loop {
        match body_stream.next().await {
            None => return true,
            Some(Err(_)) => return false,
            Some(Ok(bytes)) => {
                if !send(sender, bytes, body_stream.deadline()).await {
                    body_stream.abandon();
                    return false;
                }
            }
        }
    }
}

/// Sends bytes; false when nobody takes them in time.
async fn send(sender: &mut Sender, bytes: Bytes, deadline: Option<Instant>) -> bool {
    let sent = sender.send_data(bytes);
    match deadline {
        Some(deadline) => timeout_at(deadline, sent).await.is_ok_and(|sent| sent.is_ok()),
        None => sent.await.is_ok(),
    }
}

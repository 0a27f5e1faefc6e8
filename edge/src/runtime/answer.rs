//! Answers one invocation: the event goes to the pipeline, and its reply to the Runtime API.
//!
//! `lambda_runtime` would write every response as JSON once more, and would end a stream that
//! failed as if it were whole.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::header::{HeaderMap, HeaderValue};
use lambda_http::Error;
use lambda_runtime::{Context, Diagnostic};
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::{Body, sender::Sender};
use tokio::time::{Instant, timeout_at};

use super::invocation::{INVOCATION_ID, Invocation};
use crate::pipeline::{Edge, Head, Reply, StreamBody};
use crate::stages::invoke::InvokeCore;
use crate::telemetry;

/// The header that announces a streamed response.
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";

/// Hands the event of an invocation to the pipeline and posts the reply; an error says why it could
/// not be posted.
pub async fn answer<C: InvokeCore>(
    edge: &Edge<C>,
    api: &PooledClient,
    invocation: &Invocation,
) -> Result<(), Error> {
    let Invocation {
        context,
        event,
        invocation_id,
    } = invocation;
    let responder = Responder {
        api,
        context,
        invocation_id: invocation_id.as_ref(),
    };
    let Ok(event) = std::str::from_utf8(event) else {
        telemetry::log_unreadable_event();
        let error = Diagnostic {
            error_type: "invalid_event".to_owned(),
            error_message: "The event is not UTF-8".to_owned(),
        };
        return responder.post_error(&error).await;
    };
    match edge.handle(event, context).await {
        Reply::Result(json, record) => {
            let sent = responder.post_result(json.into()).await;
            record.write();
            sent
        }
        Reply::Failure(error, record) => {
            let sent = responder.post_error(&error).await;
            record.write();
            sent
        }
        Reply::Stream(head, body_stream) => responder.post_stream(head, body_stream).await,
    }
}

/// Posts the response to one invocation.
struct Responder<'a> {
    api: &'a PooledClient,
    context: &'a Context,
    invocation_id: Option<&'a HeaderValue>,
}

impl Responder<'_> {
    async fn post_result(&self, json: Bytes) -> Result<(), Error> {
        self.send(
            "response",
            &[("content-type", "application/json")],
            json.into(),
        )
        .await
    }

    async fn post_error(&self, error: &Diagnostic) -> Result<(), Error> {
        let headers = [
            ("content-type", "application/json"),
            ("lambda-runtime-function-error-type", "Function.Error"),
        ];
        self.send("error", &headers, serde_json::to_vec(error)?.into())
            .await
    }

    /// A stream that fails closes the connection, from which Lambda learns that the response is not
    /// whole.
    async fn post_stream(&self, head: Head, body_stream: StreamBody<'_>) -> Result<(), Error> {
        let (sender, body) = Body::channel();
        let headers = [
            ("content-type", head.content_type.as_str()),
            (RESPONSE_MODE, "streaming"),
        ];
        let (sent, ending) = tokio::join!(
            self.send("response", &headers, body),
            pump(sender, head.prelude, body_stream)
        );
        match ending {
            // The connection was closed on purpose; the stream's own record says why.
            Ending::Failed => Ok(()),
            Ending::Whole | Ending::NotRead => sent,
        }
    }

    async fn send(
        &self,
        what: &str,
        headers: &[(&'static str, &str)],
        body: Body,
    ) -> Result<(), Error> {
        let path = format!(
            "/2018-06-01/runtime/invocation/{}/{what}",
            self.context.request_id
        );
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

/// How the sending of a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Everything was sent.
    Whole,
    /// Core's stream failed, and the response was aborted.
    Failed,
    /// The Runtime API did not read on.
    NotRead,
}

/// Sends the prelude and the body; a stream that did not end whole is aborted.
async fn pump(mut sender: Sender, prelude: Bytes, body_stream: StreamBody<'_>) -> Ending {
    let ending = pass_on(&mut sender, prelude, body_stream).await;
    if ending != Ending::Whole {
        // What was sent before must be written first: aborting drops what is not written yet.
        tokio::task::yield_now().await;
        sender.abort();
    }
    ending
}

async fn pass_on(sender: &mut Sender, prelude: Bytes, mut body_stream: StreamBody<'_>) -> Ending {
    if !prelude.is_empty() && !send(sender, prelude, body_stream.deadline()).await {
        body_stream.abandon();
        return Ending::NotRead;
    }
    loop {
        match body_stream.next().await {
            None => return Ending::Whole,
            Some(Err(_)) => return Ending::Failed,
            Some(Ok(bytes)) => {
                if !send(sender, bytes, body_stream.deadline()).await {
                    body_stream.abandon();
                    return Ending::NotRead;
                }
            }
        }
    }
}

/// Sends bytes; false when the Runtime API does not read them before the deadline.
async fn send(sender: &mut Sender, bytes: Bytes, deadline: Option<Instant>) -> bool {
    let sent = sender.send_data(bytes);
    match deadline {
        Some(deadline) => timeout_at(deadline, sent)
            .await
            .is_ok_and(|sent| sent.is_ok()),
        None => sent.await.is_ok(),
    }
}

//! The loop of the function: polls the Runtime API for invocations and answers them, until Lambda
//! ends the environment.
//!
//! `lambda_runtime`'s own loop ends the process for a client context that it cannot read, and polls
//! without a pause when the Runtime API fails. Its types and AWS's client for the Runtime API stay.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

mod answer;
mod invocation;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::BodyExt;
use hyper::Request;
use hyper_util::client::legacy::connect::HttpConnector;
use lambda_http::Error;
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::Body;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::deadline::remaining;
use crate::pipeline::Edge;
use crate::runtime_api::RuntimeApi;
use crate::stages::invoke::InvokeCore;
use crate::telemetry;
use answer::answer;
use invocation::{Invocation, PollError, next};

/// The pauses before another poll when the Runtime API cannot be reached; after the last one the
/// process ends.
const BACKOFF: [Duration; 6] = [
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// The time for a response where the deadline has passed already, by this machine's clock.
const AFTER_DEADLINE: Duration = Duration::from_secs(1);

/// Answers invocations until the Runtime API gives none any longer; the error says why.
pub async fn run<C: InvokeCore>(edge: Edge<C>, runtime_api: RuntimeApi) -> Result<(), Error> {
    let mut connector = HttpConnector::new();
    // Otherwise the last bytes of a response may wait for the acknowledgement of those before them.
    connector.set_nodelay(true);
    let workers = runtime_api.max_concurrency;
    let client = PooledClient::builder()
        .with_connector(connector)
        .with_endpoint(runtime_api.endpoint)
        .with_pool_size(workers);
    let (edge, api) = (Arc::new(edge), Arc::new(client.build()));
    if runtime_api.is_snap_start {
        wait_for_restore(&api).await?;
    }
    let (ending, _) = watch::channel(false);
    let worker = |_| {
        let (edge, api, ending) = (Arc::clone(&edge), Arc::clone(&api), ending.clone());
        tokio::spawn(async move { work(&edge, &api, &ending).await })
    };
    let ended = join_all((0..workers).map(worker)).await;
    ended
        .into_iter()
        .try_for_each(|worker| worker?.map_err(|error| error.to_string().into()))
}

/// Polls and answers, one invocation after the other, until a poll is refused or another worker's
/// was.
async fn work<C: InvokeCore>(
    edge: &Edge<C>,
    api: &PooledClient,
    ending: &watch::Sender<bool>,
) -> Result<(), PollError> {
    let mut is_ending = ending.subscribe();
    let mut pauses = BACKOFF.iter();
    loop {
        let polled = tokio::select! {
            // An invocation that has arrived is answered, whatever happens to the other workers.
            biased;
            polled = next(api) => polled,
            _ = is_ending.wait_for(|is_ending| *is_ending) => return Ok(()),
        };
        match polled {
            Ok(invocation) => {
                pauses = BACKOFF.iter();
                let request_id = invocation.context.request_id.clone();
                telemetry::of_request(request_id, answer_in_time(edge, api, &invocation)).await;
            }
            Err(error) => {
                let pause = pauses
                    .next()
                    .filter(|_| matches!(error, PollError::Connection(_)));
                let Some(pause) = pause else {
                    ending.send_replace(true);
                    return Err(error);
                };
                tracing::warn!(%error, "the poll for an invocation failed and is repeated");
                tokio::time::sleep(*pause).await;
            }
        }
    }
}

/// Answers an invocation before its deadline. A response that cannot be sent is logged: the next
/// poll shows whether the Runtime API can be reached.
async fn answer_in_time<C: InvokeCore>(
    edge: &Edge<C>,
    api: &PooledClient,
    invocation: &Invocation,
) {
    let limit = remaining(invocation.context.deadline()).unwrap_or(AFTER_DEADLINE);
    match timeout(limit, answer(edge, api, invocation)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(error, "the response could not be sent to the Runtime API")
        }
        Err(_) => {
            tracing::error!("the invocation was not answered before its deadline")
        }
    }
}

/// Lambda SnapStart takes its snapshot while this request waits, and answers it in each environment
/// that it restores.
async fn wait_for_restore(api: &PooledClient) -> Result<(), Error> {
    let response = api
        .call(Request::get("/2018-06-01/runtime/restore/next").body(Body::empty())?)
        .await?;
    response.into_body().collect().await?;
    api.reset_pool();
    Ok(())
}

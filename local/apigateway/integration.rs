//! The Lambda proxy integration: invokes the function, and converts its response as a whole
//! (`responseTransferMode: BUFFERED`) or as it arrives (`STREAM`).
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html>

use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::Instant;

use super::error::RestError;
use super::stream::{EventStream, StreamError};
use super::{response, stream};
use crate::aws::REST_API_INTEGRATION_TIMEOUT;
use crate::http::{BufferedResponse, HttpClient, RequestError};
use crate::signer::Signer;
use crate::throttle::{Bandwidth, Pacer};

/// The `responseTransferMode` of an integration.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TransferMode {
    /// The response is sent when it is complete.
    Buffered,
    /// The response is sent as it arrives.
    Stream(StreamLimits),
}

/// How long a streamed response may take, and how fast it may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamLimits {
    /// From the request to the end of the response.
    pub total: Duration,
    /// Without a byte from the function.
    pub idle: Duration,
    /// The limits of the bandwidth; `None` for none.
    pub bandwidth: Option<Bandwidth>,
}

/// The integration of one stage.
#[derive(Debug)]
pub(super) struct Integration<'a> {
    pub http: &'a HttpClient,
    /// The URL of the Lambda endpoint.
    pub lambda: &'a str,
    pub signer: &'a Signer,
    /// The name of the function.
    pub function: &'a str,
}

impl Integration<'_> {
    /// Invokes the function with an event and returns what the client gets; fails with what the API
    /// returns in its place.
    pub(super) async fn invoke(
        &self,
        mode: TransferMode,
        event: Bytes,
        trace_id: &str,
    ) -> Result<Response, RestError> {
        match mode {
            TransferMode::Buffered => self.buffered(event, trace_id).await,
            TransferMode::Stream(limits) => self.streamed(limits, event, trace_id).await,
        }
    }

    async fn buffered(&self, event: Bytes, trace_id: &str) -> Result<Response, RestError> {
        let request = self.request("2015-03-31", "invocations", event, trace_id)?;
        let answer = self
            .http
            .send(request, REST_API_INTEGRATION_TIMEOUT)
            .await?;
        response::from_lambda(&answer)
    }

    async fn streamed(
        &self,
        limits: StreamLimits,
        event: Bytes,
        trace_id: &str,
    ) -> Result<Response, RestError> {
        let deadline = Instant::now() + limits.total;
        let path = "response-streaming-invocations";
        let request = self.request("2021-11-15", path, event, trace_id)?;
        let wait = limits.idle.min(limits.total);
        let answer = tokio::time::timeout(wait, self.http.open(request))
            .await
            .map_err(|_| RestError::TimedOut)??;
        if answer.status() != StatusCode::OK {
            let answer = BufferedResponse::read(answer).await?;
            return Err(response::refused_by_lambda(&answer));
        }
        let events = EventStream::new(answer.into_body(), limits.idle, deadline);
        let pacer = Pacer::new(limits.bandwidth);
        stream::respond(events, pacer)
            .await
            .map_err(|error| match error {
                StreamError::TimedOut => RestError::TimedOut,
                StreamError::Failed(why) => RestError::Malformed(why),
            })
    }

    fn request(
        &self,
        version: &str,
        path: &str,
        event: Bytes,
        trace_id: &str,
    ) -> Result<axum::http::Request<http_body_util::Full<Bytes>>, RestError> {
        let uri = format!(
            "{}/{version}/functions/{}/{path}",
            self.lambda, self.function
        );
        let headers = [
            ("content-type", "application/json"),
            ("x-amzn-trace-id", trace_id),
        ];
        self.signer
            .post(&uri, &headers, event)
            .map_err(RestError::Malformed)
    }
}

impl From<RequestError> for RestError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::TimedOut(_) => Self::TimedOut,
            RequestError::Connection(why) | RequestError::OutOfDescriptors(why) => {
                Self::Malformed(why)
            }
        }
    }
}

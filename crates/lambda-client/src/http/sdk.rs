//! Lets the AWS SDK send its own requests, those for credentials, by [`HttpClient`].

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Full};
use tokio::time::timeout;

use super::{HttpClient, HttpError};

/// How long to connect, and how long to wait for an answer, where the SDK does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

/// A client for the SDK.
pub fn shared(http: &HttpClient) -> SharedHttpClient {
    let http = http.clone();
    http_client_fn(move |settings, _| {
        let connect = settings.connect_timeout().unwrap_or(DEFAULT_TIMEOUT);
        let limit = connect + settings.read_timeout().unwrap_or(DEFAULT_TIMEOUT);
        SharedHttpConnector::new(SdkConnector {
            http: http.clone(),
            limit,
        })
    })
}

#[derive(Debug, Clone)]
struct SdkConnector {
    http: HttpClient,
    limit: Duration,
}

impl SdkConnector {
    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let (head, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map_err(ConnectorError::user)?
            .to_bytes();
        let request = hyper::Request::from_parts(head, Full::new(body));
        let answer = timeout(self.limit, self.http.send(request)).await;
        let answer = answer.map_err(|_| {
            ConnectorError::timeout(format!("no answer within {:?}", self.limit).into())
        })?;
        let response = answer.map_err(|error: HttpError| ConnectorError::io(error.into()))?;
        HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
            .map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl HttpConnector for SdkConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}

//! The Lambda client of the edge before an endpoint of a test.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::config::Credentials;
use edge::error::EdgeError;
use edge::stages::enrich::Enriched;
use edge::stages::invoke::{Call, CoreReply, InvokeCore, LambdaCore};
use lambda_client::{HttpClient, Roots};

pub fn client() -> HttpClient {
    HttpClient::new(Roots::Amazon)
}

pub async fn sdk(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(client().for_sdk())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            None,
            None,
            "test",
        ))
        .load()
        .await
}

pub async fn invoke_with(
    url: &str,
    tenant: Option<&str>,
    trace_id: Option<&str>,
    budget: Duration,
) -> Result<CoreReply, EdgeError> {
    let core = LambdaCore::new(&sdk(url).await, client(), "core").await;
    let enriched = Enriched {
        payload: br#"{"input":{}}"#.to_vec(),
        tenant: tenant.map(str::to_owned),
    };
    core.invoke(Call {
        enriched,
        trace_id,
        budget,
    })
    .await
}

pub async fn invoke(url: &str) -> Result<CoreReply, EdgeError> {
    invoke_with(url, None, None, Duration::from_secs(10)).await
}

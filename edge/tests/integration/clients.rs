//! The Lambda client of the edge before an endpoint of a test.

use std::time::Duration;

use aws_config::SdkConfig;
use edge::error::EdgeError;
use edge::stages::enrich::Enriched;
use edge::stages::invoke::{Call, CoreReply, InvokeCore, LambdaCore};
use lambda_client::{HttpClient, Roots};
use testkit::aws::sdk_config;

pub fn client() -> HttpClient {
    HttpClient::new(Roots::Amazon)
}

pub async fn sdk(url: &str) -> SdkConfig {
    let http = client().for_sdk();
    sdk_config(url).http_client(http).load().await
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

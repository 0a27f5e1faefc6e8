//! The edge function: what stands between a browser and a core Lambda function.
//!
//! It reads the event of any entry point, authorizes the caller, validates the input, adds the
//! caller's identity, invokes core and answers with JSON that the browser may read. [`pipeline`]
//! has the order of the stages; each stage is a file under [`stages`].
//!
//! Only `config` reads the environment, beside the AWS SDK's own search for region and credentials.
//! Only `stages::invoke`, the keys of `stages::token` and `runtime` open connections.

mod claims;
pub mod config;
pub mod cors;
mod deadline;
pub mod error;
pub mod headers;
pub mod json;
mod limits;
mod memory;
pub mod pipeline;
mod runtime;
mod runtime_api;
pub mod stages;
pub mod telemetry;

use std::process::ExitCode;

use config::{Config, ConfigError};
use lambda_client::HttpClient;
use pipeline::Edge;
use telemetry::LogFormat;

/// Runs the function until Lambda ends it: what the deployed binary calls, and the local stack in a
/// process of its own.
pub fn main() -> ExitCode {
    if let Err(error) = config::drop_empty_variables() {
        return refuse_to_start(&error);
    }
    let config = match Config::from_process() {
        Ok(config) => config,
        Err(error) => return refuse_to_start(&error),
    };
    memory::tune_malloc();
    telemetry::start(config.settings.log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(serve(config)),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the runtime ended");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: Config) -> Result<(), lambda_http::Error> {
    let http = HttpClient::with_proxy(config.roots, config.proxy);
    let sdk = stages::invoke::sdk_config(&http, config.has_credentials).await;
    #[cfg(feature = "sdk")]
    let core = stages::invoke::SdkCore::new(&sdk, &config.target);
    #[cfg(not(feature = "sdk"))]
    let core = stages::invoke::LambdaCore::new(&sdk, http, &config.target).await;
    let runtime_api = config
        .runtime_api
        .ok_or("AWS_LAMBDA_RUNTIME_API is not set")?;
    let edge = Edge::new(config.settings, core);
    edge.warm().await;
    runtime::run(edge, runtime_api).await
}

fn refuse_to_start(error: &ConfigError) -> ExitCode {
    telemetry::start(LogFormat::DEFAULT);
    for problem in &error.0 {
        tracing::error!(problem, "the edge does not start half-configured");
    }
    ExitCode::FAILURE
}

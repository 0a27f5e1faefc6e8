//! The edge function: what stands between a browser and a core Lambda function.
//!
//! It reads the event of any door, lets the caller in or not, checks the input, adds the caller's identity, invokes core
//! and answers in JSON that the browser may read. The order of the stages is in [`handler`]; each stage is a file, named
//! by its verb, and takes the type that the stage before it gives. Only [`invoke`], the keys of [`token`] and the runtime's
//! answers touch the network, by [`http`], and only [`config`] reads the environment, beside the SDK's own search.

pub mod admit;
pub mod authorize;
pub mod claims;
pub mod config;
pub mod cors;
pub mod enrich;
pub mod error;
pub mod event;
pub mod handler;
pub mod http;
pub mod invoke;
pub mod json;
mod memory;
pub mod respond;
mod runtime;
pub mod telemetry;
pub mod token;
pub mod validate;

use std::process::ExitCode;

use config::{Config, ConfigError};
use handler::Edge;
use http::Client;
use invoke::LambdaCore;

/// Runs the function until Lambda ends it: what the deployed binary calls, and the local stack in a process of its own.
pub fn main() -> ExitCode {
    if let Err(error) = config::drop_empty_variables() {
        return refuse_to_start(&error);
    }
    let config = match Config::from_process() {
        Ok(config) => config,
        Err(error) => return refuse_to_start(&error),
    };
    memory::keep_freed();
    telemetry::start(config.log);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
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
    let http = Client::new(config.roots.clone());
    let core = LambdaCore::new(&invoke::sdk_config(&http, config.has_credentials).await, http, &config.target).await;
    let runtime_api = config.runtime_api.clone().ok_or("AWS_LAMBDA_RUNTIME_API is not set")?;
    let edge = Edge::new(config, core);
    edge.warm().await;
    runtime::run(edge, runtime_api).await
}

fn refuse_to_start(error: &ConfigError) -> ExitCode {
    telemetry::start(config::Log::DEFAULT);
    for problem in &error.0 {
        tracing::error!(problem, "the edge does not start half-configured");
    }
    ExitCode::FAILURE
}

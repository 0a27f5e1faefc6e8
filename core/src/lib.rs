//! A sample core function: it answers a question about a company's published results from figures that it carries.
//!
//! Meant to be replaced by your own. It gets `{"input", "identity", "requestMeta"}` (or the input alone), knows nothing
//! of HTTP, CORS or tokens, and trusts for who is asking the `identity` alone, which no caller can set.
//!
//! [`inquiry`] reads the event, [`figures`] holds the data, [`rank`] picks the facts that the question asks for, and
//! [`answer`] puts them into a sentence.

pub mod answer;
pub mod figures;
pub mod inquiry;
pub mod rank;

use std::process::ExitCode;
use std::time::Instant;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use answer::Answer;
use figures::Figures;
use inquiry::Inquiry;

/// Runs the function until Lambda ends it.
pub fn main() -> ExitCode {
    start_log();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(serve()),
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

/// The runtime prints a handler's error once more, with what the caller wrote in it: that is left out.
fn start_log() {
    let targets = Targets::new().with_default(LevelFilter::INFO).with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    // An `Err` says that the process has a log already.
    let _ = tracing_subscriber::registry().with(targets).with(layer).try_init();
}

async fn serve() -> Result<(), lambda_runtime::Error> {
    let figures = Figures::embedded()?;
    let handler = |event: LambdaEvent<Value>| std::future::ready(respond(&figures, &event.payload));
    lambda_runtime::run(service_fn(handler)).await
}

/// Answers one event; a request of the wrong shape is a function error.
pub fn respond(figures: &Figures, event: &Value) -> Result<Answer, Diagnostic> {
    let start = Instant::now();
    let inquiry = Inquiry::read(event).map_err(|error| {
        tracing::warn!(field = error.field, "a request of the wrong shape");
        Diagnostic { error_type: "InvalidRequest".to_owned(), error_message: error.to_string() }
    })?;
    let answer = answer::to(&inquiry, figures, start);
    tracing::info!(sub = inquiry.sub, found = answer.meta.found, "answered");
    Ok(answer)
}

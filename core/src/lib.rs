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

use answer::Answer;
use figures::Figures;
use inquiry::Inquiry;

/// Runs the function until Lambda ends it.
pub fn main() -> ExitCode {
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_max_level(tracing::Level::INFO)
        .try_init();
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

async fn serve() -> Result<(), lambda_runtime::Error> {
    let figures = Figures::embedded()?;
    let handler = |event: LambdaEvent<Value>| std::future::ready(respond(&figures, &event.payload));
    lambda_runtime::run(service_fn(handler)).await
}

/// Answers one event; a request of the wrong shape is a function error.
pub fn respond(figures: &Figures, event: &Value) -> Result<Answer, Diagnostic> {
    let start = Instant::now();
    let inquiry = Inquiry::read(event)
        .map_err(|error| Diagnostic { error_type: "InvalidRequest".to_owned(), error_message: error.to_string() })?;
    let answer = answer::to(&inquiry, figures, start);
    tracing::info!(sub = inquiry.sub, found = answer.meta.found, "answered");
    Ok(answer)
}

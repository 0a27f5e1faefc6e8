//! The core functions of the error lab: a function that throws, and one that never answers. Each is
//! a client of the Runtime API in a process of its own, like every other function.

use std::process::ExitCode;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::Full;

use crate::http::{BufferedResponse, HttpClient};

/// The name of the function that throws.
pub(crate) const THROWING_CORE: &str = "core-throws";
/// The name of the function that never answers.
pub(crate) const SLEEPING_CORE: &str = "core-sleeps";
/// The name of the function of which no environment may run.
pub(crate) const THROTTLED_CORE: &str = "core-throttled";

/// The error that the throwing function reports.
const ERROR: &str = r#"{"errorType":"ZeroDivisionError","errorMessage":"division by zero","stackTrace":["  File \"/var/task/app.py\", line 7, in handler\n    return revenue / 0\n"]}"#;
/// Longer than any time-out of a function.
const FOREVER: Duration = Duration::from_secs(3600);

/// What a function does with its invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It reports an error.
    Throws,
    /// It never answers, until Lambda ends it.
    Sleeps,
}

/// Polls for invocations until the Runtime API ends.
pub fn main(behaviour: Behaviour) -> ExitCode {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        eprintln!("error: AWS_LAMBDA_RUNTIME_API is not set: the stack starts this function");
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(poll(&api, behaviour)),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn poll(api: &str, behaviour: Behaviour) -> ExitCode {
    let client = HttpClient::new();
    let base = format!("http://{api}/2018-06-01/runtime/invocation");
    while let Some(next) = send(&client, Request::get(format!("{base}/next")), "").await {
        let id = next
            .headers
            .get("lambda-runtime-aws-request-id")
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default();
        match behaviour {
            Behaviour::Sleeps => {
                println!("waiting for a database that never answers");
                tokio::time::sleep(FOREVER).await;
            }
            Behaviour::Throws => {
                println!("[ERROR] ZeroDivisionError: division by zero");
                let error = Request::post(format!("{base}/{id}/error"));
                send(&client, error, ERROR).await;
            }
        }
    }
    ExitCode::SUCCESS
}

async fn send(
    client: &HttpClient,
    request: axum::http::request::Builder,
    body: &'static str,
) -> Option<BufferedResponse> {
    let request = request.body(Full::new(Bytes::from_static(body.as_bytes())));
    client.send(request.ok()?, FOREVER).await.ok()
}

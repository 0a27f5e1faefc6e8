//! Faults of the Runtime API and of the environment: what the edge does then, and whether the next
//! request is answered.

mod fault;

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use testkit::endpoint::{ClosedPort, Endpoint};
use testkit::http::Request;
use testkit::runtime_api::{Invocation, RuntimeApi};

use super::document;
use super::fault::{Mode, good_script};
use crate::process::EdgeProcess;
use fault::{Fault, Row, rows};

#[tokio::test]
async fn each_fault_of_the_runtime_api_ends_as_the_table_says() {
    let mut lines = vec![
        "| fault | then | executions |".to_owned(),
        "|---|---|---|".to_owned(),
    ];
    for row in rows() {
        let (then, executions) = run(&row).await;
        assert!(executions <= 1, "{}: core ran {executions} times", row.name);
        lines.push(format!("| {} | {then} | {executions} |", row.name));
    }
    document::check("faults of the Runtime API", &lines.join("\n"));
}

const EVENT: &str = r#"{"version":"2.0","rawPath":"/","body":"{}","requestContext":{"domainName":"abc.lambda-url.us-east-1.on.aws","http":{"method":"POST"}}}"#;

/// What the edge does, in words, and how often core was executed for the request with the fault.
async fn run(row: &Row) -> (String, usize) {
    let mode = match row.fault {
        Fault::Response(mode, _) => mode,
        _ => Mode::Whole,
    };
    let lambda = Endpoint::start(good_script(mode)).await;
    let (api, address) = match row.fault {
        Fault::NoRuntimeApi => (
            RuntimeApi::start().await,
            ClosedPort::take().address.to_string(),
        ),
        _ => {
            let api = RuntimeApi::start().await;
            let address = api.address.clone();
            (api, address)
        }
    };
    let workers = row.workers.to_string();
    let response = if mode == Mode::Streamed {
        "stream"
    } else {
        "buffered"
    };
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
        ("AWS_ENDPOINT_URL_LAMBDA", &lambda.url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_LAMBDA_MAX_CONCURRENCY", &workers),
        ("ALLOW_ANONYMOUS", "true"),
        ("REQUIRED_FIELDS", ""),
        ("RESPONSE", response),
    ];
    let mut invocation = Invocation::new("with-the-fault", EVENT);
    row.fault.prepare(&mut invocation, &api, &lambda);
    let mut edge = EdgeProcess::spawn(api, &variables);
    if matches!(row.fault, Fault::Poll(_)) {
        // The process ends, or each worker polls once more.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let polls = edge.api.polled();
        assert!(polls <= 2 * row.workers, "{}: {polls} polls", row.name);
    }
    edge.api.invoke(invocation);
    if let Fault::Signal(signal) = row.fault {
        while lambda.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        edge.signal(signal);
        if signal == Signal::STOP {
            tokio::time::sleep(Duration::from_secs(1)).await;
            edge.signal(Signal::CONT);
        }
    }
    let start = Instant::now();
    let then = match posted_or_ended(&mut edge).await {
        Err(end) => end,
        Ok(first) => {
            let executions = lambda.requests().len();
            lambda.follow(good_script(mode));
            edge.api.invoke(Invocation::new("next", EVENT));
            let next = posted_or_ended(&mut edge)
                .await
                .unwrap_or_else(|end| panic!("{}: {end}", row.name));
            assert!(
                next.path().contains("/next/response"),
                "{}: {next:?}",
                row.name
            );
            edge.logged(row.log).await;
            return (describe(row, &first), executions);
        }
    };
    edge.logged(row.log).await;
    assert!(
        !edge.log().contains("panicked"),
        "{}: {}",
        row.name,
        edge.log()
    );
    assert!(
        edge.api.polled() <= row.workers,
        "{}: {} polls",
        row.name,
        edge.api.polled()
    );
    if matches!(row.fault, Fault::NoRuntimeApi) {
        // The pauses before the polls that follow the first.
        assert!(
            start.elapsed() >= Duration::from_millis(1570),
            "{:?}",
            start.elapsed()
        );
    }
    (then, lambda.requests().len())
}

/// What the edge posts next; or how it ends.
async fn posted_or_ended(edge: &mut EdgeProcess) -> Result<Request, String> {
    loop {
        let posted = tokio::time::timeout(Duration::from_millis(50), edge.api.posted()).await;
        if let Ok(request) = posted {
            return Ok(request);
        }
        if !edge.is_running() {
            let status = edge.ended().await;
            let end = match status.signal() {
                Some(signal) => format!("by the signal {signal}"),
                None => format!(
                    "with {}, and the log says why",
                    status.code().unwrap_or_default()
                ),
            };
            return Err(format!("the process ends {end}"));
        }
    }
}

fn describe(row: &Row, first: &Request) -> String {
    let is_of_next = first.path().contains("/next/");
    let fate = match &row.fault {
        Fault::Poll(_) => "polled again, and answered",
        Fault::Response(..) => "logged",
        Fault::Invocation(_) | Fault::NoRuntimeApi | Fault::Signal(_) => {
            if first.path().ends_with("/error") {
                "answered with a function error"
            } else {
                "answered"
            }
        }
    };
    assert!(!is_of_next, "{}: the request was not answered", row.name);
    format!("{fate}; the next request is answered")
}

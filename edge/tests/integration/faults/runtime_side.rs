//! Faults of the Runtime API and of the environment: what the edge does then, and whether the next
//! request is answered.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use testkit::endpoint::{ClosedPort, Endpoint, Script, Step};
use testkit::http::{Request, answer};
use testkit::runtime_api::{Invocation, Poll, RuntimeApi};

use super::document;
use super::fault::{Mode, good_answer, good_script};
use crate::process::EdgeProcess;

/// What goes wrong.
enum Fault {
    /// A poll gets this; the next one an invocation.
    Poll(Vec<Step>),
    /// Nothing listens.
    NoRuntimeApi,
    /// The invocation is this one.
    Invocation(Box<dyn Fn(&mut Invocation)>),
    /// After the head of the response was read, this follows.
    Response(Mode, Vec<Step>),
    /// The process gets this signal while core works.
    Signal(Signal),
}

struct Row {
    name: &'static str,
    fault: Fault,
    /// How many polls wait at once.
    workers: usize,
    /// What the log must say.
    log: &'static str,
}

fn row(name: &'static str, fault: Fault, log: &'static str) -> Row {
    Row {
        name,
        fault,
        workers: 1,
        log,
    }
}

fn rows() -> Vec<Row> {
    let poll = |name, bytes: Vec<u8>, log| {
        row(name, Fault::Poll(vec![Step::Send(bytes), Step::Close]), log)
    };
    let refusal = |status| answer(status, "", br#"{"errorType":"X"}"#);
    let again = "the poll for an invocation failed and is repeated";
    let response = |name, bytes: Vec<u8>, log| {
        let steps = vec![Step::Send(bytes), Step::Close];
        row(name, Fault::Response(Mode::Whole, steps), log)
    };
    let rejected = "the Runtime API rejected the response";
    let not_sent = "the response could not be sent to the Runtime API";
    let too_late = "the invocation was not answered before its deadline";
    let invocation = |name, change: fn(&mut Invocation), log| {
        row(name, Fault::Invocation(Box::new(change)), log)
    };
    vec![
        row(
            "the Runtime API does not listen",
            Fault::NoRuntimeApi,
            again,
        ),
        poll("a poll gets 403", refusal(403), "status 403"),
        poll("a poll gets 410", refusal(410), "status 410"),
        poll("a poll gets 500", refusal(500), "status 500"),
        Row {
            workers: 4,
            ..poll(
                "a poll of four at once gets 500",
                refusal(500),
                "status 500",
            )
        },
        poll(
            "a poll gets no request id",
            answer(200, "", b"{}"),
            "no header lambda-runtime-aws-request-id",
        ),
        row("a poll is closed", Fault::Poll(vec![Step::Close]), again),
        row("a poll is reset", Fault::Poll(vec![Step::Reset]), again),
        poll(
            "a poll is closed in the headers",
            b"HTTP/1.1 200 OK\r\nLamb".to_vec(),
            again,
        ),
        poll(
            "a poll is closed in the event",
            b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: x\r\nContent-Length: 9\r\n\r\n{"
                .to_vec(),
            again,
        ),
        poll(
            "a poll gets what is not HTTP",
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            again,
        ),
        invocation(
            "an event that is not UTF-8",
            |invocation| {
                invocation.event = b"\xff\xfe".to_vec();
            },
            "the event is not UTF-8",
        ),
        invocation(
            "an event that is empty",
            |invocation| invocation.event.clear(),
            "\"request\"",
        ),
        invocation(
            "an event that is no JSON",
            |invocation| {
                invocation.event = b"{".to_vec();
            },
            "\"request\"",
        ),
        invocation(
            "a client context that is no object",
            |invocation| {
                invocation.headers = "Lambda-Runtime-Client-Context: 7\r\n".to_owned();
            },
            "\"request\"",
        ),
        invocation(
            "a client context that is not ASCII",
            |invocation| {
                invocation.headers =
                    "Lambda-Runtime-Client-Context: {\"custom\":{\"name\":\"Zo\u{eb}\"}}\r\n"
                        .to_owned();
            },
            "\"request\"",
        ),
        invocation(
            "a Cognito identity that cannot be read",
            |invocation| {
                invocation.headers = "Lambda-Runtime-Cognito-Identity: [\r\n".to_owned();
            },
            "\"request\"",
        ),
        invocation(
            "a deadline that has passed",
            |invocation| {
                invocation.time = Duration::ZERO;
            },
            "core_timed_out",
        ),
        response("the response is refused with 403", refusal(403), rejected),
        response("the response is refused with 413", refusal(413), rejected),
        response("the response is refused with 500", refusal(500), rejected),
        row(
            "the response is closed",
            Fault::Response(Mode::Whole, vec![Step::Close]),
            not_sent,
        ),
        row(
            "the response is reset",
            Fault::Response(Mode::Whole, vec![Step::Reset]),
            not_sent,
        ),
        row(
            "the response gets no answer",
            Fault::Response(Mode::Whole, vec![Step::Hold]),
            too_late,
        ),
        row(
            "the reader of a stream closes the connection",
            Fault::Response(Mode::Streamed, vec![Step::Reset]),
            "stopped reading, before the end",
        ),
        row(
            "the reader of a stream stops reading",
            Fault::Response(Mode::Streamed, vec![Step::Hold]),
            "stopped reading, before the end",
        ),
        row(
            "the environment is frozen for a second",
            Fault::Signal(Signal::STOP),
            "\"request\"",
        ),
        row("SIGTERM", Fault::Signal(Signal::TERM), ""),
    ]
}

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
    prepare(&row.fault, &mut invocation, &api, &lambda);
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

fn prepare(fault: &Fault, invocation: &mut Invocation, api: &RuntimeApi, lambda: &Endpoint) {
    match fault {
        Fault::Poll(steps) => api.answer_poll(Poll::Steps(steps.clone())),
        Fault::NoRuntimeApi => {}
        Fault::Invocation(change) => change(invocation),
        Fault::Response(mode, steps) => {
            api.on_next_response(steps.clone());
            if matches!(steps.as_slice(), [Step::Hold]) {
                invocation.time = Duration::from_secs(3);
            }
            if *mode == Mode::Streamed {
                // More than the buffers of the connection hold, and no end.
                let bytes = testkit::event_stream::chunk(&"x".repeat(1_000_000));
                let pause = Duration::from_millis(10);
                let head = Step::Send(super::fault::head(""));
                lambda.follow(Script::after_request([
                    head,
                    Step::SendForever { bytes, pause },
                ]));
            }
        }
        Fault::Signal(Signal::STOP) => {
            let pause = Step::Pause(Duration::from_millis(300));
            let answer = Step::Send(good_answer(Mode::Whole));
            lambda.follow(Script::after_request([pause, answer]));
        }
        Fault::Signal(_) => lambda.follow(Script::after_request([Step::Hold])),
    }
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

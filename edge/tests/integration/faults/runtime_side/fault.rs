//! The faults of the Runtime API and of the environment, and how each is brought about.

use std::time::Duration;

use rustix::process::Signal;
use testkit::endpoint::{Endpoint, Script, Step};
use testkit::http::answer;
use testkit::runtime_api::{Invocation, Poll, RuntimeApi};

use crate::faults::fault::{Mode, good_answer, head};

/// What goes wrong.
pub enum Fault {
    /// A poll gets this; the next one an invocation.
    Poll(Vec<Step>),
    /// Nothing listens at the address of the Runtime API.
    NoRuntimeApi,
    /// The invocation is this one.
    Invocation(Box<dyn Fn(&mut Invocation)>),
    /// After the head of the response was read, this follows.
    Response(Mode, Vec<Step>),
    /// The process gets this signal while core works.
    Signal(Signal),
}

pub struct Row {
    pub name: &'static str,
    pub fault: Fault,
    /// How many polls wait at once.
    pub workers: usize,
    /// What the log must say.
    pub log: &'static str,
}

fn row(name: &'static str, fault: Fault, log: &'static str) -> Row {
    Row {
        name,
        fault,
        workers: 1,
        log,
    }
}

/// The faults, in the order of the table.
pub fn rows() -> Vec<Row> {
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

impl Fault {
    /// Sets the Runtime API, Lambda and the invocation up for the fault.
    pub fn prepare(&self, invocation: &mut Invocation, api: &RuntimeApi, lambda: &Endpoint) {
        match self {
            Self::Poll(steps) => api.answer_poll(Poll::Steps(steps.clone())),
            Self::NoRuntimeApi => {}
            Self::Invocation(change) => change(invocation),
            Self::Response(mode, steps) => {
                api.on_next_response(steps.clone());
                if matches!(steps.as_slice(), [Step::Hold]) {
                    invocation.time = Duration::from_secs(3);
                }
                if *mode == Mode::Streamed {
                    // More than the buffers of the connection hold, and no end.
                    let bytes = testkit::event_stream::chunk(&"x".repeat(1_000_000));
                    let pause = Duration::from_millis(10);
                    let head = Step::Send(head(""));
                    lambda.follow(Script::after_request([
                        head,
                        Step::SendForever { bytes, pause },
                    ]));
                }
            }
            Self::Signal(Signal::STOP) => {
                let pause = Step::Pause(Duration::from_millis(300));
                let answer = Step::Send(good_answer(Mode::Whole));
                lambda.follow(Script::after_request([pause, answer]));
            }
            Self::Signal(_) => lambda.follow(Script::after_request([Step::Hold])),
        }
    }
}

//! The errors that Lambda names.

use testkit::endpoint::Script;
use testkit::http::last_answer;

use super::fault::{Fault, Mode, good_answer};
use crate::lambda_errors::lambda_errors;

const RETRIES_OFF: &str = "its retries are off, because they also repeat what may have run";

/// Errors by which Lambda says that it did not start the function, or could not have.
const NOT_STARTED: [u16; 5] = [400, 403, 404, 413, 429];

fn error(status: u16, name: &str, headers: &str) -> Vec<u8> {
    let headers = format!("x-amzn-ErrorType: {name}\r\n{headers}");
    last_answer(status, &headers, r#"{"message":"why","Message":"why"}"#)
}

pub fn named() -> Vec<Fault> {
    let row = |known: crate::lambda_errors::LambdaError| {
        let fault = Fault::answer(
            format!("{} `{}`", known.status, known.name),
            error(known.status, known.name, ""),
        );
        if NOT_STARTED.contains(&known.status) || known.name.ends_with("NotReadyException") {
            fault.not_starting_core()
        } else {
            fault
        }
    };
    lambda_errors().into_iter().map(row).collect()
}

pub fn throttled() -> Vec<Fault> {
    let throttled = |headers: &str| error(429, "TooManyRequestsException", headers);
    let always =
        |name: &str, headers: &str| Fault::answer(name, throttled(headers)).not_starting_core();
    let first = throttled("");
    vec![
        always("429 with `Retry-After: 7`", "Retry-After: 7\r\n"),
        always(
            "429 with a date in `Retry-After`",
            "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n",
        ),
        always("429 with a negative `Retry-After`", "Retry-After: -1\r\n"),
        Fault::answer("429 without a name", last_answer(429, "", "")).not_starting_core(),
        Fault::new("429 once", move |mode: Mode| {
            Script::in_turn(vec![first.clone(), good_answer(mode)], 1)
        })
        .sdk_differs(RETRIES_OFF),
    ]
}

//! Floods: many requests in a row, and what becomes of memory, descriptors and answers.
//!
//! `edge 1000000` sends a mixture of events through the edge, `stack 60` sends good, bad and hostile
//! requests to the local stack for a minute, while processes of its functions are killed, and
//! `aborted 1600` breaks requests off while a console is open. Each ends with an error if something
//! is lost or grows. They read `/proc`, so they need Linux; `docs/reliability.md` has the figures.

mod aborted;
mod build;
mod edge;
mod local_stack;
mod request;
mod stack;
mod watch;

use std::process::ExitCode;

const USAGE: &str = "write `edge` and a number of events, `stack` and a number of seconds, or `aborted` and a number \
                     of requests; then, if you like, the path of the built edge or stack";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let program = arguments.get(2).map(String::as_str);
    let number = arguments.get(1).and_then(|text| text.parse().ok());
    let result = match (arguments.first().map(String::as_str), number) {
        (Some("edge"), Some(events)) => edge::flood(events, program),
        (Some("stack"), Some(seconds)) => stack::flood(seconds, program),
        (Some("aborted"), Some(requests)) => aborted::flood(requests, program),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

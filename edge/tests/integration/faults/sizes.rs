//! Lambda's limit of 6 MiB, one byte below, at and above it, in both directions. Of answers Lambda
//! accepts 100 bytes more. The requests are direct Invokes, in which every byte of the payload is
//! known.

use testkit::endpoint::{Script, Step};
use testkit::event_stream::{chunk, complete};
use testkit::http;

use super::fault::{Fault, Mode, good_script};

const LIMIT: usize = 6 * 1024 * 1024;
/// The largest answer that Lambda passes on, by its own error message.
const LIMIT_OF_ANSWERS: usize = 6_291_556;

/// A JSON object of a size.
fn object(bytes: usize) -> String {
    let frame = r#"{"pad":""}"#.len();
    format!(r#"{{"pad":"{}"}}"#, "x".repeat(bytes - frame))
}

pub fn rows() -> Vec<Fault> {
    let mut rows = Vec::new();
    for size in [LIMIT - 1, LIMIT, LIMIT + 1] {
        let row = Fault::new(format!("a payload of {size} bytes"), good_script);
        let row = row.with_direct_event(object(size));
        rows.push(if size > LIMIT { row.lasting() } else { row });
    }
    for size in [
        LIMIT,
        LIMIT_OF_ANSWERS - 1,
        LIMIT_OF_ANSWERS,
        LIMIT_OF_ANSWERS + 1,
        8 * 1024 * 1024,
    ] {
        let row = Fault::new(format!("an answer of {size} bytes"), move |mode| {
            let body = match mode {
                Mode::Whole => object(size).into_bytes(),
                Mode::Streamed => [chunk(&object(size)), complete("{}")].concat(),
            };
            Script::after_request([Step::Send(http::answer(200, "", &body))])
        });
        rows.push(row.with_direct_event("{}".to_owned()));
    }
    rows
}

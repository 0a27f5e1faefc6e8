//! The log of the edge, which must have one line for each request, in their order.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

/// What the log says.
#[derive(Debug, Default)]
pub struct Log {
    /// The lines of requests.
    pub requests: u64,
    /// All other lines.
    pub others: u64,
    /// The last of them.
    last_other: String,
    /// How often each status with its code was answered.
    outcomes: BTreeMap<(String, String), u64>,
}

/// Reads the log to its end; fails where the line of a request is missing or comes twice.
pub fn read(output: impl Read) -> Result<Log, String> {
    let mut log = Log::default();
    let mut result = Ok(());
    // The pipe is read to its end whatever happens, so that the edge never waits for it.
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if !line.contains(r#""message":"request""#) {
            log.others += 1;
            log.last_other = line;
            continue;
        }
        let id = after(&line, r#""requestId":""#, '"');
        if id != log.requests.to_string() && result.is_ok() {
            let expected = log.requests;
            result = Err(format!("no line of request {expected}, but {line}"));
        }
        log.requests += 1;
        let status = after(&line, r#""status":"#, ',').to_owned();
        let code = after(&line, r#""code":""#, '"').to_owned();
        *log.outcomes.entry((status, code)).or_default() += 1;
    }
    result.map(|()| log)
}

/// The text between a beginning and the next `end`.
fn after<'a>(line: &'a str, beginning: &str, end: char) -> &'a str {
    let rest = line.split_once(beginning).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split(end).next())
        .unwrap_or_default()
}

impl Log {
    /// Prints how often each status with its code was answered, and a line that is not a request's.
    pub fn print(&self) {
        for ((status, code), times) in &self.outcomes {
            println!("{times:>8} times {status} {code}");
        }
        if self.others > 0 {
            println!("a line that is not a request's: {}", self.last_other);
        }
    }
}

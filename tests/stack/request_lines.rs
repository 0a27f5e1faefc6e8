//! The lines that the stack prints of requests: text in a terminal, JSON elsewhere.

use serde_json::Value;

use crate::harness::{Stack, program};
use crate::question::QUESTION;
use crate::records::record;

/// A stack that was started without the option `--log`, unless the arguments have it, and with
/// its output in a pipe.
fn in_a_pipe(arguments: &[&str]) -> Stack {
    Stack::start_command(program(&[&["--port", "0"], arguments].concat()))
}

#[tokio::test]
async fn outside_of_a_terminal_and_where_it_is_asked_for_every_line_is_json() {
    for (name, stack) in [
        ("in a pipe", in_a_pipe(&[])),
        ("asked for", Stack::in_terminal(&["--log", "json"])),
    ] {
        stack.ask("{}").await;
        let line = stack.wait_for("\"source\":\"request\"");
        let request: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(request["request"]["stop"]["hop"], "edge", "{name}: {line}");
        assert!(
            request["request"]["hops"][0]["ms"].is_f64(),
            "{name}: {line}"
        );
        let edge: Value =
            serde_json::from_str(&stack.wait_for("\"source\":\"edge\"")).expect("JSON");
        assert_eq!(edge["fields"]["code"], "missing_fields", "{name}: {edge}");
        for line in stack.written().lines() {
            assert!(
                serde_json::from_str::<Value>(line).is_ok(),
                "{name}: {line}"
            );
        }
    }
}

/// A line with `N` in place of every number with a fraction.
fn without_times(line: &str) -> String {
    let is_time = |word: &str| word.contains('.') && word.parse::<f64>().is_ok();
    let ends = |c: char| !(c.is_ascii_digit() || c == '.');
    let pieces = line.split_inclusive(ends).map(|piece| {
        let number = piece.trim_end_matches(ends);
        if is_time(number) {
            format!("N{}", &piece[number.len()..])
        } else {
            piece.to_owned()
        }
    });
    pieces.collect()
}

#[tokio::test]
async fn in_a_terminal_a_request_is_a_line_with_each_hops_time_and_an_error_another_with_its_mend()
{
    for (name, stack, [red, dim, end]) in [
        (
            "in a terminal",
            Stack::in_terminal(&[]),
            ["\x1b[31m", "\x1b[2m", "\x1b[0m"],
        ),
        ("in a pipe", in_a_pipe(&["--log", "text"]), [""; 3]),
    ] {
        stack.ask(QUESTION).await;
        let line = stack.wait_for("  #1 │ POST /inference");
        let hops = "HTTP API N, JWT authorizer N, Lambda N, edge N, Lambda N, core N, cold start";
        assert_eq!(
            without_times(&line),
            format!("  #1 │ POST /inference → 200 in N ms {dim}({hops}){end}"),
            "{name}"
        );
        stack.ask_with("nonsense", QUESTION).await;
        let line = stack.wait_for("  #2 │ POST /inference");
        assert_eq!(
            without_times(&line),
            format!(
                "  #2 │ POST /inference → {red}401{end} in N ms {dim}(HTTP API N, JWT authorizer N){end}"
            ),
            "{name}"
        );
        let stop = record(&stack, 2).await["stop"].clone();
        let member = |name: &str| stop[name].as_str().expect("a text").to_owned();
        let [hop, why, mend] = ["hop", "why", "mend"].map(member);
        assert!(mend.contains("token"), "{stop}");
        assert_eq!(
            stack.wait_for("✗"),
            format!("     │ {red}✗ {hop}: {why}{end} → {mend}"),
            "{name}"
        );
    }
}

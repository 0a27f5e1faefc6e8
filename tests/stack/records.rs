//! The records as JSON and on the command line: their documented form, what is recorded through
//! each entry point, replays, aborted requests, and the lines that the stack prints as JSON.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::harness::{Stack, header, program, send, text, value};
use crate::hold::Hold;

const QUESTION: &str = r#"{"partner":"p","year":1,"period":"Q1","question":"text"}"#;

/// Runs a subcommand against a stack and returns what it prints.
fn run(stack: &Stack, arguments: &[&str]) -> String {
    let file = stack.ready_file().display().to_string();
    let output = program(&[arguments, &["--ready-file", &file]].concat())
        .output()
        .expect("the program");
    let printed = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&printed).into_owned()
}

/// The record with a number.
async fn record(stack: &Stack, id: u64) -> Value {
    stack.console(&format!("records/{id}")).await
}

/// The paths of the members of a value. Headers and claims have any names.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                let is_open = path.ends_with("headers") || path == "claims";
                found.insert(path.clone());
                if !is_open {
                    members(value, &path, found);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                members(item, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}

/// The members that the document's table of records lists.
fn documented() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/local.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let (_, table) = document
        .split_once("| member | meaning |")
        .expect("a table");
    let rows = table
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with('|'));
    rows.skip(1)
        .flat_map(|row| {
            let cell = row.split('|').nth(1).unwrap_or_default();
            let spans = cell.split('`').skip(1).step_by(2).map(str::to_owned);
            spans.collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test]
async fn the_document_lists_the_members_that_records_have_and_no_others() {
    let stack = Stack::scripted(&[]);
    stack.ask_core("text").await;
    stack.ask("{}").await;
    let console = stack.ready_value("/consoleUrl");
    send(
        Method::POST,
        &format!("{console}/lab/wrong-signature"),
        &[],
        "",
    )
    .await;
    let body = json!({ "target": "edge-stream", "body": QUESTION.replace("text", "flood:1") });
    send(
        Method::POST,
        &format!("{console}/send"),
        &[],
        &body.to_string(),
    )
    .await;
    let mut found = BTreeSet::new();
    for id in 1..=4 {
        members(&record(&stack, id).await, "", &mut found);
    }
    assert_eq!(found, documented());
    let list = stack.console("records").await;
    let mut in_list = BTreeSet::new();
    members(&list["records"], "", &mut in_list);
    let above = |path: &String| !path.trim_start_matches("[].").contains(['[', '.']);
    let names: BTreeSet<_> = in_list.iter().filter(|path| above(path)).collect();
    assert_eq!(names.len(), 12, "{names:?}");
}

#[tokio::test]
async fn every_entry_point_leaves_a_record_whose_hops_add_up() {
    let stack = Stack::scripted(&[]);
    let token = [
        (
            "authorization",
            format!("Bearer {}", stack.ready_value("/idToken")),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    stack.ask(QUESTION).await;
    let url = format!("{}/inference", stack.ready_value("/restApiUrl"));
    send(Method::POST, &url, &token, QUESTION).await;
    send(
        Method::POST,
        stack.ready_value("/openFunctionUrl"),
        &token,
        QUESTION,
    )
    .await;
    stack.invoke_as("userCredentials", "edge", QUESTION).await;
    let direct = stack.invoke("core", &[], r#"{"question":"throw"}"#).await;
    let all = ["edge", "core"];
    for (id, entry_point, first_hops, functions) in [
        (1, "http-api", ["HTTP API", "JWT authorizer"], &all[..]),
        (2, "rest-api", ["REST API", "Cognito authorizer"], &all[..]),
        (
            3,
            "function-url",
            ["Function URL of edge-open", "Lambda"],
            &["edge-open", "core"],
        ),
        (4, "invoke", ["Lambda", "edge"], &all[..]),
        (5, "invoke", ["Lambda", "core"], &["core"]),
    ] {
        let record = record(&stack, id).await;
        assert_eq!(record["entryPoint"], entry_point, "{record}");
        assert_eq!(record["state"], "complete", "{entry_point}");
        let hops = record["hops"].as_array().expect("hops");
        let names: Vec<_> = hops.iter().take(2).map(|hop| &hop["name"]).collect();
        assert_eq!(names, first_hops, "{entry_point}");
        let sum: f64 = hops.iter().filter_map(|hop| hop["ms"].as_f64()).sum();
        let whole = record["ms"].as_f64().expect("ms");
        assert!(
            (sum - whole).abs() < 1e-6,
            "{entry_point}: {sum} of {whole}"
        );
        let invocations = record["invocations"].as_array().expect("invocations");
        let invoked: Vec<_> = invocations.iter().map(|one| &one["function"]).collect();
        assert_eq!(invoked, functions, "{entry_point}");
    }
    let by_id = stack
        .console(&format!("records/{}", header(&direct, "x-amzn-requestid")))
        .await;
    assert_eq!(
        (&by_id["id"], &by_id["stop"]["hop"]),
        (&json!(5), &json!("core"))
    );
    assert_eq!(by_id["stop"]["why"], "Boom: it broke");
}

#[tokio::test]
async fn what_a_function_prints_is_in_the_record_of_its_request() {
    let stack = Stack::scripted(&[]);
    for question in ["text", "nothing", "throw"] {
        stack.ask_core(question).await;
        // A line may come after the answer, but before the environment has the next request.
        stack.wait_for(&format!("scripted core: {question}"));
    }
    for (id, question) in [(1, "text"), (2, "nothing"), (3, "throw")] {
        let record = record(&stack, id).await;
        let core = &record["invocations"][1];
        assert_eq!(core["log"], json!([format!("scripted core: {question}")]));
        assert_eq!(core["memoryMb"], 256);
        let billed = core["billedMs"].as_f64().expect("a time");
        assert!(billed >= 1.0 && billed.fract() == 0.0, "{billed}");
        assert_eq!(
            core["initMs"].is_f64(),
            id == 1,
            "the first is a cold start"
        );
    }
}

#[tokio::test]
async fn lines_of_requests_that_an_environment_answers_at_once_are_recognized_by_their_ids() {
    let stack = Stack::scripted(&["--env", "AWS_LAMBDA_MAX_CONCURRENCY=4"]);
    let stack = Arc::new(stack);
    let hold = Hold::new();
    let asked = [(); 2].map(|()| {
        let (stack, question) = (Arc::clone(&stack), hold.question());
        tokio::spawn(async move { stack.ask_core(&question).await.status })
    });
    let both_wait_for_core = |records: &[Value; 2]| {
        let functions = |record: &Value| record["invocations"].as_array().map(Vec::len);
        records.iter().all(|record| functions(record) == Some(2))
    };
    both(&stack, both_wait_for_core).await;
    hold.release();
    for answer in asked {
        assert_eq!(answer.await.expect("an answer"), 200);
    }
    let lines = |record: &Value, kind: &str| {
        let lines = record["invocations"][0][kind].as_array();
        lines.cloned().unwrap_or_default()
    };
    let count = |record: &Value| lines(record, "log").len() + lines(record, "sharedLog").len();
    // The edge prints its line after the answer.
    let records = both(&stack, |records| {
        records.iter().map(count).sum::<usize>() == 2
    })
    .await;
    for record in records {
        let id = record["invocations"][0]["requestId"]
            .as_str()
            .expect("an id");
        let [line] = &lines(&record, "log")[..] else {
            panic!("not one line: {record}");
        };
        assert!(
            line.as_str().is_some_and(|line| line.contains(id)),
            "{record}"
        );
    }
}

/// The first two records, once they are as they should be.
async fn both(stack: &Stack, are_so: impl Fn(&[Value; 2]) -> bool) -> [Value; 2] {
    let deadline = std::time::Instant::now() + crate::harness::TEST_TIMEOUT;
    loop {
        let records = [record(stack, 1).await, record(stack, 2).await];
        if are_so(&records) {
            return records;
        }
        assert!(std::time::Instant::now() < deadline, "{records:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_list_is_filtered_and_what_cannot_be_selected_is_refused_by_name() {
    let stack = Stack::scripted(&[]);
    stack.ask_core("text").await;
    stack.ask("{}").await;
    stack.invoke("core", &[], r#"{"question":"needle"}"#).await;
    for (query, expected) in [
        ("", json!([3, 2, 1])),
        ("?status=4xx", json!([2])),
        ("?status=200", json!([3, 1])),
        ("?status=stopped", json!([2])),
        ("?entryPoint=invoke", json!([3])),
        ("?text=NEEDLE", json!([3])),
        ("?limit=1", json!([3])),
    ] {
        let list = stack.console(&format!("records{query}")).await;
        let ids: Vec<_> = list["records"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| &one["id"])
            .collect();
        assert_eq!(json!(ids), expected, "{query}");
    }
    let console = stack.ready_value("/consoleUrl");
    for (query, message) in [
        ("status=9x", "status=9x: give a status such as 404"),
        (
            "state=open",
            "unknown field `state`, expected one of `status`",
        ),
        ("entryPoint=door", "unknown variant `door`"),
    ] {
        let answer = send(Method::GET, &format!("{console}/records?{query}"), &[], "").await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(
            text(&answer).contains(message),
            "{query}: {}",
            text(&answer)
        );
    }
}

#[tokio::test]
async fn the_command_line_lists_shows_and_replays() {
    let stack = Stack::scripted(&[]);
    stack.ask_core("text").await;
    stack.ask("{}").await;
    let list = run(&stack, &["requests"]);
    assert!(
        list.contains("http-api") && list.contains("✗ edge: missing_fields"),
        "{list}"
    );
    let one = run(&stack, &["requests", "2"]);
    for part in [
        "✓ JWT authorizer",
        "✗ validate: missing_fields",
        "→ Give partner",
        "· core",
    ] {
        assert!(one.contains(part), "{part} is not in {one}");
    }
    let json: Value =
        serde_json::from_str(&run(&stack, &["requests", "--json", "2"])).expect("JSON");
    assert_eq!(json, record(&stack, 2).await);
    let filtered: Value =
        serde_json::from_str(&run(&stack, &["requests", "--json", "--status", "2xx"]))
            .expect("JSON");
    assert_eq!(filtered["records"].as_array().map(Vec::len), Some(1));
    let replayed = run(&stack, &["replay", "1"]);
    assert!(
        replayed.contains("#3 POST") && replayed.contains("repeats #1"),
        "{replayed}"
    );
    let replayed = record(&stack, 3).await;
    assert_eq!(
        (&replayed["replayOf"], &replayed["status"]),
        (&json!(1), &json!(200))
    );
    let original = record(&stack, 1).await;
    assert_eq!(replayed["request"]["body"], original["request"]["body"]);
    for (arguments, message) in [
        (["requests", "99"], "there is no record 99"),
        (["replay", "99"], "there is no record 99"),
    ] {
        let printed = run(&stack, &arguments);
        assert!(printed.contains(message), "{printed}");
    }
    let nowhere = program(&["requests", "--port", "1"])
        .output()
        .expect("the program");
    let printed = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(
        !nowhere.status.success() && printed.contains("give its --port or --ready-file"),
        "{printed}"
    );
}

#[tokio::test]
async fn a_signed_request_is_signed_anew_when_it_is_replayed_and_changed() {
    let stack = Stack::scripted(&[]);
    stack.invoke_as("userCredentials", "edge", QUESTION).await;
    let url = format!("{}/records/1/replay", stack.ready_value("/consoleUrl"));
    let changes = json!({ "body": "{}" }).to_string();
    let sent = value(&send(Method::POST, &url, &[], &changes).await);
    let replayed = record(&stack, sent["id"].as_u64().expect("a number")).await;
    assert_eq!(replayed["stop"]["rule"], "validate", "{replayed}");
    assert_eq!(replayed["request"]["body"]["text"], "{}");
}

#[tokio::test]
async fn a_token_that_has_expired_since_is_replaced_in_a_replay_which_is_said() {
    let stack = Stack::scripted(&["--token-life", "5"]);
    // On a busy machine a token may expire before it is used.
    let token = loop {
        let tokens = stack.sign_in().await;
        let token = tokens["IdToken"].as_str().expect("a token").to_owned();
        if stack.ask_with(&token, QUESTION).await.status == 200 {
            break token;
        }
    };
    let passed = stack.console("records?status=200&limit=1").await["records"][0]["id"].to_string();
    let refused = loop {
        if stack.ask_with(&token, QUESTION).await.status == 401 {
            break stack.console("records?limit=1").await["records"][0]["id"].to_string();
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    let console = stack.ready_value("/consoleUrl");
    let lab = send(
        Method::POST,
        &format!("{console}/lab/expired-token"),
        &[],
        "",
    )
    .await;
    let experiment = value(&lab)["id"].to_string();
    let note =
        "the ID token of ada@example.edu has expired since #N: a new one of the same user was sent";
    let note = note.replace('N', &passed);
    let changed = json!({ "headers": { "authorization": format!("Bearer {token}x") } });
    for (name, id, changes, status, expected) in [
        ("valid when it was sent", &passed, None, 200, json!(note)),
        ("refused when it was sent", &refused, None, 401, Value::Null),
        ("of the error lab", &experiment, None, 401, Value::Null),
        ("another token", &passed, Some(changed), 401, Value::Null),
    ] {
        let url = format!("{console}/records/{id}/replay");
        let changes = changes.map(|changes| changes.to_string());
        let changes = changes.unwrap_or_default();
        let sent = value(&send(Method::POST, &url, &[], &changes).await);
        assert_eq!(
            (&sent["status"], &sent["note"]),
            (&json!(status), &expected),
            "{name}: {sent}"
        );
    }
    let replayed = run(&stack, &["replay", &passed]);
    assert!(
        replayed.contains(" → 200 in ") && replayed.contains(&format!("note: {note}\n")),
        "{replayed}"
    );
}

#[tokio::test]
async fn aborted_requests_end_as_records_and_leave_no_memory_behind() {
    let stack = Stack::scripted(&[]);
    let address = stack.ready_value("/apiUrl").trim_start_matches("http://");
    let token = stack.ready_value("/idToken");
    let body = json!({ "partner": "p".repeat(60_000), "year": 1, "period": "Q1", "question": "sleep:600000" }).to_string();
    let request = format!(
        "POST /inference HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Few, because each holds an environment of core until its time-out.
    for _ in 0..3 {
        let mut connection = tokio::net::TcpStream::connect(address)
            .await
            .expect("a connection");
        connection
            .write_all(request.as_bytes())
            .await
            .expect("a request");
        wait_until(&stack, |records| records[0]["state"] == "open").await;
        drop(connection);
        wait_until(&stack, |records| records[0]["state"] == "aborted").await;
    }
    let record = record(&stack, 3).await;
    assert_eq!(record["stop"]["hop"], "Client", "{record}");
}

/// Waits until the records of a list are as they should be.
async fn wait_until(stack: &Stack, is_so: impl Fn(&Value) -> bool) {
    let deadline = std::time::Instant::now() + crate::harness::TEST_TIMEOUT;
    loop {
        let list = stack.console("records").await;
        if is_so(&list["records"]) {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{list}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_refused_preflight_says_which_header_is_missing() {
    let stack = Stack::scripted(&["--env", "ALLOWED_ORIGINS=https://a.example"]);
    let url = format!("{}/inference", stack.ready_value("/apiUrl"));
    for (origin, method, headers, why) in [
        (
            "https://b.example",
            "POST",
            "",
            "https://b.example is not allowed",
        ),
        (
            "https://a.example",
            "PUT",
            "",
            "the method PUT is not allowed",
        ),
        (
            "https://a.example",
            "POST",
            "x-other",
            "the request header x-other is not allowed",
        ),
    ] {
        let headers = [
            ("origin", origin.to_owned()),
            ("access-control-request-method", method.to_owned()),
            ("access-control-request-headers", headers.to_owned()),
        ];
        send(Method::OPTIONS, &url, &headers, "").await;
        let list = stack.console("records?limit=1").await;
        let stop = &list["records"][0]["stop"];
        assert_eq!(stop["rule"], "CORS preflight", "{stop}");
        let said = stop["why"].as_str().unwrap_or_default();
        assert!(said.contains(why), "{said}");
    }
}

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
        match is_time(number) {
            true => format!("N{}", &piece[number.len()..]),
            false => piece.to_owned(),
        }
    });
    pieces.collect()
}

#[tokio::test]
async fn in_a_terminal_a_request_is_a_line_with_each_hops_time_and_an_error_another_with_its_mend()
{
    let question =
        r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;
    for (name, stack, [red, dim, end]) in [
        (
            "in a terminal",
            Stack::in_terminal(&[]),
            ["\x1b[31m", "\x1b[2m", "\x1b[0m"],
        ),
        ("in a pipe", in_a_pipe(&["--log", "text"]), [""; 3]),
    ] {
        stack.ask(question).await;
        let line = stack.wait_for("  #1 │ POST /inference");
        let hops = "HTTP API N, JWT authorizer N, Lambda N, edge N, Lambda N, core N, cold start";
        assert_eq!(
            without_times(&line),
            format!("  #1 │ POST /inference → 200 in N ms {dim}({hops}){end}"),
            "{name}"
        );
        stack.ask_with("nonsense", question).await;
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

//! The records as JSON: what is recorded through each entry point, the list and its filters, and
//! aborted requests.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::harness::{Stack, header, send, text};
use crate::hold::Hold;

pub const QUESTION: &str = r#"{"partner":"p","year":1,"period":"Q1","question":"text"}"#;

/// The record with a number.
pub async fn record(stack: &Stack, id: u64) -> Value {
    stack.console(&format!("records/{id}")).await
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

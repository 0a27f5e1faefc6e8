//! The REST API, buffered and streamed, with the ID token alone.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request};
use http_body_util::Full;
use inference_edge::http::{BufferedResponse, HttpClient};
use serde_json::json;

use crate::chunked::ChunkedBody;
use crate::harness::{Stack, TEST_TIMEOUT, header, send, text, value};
use crate::hold::Hold;
use crate::question::{QUERY, QUESTION, REVENUE};

/// The origin of a page that may read the answers.
const ORIGIN: &str = "http://localhost:5173";

impl Stack {
    /// The URLs of the two stages' resource.
    fn rest_urls(&self) -> [String; 2] {
        ["/restApiUrl", "/streamApiUrl"].map(|name| format!("{}/inference", self.ready_value(name)))
    }

    /// A request of a page to the stage that streams.
    fn stream_request(&self, question: &str) -> Request<Full<Bytes>> {
        let body = json!({ "partner": "x", "year": 2023, "period": "Q1", "question": question });
        let [_, url] = self.rest_urls();
        Request::post(url)
            .header(
                "authorization",
                format!("Bearer {}", self.ready_value("/idToken")),
            )
            .header("content-type", "application/json")
            .header("origin", ORIGIN)
            .body(Full::from(body.to_string()))
            .expect("a request")
    }

    async fn ask_stream_api(&self, question: &str) -> BufferedResponse {
        HttpClient::new()
            .send(self.stream_request(question), TEST_TIMEOUT)
            .await
            .expect("an answer")
    }
}

fn with_token(token: &str) -> [(&'static str, String); 3] {
    [
        ("authorization", token.to_owned()),
        ("content-type", "application/json".to_owned()),
        ("origin", ORIGIN.to_owned()),
    ]
}

#[tokio::test]
async fn both_stages_require_an_id_token_and_respond_as_rest_apis_do() {
    let stack = Stack::start(&[]);
    let access = stack.sign_in().await["AccessToken"]
        .as_str()
        .expect("a token")
        .to_owned();
    for url in stack.rest_urls() {
        let id_token = with_token(stack.ready_value("/idToken"));
        let answer = send(Method::POST, &url, &id_token, QUESTION).await;
        assert!(text(&answer).contains(REVENUE), "{}", text(&answer));
        assert_eq!(header(&answer, "access-control-allow-origin"), ORIGIN);
        let get = send(Method::GET, &format!("{url}?{QUERY}"), &id_token, "").await;
        assert!(text(&get).contains(REVENUE), "{}", text(&get));
        for token in ["", "x", access.as_str()] {
            let refused = send(Method::POST, &url, &with_token(token), QUESTION).await;
            assert_eq!(
                (refused.status.as_u16(), text(&refused).as_str()),
                (401, r#"{"message":"Unauthorized"}"#),
                "{token}"
            );
        }
        let preflight = [
            ("origin", ORIGIN.to_owned()),
            ("access-control-request-method", "POST".to_owned()),
            (
                "access-control-request-headers",
                "authorization,content-type".to_owned(),
            ),
        ];
        let preflight = send(Method::OPTIONS, &url, &preflight, "").await;
        assert_eq!(preflight.status.as_u16(), 204);
        for (name, value) in [
            ("access-control-allow-origin", ORIGIN),
            ("access-control-allow-methods", "GET,POST,OPTIONS"),
            ("access-control-allow-headers", "Content-Type,Authorization"),
        ] {
            assert_eq!(header(&preflight, name), value, "{name}");
        }
    }
    stack.wait_for("POST /stream/inference → 200 in ");
}

#[tokio::test]
async fn the_apis_own_errors_can_be_read_by_a_page_of_another_origin() {
    let stack = Stack::scripted(&[]);
    let token = stack.ready_value("/idToken");
    let long_header = ("x-long", "a".repeat(10 * 1024));
    let [buffered, streamed] = stack.rest_urls();
    let root = buffered.trim_end_matches("/prod/inference").to_owned();
    let mut cases = vec![(
        "no such stage",
        Method::POST,
        format!("{root}/other/inference"),
        403,
        "Forbidden",
    )];
    for url in [&buffered, &streamed] {
        let elsewhere = format!("{url}/nowhere");
        cases.extend([
            (
                "no such path",
                Method::POST,
                elsewhere,
                403,
                "Missing Authentication Token",
            ),
            (
                "no such method",
                Method::PUT,
                url.clone(),
                403,
                "Missing Authentication Token",
            ),
        ]);
    }
    for url in [&buffered, &streamed] {
        // The API has a route for GET, and none for HEAD: it does not take one for the other.
        let answer = send(Method::HEAD, url, &with_token(token), "").await;
        assert_eq!(
            (answer.status.as_u16(), header(&answer, "x-amzn-errortype")),
            (403, "MissingAuthenticationTokenException"),
            "{url}"
        );
    }
    for (name, method, url, status, message) in cases {
        let answer = send(method, &url, &with_token(token), "").await;
        assert_eq!(
            (answer.status.as_u16(), &value(&answer)["message"]),
            (status, &json!(message)),
            "{name}: {url}"
        );
        assert_eq!(
            header(&answer, "access-control-allow-origin"),
            "*",
            "{name}: {url}"
        );
    }
    for url in [&buffered, &streamed] {
        let mut headers = with_token(token).to_vec();
        let too_large = send(
            Method::POST,
            url,
            &headers,
            &" ".repeat(10 * 1024 * 1024 + 1),
        )
        .await;
        headers.push(long_header.clone());
        let too_long = send(Method::POST, url, &headers, QUESTION).await;
        let unsigned = send(Method::POST, url, &[], QUESTION).await;
        for (answer, status) in [(too_large, 413), (too_long, 431), (unsigned, 401)] {
            assert_eq!(
                (
                    answer.status.as_u16(),
                    header(&answer, "access-control-allow-origin")
                ),
                (status, "*"),
                "{url}"
            );
        }
        let head = send(Method::HEAD, url, &with_token(token), "").await;
        assert_eq!((head.status.as_u16(), text(&head).as_str()), (403, ""));
    }
}

#[tokio::test]
async fn a_page_gets_the_first_bytes_while_core_still_runs() {
    let stack = Stack::scripted(&[]);
    let hold = Hold::new();
    let mut chunks = ChunkedBody::of(stack.stream_request(&hold.question())).await;
    assert_eq!(
        chunks.next().await.expect("a chunk").expect("bytes"),
        "data: {\"text\":\"one \"}\n\n"
    );
    let header = |name: &str| {
        chunks
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!(header("access-control-allow-origin"), Some(ORIGIN));
    // The core function waits for the file, so it cannot have sent more.
    hold.release();
    assert_eq!(
        chunks.rest().await,
        ("data: {\"text\":\"two\"}\n\n".to_owned(), true)
    );
}

#[tokio::test]
async fn status_cookies_and_repeated_headers_of_core_reach_the_page() {
    let stack = Stack::scripted(&[]);
    let answer = stack.ask_stream_api("prelude").await;
    let values = |name: &str| {
        let values = answer.headers.get_all(name).iter();
        let values = values.map(|value| value.to_str().expect("text").to_owned());
        values.collect::<Vec<_>>().join(" | ")
    };
    assert_eq!(
        (answer.status.as_u16(), text(&answer).as_str()),
        (201, "one two")
    );
    for (name, expected) in [
        ("content-type", "text/plain"),
        ("x-page", "7"),
        ("x-many", "a, b"),
        ("set-cookie", "a=1 | b=2"),
        ("access-control-allow-origin", ORIGIN),
    ] {
        assert_eq!(values(name), expected, "{name}");
    }
}

#[tokio::test]
async fn a_failure_before_the_first_byte_is_an_ordinary_response() {
    let stack = Stack::scripted(&[]);
    let [_, url] = stack.rest_urls();
    let wrong = send(
        Method::POST,
        &url,
        &with_token(stack.ready_value("/idToken")),
        "{}",
    )
    .await;
    let failed = stack.ask_stream_api("throw").await;
    for (answer, status, code) in [(wrong, 400, "missing_fields"), (failed, 502, "core_error")] {
        assert_eq!(
            (answer.status.as_u16(), &value(&answer)["code"]),
            (status, &json!(code))
        );
        assert_eq!(
            header(&answer, "access-control-allow-origin"),
            ORIGIN,
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_never_looks_like_a_complete_answer() {
    let stack = Stack::scripted(&[]);
    for (question, start) in [("break-off:text ", "text one\n\n"), ("trailer", "one")] {
        let chunks = ChunkedBody::of(stack.stream_request(question)).await;
        assert_eq!(chunks.status(), 200, "{question}");
        assert_eq!(chunks.rest().await, (start.to_owned(), false), "{question}");
    }
    let events = ChunkedBody::of(stack.stream_request("break-off:data: ")).await;
    events.ends_with_truncation_error("data: one\n\n").await;
}

#[tokio::test]
async fn callers_that_leave_are_forgotten_and_their_environments_used_again() {
    let stack = Stack::scripted(&[]);
    let cold_starts = || stack.written().matches("\"coldStart\":true").count();
    let mut sockets = Vec::new();
    for round in 0..3 {
        let hold = Hold::new();
        let mut callers = Vec::new();
        for _ in 0..3 {
            let mut chunks = ChunkedBody::of(stack.stream_request(&hold.question())).await;
            chunks.next().await.expect("a chunk").expect("bytes");
            callers.push(chunks);
        }
        drop(callers);
        // Lambda does not tell a function that its caller has left: core runs to its end.
        hold.release();
        let ended = format!("the callers of round {round} are gone");
        let answer = stack.ask_stream_api(&ended).await;
        assert!(text(&answer).contains(&ended), "{}", text(&answer));
        sockets.push(quiet_sockets(stack.pid()).await);
    }
    assert!(
        cold_starts() <= 8,
        "environments are not used again: {} cold starts",
        cold_starts()
    );
    assert!(
        sockets[2] <= sockets[1] + 3,
        "sockets stay open: {sockets:?}"
    );
}

/// The number of a process's sockets, once it no longer falls.
async fn quiet_sockets(pid: u32) -> usize {
    let count = || {
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten();
        let targets = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        targets
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    };
    let mut last = count();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = count();
        if now >= last {
            return now;
        }
        last = now;
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_long_stream_takes_no_more_memory_than_a_short_one() {
    let stack = Stack::scripted(&["--no-throttling"]);
    let peak = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", stack.pid()));
        let status = status.expect("the stack's status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        kib.and_then(|kib| kib.parse::<u64>().ok())
            .expect("a figure")
    };
    let flood = async |megabytes: usize| {
        let chunks = ChunkedBody::of(stack.stream_request(&format!("flood:{megabytes}"))).await;
        let (bytes, is_whole) = chunks.rest().await;
        assert_eq!((bytes.len(), is_whole), (megabytes << 20, true));
    };
    flood(1).await;
    let before = peak();
    flood(64).await;
    let grown = peak() - before;
    assert!(grown < 32 * 1024, "64 MiB took {grown} KiB of the stack");
}

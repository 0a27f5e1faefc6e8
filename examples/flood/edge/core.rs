//! What core answers to the edge: in turn an answer, an error, text, a failure of Lambda, nothing,
//! and an answer that breaks off.

use std::sync::LazyLock;

use testkit::event_stream;

/// An answer to a call of core.
#[derive(Debug)]
pub struct Answer {
    /// The status line after `HTTP/1.1 `, and headers.
    pub head: &'static str,
    pub body: Vec<u8>,
    /// Whether the connection closes before the body is whole.
    pub is_cut: bool,
}

impl Answer {
    fn new(head: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            head,
            body,
            is_cut: false,
        }
    }

    fn cut(body: impl Into<Vec<u8>>) -> Self {
        let is_cut = true;
        Self {
            is_cut,
            ..Self::new("200 OK\r\n", body)
        }
    }
}

/// The answers to `Invoke`, in turn.
static WHOLE: LazyLock<[Answer; 6]> = LazyLock::new(|| {
    [
        Answer::new("200 OK\r\n", r#"{"answer":"yes"}"#),
        Answer::new(
            "200 OK\r\nX-Amz-Function-Error: Unhandled\r\n",
            r#"{"errorType":"Boom","errorMessage":"it broke"}"#,
        ),
        Answer::new("200 OK\r\n", "not JSON"),
        failure(),
        Answer::new("200 OK\r\n", ""),
        Answer::cut(r#"{"cut":"#),
    ]
});

/// The answers to `InvokeWithResponseStream`, in turn.
static STREAMED: LazyLock<[Answer; 7]> = LazyLock::new(|| {
    let complete = || event_stream::complete("{}");
    let chunks = [
        event_stream::chunk("data: one\n\n"),
        event_stream::chunk("data: two\n\n"),
    ]
    .concat();
    let failed =
        event_stream::complete(r#"{"ErrorCode":"Boom","ErrorDetails":"{\"errorType\":\"Boom\"}"}"#);
    [
        Answer::new("200 OK\r\n", [chunks.clone(), complete()].concat()),
        Answer::new("200 OK\r\n", [chunks.clone(), failed.clone()].concat()),
        Answer::new("200 OK\r\n", failed),
        failure(),
        Answer::new("200 OK\r\n", complete()),
        Answer::new("200 OK\r\n", ""),
        Answer::cut(chunks),
    ]
});

/// What Lambda answers to a call that it throttles.
static THROTTLED: LazyLock<Answer> = LazyLock::new(|| {
    Answer::new(
        "429 Too Many Requests\r\nx-amzn-ErrorType: TooManyRequestsException\r\n",
        r#"{"message":"Rate Exceeded."}"#,
    )
});

fn failure() -> Answer {
    Answer::new(
        "500 Internal Server Error\r\nx-amzn-ErrorType: ServiceException\r\n",
        "{}",
    )
}

/// The answer to a call by its number. The edge calls again after a pause where Lambda throttles,
/// so every two thousandth call is throttled once, and every ten thousandth until the edge gives up.
pub fn answer(call: u64, path: &str) -> &'static Answer {
    if call % 2000 == 1999 || matches!(call % 10_000, 997..=999) {
        return &THROTTLED;
    }
    if path.contains("response-streaming") {
        in_turn(call, &*STREAMED)
    } else {
        in_turn(call, &*WHOLE)
    }
}

fn in_turn(call: u64, answers: &'static [Answer]) -> &'static Answer {
    &answers[(call % answers.len() as u64) as usize]
}

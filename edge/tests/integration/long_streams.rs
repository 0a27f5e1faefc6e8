//! Streams that last: what the edge sends while core is silent, and when it ends a stream itself.
//! Time is paused: it passes when everybody waits.

use std::time::Duration;

use edge::config::Config;
use edge::error::EdgeError;
use edge::pipeline::{Edge, Reply};
use edge::stages::invoke::{Call, CoreEvent, CoreReply, CoreStream, InvokeCore};
use tokio::time::{Instant, sleep};

use crate::ask::context;

/// Pieces of an answer, each with a number of seconds.
type Pieces = &'static [(u64, &'static str)];

const COMMENT: &str = ": keep-alive\n\n";

/// Sends each piece after so many seconds of silence.
struct SlowCore(Pieces);

impl InvokeCore for SlowCore {
    async fn invoke(&self, _: Call<'_>) -> Result<CoreReply, EdgeError> {
        unreachable!("the answer is streamed")
    }

    async fn invoke_streamed(&self, _: Call<'_>) -> Result<CoreStream, EdgeError> {
        let events = futures_util::stream::unfold(self.0.iter(), |mut pieces| async {
            let (silence, piece) = pieces.next()?;
            sleep(Duration::from_secs(*silence)).await;
            Some((Ok(CoreEvent::Bytes((*piece).into())), pieces))
        });
        Ok(CoreStream {
            content_type: None,
            events: Box::pin(events),
        })
    }
}

/// The pieces that the caller gets, each with the second in which it comes; a stream that is cut
/// ends with `cut`.
async fn received(variable: (&str, &str), pieces: Pieces) -> Vec<(u64, String)> {
    let config = Config::read(|name| match name {
        "TARGET_LAMBDA_NAME" => Some("core".to_owned()),
        "RESPONSE" => Some("stream".to_owned()),
        "ALLOW_ANONYMOUS" => Some("true".to_owned()),
        "REQUIRED_FIELDS" => Some(String::new()),
        _ => (name == variable.0).then(|| variable.1.to_owned()),
    });
    let edge = Edge::new(config.expect("a configuration").settings, SlowCore(pieces))
        .with_log(|line| print!("{line}"));
    let context = context();
    let event = r#"{"requestContext":{"domainName":"a.lambda-url.us-east-1.on.aws","http":{"method":"POST"}},"body":"{}"}"#;
    let start = Instant::now();
    let Reply::Stream(_, mut body) = edge.handle(event, &context).await else {
        panic!("the answer is not streamed")
    };
    let mut received = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_or("cut".to_owned(), |bytes| {
            String::from_utf8(bytes.to_vec()).expect("UTF-8")
        });
        received.push((start.elapsed().as_secs(), piece));
    }
    received
}

#[tokio::test(start_paused = true)]
async fn while_core_is_silent_between_two_events_comments_are_sent() {
    const A: &str = "data: a\n\n";
    const B: &str = "data: b\n\n";
    const EVENTS: Pieces = &[(0, A), (40, B)];
    let cases: [(&str, (&str, &str), Pieces, Pieces); 6] = [
        (
            "every 15 s",
            ("", ""),
            EVENTS,
            &[(0, A), (15, COMMENT), (30, COMMENT), (40, B)],
        ),
        (
            "as often as configured",
            ("STREAM_HEARTBEAT_S", "25"),
            EVENTS,
            &[(0, A), (25, COMMENT), (40, B)],
        ),
        (
            "switched off",
            ("STREAM_HEARTBEAT_S", "0"),
            EVENTS,
            &[(0, A), (40, B)],
        ),
        (
            "no event is split",
            ("", ""),
            &[(0, "data: a"), (40, "\n\n"), (20, B)],
            &[(0, "data: a"), (40, "\n\n"), (55, COMMENT), (60, B)],
        ),
        (
            "another kind of answer",
            ("", ""),
            &[(0, "{\"a\":\n\n"), (40, "1}")],
            &[(0, "{\"a\":\n\n"), (40, "1}")],
        ),
        (
            "not before the head is known",
            ("", ""),
            &[(40, "data: b\n\n")],
            &[(40, B)],
        ),
    ];
    for (name, variable, pieces, expected) in cases {
        let expected: Vec<_> = expected
            .iter()
            .map(|(second, piece)| (*second, (*piece).to_owned()))
            .collect();
        assert_eq!(received(variable, pieces).await, expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_lasts_too_long_is_ended_as_one_that_failed() {
    let limit = ("STREAM_MAX_S", "20");
    let events = received(limit, &[(0, "data: a\n\n"), (40, "data: b\n\n")]).await;
    let [_, (15, comment), (20, last)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(comment, COMMENT);
    assert!(
        last.starts_with("\n\nevent: error\ndata: {") && last.contains("core_timed_out"),
        "{last}"
    );
    let bytes = received(limit, &[(0, "\u{89}PNG"), (40, "more")]).await;
    assert_eq!(bytes.last(), Some(&(20, "cut".to_owned())), "{bytes:?}");
    let in_time = received(limit, &[(0, "data: a\n\n"), (19, "data: b\n\n")]).await;
    assert_eq!(in_time.last(), Some(&(19, "data: b\n\n".to_owned())));
}

//! How long the edge keeps an unused connection to Lambda: load balancers close one after some
//! time.

use std::time::Duration;

use testkit::endpoint::{Endpoint, Script};
use testkit::http::answer;
use testkit::runtime_api::Invocation;

use crate::process::EdgeProcess;

/// How many connections two requests with this pause between them take.
async fn connections(pause: Duration) -> usize {
    let answers = vec![answer(200, "", b"{}")];
    let lambda = Endpoint::start(Script::in_turn(answers, usize::MAX)).await;
    let edge = EdgeProcess::start(&[
        ("AWS_ENDPOINT_URL_LAMBDA", &lambda.url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("ALLOW_ANONYMOUS", "true"),
        ("REQUIRED_FIELDS", ""),
    ])
    .await;
    for pause in [Duration::ZERO, pause] {
        tokio::time::sleep(pause).await;
        edge.api.invoke(Invocation::new("id", "{\"a\":1}"));
        let posted = edge.api.posted().await;
        assert!(posted.path().ends_with("/response"), "{}", edge.log());
    }
    lambda.counts().0
}

#[tokio::test]
async fn a_connection_that_was_not_used_for_20_seconds_is_not_used_again() {
    let (before, after) = tokio::join!(
        connections(Duration::from_secs(10)),
        connections(Duration::from_secs(21))
    );
    assert_eq!((before, after), (1, 2));
}

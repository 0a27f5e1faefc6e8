//! How long the edge keeps an unused connection to Lambda: load balancers close one after some
//! time, and Lambda freezes an environment between two requests for as long as there are none.

use std::time::Duration;

use rustix::process::Signal;
use testkit::endpoint::{Endpoint, Script, Step};
use testkit::http::answer;
use testkit::runtime_api::Invocation;

use crate::process::EdgeProcess;

/// What happens between two requests.
enum Interval {
    /// Nothing, for this time.
    Pause(Duration),
    /// The environment is frozen for this time, and the endpoint takes this step on its connections.
    Freeze(Duration, Option<Step>),
}

/// How many connections and how many calls of core two requests take, which are both answered.
async fn two_requests(interval: Interval) -> (usize, usize) {
    let answering = || Script::in_turn(vec![answer(200, "", b"{}")], usize::MAX);
    let lambda = Endpoint::start(answering()).await;
    let edge = EdgeProcess::start(&[
        ("AWS_ENDPOINT_URL_LAMBDA", &lambda.url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("ALLOW_ANONYMOUS", "true"),
        ("REQUIRED_FIELDS", ""),
    ])
    .await;
    let answered = async || {
        let posted = edge.api.posted().await;
        assert!(posted.path().ends_with("/response"), "{}", edge.log());
    };
    let event = || Invocation::new("id", "{\"a\":1}");
    edge.api.invoke(event());
    answered().await;
    match interval {
        Interval::Pause(time) => {
            tokio::time::sleep(time).await;
            edge.api.invoke(event());
        }
        Interval::Freeze(time, step) => {
            edge.signal(Signal::STOP);
            if let Some(step) = step {
                lambda.follow(Script::new([step]));
            }
            tokio::time::sleep(time).await;
            lambda.follow(answering());
            edge.api.invoke(event());
            edge.signal(Signal::CONT);
        }
    }
    answered().await;
    lambda.counts()
}

#[tokio::test]
async fn a_connection_that_was_not_used_for_20_seconds_is_not_used_again() {
    let pause = |seconds| two_requests(Interval::Pause(Duration::from_secs(seconds)));
    let freeze = |step| two_requests(Interval::Freeze(Duration::from_secs(30), step));
    let seen = tokio::join!(
        pause(10),
        pause(21),
        freeze(None),
        freeze(Some(Step::Close)),
        freeze(Some(Step::Reset)),
    );
    assert_eq!(seen.0, (1, 2), "after 10 s");
    assert_eq!(seen.1, (2, 2), "after 21 s");
    assert_eq!(seen.2, (2, 2), "frozen for 30 s");
    assert_eq!(seen.3, (2, 2), "frozen for 30 s, and closed");
    assert_eq!(seen.4, (2, 2), "frozen for 30 s, and reset");
}

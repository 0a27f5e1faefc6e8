//! Which connection carries a request: one that was made before it, one that is kept, or a new one.

use std::time::Duration;

use lambda_client::collect;
use testkit::endpoint::{ClosedPort, Endpoint, Script, Step};

use crate::requests::{LIMIT, client, local, ok, post, request, uri};

#[tokio::test]
async fn a_preconnected_connection_carries_the_first_request_and_those_after_it() {
    let endpoint = Endpoint::start(Script::in_turn(ok(), 100)).await;
    let (client, uri) = (client(), local(&endpoint));
    client.connect(&uri).await.expect("a connection");
    for _ in 0..3 {
        assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
    }
    assert_eq!(endpoint.counts(), (1, 3));
}

#[tokio::test]
async fn a_preconnected_connection_to_another_server_is_not_used() {
    let other = Endpoint::start(Script::in_turn(ok(), 100)).await;
    let endpoint = Endpoint::start(Script::in_turn(ok(), 100)).await;
    let client = client();
    client.connect(&local(&other)).await.expect("a connection");
    assert_eq!(
        post(&client, &local(&endpoint)).await.expect("an answer"),
        "ok"
    );
    assert_eq!((endpoint.counts(), other.counts()), ((1, 1), (1, 0)));
}

#[tokio::test]
async fn a_preconnected_connection_that_was_closed_before_its_first_use_is_not_used() {
    let endpoint = Endpoint::start(Script::new([Step::Close])).await;
    let (client, uri) = (client(), local(&endpoint));
    client.connect(&uri).await.expect("a connection");
    tokio::time::sleep(Duration::from_millis(20)).await;
    endpoint.follow(Script::in_turn(ok(), 1));
    assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
    assert_eq!(endpoint.counts(), (2, 1));
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_not_used_and_the_request_is_sent_once() {
    let endpoint = Endpoint::start(Script::in_turn(ok(), 1)).await;
    let (client, uri) = (client(), local(&endpoint));
    for _ in 0..3 {
        assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(endpoint.counts(), (3, 3));
}

/// While the environment is frozen nothing of the program runs: the close is only seen after the
/// thaw.
#[tokio::test]
async fn a_connection_that_was_closed_while_the_program_was_frozen_is_not_used() {
    let answer = Step::Send(ok().remove(0));
    let pause = Step::Pause(Duration::from_millis(50));
    let script = Script::after_request([answer, pause, Step::Close]);
    let endpoint = Endpoint::start_in_thread(script);
    let (client, uri) = (client(), local(&endpoint));
    assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
    assert_eq!(endpoint.counts(), (2, 2));
}

#[tokio::test]
async fn a_preconnected_connection_that_was_closed_while_the_program_was_frozen_is_not_used() {
    let endpoint = Endpoint::start_in_thread(Script::new([Step::Close]));
    let (client, uri) = (client(), local(&endpoint));
    client.connect(&uri).await.expect("a connection");
    std::thread::sleep(Duration::from_millis(200));
    endpoint.follow(Script::in_turn(ok(), 1));
    assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
    assert_eq!(endpoint.counts(), (2, 1));
}

#[tokio::test]
async fn requests_at_the_same_time_have_a_connection_each() {
    let endpoint = Endpoint::start(Script::in_turn(ok(), 100)).await;
    let (client, uri) = (client(), local(&endpoint));
    for _ in 0..2 {
        let (first, second) = tokio::join!(post(&client, &uri), post(&client, &uri));
        assert_eq!(
            (first.expect("an answer"), second.expect("an answer")),
            ("ok".to_owned(), "ok".to_owned())
        );
    }
    assert_eq!(endpoint.counts(), (2, 4));
}

#[tokio::test]
async fn a_connection_whose_request_is_still_being_written_is_not_used() {
    // It answers at once, and never reads the rest of the request.
    let answer = Step::Send(ok().remove(0));
    let endpoint = Endpoint::start(Script::new([Step::ReadHead, answer, Step::Hold])).await;
    let uri = local(&endpoint);
    let client = client();
    if let Ok(answer) = client
        .send(request(&uri, vec![b' '; 20 << 20].into()))
        .await
    {
        let _ = collect(answer, LIMIT).await;
    }
    let next = tokio::time::timeout(Duration::from_secs(2), post(&client, &uri)).await;
    assert_eq!(next.expect("no hang").expect("an answer"), "ok");
    assert_eq!(endpoint.counts().0, 2);
}

#[tokio::test]
async fn where_nothing_listens_the_connection_is_refused() {
    let port = ClosedPort::take().address.port();
    for host in ["127.0.0.1", "localhost"] {
        let refused = post(&client(), &uri("http", host, port))
            .await
            .expect_err("nothing listens");
        assert!(refused.was_refused(), "{host}: {refused:?}");
    }
}

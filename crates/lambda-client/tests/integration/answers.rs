//! Answers that are too long, break off or are not read: what becomes of their connections, and
//! that their requests are not sent again.

use std::time::Duration;

use bytes::Bytes;
use lambda_client::HttpError;
use testkit::endpoint::{Endpoint, Script};

use crate::requests::{LIMIT, client, local, ok, post, request};

fn half() -> Vec<Vec<u8>> {
    vec![b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()]
}

#[tokio::test]
async fn an_answer_that_is_not_read_to_its_end_closes_its_connection() {
    let endpoint = Endpoint::start(Script::in_turn(half(), 100)).await;
    let (client, uri) = (client(), local(&endpoint));
    for _ in 0..2 {
        drop(
            client
                .send(request(&uri, Bytes::new()))
                .await
                .expect("an answer"),
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(endpoint.counts(), (2, 2));
}

#[tokio::test]
async fn an_answer_that_is_longer_than_the_limit_is_not_read_and_closes_its_connection() {
    let length = LIMIT + 1;
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    let chunk = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{}",
        "x".repeat(length)
    )
    .into_bytes();
    for answer in [announced, chunk] {
        let endpoint = Endpoint::start(Script::in_turn(vec![answer], 100)).await;
        let (client, uri) = (client(), local(&endpoint));
        for _ in 0..2 {
            let error = post(&client, &uri).await.expect_err("too large");
            assert!(
                matches!(error, HttpError::TooLarge { bytes } if bytes == length),
                "{error:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(endpoint.counts(), (2, 2));
    }
}

#[tokio::test]
async fn a_request_whose_answer_breaks_off_is_not_sent_again() {
    let endpoint = Endpoint::start(Script::in_turn(half(), 1)).await;
    let broken = post(&client(), &local(&endpoint))
        .await
        .expect_err("half an answer");
    assert!(matches!(broken, HttpError::Broken(_)), "{broken:?}");
    assert_eq!(endpoint.counts(), (1, 1));
}

#[tokio::test]
async fn a_request_that_a_kept_connection_took_before_it_broke_is_not_sent_again() {
    // The second request is read, and gets nothing before the connection is closed.
    let answers = vec![ok().remove(0), Vec::new()];
    let endpoint = Endpoint::start(Script::in_turn(answers, 2)).await;
    let uri = local(&endpoint);
    let client = client();
    assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
    let broken = post(&client, &uri).await.expect_err("no answer");
    assert!(matches!(broken, HttpError::Interrupted(_)), "{broken:?}");
    assert_eq!(endpoint.counts(), (1, 2));
}

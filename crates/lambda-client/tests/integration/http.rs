//! The HTTP client: which connection carries a request, what is sent again, and which servers are
//! trusted.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Uri};
use lambda_client::{HttpClient, HttpError, Roots, collect};
use testkit::endpoint::{ClosedPort, Endpoint, Script, Step};
use testkit::tls::Authority;

const LIMIT: usize = 1000;

pub fn ok() -> Vec<Vec<u8>> {
    vec![b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()]
}

fn half() -> Vec<Vec<u8>> {
    vec![b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()]
}

fn client() -> HttpClient {
    HttpClient::new(Roots::Amazon)
}

pub fn uri(scheme: &str, host: &str, port: u16) -> Uri {
    format!("{scheme}://{host}:{port}/").parse().expect("a URI")
}

fn local(endpoint: &Endpoint) -> Uri {
    uri("http", "127.0.0.1", endpoint.address.port())
}

fn request(uri: &Uri, body: Bytes) -> Request<Full<Bytes>> {
    Request::post(uri).body(Full::new(body)).expect("a request")
}

pub async fn post(client: &HttpClient, uri: &Uri) -> Result<String, HttpError> {
    let (_, body) = collect(
        client.send(request(uri, Bytes::from_static(b"{}"))).await?,
        LIMIT,
    )
    .await?;
    Ok(String::from_utf8(body).expect("UTF-8"))
}

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

/// A server in a thread of its own, which closes the first connection `after` its answer; the
/// number of requests read.
fn closing_server(after: Duration) -> (Uri, std::thread::JoinHandle<usize>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let thread = std::thread::spawn(move || {
        let mut requests = 0;
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().expect("a connection");
            requests += usize::from(stream.read(&mut [0; 4096]).unwrap_or_default() > 0);
            let _ = stream.write_all(&ok()[0]);
            std::thread::sleep(after);
        }
        requests
    });
    (uri("http", "127.0.0.1", port), thread)
}

/// While the environment is frozen nothing of the program runs: the close is only seen after the
/// thaw.
#[tokio::test]
async fn a_connection_that_was_closed_while_the_program_was_frozen_is_not_used() {
    let (uri, server) = closing_server(Duration::from_millis(50));
    let client = client();
    assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
    assert_eq!(server.join().expect("a count"), 2);
}

#[tokio::test]
async fn a_preconnected_connection_that_was_closed_while_the_program_was_frozen_is_not_used() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let uri = uri("http", "127.0.0.1", port);
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        drop(listener.accept().expect("a connection"));
        let (mut second, _) = listener.accept().expect("another connection");
        let read = second.read(&mut [0; 4096]).unwrap_or_default();
        let _ = second.write_all(&ok()[0]);
        read > 0
    });
    let client = client();
    client.connect(&uri).await.expect("a connection");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(post(&client, &uri).await.expect("an answer"), "ok");
    assert!(server.join().expect("an end"));
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

/// An error and its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(
        || error.to_string(),
        |cause| format!("{error}: {}", chain(cause)),
    )
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_no_trusted_authority_has_certified() {
    let authority = Authority::new();
    let tls = authority.certify("localhost");
    let endpoint = Endpoint::start_tls(Script::in_turn(ok(), 100), tls).await;
    let port = endpoint.address.port();
    let localhost = uri("https", "localhost", port);
    let trusting = HttpClient::new(Roots::File(authority.file().to_owned()));
    trusting.connect(&localhost).await.expect("a connection");
    assert_eq!(post(&trusting, &localhost).await.expect("an answer"), "ok");
    assert_eq!(endpoint.counts(), (1, 1));

    let unknown = post(&client(), &localhost)
        .await
        .expect_err("an unknown authority");
    let another = post(&trusting, &uri("https", "127.0.0.1", port))
        .await
        .expect_err("another name");
    assert!(
        matches!(
            (&unknown, &another),
            (HttpError::Connect(_), HttpError::Connect(_))
        ),
        "{unknown:?} {another:?}"
    );
    assert!(
        chain(&unknown).contains("UnknownIssuer"),
        "{}",
        chain(&unknown)
    );
    assert!(
        chain(&another).contains("not valid for name"),
        "{}",
        chain(&another)
    );
    let missing = post(
        &HttpClient::new(Roots::File("/nowhere.pem".into())),
        &localhost,
    )
    .await
    .expect_err("no authorities");
    assert!(
        chain(&missing).contains("SSL_CERT_FILE: /nowhere.pem"),
        "{}",
        chain(&missing)
    );
    assert_eq!(endpoint.counts().1, 1);
}

#[tokio::test]
async fn certificates_are_not_read_where_the_endpoint_has_no_tls() {
    let endpoint = Endpoint::start(Script::in_turn(ok(), 100)).await;
    let client = HttpClient::new(Roots::File("/nowhere.pem".into()));
    assert_eq!(
        post(&client, &local(&endpoint)).await.expect("an answer"),
        "ok"
    );
}

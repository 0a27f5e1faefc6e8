//! Which servers are trusted.

use lambda_client::{HttpClient, HttpError, Roots};
use testkit::endpoint::{Endpoint, Script};
use testkit::tls::Authority;

use crate::requests::{chain, client, local, ok, post, uri};

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

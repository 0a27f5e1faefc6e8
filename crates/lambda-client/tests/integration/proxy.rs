//! Servers with TLS that are reached by a proxy: what is asked of the proxy, and that nothing of a
//! request is sent where there is no tunnel.

use lambda_client::{HttpClient, HttpError, Proxy, Roots};
use testkit::endpoint::{ClosedPort, Endpoint, Script};
use testkit::tls::Authority;

use crate::requests::{chain, ok, post, uri};

async fn server_with_tls() -> (Authority, Endpoint) {
    let authority = Authority::new();
    let tls = authority.certify("localhost");
    let server = Endpoint::start_tls(Script::in_turn(ok(), 100), tls).await;
    (authority, server)
}

fn by_proxy(roots: Roots, url: &str, no_proxy: &str) -> HttpClient {
    HttpClient::with_proxy(roots, Proxy::parse(url, no_proxy).expect("a proxy"))
}

#[tokio::test]
async fn a_tunnel_carries_every_request_to_a_server_with_tls_and_none_without() {
    let (authority, server) = server_with_tls().await;
    let server_port = server.address.port();
    let proxy = Endpoint::start(Script::proxy()).await;
    let url = format!("http://user:pass%40word@{}", proxy.address);
    let client = by_proxy(Roots::File(authority.file().to_owned()), &url, "");
    let server_uri = uri("https", "localhost", server_port);
    client.connect(&server_uri).await.expect("a connection");
    for _ in 0..2 {
        assert_eq!(post(&client, &server_uri).await.expect("an answer"), "ok");
    }
    assert_eq!(server.counts(), (1, 2), "one connection, and both requests");
    let tunnels = proxy.requests();
    let [tunnel] = tunnels.as_slice() else {
        panic!("{tunnels:?}")
    };
    let request_line = format!("CONNECT localhost:{server_port} HTTP/1.1\r\n");
    assert!(tunnel.head.starts_with(&request_line), "{tunnel:?}");
    // The base64 of user:pass@word.
    assert_eq!(
        tunnel.header("proxy-authorization"),
        Some("Basic dXNlcjpwYXNzQHdvcmQ=")
    );

    let plain = Endpoint::start(Script::in_turn(ok(), 100)).await;
    let plain_uri = uri("http", "localhost", plain.address.port());
    assert_eq!(post(&client, &plain_uri).await.expect("an answer"), "ok");
    assert_eq!(plain.counts(), (1, 1), "without TLS there is no tunnel");
}

#[tokio::test]
async fn a_server_that_no_proxy_names_is_reached_directly() {
    let (authority, server) = server_with_tls().await;
    let server_port = server.address.port();
    let proxy = Endpoint::start(Script::proxy()).await;
    let url = proxy.address.to_string();
    let client = by_proxy(Roots::File(authority.file().to_owned()), &url, "localhost");
    let server_uri = uri("https", "localhost", server_port);
    assert_eq!(post(&client, &server_uri).await.expect("an answer"), "ok");
    assert_eq!(server.counts(), (1, 1));
    assert_eq!(proxy.counts(), (0, 0));
}

#[tokio::test]
async fn without_a_tunnel_nothing_is_sent_and_the_error_names_the_proxy() {
    let (authority, server) = server_with_tls().await;
    let server_port = server.address.port();
    let server_uri = uri("https", "localhost", server_port);
    for (name, answer, cause) in [
        (
            "credentials are wanted",
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "proxy authorization required",
        ),
        (
            "the tunnel is refused",
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            "unsuccessful",
        ),
        ("no answer", "", "unexpected end of file"),
        ("no HTTP", "hello\r\n\r\n", "unsuccessful"),
        (
            "the tunnel breaks at once",
            "HTTP/1.1 200 OK\r\n\r\n",
            "tls handshake eof",
        ),
    ] {
        let proxy = Endpoint::start(Script::proxy_answering(answer)).await;
        let url = format!("http://user:secret@{}", proxy.address);
        let client = by_proxy(Roots::File(authority.file().to_owned()), &url, "");
        let error = post(&client, &server_uri).await.expect_err(name);
        assert!(matches!(error, HttpError::Connect(_)), "{name}: {error:?}");
        assert!(!error.was_refused(), "{name}");
        let text = chain(&error);
        let by = format!("through the proxy {}/", proxy.url);
        assert!(text.contains(&by) && text.contains(cause), "{name}: {text}");
        assert!(!text.contains("secret"), "{name}: {text}");
        assert_eq!(proxy.counts(), (1, 1), "{name}");
    }
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test]
async fn a_proxy_that_refuses_the_connection_counts_as_a_refused_connection() {
    let closed = ClosedPort::take();
    let url = format!("http://{}", closed.address);
    let client = by_proxy(Roots::Amazon, &url, "");
    let error = post(&client, &uri("https", "localhost", 1)).await;
    assert!(error.expect_err("no proxy").was_refused());
}

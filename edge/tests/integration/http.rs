//! The HTTP client against servers on loopback: which connection carries a request, and whom it trusts.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use edge::http::{Client, HttpError, Origin, Roots};
use hyper::Request;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// What a server saw.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl Seen {
    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.requests.load(Ordering::SeqCst))
    }
}

/// A server that gives so many answers over each connection, and then closes it.
async fn server(answers: usize, answer: &'static [u8], tls: Option<TlsAcceptor>) -> (u16, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = Arc::new(Seen::default());
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            told.connections.fetch_add(1, Ordering::SeqCst);
            let (told, tls) = (Arc::clone(&told), tls.clone());
            tokio::spawn(async move {
                let Some(tls) = tls else { return answer_each(stream, answers, answer, &told).await };
                if let Ok(stream) = tls.accept(stream).await {
                    answer_each(stream, answers, answer, &told).await;
                }
            });
        }
    });
    (port, seen)
}

async fn answer_each(mut stream: impl AsyncRead + AsyncWrite + Unpin, answers: usize, answer: &[u8], seen: &Seen) {
    let mut buffer = [0; 4096];
    for _ in 0..answers {
        if stream.read(&mut buffer).await.unwrap_or_default() == 0 {
            return;
        }
        seen.requests.fetch_add(1, Ordering::SeqCst);
        let _ = stream.write_all(answer).await;
    }
}

fn origin(scheme: &str, host: &str, port: u16) -> Origin {
    Origin::of(&format!("{scheme}://{host}:{port}").parse().expect("a URI")).expect("an origin")
}

async fn get(client: &Client, origin: &Origin) -> Result<String, HttpError> {
    let request = Request::get("/").body(SdkBody::empty()).expect("a request");
    let (_, body) = client.send(origin, request).await?.collect().await?;
    Ok(String::from_utf8(body).expect("UTF-8"))
}

#[tokio::test]
async fn a_connection_made_ahead_carries_the_first_request_and_those_after_it() {
    let (port, seen) = server(100, ANSWER, None).await;
    let (client, origin) = (Client::new(Roots::Amazon), origin("http", "127.0.0.1", port));
    client.connect(&origin).await.expect("a connection");
    for _ in 0..3 {
        assert_eq!(get(&client, &origin).await.expect("an answer"), "ok");
    }
    assert_eq!(seen.counts(), (1, 3));
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_passed_over_and_the_request_sent_once() {
    let (port, seen) = server(1, ANSWER, None).await;
    let (client, origin) = (Client::new(Roots::Amazon), origin("http", "127.0.0.1", port));
    for _ in 0..3 {
        assert_eq!(get(&client, &origin).await.expect("an answer"), "ok");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(seen.counts(), (3, 3));
}

#[tokio::test]
async fn requests_at_the_same_time_have_a_connection_each() {
    let (port, seen) = server(100, ANSWER, None).await;
    let (client, origin) = (Client::new(Roots::Amazon), origin("http", "127.0.0.1", port));
    for _ in 0..2 {
        let (first, second) = tokio::join!(get(&client, &origin), get(&client, &origin));
        assert_eq!((first.expect("an answer"), second.expect("an answer")), ("ok".to_owned(), "ok".to_owned()));
    }
    assert_eq!(seen.counts(), (2, 4));
}

#[tokio::test]
async fn a_stream_that_is_not_read_to_its_end_takes_its_connection_along() {
    let (port, seen) = server(100, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", None).await;
    let (client, origin) = (Client::new(Roots::Amazon), origin("http", "127.0.0.1", port));
    for _ in 0..2 {
        let request = Request::get("/").body(SdkBody::empty()).expect("a request");
        drop(client.send(&origin, request).await.expect("an answer").into_stream());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(seen.counts(), (2, 2));
}

#[tokio::test]
async fn a_request_whose_answer_breaks_off_is_not_sent_again() {
    let (port, seen) = server(1, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", None).await;
    let broken = get(&Client::new(Roots::Amazon), &origin("http", "127.0.0.1", port)).await.expect_err("half an answer");
    assert!(matches!(broken, HttpError::Broken(_)), "{broken:?}");
    assert_eq!(seen.counts(), (1, 1));
}

#[tokio::test]
async fn a_request_that_a_kept_connection_took_before_it_broke_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = origin("http", "127.0.0.1", listener.local_addr().expect("an address").port());
    let seen = Arc::new(Seen::default());
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            told.connections.fetch_add(1, Ordering::SeqCst);
            answer_each(&mut stream, 1, ANSWER, &told).await;
            // The second request is read, and answered by hanging up.
            if stream.read(&mut [0; 4096]).await.unwrap_or_default() > 0 {
                told.requests.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let client = Client::new(Roots::Amazon);
    assert_eq!(get(&client, &origin).await.expect("an answer"), "ok");
    let broken = get(&client, &origin).await.expect_err("no answer");
    assert!(matches!(broken, HttpError::Broken(_)), "{broken:?}");
    assert_eq!(seen.counts(), (1, 2));
}

#[tokio::test]
async fn a_connection_that_is_not_ready_in_time_is_passed_over() {
    // It answers at once, and never reads the rest of the request.
    let (port, seen) = server(1, ANSWER, None).await;
    let (client, to) = (Client::new(Roots::Amazon), origin("http", "127.0.0.1", port));
    let request = Request::post("/").body(SdkBody::from(vec![b' '; 20 << 20])).expect("a request");
    if let Ok(exchange) = client.send(&to, request).await {
        let _ = exchange.collect().await;
    }
    let next = tokio::time::timeout(Duration::from_secs(2), get(&client, &to)).await;
    assert_eq!(next.expect("no hang").expect("an answer"), "ok");
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn where_nobody_listens_the_connection_is_refused() {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").port();
    for host in ["127.0.0.1", "localhost"] {
        let refused = get(&Client::new(Roots::Amazon), &origin("http", host, port)).await.expect_err("nobody");
        assert!(refused.was_refused(), "{host}: {refused:?}");
    }
}

/// A certificate for `localhost`, and a file with the authority that signed it.
fn certified() -> (TlsAcceptor, PathBuf) {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    let file = std::env::temp_dir().join(format!("edge-roots-{}-{:?}.pem", std::process::id(), std::thread::current().id()));
    std::fs::write(&file, authority.pem()).expect("a file");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = config.with_single_cert(vec![certificate.der().clone()], key).expect("a server");
    (TlsAcceptor::from(Arc::new(config)), file)
}

#[tokio::test]
async fn a_server_is_who_a_trusted_authority_says_it_is_or_nothing_is_sent() {
    let (tls, roots) = certified();
    let (port, seen) = server(100, ANSWER, Some(tls)).await;
    let localhost = origin("https", "localhost", port);
    let client = Client::new(Roots::File(roots.clone()));
    client.connect(&localhost).await.expect("a connection");
    assert_eq!(get(&client, &localhost).await.expect("an answer"), "ok");
    assert_eq!(seen.counts(), (1, 1));

    let stranger = get(&Client::new(Roots::Amazon), &localhost).await.expect_err("an unknown authority");
    let another = get(&client, &origin("https", "127.0.0.1", port)).await.expect_err("another name");
    assert!(matches!((&stranger, &another), (HttpError::Unconnected(_), HttpError::Unconnected(_))), "{stranger:?} {another:?}");
    let gone = get(&Client::new(Roots::File("/nowhere.pem".into())), &localhost).await.expect_err("no authorities");
    assert!(gone.to_string().starts_with("SSL_CERT_FILE: /nowhere.pem"), "{gone}");
    assert_eq!(seen.requests.load(Ordering::SeqCst), 1);
    let _ = std::fs::remove_file(roots);
}

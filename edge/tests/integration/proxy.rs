//! The edge as a process whose environment names a proxy: by which way it reaches Lambda, and what
//! the caller reads where the proxy makes no tunnel.

use std::time::Duration;

use serde_json::Value;
use testkit::endpoint::{Endpoint, Script, Step};
use testkit::http::{Request, answer};
use testkit::runtime_api::Invocation;
use testkit::tls::Authority;

use crate::process::EdgeProcess;

const EVENT: &str = r#"{"version":"2.0","rawPath":"/","body":"{}","requestContext":{"domainName":"abc.lambda-url.us-east-1.on.aws","http":{"method":"POST"}}}"#;

/// The time until the deadline of a request: only the edge's own bound for a connection, of seconds,
/// can end it before.
const DEADLINE: Duration = Duration::from_secs(30);

/// Lambda behind TLS, and an edge that is to reach it.
struct Scene {
    lambda: Endpoint,
    edge: EdgeProcess,
    _authority: Authority,
}

impl Scene {
    async fn with(variables: &[(&str, &str)]) -> Self {
        let authority = Authority::new();
        let tls = authority.certify("localhost");
        let answers = vec![answer(200, "", br#"{"answer":"yes"}"#)];
        let lambda = Endpoint::start_tls(Script::in_turn(answers, usize::MAX), tls).await;
        let authority_file = authority.file().display().to_string();
        let own = [
            ("AWS_ENDPOINT_URL_LAMBDA", lambda.url.as_str()),
            ("SSL_CERT_FILE", &authority_file),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("ALLOW_ANONYMOUS", "true"),
            ("REQUIRED_FIELDS", ""),
        ];
        let edge = EdgeProcess::start(&[&own, variables].concat()).await;
        Self {
            lambda,
            edge,
            _authority: authority,
        }
    }

    /// The status and the body of the answer to a request.
    async fn ask(&self) -> (u64, Value) {
        self.edge.api.invoke(Invocation {
            time: DEADLINE,
            ..Invocation::new("id", EVENT)
        });
        let posted = self.edge.api.posted().await;
        let response: Value = serde_json::from_slice(&posted.body).expect("JSON");
        let body = response["body"].as_str().expect("a body");
        (
            response["statusCode"].as_u64().expect("a status"),
            serde_json::from_str(body).expect("JSON"),
        )
    }

    /// The request line for a tunnel to Lambda.
    fn connect_line(&self) -> String {
        format!("CONNECT localhost:{} HTTP/1.1", self.lambda.address.port())
    }
}

fn request_line(request: &Request) -> &str {
    request.head.lines().next().unwrap_or_default()
}

#[tokio::test]
async fn lambda_is_reached_through_a_tunnel_of_the_proxy_that_the_environment_names() {
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let proxy = Endpoint::start(Script::proxy()).await;
        let url = format!("http://user:secret@{}", proxy.address);
        let scene = Scene::with(&[(name, &url), ("NO_PROXY", "127.0.0.1,example.com")]).await;
        let (status, body) = scene.ask().await;
        assert_eq!((status, &body["answer"]), (200, &"yes".into()), "{name}");
        assert_eq!(
            scene.lambda.counts(),
            (1, 1),
            "{name}: one connection, one execution"
        );
        let tunnels = proxy.requests();
        let lines: Vec<_> = tunnels.iter().map(request_line).collect();
        assert_eq!(lines, [scene.connect_line()], "{name}");
        assert!(!scene.edge.log().contains("secret"), "{name}");
    }
}

#[tokio::test]
async fn a_host_in_no_proxy_is_reached_directly() {
    for (name, value) in [
        ("NO_PROXY", "example.com, localhost"),
        ("no_proxy", "localhost"),
        ("NO_PROXY", "*"),
    ] {
        let proxy = Endpoint::start(Script::proxy()).await;
        let scene = Scene::with(&[("HTTPS_PROXY", &proxy.url), (name, value)]).await;
        let (status, body) = scene.ask().await;
        assert_eq!(
            (status, &body["answer"]),
            (200, &"yes".into()),
            "{name}={value}"
        );
        assert_eq!(scene.lambda.counts(), (1, 1), "{name}={value}");
        assert_eq!(proxy.counts(), (0, 0), "{name}={value}");
    }
}

#[tokio::test]
async fn a_proxy_that_makes_no_tunnel_is_core_unreachable_before_the_deadline() {
    let answered = |answer: &str| Script::proxy_answering(answer);
    for (name, script, cause) in [
        (
            "it wants credentials",
            answered("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
            "proxy authorization required",
        ),
        (
            "it cannot reach the host",
            answered("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
            "unsuccessful",
        ),
        (
            "it closes the connection",
            answered(""),
            "unexpected end of file",
        ),
        (
            "it is silent",
            Script::new([Step::ReadHead, Step::Hold]),
            "not connected within 3.1s",
        ),
    ] {
        let proxy = Endpoint::start(script).await;
        let url = format!("http://user:secret@{}", proxy.address);
        let scene = Scene::with(&[("HTTPS_PROXY", &url)]).await;
        let (status, body) = scene.ask().await;
        assert_eq!(
            (status, &body["code"]),
            (502, &"core_unreachable".into()),
            "{name}"
        );
        assert_eq!(scene.lambda.counts(), (0, 0), "{name}: nothing was sent");
        let asked = proxy.requests();
        assert!(
            !asked.is_empty()
                && asked
                    .iter()
                    .all(|request| request_line(request) == scene.connect_line()),
            "{name}: {asked:?}"
        );
        scene.edge.logged(cause).await;
        assert!(!scene.edge.log().contains("secret"), "{name}");
    }
}

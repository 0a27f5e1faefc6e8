//! The REST API over HTTP, with a scripted Lambda endpoint behind it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue as EventHeader, Message};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sigv4::Credentials;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::http::{serve, serve_with_header_names};

const LONG: StreamLimits = StreamLimits {
    total: Duration::from_secs(900),
    idle: Duration::from_secs(300),
};
const METADATA: &[u8] =
    b"{\"statusCode\":200,\"headers\":{\"Content-Type\":\"text/plain\"}}\0\0\0\0\0\0\0\0one";

/// A Lambda endpoint, and the path and the payload of each request that it has received.
struct ScriptedLambda {
    url: String,
    requests: mpsc::UnboundedReceiver<(String, Value)>,
}

impl ScriptedLambda {
    async fn start(respond: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Self {
        let (sender, requests) = mpsc::unbounded_channel();
        let router = Router::new().fallback(move |request: Request| async move {
            let path = request.uri().path().to_owned();
            let body = request
                .into_body()
                .collect()
                .await
                .expect("a body")
                .to_bytes();
            let _ = sender.send((path, serde_json::from_slice(&body).expect("an event")));
            respond()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(serve(listener, router));
        Self { url, requests }
    }

    /// Starts an API in front of it and returns its address.
    async fn behind_api(&self, limits: StreamLimits) -> String {
        let stage = |name, transfer_mode| Stage {
            name,
            function: "edge",
            transfer_mode,
        };
        let api = RestApi::new(RestApiConfiguration {
            stages: vec![
                stage("prod", TransferMode::Buffered),
                stage("stream", TransferMode::Stream(limits)),
            ],
            resource: "/inference".to_owned(),
            methods: vec![Method::POST],
            jwt: JwtConfiguration {
                issuer: "http://127.0.0.1:9/pool".to_owned(),
                audience: Vec::new(),
            },
            gateway_responses: GatewayResponses {
                headers: vec![
                    (
                        "Access-Control-Allow-Origin",
                        "method.request.header.Origin",
                    ),
                    ("X-Static", "'yes'"),
                ],
            },
            lambda: self.url.clone(),
            signer: Signer::new(Arc::new(Credentials::new("AKIDEXAMPLE", "secret"))),
            recorder: crate::recorder::Recorder::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(serve_with_header_names(listener, api.router()));
        address
    }
}

/// Sends a request without a token, which only `OPTIONS` may have, and returns the connection.
async fn send(address: &str, path: &str, headers: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    let request = format!("OPTIONS {path} HTTP/1.1\r\nHost: api.example:4009\r\n{headers}\r\n");
    connection
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    connection
}

/// Everything that the API answers until it closes the connection.
async fn answer(address: &str, path: &str, headers: &str) -> String {
    let headers = format!("{headers}Connection: close\r\n");
    let mut connection = send(address, path, &headers).await;
    let mut answer = Vec::new();
    // A connection that is cut may be reset.
    let _ = connection.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until the answer contains a text.
async fn read_until(connection: &mut TcpStream, text: &str) {
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(text) {
        let byte = connection.read_u8().await.expect("more of the answer");
        answer.push(byte);
    }
}

fn frame(event_type: &'static str, payload: &[u8]) -> Bytes {
    let message = Message::new(Bytes::copy_from_slice(payload)).add_header(Header::new(
        ":event-type",
        EventHeader::String(event_type.into()),
    ));
    let mut frame = Vec::new();
    write_message_to(&message, &mut frame).expect("a frame");
    frame.into()
}

fn chunk(payload: &[u8]) -> Bytes {
    frame("PayloadChunk", payload)
}

fn event_stream(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    Body::from_stream(frames.map(Ok::<_, Infallible>)).into_response()
}

#[tokio::test]
async fn the_event_has_header_names_as_the_client_wrote_them_and_one_x_forwarded_for() {
    let mut lambda = ScriptedLambda::start(|| r#"{"statusCode":204}"#.into_response()).await;
    let address = lambda.behind_api(LONG).await;
    let headers = "X-MiXed: 1\r\nx-mixed: 2\r\nCOOKIE: a=1; b=2\r\nx-forwarded-for: 6.6.6.6\r\nX-FORWARDED-FOR: 7.7.7.7\r\nx-amzn-trace-id: Root=1-5e-67\r\n";
    let response = answer(&address, "/prod/inference?a=1&a=2", headers).await;
    assert!(response.starts_with("HTTP/1.1 204"), "{response}");
    let (path, event) = lambda.requests.recv().await.expect("a request");
    assert_eq!(path, "/2015-03-31/functions/edge/invocations");
    insta::assert_snapshot!(event["headers"], @r#"{"COOKIE":"a=1; b=2","Connection":"close","Host":"api.example:4009","X-Amzn-Trace-Id":"Root=1-5e-67","X-Forwarded-For":"6.6.6.6, 7.7.7.7, 127.0.0.1","X-Forwarded-Port":"4009","X-Forwarded-Proto":"http","X-MiXed":"2"}"#);
    insta::assert_snapshot!(event["multiValueHeaders"], @r#"{"COOKIE":["a=1; b=2"],"Connection":["close"],"Host":["api.example:4009"],"X-Amzn-Trace-Id":["Root=1-5e-67"],"X-Forwarded-For":["6.6.6.6, 7.7.7.7, 127.0.0.1"],"X-Forwarded-Port":["4009"],"X-Forwarded-Proto":["http"],"X-MiXed":["1","2"]}"#);
    let context = &event["requestContext"];
    assert_eq!(context["deploymentId"], "local0");
    assert_eq!(
        (&context["stage"], &context["path"], &event["path"]),
        (
            &json!("prod"),
            &json!("/prod/inference"),
            &json!("/inference")
        )
    );
    for (header, member) in [
        ("x-amzn-requestid", "requestId"),
        ("x-amz-apigw-id", "extendedRequestId"),
    ] {
        let id = context[member].as_str().expect("an id");
        assert!(
            response.contains(&format!("{header}: {id}\r\n")),
            "{response}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_is_used_again_gives_each_event_its_own_names() {
    let mut lambda = ScriptedLambda::start(|| r#"{"statusCode":204}"#.into_response()).await;
    let address = lambda.behind_api(LONG).await;
    let mut connection = TcpStream::connect(&address).await.expect("a connection");
    for name in ["X-First", "x-SECOND"] {
        let request = format!(
            "OPTIONS /prod/inference HTTP/1.1\r\nHost: a\r\n{name}: 1\r\nContent-Length: 14\r\n\r\nx-first: body\n"
        );
        connection
            .write_all(request.as_bytes())
            .await
            .expect("a request");
        read_until(&mut connection, "\r\n\r\n").await;
        let (_, event) = lambda.requests.recv().await.expect("a request");
        assert_eq!(event["headers"][name], "1", "{event}");
    }
}

#[tokio::test]
async fn a_result_that_is_no_response_is_502_with_the_gateway_responses_headers() {
    for (name, result) in [
        (
            "a member that it does not know",
            r#"{"statusCode":200,"cookies":[]}"#,
        ),
        ("no status", r#"{"body":"b"}"#),
        ("no object", r#""b""#),
    ] {
        let lambda = ScriptedLambda::start(move || result.into_response()).await;
        let address = lambda.behind_api(LONG).await;
        let response = answer(&address, "/prod/inference", "Origin: https://a.example\r\n").await;
        assert!(response.starts_with("HTTP/1.1 502"), "{name}: {response}");
        for part in [
            "x-amzn-errortype: InternalServerErrorException\r\n",
            "access-control-allow-origin: https://a.example\r\n",
            "x-static: yes\r\n",
            "\r\n\r\n{\"message\":\"Internal server error\"}",
        ] {
            assert!(response.contains(part), "{name}: no {part:?} in {response}");
        }
        let without_origin = answer(&address, "/prod/inference", "").await;
        assert!(
            !without_origin.contains("access-control-"),
            "{without_origin}"
        );
    }
}

#[tokio::test]
async fn a_stream_is_passed_on_chunk_by_chunk() {
    let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
    let receiver = Arc::new(parking_lot::Mutex::new(Some(receiver)));
    let mut lambda = ScriptedLambda::start(move || {
        let receiver = receiver.lock().take().expect("one request");
        event_stream(stream::unfold(receiver, |mut receiver| async {
            Some((receiver.recv().await?, receiver))
        }))
    })
    .await;
    let address = lambda.behind_api(LONG).await;
    let mut connection = send(&address, "/stream/inference", "Connection: close\r\n").await;
    let (path, event) = lambda.requests.recv().await.expect("a request");
    assert_eq!(
        (path.as_str(), &event["requestContext"]["stage"]),
        (
            "/2021-11-15/functions/edge/response-streaming-invocations",
            &json!("stream")
        )
    );
    // Cut within a frame, and within the delimiter.
    let (first, second) = METADATA.split_at(METADATA.len() - 7);
    let frame = chunk(first);
    sender.send(frame.slice(..5)).expect("a reader");
    sender.send(frame.slice(5..)).expect("a reader");
    sender.send(chunk(second)).expect("a reader");
    read_until(&mut connection, "one").await;
    sender.send(chunk(b"two")).expect("a reader");
    read_until(&mut connection, "two").await;
    sender
        .send(self::frame("InvokeComplete", b"{}"))
        .expect("a reader");
    read_until(&mut connection, "\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn a_stream_that_is_no_response_is_an_error_before_the_first_byte() {
    let complete = frame("InvokeComplete", b"{}");
    let failed = frame(
        "InvokeComplete",
        br#"{"ErrorCode":"Unhandled","ErrorDetails":"it broke"}"#,
    );
    let long = format!(
        "{{\"statusCode\":200,\"headers\":{{\"X-A\":\"{}\"}}}}\0\0\0\0\0\0\0\0",
        "a".repeat(16 * 1024)
    );
    let not_streaming = chunk(br#"{"statusCode":200,"body":"b"}"#);
    for (name, frames, status) in [
        (
            "a function that does not stream",
            vec![not_streaming, complete.clone()],
            502,
        ),
        ("an empty response", vec![complete.clone()], 502),
        ("a failure before the metadata", vec![failed.clone()], 502),
        (
            "a failure within the metadata",
            vec![chunk(b"{\"statusCode\""), failed],
            502,
        ),
        (
            "metadata that is not JSON",
            vec![chunk(b"hello\0\0\0\0\0\0\0\0"), complete.clone()],
            502,
        ),
        (
            "metadata that is too long",
            vec![chunk(long.as_bytes()), complete],
            502,
        ),
        ("an end without InvokeComplete", vec![chunk(b"{")], 502),
        (
            "what is no event stream",
            vec![Bytes::from_static(b"{\"statusCode\":200}")],
            502,
        ),
    ] {
        let lambda =
            ScriptedLambda::start(move || event_stream(stream::iter(frames.clone()))).await;
        let address = lambda.behind_api(LONG).await;
        let response = answer(&address, "/stream/inference", "").await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}"))
                && response.contains("x-static: yes"),
            "{name}: {response}"
        );
    }
    let throttled = || axum::http::StatusCode::TOO_MANY_REQUESTS.into_response();
    let address = ScriptedLambda::start(throttled)
        .await
        .behind_api(LONG)
        .await;
    let response = answer(&address, "/stream/inference", "").await;
    assert!(response.starts_with("HTTP/1.1 500"), "{response}");
}

#[tokio::test]
async fn a_stream_that_fails_later_never_looks_complete() {
    let failed = frame("InvokeComplete", br#"{"ErrorCode":"Unhandled"}"#);
    for (name, last) in [
        ("a failure", Some(failed)),
        ("an end without InvokeComplete", None),
    ] {
        let frames: Vec<Bytes> = [Some(chunk(METADATA)), last]
            .into_iter()
            .flatten()
            .collect();
        let lambda =
            ScriptedLambda::start(move || event_stream(stream::iter(frames.clone()))).await;
        let address = lambda.behind_api(LONG).await;
        let response = answer(&address, "/stream/inference", "").await;
        assert!(
            response.starts_with("HTTP/1.1 200") && !response.ends_with("0\r\n\r\n"),
            "{name}: {response}"
        );
    }
}

#[tokio::test]
async fn a_silent_function_and_a_long_response_are_timed_out() {
    let limited = |total, idle| StreamLimits {
        total: Duration::from_millis(total),
        idle: Duration::from_millis(idle),
    };
    let silent = || event_stream(stream::pending());
    let silent_later = || event_stream(stream::iter([chunk(METADATA)]).chain(stream::pending()));
    let endless = || {
        event_stream(
            stream::iter([chunk(METADATA)]).chain(stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((chunk(b"."), ()))
            })),
        )
    };
    for (name, limits) in [
        ("idle", limited(900_000, 100)),
        ("total", limited(100, 300_000)),
    ] {
        let address = ScriptedLambda::start(silent).await.behind_api(limits).await;
        let response = answer(&address, "/stream/inference", "").await;
        assert!(
            response.starts_with("HTTP/1.1 504") && response.contains("Endpoint request timed out"),
            "{name}: {response}"
        );
    }
    let idle = ScriptedLambda::start(silent_later).await;
    let idle = idle.behind_api(limited(900_000, 2000)).await;
    let total = ScriptedLambda::start(endless).await;
    let total = total.behind_api(limited(3000, 300_000)).await;
    let (idle, total) = tokio::join!(
        answer(&idle, "/stream/inference", ""),
        answer(&total, "/stream/inference", "")
    );
    for (name, response) in [("idle", idle), ("total", total)] {
        assert!(
            response.contains("one") && !response.ends_with("0\r\n\r\n"),
            "{name}: {response}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_leaves_closes_the_invocations_connection() {
    for (name, first, seen) in [
        ("before the first byte", Vec::new(), None),
        ("in the middle", vec![chunk(METADATA)], Some("one")),
    ] {
        // The endpoint's stream holds the sender: it is dropped when the connection closes.
        let (alive, mut closed) = mpsc::channel::<Infallible>(1);
        let alive = Arc::new(parking_lot::Mutex::new(Some(alive)));
        let mut lambda = ScriptedLambda::start(move || {
            let alive = alive.lock().take();
            event_stream(
                stream::iter(first.clone()).chain(stream::unfold(alive, |alive| async {
                    std::future::pending::<()>().await;
                    Some((Bytes::new(), alive))
                })),
            )
        })
        .await;
        let address = lambda.behind_api(LONG).await;
        let mut connection = send(&address, "/stream/inference", "").await;
        lambda.requests.recv().await.expect("a request");
        if let Some(text) = seen {
            read_until(&mut connection, text).await;
        }
        drop(connection);
        let left = tokio::time::timeout(Duration::from_secs(60), closed.recv()).await;
        assert!(
            matches!(left, Ok(None)),
            "{name}: the connection to Lambda stays open"
        );
    }
}

//! The REST API over HTTP, with a scripted Lambda endpoint behind it.

mod buffered;
mod event;
mod streamed;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sigv4::Credentials;
use testkit::endpoint::Endpoint;
use testkit::http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::serve_with_header_names;

const LONG: StreamLimits = StreamLimits {
    total: Duration::from_secs(900),
    idle: Duration::from_secs(300),
    bandwidth: None,
};

/// Starts an API before a Lambda endpoint and returns its address.
async fn api_before(lambda: &Endpoint, limits: StreamLimits) -> String {
    throttled_api_before(lambda, limits, None).await
}

async fn throttled_api_before(
    lambda: &Endpoint,
    limits: StreamLimits,
    throttling: Option<ThrottlingLimits>,
) -> String {
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
        throttling,
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
        lambda: lambda.url.clone(),
        signer: Signer::new(Arc::new(Credentials::new("AKIDEXAMPLE", "secret"))),
        recorder: crate::recorder::Recorder::default(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(serve_with_header_names(listener, api.router()));
    address
}

/// The event that a request to Lambda carries.
fn received_event(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("an event")
}

/// Sends a request without a token, which only `OPTIONS` may have, and returns the connection.
async fn send(address: &str, path: &str, headers: &str) -> TcpStream {
    send_with(address, "OPTIONS", path, headers).await
}

async fn send_with(address: &str, method: &str, path: &str, headers: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    let request = format!("{method} {path} HTTP/1.1\r\nHost: api.example:4009\r\n{headers}\r\n");
    connection
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    connection
}

/// Everything that the API answers until it closes the connection.
async fn answer(address: &str, path: &str, headers: &str) -> String {
    answer_to(address, "OPTIONS", path, headers).await
}

async fn answer_to(address: &str, method: &str, path: &str, headers: &str) -> String {
    let headers = format!("{headers}Connection: close\r\n");
    let mut connection = send_with(address, method, path, &headers).await;
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

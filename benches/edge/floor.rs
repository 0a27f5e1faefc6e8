//! The lower bound for a function between two HTTP services: poll, pass the body on, pass the
//! response back. It has no SDK, no signature, no checks and no log, and serves as a yardstick
//! only.

use std::process::ExitCode;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;

type Connection = SendRequest<Full<Bytes>>;
type Error = Box<dyn std::error::Error>;

/// Handles invocations until the process is killed.
pub fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let Err(error) = runtime.block_on(serve()) else {
        return ExitCode::SUCCESS;
    };
    eprintln!("{error}");
    ExitCode::FAILURE
}

#[derive(Deserialize)]
struct Event<'e> {
    body: std::borrow::Cow<'e, str>,
}

async fn serve() -> Result<(), Error> {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    let (mut api, mut core) = (connect(&address).await?, connect(&address).await?);
    loop {
        let (id, event) = exchange(
            &mut api,
            Method::GET,
            "/2018-06-01/runtime/invocation/next",
            Bytes::new(),
        )
        .await?;
        let event: Event = serde_json::from_slice(&event)?;
        let payload = format!(r#"{{"input":{}}}"#, event.body);
        let (_, answer) = exchange(
            &mut core,
            Method::POST,
            "/2015-03-31/functions/core/invocations",
            payload.into(),
        )
        .await?;
        let _: &RawValue = serde_json::from_slice(&answer)?;
        let body = serde_json::to_string(std::str::from_utf8(&answer)?)?;
        let response = format!(
            r#"{{"statusCode":200,"headers":{{"content-type":"application/json"}},"body":{body}}}"#
        );
        exchange(
            &mut api,
            Method::POST,
            &format!("/2018-06-01/runtime/invocation/{id}/response"),
            response.into(),
        )
        .await?;
    }
}

async fn connect(address: &str) -> Result<Connection, Error> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Sends a request and returns the request id and the body of the response.
async fn exchange(
    connection: &mut Connection,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(String, Bytes), Error> {
    connection.ready().await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "lambda")
        .body(Full::new(body))?;
    let (parts, body) = connection.send_request(request).await?.into_parts();
    let id = parts
        .headers
        .get("lambda-runtime-aws-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    Ok((id, body.collect().await?.to_bytes()))
}

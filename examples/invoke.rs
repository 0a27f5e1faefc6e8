//! Invokes the edge as an app does, with the AWS SDK for Rust: whole, then streamed.
//! `docs/clients.md` shows this program.
//!
//! Credentials, region and endpoint come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_REGION`,
//! `AWS_ENDPOINT_URL_LAMBDA`, …).

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvokeWithResponseStreamResponseEvent as Event;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

const QUESTION: &str =
    r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let sdk = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await;
    let client = aws_sdk_lambda::Client::new(&sdk);

    let answer = client
        .invoke()
        .function_name("edge")
        .payload(Blob::new(QUESTION))
        .send()
        .await?;
    let payload = answer.payload.unwrap_or_else(|| Blob::new(""));
    match answer.function_error {
        None => println!("{}", String::from_utf8_lossy(payload.as_ref())),
        Some(_) => return Err(String::from_utf8_lossy(payload.as_ref()).into()),
    }

    let request = client
        .invoke_with_response_stream()
        .function_name("edge-stream")
        .payload(Blob::new(QUESTION));
    let mut answer = request.send().await?;
    while let Some(event) = answer.event_stream.recv().await? {
        match event {
            Event::PayloadChunk(chunk) => {
                print!(
                    "{}",
                    String::from_utf8_lossy(
                        chunk.payload.unwrap_or_else(|| Blob::new("")).as_ref()
                    )
                )
            }
            Event::InvokeComplete(end) if end.error_code.is_some() => {
                return Err(format!("{end:?}").into());
            }
            _ => {}
        }
    }
    Ok(())
}

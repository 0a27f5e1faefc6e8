//! Amazon Bedrock as the model, against a server on loopback that speaks its wire format.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_bedrockruntime::config::Credentials;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use core_function::Core;
use core_function::bedrock::Bedrock;
use core_function::figures::Figures;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const MODEL: &str = "anthropic.claude-3-haiku-20240307-v1:0";

/// A server that gives every request the same answer, and keeps what it was asked.
struct Server {
    core: Core,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn answering(status: &str, content_type: &str, body: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 65_536];
                let mut length = stream.read(&mut request).await.unwrap_or_default();
                while !request[..length].ends_with(b"}") {
                    length += stream
                        .read(&mut request[length..])
                        .await
                        .unwrap_or_default();
                }
                seen.lock()
                    .expect("a lock")
                    .push(String::from_utf8_lossy(&request[..length]).into_owned());
                let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            }
        });
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(url)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(
                "AKIDEXAMPLE",
                "secret",
                None,
                None,
                "test",
            ))
            .load()
            .await;
        let core = Core {
            figures: Figures::embedded().expect("the data"),
            model: Some(Bedrock::with(&sdk, MODEL.to_owned())),
            verifier: None,
        };
        Self { core, requests }
    }

    /// The lines of the one request, and its body.
    fn request(&self) -> (String, Value) {
        let requests = self.requests.lock().expect("a lock");
        let [request] = requests.as_slice() else {
            panic!("{} requests", requests.len())
        };
        let (head, body) = request.split_once("\r\n\r\n").expect("a body");
        (head.to_owned(), serde_json::from_str(body).expect("JSON"))
    }
}

fn question(partner: &str) -> Value {
    json!({ "input": { "partner": partner, "year": 2023, "period": "Q1", "question": "What was the revenue?" } })
}

fn frame(kind: &str, name: &str, payload: &Value) -> Vec<u8> {
    let text = |value: &str| HeaderValue::String(value.to_owned().into());
    let message = Message::new(payload.to_string())
        .add_header(Header::new(":message-type", text(kind)))
        .add_header(Header::new(
            if kind == "event" {
                ":event-type"
            } else {
                ":exception-type"
            },
            text(name),
        ))
        .add_header(Header::new(":content-type", text("application/json")));
    let mut frame = Vec::new();
    write_message_to(&message, &mut frame).expect("a frame");
    frame
}

async fn streamed(core: &Core) -> String {
    let answer = core.stream(question("Apple")).await.expect("a stream");
    assert_eq!(
        answer.metadata_prelude.headers["content-type"],
        "text/event-stream"
    );
    let pieces: Vec<_> = answer.stream.collect().await;
    pieces
        .into_iter()
        .map(|piece| String::from_utf8(piece.expect("a piece").to_vec()).expect("UTF-8"))
        .collect()
}

fn metadata() -> Value {
    json!({ "usage": { "inputTokens": 120, "outputTokens": 9, "totalTokens": 129 }, "metrics": { "latencyMs": 1 } })
}

#[tokio::test]
async fn the_model_answers_from_the_figures_and_its_tokens_are_counted() {
    let answer = json!({
        "output": { "message": { "role": "assistant", "content": [{ "text": "It was $117,154 million." }] } },
        "stopReason": "end_turn",
        "usage": { "inputTokens": 120, "outputTokens": 9, "totalTokens": 129 },
        "metrics": { "latencyMs": 1 },
    });
    let server = Server::answering("200 OK", "application/json", answer.to_string().into()).await;
    let answer = server
        .core
        .respond(question("Apple"))
        .await
        .expect("an answer");
    assert_eq!(answer.answer, "It was $117,154 million.");
    assert_eq!(
        serde_json::to_value(answer.meta.tokens).expect("JSON"),
        json!({ "input": 120, "output": 9 })
    );
    assert!(answer.meta.found && answer.meta.model == MODEL && !answer.meta.sources.is_empty());
    let (head, body) = server.request();
    assert!(
        head.starts_with("POST /model/anthropic.claude-3-haiku-20240307-v1%3A0/converse HTTP/1.1"),
        "{head}"
    );
    assert_eq!(
        body["messages"][0]["content"][0]["text"],
        "What was the revenue?"
    );
    let system = body["system"][0]["text"].as_str().expect("instructions");
    assert!(
        system.contains("$117,154 million") && system.contains("net income"),
        "{system}"
    );
}

#[tokio::test]
async fn the_model_learns_of_a_split_that_came_after_the_figure() {
    let server = Server::answering("200 OK", "application/json", b"{}".to_vec()).await;
    let answer = server
        .core
        .respond(question("NVIDIA"))
        .await
        .expect("an answer");
    let sources = serde_json::to_value(&answer.meta.sources).expect("JSON");
    assert_eq!(
        sources[0]["title"],
        "NVIDIA Corporation, Form 10-Q for Q1 of fiscal 2023, filed 2022-05-27"
    );
    let (_, body) = server.request();
    let system = body["system"][0]["text"].as_str().expect("instructions");
    assert!(
        system.contains("$0.64, as reported; the 10-for-1 split of June 2024 came later"),
        "{system}"
    );
}

#[tokio::test]
async fn the_model_is_not_asked_where_there_are_no_figures() {
    let server = Server::answering("500 No", "application/json", Vec::new()).await;
    let answer = server
        .core
        .respond(question("Initech"))
        .await
        .expect("an answer");
    assert!(
        !answer.meta.found && answer.meta.model == "embedded-facts",
        "{answer:?}"
    );
    assert!(server.requests.lock().expect("a lock").is_empty());
}

#[tokio::test]
async fn what_the_model_writes_is_passed_on_as_it_is_written() {
    let delta = |text: &str| {
        frame(
            "event",
            "contentBlockDelta",
            &json!({ "contentBlockIndex": 0, "delta": { "text": text } }),
        )
    };
    let frames = [
        frame("event", "messageStart", &json!({ "role": "assistant" })),
        delta("It was "),
        delta("$117,154 million."),
        frame("event", "messageStop", &json!({ "stopReason": "end_turn" })),
        frame("event", "metadata", &metadata()),
    ];
    let server = Server::answering(
        "200 OK",
        "application/vnd.amazon.eventstream",
        frames.concat(),
    )
    .await;
    let text = streamed(&server.core).await;
    assert!(
        text.starts_with("data: {\"text\":\"It was \"}\n\ndata: {\"text\":\"$117,154 million.\"}\n\nevent: done\n"),
        "{text}"
    );
    assert!(
        text.contains(r#""tokens":{"input":120,"output":9}"#),
        "{text}"
    );
    assert!(server.request().0.contains("/converse-stream "));
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_with_an_error_event() {
    let delta = frame(
        "event",
        "contentBlockDelta",
        &json!({ "contentBlockIndex": 0, "delta": { "text": "It" } }),
    );
    let throttled = frame(
        "exception",
        "throttlingException",
        &json!({ "message": "slow down" }),
    );
    for (name, frames) in [
        ("ThrottlingException", [delta.clone(), throttled].concat()),
        ("ModelUnreachable", delta.clone()),
    ] {
        let server =
            Server::answering("200 OK", "application/vnd.amazon.eventstream", frames).await;
        let text = streamed(&server.core).await;
        assert!(
            text.contains("event: error\ndata: {\"code\":\"model_error\"")
                && !text.contains("event: done"),
            "{text}"
        );
        assert!(
            text.to_lowercase()
                .contains(&format!("\"errortype\":\"{}\"", name.to_lowercase())),
            "{name}: {text}"
        );
    }
}

#[tokio::test]
async fn a_model_that_does_not_answer_is_a_function_error_with_bedrocks_name_for_it() {
    let body = br#"{"message":"You don't have access to the model"}"#.to_vec();
    let head = "403 Forbidden\r\nx-amzn-ErrorType: AccessDeniedException";
    let server = Server::answering(head, "application/json", body).await;
    let error = server
        .core
        .respond(question("Apple"))
        .await
        .expect_err("an error");
    assert_eq!(
        (error.error_type.as_str(), error.error_message.as_str()),
        ("AccessDeniedException", "The model does not answer")
    );
}

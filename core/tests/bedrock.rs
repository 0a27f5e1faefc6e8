//! Amazon Bedrock as the model, against an endpoint on loopback that speaks its wire format.

use core_function::Core;
use core_function::bedrock::Bedrock;
use core_function::figures::Figures;
use futures_util::StreamExt;
use serde_json::{Value, json};
use testkit::aws::sdk_config;
use testkit::endpoint::{Endpoint, Script};
use testkit::event_stream::{event, exception};
use testkit::http::{Request, answer};

const MODEL: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const JSON: &str = "Content-Type: application/json\r\n";

/// Core before an endpoint that answers as Bedrock does.
struct Server {
    core: Core,
    bedrock: Endpoint,
}

impl Server {
    /// Every request gets this answer; `headers` end with a line break each.
    async fn answering(status: u16, headers: &str, body: &[u8]) -> Self {
        let headers = format!("Connection: close\r\n{headers}");
        let bedrock = Endpoint::start(Script::answering(answer(status, &headers, body))).await;
        let sdk = sdk_config(&bedrock.url)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .load()
            .await;
        let core = Core {
            figures: Figures::embedded().expect("the data"),
            model: Some(Bedrock::with(&sdk, MODEL.to_owned())),
            verifier: None,
        };
        Self { core, bedrock }
    }

    async fn answering_json(body: &Value) -> Self {
        let body = body.to_string();
        Self::answering(200, JSON, body.as_bytes()).await
    }

    async fn streaming(messages: &[Vec<u8>]) -> Self {
        let headers = "Content-Type: application/vnd.amazon.eventstream\r\n";
        Self::answering(200, headers, &messages.concat()).await
    }

    /// The one request, and its body.
    fn request(&self) -> (Request, Value) {
        let requests = self.bedrock.requests();
        let [request] = requests.as_slice() else {
            panic!("{} requests", requests.len())
        };
        let body = serde_json::from_slice(&request.body).expect("JSON");
        (request.clone(), body)
    }
}

fn question(partner: &str) -> Value {
    json!({ "input": { "partner": partner, "year": 2023, "period": "Q1", "question": "What was the revenue?" } })
}

/// A message of the stream that Bedrock sends.
fn message(event_type: &str, payload: &Value) -> Vec<u8> {
    event(event_type, "application/json", &payload.to_string())
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
    let server = Server::answering_json(&answer).await;
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
    let (request, body) = server.request();
    let request_line = "POST /model/anthropic.claude-3-haiku-20240307-v1%3A0/converse HTTP/1.1\r\n";
    assert!(request.head.starts_with(request_line), "{}", request.head);
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
    let server = Server::answering_json(&json!({})).await;
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
    let server = Server::answering(500, JSON, b"").await;
    let answer = server
        .core
        .respond(question("Initech"))
        .await
        .expect("an answer");
    assert!(
        !answer.meta.found && answer.meta.model == "embedded-facts",
        "{answer:?}"
    );
    assert_eq!(server.bedrock.counts(), (0, 0));
}

#[tokio::test]
async fn what_the_model_writes_is_passed_on_as_it_is_written() {
    let delta = |text: &str| {
        let delta = json!({ "contentBlockIndex": 0, "delta": { "text": text } });
        message("contentBlockDelta", &delta)
    };
    let server = Server::streaming(&[
        message("messageStart", &json!({ "role": "assistant" })),
        delta("It was "),
        delta("$117,154 million."),
        message("messageStop", &json!({ "stopReason": "end_turn" })),
        message("metadata", &metadata()),
    ])
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
    assert!(server.request().0.path().ends_with("/converse-stream"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_with_an_error_event() {
    let delta = json!({ "contentBlockIndex": 0, "delta": { "text": "It" } });
    let delta = message("contentBlockDelta", &delta);
    let throttled = exception("throttlingException", r#"{"message":"slow down"}"#);
    for (name, messages) in [
        ("ThrottlingException", vec![delta.clone(), throttled]),
        ("ModelUnreachable", vec![delta]),
    ] {
        let server = Server::streaming(&messages).await;
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
    let headers = format!("{JSON}x-amzn-ErrorType: AccessDeniedException\r\n");
    let body = br#"{"message":"You don't have access to the model"}"#;
    let server = Server::answering(403, &headers, body).await;
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

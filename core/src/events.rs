//! An answer as server-sent events: one for each piece of text, and a last one that says how it
//! came about. <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::convert::Infallible;
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};

use crate::answer::{Facts, Meta, Tokens, millis_since};
use crate::bedrock::{AnswerPart, AnswerStream, ModelError};

/// Events as bytes. What goes wrong is an event too.
pub type Events = BoxStream<'static, Result<Bytes, Infallible>>;

/// The embedded figures' answer, a sentence at a time.
pub fn of_facts(facts: &Facts, start: Instant) -> Events {
    let sentences = facts
        .sentences
        .iter()
        .enumerate()
        .map(|(at, sentence)| text(&separated(at, sentence)));
    let events: Vec<_> = sentences
        .chain([done(&facts.meta(start))])
        .map(Ok)
        .collect();
    stream::iter(events).boxed()
}

/// The model's answer, as it writes it.
pub fn of_answer_stream(
    answer: AnswerStream,
    model_id: String,
    facts: Facts,
    start: Instant,
) -> Events {
    let events = stream::unfold(Some((answer, model_id, facts)), move |state| async move {
        let (mut answer, model_id, facts) = state?;
        match answer.next().await {
            Ok(AnswerPart::Text(more)) => Some((Ok(text(&more)), Some((answer, model_id, facts)))),
            Ok(AnswerPart::Done(tokens)) => {
                Some((Ok(done(&model_meta(model_id, &facts, tokens, start))), None))
            }
            Err(error) => Some((Ok(failed(&error)), None)),
        }
    });
    events.boxed()
}

/// How a model's answer came about.
pub fn model_meta(model: String, facts: &Facts, tokens: Tokens, start: Instant) -> Meta {
    Meta {
        model,
        found: facts.found,
        latency_ms: millis_since(start),
        sources: facts.sources.clone(),
        tokens: Some(tokens),
    }
}

fn separated(at: usize, sentence: &str) -> String {
    if at == 0 {
        sentence.to_owned()
    } else {
        format!(" {sentence}")
    }
}

fn text(text: &str) -> Bytes {
    event("", &json!({ "text": text }))
}

fn done(meta: &Meta) -> Bytes {
    event("event: done\n", &json!({ "meta": meta }))
}

/// In the form of the edge's own errors, so that a page has one to read.
fn failed(error: &ModelError) -> Bytes {
    tracing::error!(name = error.name, %error, "the model broke off");
    event(
        "event: error\n",
        &json!({ "error": "The model broke off", "code": "model_error", "detail": { "errorType": error.name } }),
    )
}

fn event(name: &str, data: &Value) -> Bytes {
    format!("{name}data: {data}\n\n").into()
}

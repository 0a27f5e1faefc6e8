//! What core answers: sentences with their sources, or a list of what there is instead, and how the
//! answer came about.

mod sentences;

use std::time::Instant;

use serde::Serialize;

use crate::figures::{Figures, Source};
use crate::inquiry::Inquiry;

/// What core returns as JSON.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The answer, in sentences.
    pub answer: String,
    /// How it came about.
    pub meta: Meta,
}

/// How an answer came about.
#[derive(Debug, Serialize)]
pub struct Meta {
    /// What has made the sentences: the id of a model, or `embedded-facts`.
    pub model: String,
    /// Whether there was something to answer with.
    pub found: bool,
    /// The time that the answer took, in milliseconds.
    pub latency_ms: f64,
    /// The companies' filings that state the figures.
    pub sources: Vec<Source>,
    /// What the model has read and written, where it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
}

/// Tokens, as Amazon Bedrock counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// The tokens of the prompt.
    pub input: i32,
    /// The tokens of the answer.
    pub output: i32,
}

/// What the figures answer to an inquiry, and the filings that state them.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The answer, or what there is instead, sentence by sentence.
    pub sentences: Vec<String>,
    /// The companies' filings that state the figures.
    pub sources: Vec<Source>,
    /// Whether the sentences answer, and do not list what there is instead.
    pub found: bool,
}

impl Facts {
    /// How the embedded figures answer; `start` is when work began.
    pub fn meta(&self, start: Instant) -> Meta {
        Meta {
            model: "embedded-facts".to_owned(),
            found: self.found,
            latency_ms: millis_since(start),
            sources: self.sources.clone(),
            tokens: None,
        }
    }

    /// All of it, in one piece.
    pub fn answer(&self, start: Instant) -> Answer {
        Answer {
            answer: self.sentences.join(" "),
            meta: self.meta(start),
        }
    }
}

/// Milliseconds, to the microsecond.
pub fn millis_since(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// Answers an inquiry from the figures.
pub fn find_facts(inquiry: &Inquiry, figures: &Figures) -> Facts {
    match sentences::find(inquiry, figures) {
        Ok((sentences, source)) => Facts {
            sentences,
            sources: vec![source],
            found: true,
        },
        Err(alternatives) => Facts {
            sentences: alternatives,
            sources: Vec::new(),
            found: false,
        },
    }
}

#[cfg(test)]
mod tests;

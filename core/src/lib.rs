//! A sample core function: it answers a question about a company's published results from figures
//! that it carries.
//!
//! Meant to be replaced by your own. It gets `{"input", "identity", "requestMeta"}` (or the input
//! alone), knows nothing of HTTP, CORS or tokens, and trusts for who is asking the `identity`
//! alone, which no caller can set.
//!
//! `inquiry` reads the event, [`figures`] holds the data, `rank` picks the facts that the question
//! asks for, and `answer` puts them into sentences; [`bedrock`] lets a model do that, where
//! `BEDROCK_MODEL_ID` names one. `events` sends them one by one, where `RESPONSE=stream` asks for
//! it. `signature` refuses an identity that the edge has not signed, where `IDENTITY_SIGNING_KEY` is
//! set.

mod answer;
pub mod bedrock;
mod events;
pub mod figures;
mod inquiry;
mod rank;
mod signature;

use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use http::header::{CONTENT_TYPE, HeaderValue};
use lambda_runtime::{Diagnostic, LambdaEvent, MetadataPrelude, StreamResponse, service_fn};
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use answer::{Answer, Facts};
use bedrock::{Bedrock, ModelError};
use events::Events;
use figures::Figures;
use inquiry::Inquiry;
use signature::IdentityVerifier;

/// Variables that Lambda sets and its runtime cannot do without.
const PLATFORM: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

/// Runs the function until Lambda ends it.
pub fn main() -> ExitCode {
    start_log();
    if let Some(problem) = platform_problem(variable) {
        tracing::error!(problem, "core-function does not start");
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(serve()),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the runtime ended");
            ExitCode::FAILURE
        }
    }
}

/// Why the environment is not one that Lambda, or an emulator of it, has made: its runtime would
/// panic there.
fn platform_problem(look_up: impl Fn(&str) -> Option<String>) -> Option<String> {
    let absent: Vec<_> = PLATFORM
        .into_iter()
        .filter(|name| look_up(name).is_none())
        .collect();
    if !absent.is_empty() {
        return Some(format!(
            "{} not set: this is a Lambda function, which takes its events from the Runtime API at AWS_LAMBDA_RUNTIME_API. \
             To run it on your own machine: `cargo run` in the repository, which starts a local stack with this function as core",
            absent.join(", ")
        ));
    }
    let address = look_up("AWS_LAMBDA_RUNTIME_API")?;
    let has_host = address
        .parse::<http::Uri>()
        .is_ok_and(|uri| uri.authority().is_some());
    (!has_host).then(|| format!("AWS_LAMBDA_RUNTIME_API: `{address}`: write host:port, or an http URL, which may have a path"))
}

/// The runtime prints a handler's error once more, with what the caller wrote in it: that is left
/// out.
fn start_log() {
    let targets = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false);
    // An `Err` says that the process has a log already.
    let _ = tracing_subscriber::registry()
        .with(targets)
        .with(layer)
        .try_init();
}

async fn serve() -> Result<(), lambda_runtime::Error> {
    let model = match variable("BEDROCK_MODEL_ID") {
        Some(id) => Some(Bedrock::new(id).await),
        None => None,
    };
    let core = Core {
        figures: Figures::embedded()?,
        model,
        verifier: variable("IDENTITY_SIGNING_KEY")
            .map(|key| IdentityVerifier::new(&key))
            .transpose()?,
    };
    match variable("RESPONSE").as_deref() {
        Some("stream") => {
            lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
                core.stream(event.payload)
            }))
            .await
        }
        None | Some("buffered") => {
            lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
                core.respond(event.payload)
            }))
            .await
        }
        Some(other) => Err(format!("RESPONSE: `{other}`: write buffered or stream").into()),
    }
}

/// A variable of the environment; an empty one counts as unset.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The function: its figures, and a model that puts them into words, where one is configured.
#[derive(Debug)]
pub struct Core {
    /// The results that questions are answered from.
    pub figures: Figures,
    /// The model that words the answers, if there is one: `BEDROCK_MODEL_ID`.
    pub model: Option<Bedrock>,
    /// What verifies that the edge has signed the identity: `IDENTITY_SIGNING_KEY`; `None` trusts
    /// every caller.
    pub verifier: Option<IdentityVerifier>,
}

impl Core {
    /// Answers one event in one piece; a request of the wrong shape is a function error.
    pub async fn respond(&self, event: Value) -> Result<Answer, Diagnostic> {
        let start = Instant::now();
        let inquiry = self.read(&event)?;
        let Some((model, facts)) = self.model_for(&inquiry) else {
            return Ok(answer::find_facts(&inquiry, &self.figures).answer(start));
        };
        let (answer, tokens) = model
            .converse(&inquiry.question, &facts)
            .await
            .map_err(model_error)?;
        Ok(Answer {
            answer,
            meta: events::model_meta(model.model_id().to_owned(), &facts, tokens, start),
        })
    }

    /// Answers one event piece by piece, as server-sent events.
    pub async fn stream(&self, event: Value) -> Result<StreamResponse<Events>, Diagnostic> {
        let start = Instant::now();
        let inquiry = self.read(&event)?;
        let stream = match self.model_for(&inquiry) {
            None => events::of_facts(&answer::find_facts(&inquiry, &self.figures), start),
            Some((model, facts)) => {
                let answer = model
                    .converse_stream(&inquiry.question, &facts)
                    .await
                    .map_err(model_error)?;
                events::of_answer_stream(answer, model.model_id().to_owned(), facts, start)
            }
        };
        let mut metadata_prelude = MetadataPrelude::default();
        metadata_prelude
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        Ok(StreamResponse {
            metadata_prelude,
            stream,
        })
    }

    fn read(&self, event: &Value) -> Result<Inquiry, Diagnostic> {
        if let Some(verifier) = &self.verifier {
            let verified = verifier.verify(event, SystemTime::now());
            verified.map_err(untrusted_identity)?;
        }
        read(event)
    }

    /// The model and all that it may know, where there is anything.
    fn model_for(&self, inquiry: &Inquiry) -> Option<(&Bedrock, Facts)> {
        let everything = Inquiry {
            question: String::new(),
            ..inquiry.clone()
        };
        let facts = answer::find_facts(&everything, &self.figures);
        self.model
            .as_ref()
            .filter(|_| facts.found)
            .map(|model| (model, facts))
    }
}

fn read(event: &Value) -> Result<Inquiry, Diagnostic> {
    let inquiry = Inquiry::read(event).map_err(|error| {
        tracing::warn!(field = error.field, "a request of the wrong shape");
        Diagnostic {
            error_type: "InvalidRequest".to_owned(),
            error_message: error.to_string(),
        }
    })?;
    tracing::info!(sub = inquiry.sub, "asked");
    Ok(inquiry)
}

fn untrusted_identity(error: signature::SignatureError) -> Diagnostic {
    tracing::warn!(%error, "an identity that the edge has not signed");
    Diagnostic {
        error_type: "UntrustedIdentity".to_owned(),
        error_message: error.to_string(),
    }
}

/// The cause is logged; the caller gets the error's name alone.
fn model_error(error: ModelError) -> Diagnostic {
    tracing::error!(name = error.name, %error, "the model does not answer");
    Diagnostic {
        error_type: error.name,
        error_message: "The model does not answer".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_that_lambda_did_not_make_is_explained() {
        let with = |address: &str| {
            platform_problem(|name| {
                Some(if name == PLATFORM[0] { address } else { "1" }.to_owned())
            })
        };
        for address in [
            "127.0.0.1:9001",
            "localhost:9001",
            "http://127.0.0.1:9000/.rt/core-function",
            "http://127.0.0.1:9000/.rt/core-function/",
        ] {
            assert_eq!(with(address), None, "{address}");
        }
        for address in ["/next", "127.0.0.1:9001/path", "http://", "not an address"] {
            assert!(
                with(address).is_some_and(|problem| problem.contains(address)),
                "{address}"
            );
        }
        let problem = platform_problem(|name| {
            (name == "AWS_LAMBDA_FUNCTION_NAME").then(|| "core".to_owned())
        })
        .expect("a problem");
        let absent = "AWS_LAMBDA_RUNTIME_API, AWS_LAMBDA_FUNCTION_VERSION, AWS_LAMBDA_FUNCTION_MEMORY_SIZE not set";
        assert!(problem.starts_with(absent), "{problem}");
    }
}

//! `lambda_http`'s reader of events, as an oracle for the edge's own: whatever event it accepts, both
//! read the same request from it.
//!
//! The edge has a reader of its own because `lambda_http` refuses a whole event whose claims are not
//! all strings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge::stages::event::{Body, EventSource, Request};
use lambda_http::{Context, RequestExt};
use serde_json::Value;
use testkit::event_files::{NamedEvent, events, read_event};

/// What both readers find in an event.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    method: String,
    path: String,
    origin: Option<String>,
    authorization: Option<String>,
    user_agent: Option<String>,
    body: Vec<u8>,
}

fn by_the_edge(event: &str) -> Option<Reading> {
    let context = Context::default();
    let request = Request::read(event, &context);
    if request.source == EventSource::Direct {
        return None;
    }
    let body = match &request.content.body {
        Body::Absent => Vec::new(),
        Body::Text(text) => text.as_bytes().to_vec(),
        Body::Base64(text) => STANDARD.decode(text.as_bytes()).unwrap_or_default(),
        Body::Json(text) => text.as_bytes().to_vec(),
    };
    Some(Reading {
        method: request.method.into_owned(),
        path: request.path.into_owned(),
        origin: request.origin.map(|text| text.into_owned()),
        authorization: request.authorization.map(|text| text.into_owned()),
        user_agent: request.meta.user_agent.map(|text| text.into_owned()),
        body,
    })
}

fn by_lambda_http(event: &str) -> Option<Reading> {
    // It panics for a body that is not the base64 that the event says it is.
    let request = std::panic::catch_unwind(|| lambda_http::request::from_str(event))
        .ok()?
        .ok()?;
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    Some(Reading {
        method: request.method().as_str().to_owned(),
        path: request.raw_http_path().to_owned(),
        origin: header("origin"),
        authorization: header("authorization"),
        user_agent: header("user-agent"),
        body: request.body().as_ref().to_vec(),
    })
}

#[test]
fn both_readers_read_the_same_request_from_every_event_that_lambda_http_accepts() {
    let (mut accepted, mut refused) = (0, Vec::new());
    for NamedEvent { name, event, .. } in events() {
        if name.starts_with("direct/") {
            continue;
        }
        let own =
            by_the_edge(&event).unwrap_or_else(|| panic!("{name} was taken for a direct Invoke"));
        match by_lambda_http(&event) {
            Some(reading) => {
                assert_eq!(own, reading, "{name}");
                accepted += 1;
            }
            None => refused.push(name),
        }
    }
    assert!(
        accepted > 50,
        "lambda_http accepts only {accepted} events; it refuses {refused:?}"
    );
}

#[test]
fn an_event_whose_claims_are_not_strings_is_read_by_the_edge_alone() {
    let event = read_event("http-api/typed-claims");
    let _: Value = serde_json::from_str(&event).expect("JSON");
    assert!(
        by_lambda_http(&event).is_none(),
        "the trap is gone: compare this event too"
    );
    assert!(by_the_edge(&event).is_some());
}

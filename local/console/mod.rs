//! The console: a page that shows every hop of each request as it is answered, and the records as
//! JSON. Its files are compiled into the program.
//!
//! This module has the routes. `page` serves the files, `records` the recorder's records; `actions`
//! sends requests, by `sender`: recorded ones again, and those of the error `lab`.

mod actions;
mod lab;
mod page;
mod records;
mod sender;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;

use crate::recorder::Recorder;
pub(crate) use sender::{EntryPointUrls, Sender};

#[derive(Debug, Clone)]
pub(crate) struct Console(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    configuration: String,
    frontend: String,
    recorder: Recorder,
    sender: Sender,
}

impl Console {
    /// Creates the console with the configuration of its page and with that of the frontend, which
    /// the frontend's development server requests from it.
    pub(crate) fn new(
        configuration: &Value,
        frontend: String,
        recorder: Recorder,
        sender: Sender,
    ) -> Self {
        Self(Arc::new(Inner {
            configuration: configuration.to_string(),
            frontend,
            recorder,
            sender,
        }))
    }

    pub(crate) fn router(&self) -> Router {
        page::routes()
            .route("/configuration.json", get(configuration))
            .route("/config.json", get(frontend_configuration))
            .route("/records", get(records::list))
            .route("/records/{id}", get(records::one))
            .route("/records/{id}/replay", post(actions::replay))
            .route("/live", get(records::live))
            .route("/send", post(actions::send))
            .route("/lab", get(actions::experiments))
            .route("/lab/{name}", post(actions::experiment))
            .with_state(self.clone())
    }
}

async fn configuration(State(console): State<Console>) -> Response {
    file("application/json", console.0.configuration.clone())
}

async fn frontend_configuration(State(console): State<Console>) -> Response {
    configuration_file(console.0.frontend.clone())
}

/// The response to `/config.json`, which no cache may store.
pub(crate) fn configuration_file(json: String) -> Response {
    file("application/json", json)
}

/// A file that no cache stores and no page of another origin embeds.
fn file(content_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

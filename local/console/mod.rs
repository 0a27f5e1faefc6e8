//! The console: a page that shows every hop of each request as it is answered. Its files are
//! compiled into the program.
//!
//! This module serves the page, its configuration, the frontend's configuration and the records as
//! server-sent events. The records come from the recorder.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::Stream;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::recorder::Recorder;

const PAGE: &str = include_str!("index.html");
const SCRIPT: &str = include_str!("console.js");
const STYLE: &str = include_str!("console.css");
/// The content security policy: the page can reach the local services and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' http://localhost:*";

#[derive(Debug, Clone)]
pub(crate) struct Console(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    configuration: String,
    frontend: String,
    recorder: Recorder,
}

impl Console {
    /// Creates the console with the configuration of its page and with that of the frontend, which
    /// the frontend's development server requests from it.
    pub(crate) fn new(configuration: &Value, frontend: String, recorder: Recorder) -> Self {
        Self(Arc::new(Inner {
            configuration: configuration.to_string(),
            frontend,
            recorder,
        }))
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route(
                "/",
                get(|| async { file("text/html; charset=utf-8", PAGE) }),
            )
            .route(
                "/console.js",
                get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }),
            )
            .route(
                "/console.css",
                get(|| async { file("text/css; charset=utf-8", STYLE) }),
            )
            .route("/configuration.json", get(configuration))
            .route("/config.json", get(frontend_configuration))
            .route("/records", get(records))
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

async fn records(
    State(console): State<Console>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::unfold(console.0.recorder.subscribe(), next)).keep_alive(KeepAlive::default())
}

/// The next record. Records that a slow page has missed are skipped.
async fn next(
    mut records: Receiver<Arc<str>>,
) -> Option<(Result<Event, Infallible>, Receiver<Arc<str>>)> {
    loop {
        match records.recv().await {
            Ok(record) => return Some((Ok(Event::default().data(&*record)), records)),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

fn file(content_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

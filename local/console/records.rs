//! The recorder's records as JSON, and what changes as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use super::{Console, file};
use crate::recorder::{Filter, MAX_BYTES, MAX_RECORDS, Recorder};

/// The least time between two events: however many requests there are, a page gets ten events a
/// second at most.
const INTERVAL: Duration = Duration::from_millis(100);

/// Answers `GET /records`: the records that the query selects, newest first.
pub(super) async fn list(
    State(console): State<Console>,
    query: Result<Query<Filter>, QueryRejection>,
) -> Response {
    let filter = match query {
        Ok(Query(filter)) => filter,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    if let Err(why) = filter.check() {
        return refuse(StatusCode::BAD_REQUEST, &why);
    }
    let recorder = &console.0.recorder;
    json(&json!({
        "records": recorder.list(&filter),
        "mail": recorder.changes_since(0).mail,
        "limits": { "records": MAX_RECORDS, "bytes": MAX_BYTES },
    }))
}

/// Answers `GET /records/{id}`: one record with everything in it.
pub(super) async fn one(State(console): State<Console>, Path(id): Path<String>) -> Response {
    match console.0.recorder.find(&id) {
        Some(record) => json(&record),
        None => refuse(
            StatusCode::NOT_FOUND,
            &format!("there is no record {id}: the last {MAX_RECORDS} are kept"),
        ),
    }
}

/// Answers `GET /live`: first all records and messages, then those that change.
pub(super) async fn live(
    State(console): State<Console>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let feed = Feed {
        changes: console.0.recorder.subscribe(),
        recorder: console.0.recorder.clone(),
        since: None,
    };
    Sse::new(stream::unfold(feed, next)).keep_alive(KeepAlive::default())
}

/// What a page has got of the records.
struct Feed {
    recorder: Recorder,
    changes: watch::Receiver<u64>,
    /// The last change that the page knows; `None` before the first event.
    since: Option<u64>,
}

async fn next(mut feed: Feed) -> Option<(Result<Event, Infallible>, Feed)> {
    if feed.since.is_some() {
        feed.changes.changed().await.ok()?;
        tokio::time::sleep(INTERVAL).await;
        feed.changes.mark_unchanged();
    }
    let changes = feed.recorder.changes_since(feed.since.unwrap_or_default());
    feed.since = Some(changes.change);
    let text = serde_json::to_string(&changes).unwrap_or_default();
    Some((Ok(Event::default().data(text)), feed))
}

pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => file("application/json", text),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// An error as `{"message"}`.
pub(super) fn refuse(status: StatusCode, message: &str) -> Response {
    let body = json!({ "message": message }).to_string();
    (status, file("application/json", body)).into_response()
}

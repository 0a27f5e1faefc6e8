//! What the page and the command line have done: a recorded request is sent again, or an experiment
//! of the error lab is made. Pages of other origins may not.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Console;
use super::lab::EXPERIMENTS;
use super::records::{json, refuse};
use super::sender::{Changes, Sent, SignedRequest};

/// Answers `POST /records/{id}/replay`. The body, if there is one, holds the parts to change.
pub(super) async fn replay(
    State(console): State<Console>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(response) = refuse_other_origins(&headers) {
        return response;
    }
    let changes: Changes = if body.is_empty() {
        Changes::default()
    } else {
        match serde_json::from_slice(&body) {
            Ok(changes) => changes,
            Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
        }
    };
    answer(console.0.sender.replay(id, changes).await)
}

/// Answers `POST /send`: sends a request that must be signed, with the credentials of a user.
pub(super) async fn send(
    State(console): State<Console>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(response) = refuse_other_origins(&headers) {
        return response;
    }
    match serde_json::from_slice::<SignedRequest>(&body) {
        Ok(request) => answer(console.0.sender.send_signed(request).await),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

/// Answers `GET /lab`: the experiments.
pub(super) async fn experiments() -> Response {
    json(&EXPERIMENTS)
}

/// Answers `POST /lab/{name}`: makes an experiment.
pub(super) async fn experiment(
    State(console): State<Console>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(response) = refuse_other_origins(&headers) {
        return response;
    }
    let Some(experiment) = EXPERIMENTS.iter().find(|known| known.name == name) else {
        let names: Vec<_> = EXPERIMENTS.iter().map(|known| known.name).collect();
        let text = format!(
            "there is no experiment {name}: give one of {}",
            names.join(", ")
        );
        return refuse(StatusCode::NOT_FOUND, &text);
    };
    answer(console.0.sender.run(experiment).await)
}

fn answer(sent: Result<Sent, String>) -> Response {
    match sent {
        Ok(sent) => json(&sent),
        Err(why) => refuse(StatusCode::CONFLICT, &why),
    }
}

/// The response to a request that a page of another origin sends.
fn refuse_other_origins(headers: &HeaderMap) -> Option<Response> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = header("origin")?;
    let is_own = origin
        .strip_prefix("http://")
        .is_some_and(|host| Some(host) == header("host"));
    let text = format!("{origin} is another origin: only the console's own page may do this");
    (!is_own).then(|| refuse(StatusCode::FORBIDDEN, &text))
}

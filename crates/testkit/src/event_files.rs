//! The files under `events/`: each holds an event, and beside it, in `….expected.json`, stands how
//! it is answered.
//!
//! `pad` bytes take the place of `<pad>` in the event and in core's answer, `environment` is the
//! edge's configuration, `core` what core does, `coreReceives` what it must have been given,
//! `answer`, `result` or `error` what the caller must get. Of a streamed answer the pieces stand in
//! `pieces`, and `cut` says that it broke off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// An event with what is expected of its answer.
#[derive(Debug)]
pub struct NamedEvent {
    /// The folder and the name of the file, without its ending: `http-api/inference`.
    pub name: String,
    /// The event as it is sent.
    pub event: String,
    /// How it is answered.
    pub expected: Expected,
}

/// What stands in `….expected.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    /// What the event shows.
    pub about: String,
    /// How many bytes `<pad>` stands for.
    pub pad: Option<usize>,
    /// The variables of the edge.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The Cognito identity of the invocation.
    pub cognito_identity: Option<Value>,
    /// What core does.
    #[serde(default)]
    pub core: Core,
    /// The JSON that core receives.
    pub core_receives: Option<Value>,
    /// The text that core receives.
    pub core_receives_text: Option<String>,
    /// The tenant id of the call.
    pub tenant: Option<String>,
    /// The HTTP response.
    pub answer: Option<Answer>,
    /// The function's result, for a direct Invoke.
    pub result: Option<Value>,
    /// The function error, for a direct Invoke.
    pub error: Option<Value>,
}

/// What core does; nothing: it must not be called.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Core {
    /// Its result.
    pub returns: Option<String>,
    /// Its error payload; after the pieces where it streams.
    pub fails: Option<String>,
    /// How the call of core fails.
    pub invoke_fails: Option<String>,
    /// The pieces in which it answers.
    pub streams: Option<Vec<String>>,
}

/// An HTTP response.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// Its status.
    pub status_code: u16,
    /// Headers that it has, with their values.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers that it must not have.
    #[serde(default)]
    pub absent_headers: Vec<String>,
    /// Members beside status, headers and body, such as `cookies`.
    #[serde(default)]
    pub members: BTreeMap<String, Value>,
    /// Its body, as JSON.
    pub body: Option<Value>,
    /// Its body, as text.
    pub body_text: Option<String>,
    /// The pieces of a streamed body.
    pub pieces: Option<Vec<String>>,
    /// Whether the body breaks off.
    #[serde(default)]
    pub cut: bool,
}

/// The folder `events/` of the repository.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

/// The event in a file, as it stands there: `http-api/inference`.
pub fn read_event(name: &str) -> String {
    read(&folder().join(format!("{name}.json")))
}

/// All events, in the order of their names.
pub fn events() -> Vec<NamedEvent> {
    let mut events = Vec::new();
    for folder in entries(&folder()).into_iter().filter(|path| path.is_dir()) {
        for path in entries(&folder) {
            let file = path.file_name().expect("a name").to_string_lossy();
            let is_event = file.ends_with(".json") && !file.ends_with(".expected.json");
            if is_event {
                events.push(read_named(&path));
            }
        }
    }
    events
}

fn read_named(path: &Path) -> NamedEvent {
    let of_folder = path.parent().and_then(Path::file_name).expect("a folder");
    let name = path.file_stem().expect("a name");
    let file = path.with_extension("expected.json");
    let mut expected: Expected = serde_json::from_str(&read(&file))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let pad = "x".repeat(expected.pad.unwrap_or_default());
    let returns = expected.core.returns.take();
    expected.core.returns = returns.map(|returns| returns.replace("<pad>", &pad));
    NamedEvent {
        name: format!("{}/{}", of_folder.display(), name.display()),
        event: read(path).replace("<pad>", &pad),
        expected,
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

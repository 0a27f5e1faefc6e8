//! The edge's own reading and writing of JSON, against serde_json.

use edge::json::{Object, string, write_string};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Target;

pub const TARGET: Target = Target {
    name: "json",
    run,
    words: &[
        "{\"a\":",
        "\"b\":1,",
        "\"\\u00e9\"",
        "\\ud83d\\ude00",
        "\\ud800",
        "\\udc00",
        "\\u0000",
        "\\\"",
        "\\/",
        "\\b",
        "null",
        "true",
        "[[[[",
        "}}",
        "1e999",
        "\u{2028}",
        "\u{feff}",
    ],
};

fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    compare_objects(text);
    compare_strings(text);
    let mut written = Vec::new();
    write_string(&mut written, text);
    let read: String = serde_json::from_slice(&written).expect("a written string is JSON");
    assert_eq!(read, text, "a string is read as it was written");
}

fn compare_objects(text: &str) {
    let ours = Object::read(text);
    match (serde_json::from_str::<Value>(text), ours) {
        (Ok(Value::Object(members)), ours) => {
            let ours = ours.expect("serde_json reads it as an object");
            for (name, value) in &members {
                let raw = ours.raw_text(name).expect("serde_json finds the member");
                let again: Value = serde_json::from_str(raw).expect("a member is JSON");
                assert_eq!(&again, value, "the member {name:?}");
                let text = value.as_str().filter(|text| !text.is_empty());
                assert_eq!(ours.text(name).as_deref(), text, "the text of {name:?}");
                assert_eq!(ours.object(name).is_some(), value.is_object());
            }
            for (name, _) in ours.iter() {
                assert!(members.contains_key(name), "only we find {name:?}");
            }
        }
        (Ok(other), ours) => assert!(ours.is_none(), "not an object: {other}"),
        (Err(error), Some(ours)) => {
            assert!(
                is_refused_by_serde_alone(&error),
                "serde_json refuses what we read: {error}"
            );
            assert_eq!(ours.iter().count(), ours.len());
        }
        (Err(_), None) => {}
    }
}

/// Whether a `Value` cannot hold some JSON that is passed on unread: lone surrogates, numbers beyond
/// the range of a float, and deep nesting.
pub(super) fn is_refused_by_serde_alone(error: &serde_json::Error) -> bool {
    let why = error.to_string();
    let known = [
        "surrogate",
        "number out of range",
        "recursion limit",
        "end of hex escape",
    ];
    known.iter().any(|known| why.contains(known))
}

/// Ours is given the text of values, which serde_json has found.
fn compare_strings(text: &str) {
    let Ok(value) = serde_json::from_str::<&RawValue>(text) else {
        return;
    };
    match (
        serde_json::from_str::<String>(value.get()),
        string(value.get()),
    ) {
        (Ok(theirs), ours) => assert_eq!(ours.as_deref(), Some(theirs.as_str())),
        (Err(error), Some(ours)) => {
            let why = error.to_string();
            let is_lone = ["surrogate", "end of hex escape"]
                .iter()
                .any(|known| why.contains(known));
            assert!(
                is_lone,
                "serde_json refuses what we read as {ours:?}: {why}"
            );
        }
        (Err(_), None) => {}
    }
}

//! The form of records, as `docs/local.md` describes it.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Stack, send};
use crate::records::{QUESTION, record};

/// The paths of the members of a value. Headers and claims have any names.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                let is_open = path.ends_with("headers") || path == "claims";
                found.insert(path.clone());
                if !is_open {
                    members(value, &path, found);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                members(item, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}

/// The members that the document's table of records lists.
fn documented() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/local.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let (_, table) = document
        .split_once("| member | meaning |")
        .expect("a table");
    let rows = table
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with('|'));
    rows.skip(1)
        .flat_map(|row| {
            let cell = row.split('|').nth(1).unwrap_or_default();
            let spans = cell.split('`').skip(1).step_by(2).map(str::to_owned);
            spans.collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test]
async fn the_document_lists_the_members_that_records_have_and_no_others() {
    let stack = Stack::scripted(&[]);
    stack.ask_core("text").await;
    stack.ask("{}").await;
    let console = stack.ready_value("/consoleUrl");
    send(
        Method::POST,
        &format!("{console}/lab/wrong-signature"),
        &[],
        "",
    )
    .await;
    let body = json!({ "target": "edge-stream", "body": QUESTION.replace("text", "flood:1") });
    send(
        Method::POST,
        &format!("{console}/send"),
        &[],
        &body.to_string(),
    )
    .await;
    let mut found = BTreeSet::new();
    for id in 1..=4 {
        members(&record(&stack, id).await, "", &mut found);
    }
    assert_eq!(found, documented());
    let list = stack.console("records").await;
    let mut in_list = BTreeSet::new();
    members(&list["records"], "", &mut in_list);
    let above = |path: &String| !path.trim_start_matches("[].").contains(['[', '.']);
    let names: BTreeSet<_> = in_list.iter().filter(|path| above(path)).collect();
    assert_eq!(names.len(), 12, "{names:?}");
}

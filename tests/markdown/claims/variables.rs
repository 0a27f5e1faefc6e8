//! The variables that the documents name, and what the edge makes of them.

use std::collections::BTreeSet;

use edge::config::Config;

use super::{document, parameters_of_the_template, read, spans, text_of};
use crate::document::Document;

/// Folders and files whose text counts as the program's.
const SOURCES: [&str; 14] = [
    "edge/src",
    "crates",
    "local",
    "core/src",
    "web/src",
    "web/vite.config.ts",
    "tests",
    "examples",
    "benches",
    "events/local-env.json",
    "template.yaml",
    "amplify.yml",
    ".ci/run",
    "edge/Cargo.toml",
];

/// Names of variables and constants that stand nowhere in the sources, and parameters that the
/// template does not have.
pub fn unknown_variables(document: &Document) -> Vec<String> {
    let sources = text_of(&SOURCES);
    let parameters = parameters_of_the_template();
    let is_constant = |name: &str| {
        name.contains('_')
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let is_parameter = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.contains(|c: char| c.is_ascii_lowercase())
            && name.chars().all(char::is_alphanumeric)
    };
    let mut problems = Vec::new();
    for (line, span) in document.code_spans() {
        let (name, has_value) = span
            .split_once('=')
            .map_or((span.as_str(), false), |(name, _)| (name, true));
        if is_constant(name) && !sources.contains(name) {
            problems.push(format!(
                "{}:{line}: `{name}` stands nowhere in the sources",
                document.path
            ));
        }
        if has_value && is_parameter(name) && !parameters.contains_key(name) {
            problems.push(format!(
                "{}:{line}: the template has no parameter `{name}`",
                document.path
            ));
        }
    }
    problems
}

/// Where the table of variables is not what the edge reads: names, defaults and values.
pub fn variables_that_differ() -> Vec<String> {
    let document = document("docs/configuration.md");
    let mut problems = Vec::new();
    let mut source = read("edge/src/config.rs");
    for part in ["access", "answer", "network", "payload"] {
        source += &read(&format!("edge/src/config/{part}.rs"));
    }
    let source: String = source.split_whitespace().collect();
    let reads = [
        ".list(\"",
        ".choice(\"",
        ".value(\"",
        ".required(\"",
        ".millis(\"",
        ".seconds(\"",
        "in_either_case(env,\"",
    ];
    let names = reads.iter().flat_map(|call| {
        source
            .split(call)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
    });
    let names: BTreeSet<&str> = names.collect();
    let mentioned: BTreeSet<String> = document
        .code_spans()
        .into_iter()
        .map(|(_, span)| span)
        .collect();
    let silent = names.iter().filter(|name| !mentioned.contains(**name));
    problems.extend(
        silent.map(|name| {
            format!("the edge reads {name}, and docs/configuration.md does not say so")
        }),
    );
    for row in document.table("variable") {
        let [name, default, values] = [0, 1, 2].map(|cell| row[cell].as_str());
        let name = spans(name).next().unwrap_or_default();
        if !names.contains(name) {
            problems.push(format!(
                "docs/configuration.md lists {name}, which the edge does not read"
            ));
        }
        if default == "required" && config(&[]).is_ok() {
            problems.push(format!("{name} is not required"));
        }
        for default in spans(default) {
            let explicit = config(&[("TARGET_LAMBDA_NAME", "core"), (name, default)]);
            if explicit != config(&[("TARGET_LAMBDA_NAME", "core")]) {
                problems.push(format!(
                    "`{default}` is not the default of {name}: {explicit:?}"
                ));
            }
        }
        for value in spans(values) {
            let issuer = [
                ("JWT_ISSUER", "https://issuer.example"),
                ("JWT_AUDIENCE", "client"),
            ];
            let others = issuer
                .iter()
                .filter(|(other, _)| name.starts_with("JWT_") && *other != name)
                .copied();
            let pairs: Vec<_> = others
                .chain([("TARGET_LAMBDA_NAME", "core"), (name, value)])
                .collect();
            if let Err(why) = config(&pairs) {
                problems.push(format!("{name}=`{value}` is refused: {why}"));
            }
        }
    }
    problems
}

/// What the edge makes of variables; of a name that is there twice the last counts.
fn config(pairs: &[(&str, &str)]) -> Result<String, String> {
    let find = |name: &str| {
        pairs
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Config::read(find)
        .map(|config| format!("{config:?}"))
        .map_err(|error| error.to_string())
}

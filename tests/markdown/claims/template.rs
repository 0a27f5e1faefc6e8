//! The parameters and outputs that the documents list, and those of the template.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::Value;

use super::{document, read, spans};

fn template() -> Value {
    serde_yaml_ng::from_str(&read("template.yaml")).expect("YAML")
}

/// Each parameter of the template with its default.
pub fn parameters_of_the_template() -> BTreeMap<String, String> {
    let template = template();
    let parameters = template["Parameters"].as_mapping().expect("parameters");
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => panic!("a default is {other:?}"),
    };
    parameters
        .iter()
        .map(|(name, value)| (text(name), text(&value["Default"])))
        .collect()
}

/// Each parameter that docs/deploy.md lists with its default.
pub fn parameters_of_the_table() -> BTreeMap<String, String> {
    let rows = document("docs/deploy.md").table("parameter");
    let first = |cell: &str| spans(cell).next().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| (first(&row[0]), first(&row[1])))
        .collect()
}

/// The template's outputs.
pub fn outputs_of_the_template() -> BTreeSet<String> {
    let template = template();
    let outputs = template["Outputs"].as_mapping().expect("outputs");
    outputs
        .keys()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

/// The outputs that docs/deploy.md lists.
pub fn outputs_of_the_table() -> BTreeSet<String> {
    document("docs/deploy.md")
        .table("output")
        .iter()
        .flat_map(|row| spans(&row[0]).map(str::to_owned))
        .collect()
}

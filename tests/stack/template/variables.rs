//! What can be set of the edge by `--env` can be set by the template's parameters.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use super::{at, template};

/// Variables that the template does not declare, and why.
const LEFT_OUT: [(&str, &str); 8] = [
    ("LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL takes precedence"),
    (
        "AWS_LAMBDA_LOG_LEVEL",
        "Lambda sets it to ApplicationLogLevel",
    ),
    ("AWS_LAMBDA_LOG_FORMAT", "Lambda sets it to LogFormat"),
    ("AWS_LAMBDA_MAX_CONCURRENCY", "of Managed Instances"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "of SnapStart"),
    ("HTTPS_PROXY", "no function is in a VPC"),
    ("HTTP_PROXY", "no function is in a VPC"),
    ("NO_PROXY", "no function is in a VPC"),
];
/// Variables that the template sets by what it deploys, at one of the edges.
const BY_ENTRY_POINT: [&str; 2] = ["RESPONSE", "CORS"];

/// The variables of the table in docs/configuration.md.
fn documented() -> BTreeSet<String> {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/configuration.md"
    ))
    .expect("the document");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split('`').next());
    names
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_variable_of_the_edge_is_declared_by_the_template() {
    let template = template();
    let documented = documented();
    assert!(documented.len() > 15, "{documented:?}");
    for function in ["Edge", "EdgeStream"] {
        let declared = at(
            &template,
            &format!("Resources.{function}.Properties.Environment.Variables"),
        );
        for name in &documented {
            let is_left_out = LEFT_OUT.iter().any(|(known, _)| known == name);
            let is_of_the_twin = function == "Edge" && BY_ENTRY_POINT.contains(&name.as_str());
            assert_eq!(
                declared.get(name).is_some(),
                !is_left_out && !is_of_the_twin,
                "{function}: {name}"
            );
        }
    }
}

#[test]
fn a_variable_with_a_parameter_takes_its_value_from_it_at_both_edges() {
    let template = template();
    let parameters = template["Parameters"].as_mapping().expect("parameters");
    let variables = |function: &str| {
        at(
            &template,
            &format!("Resources.{function}.Properties.Environment.Variables"),
        )
        .clone()
    };
    let (edge, twin) = (variables("Edge"), variables("EdgeStream"));
    let mut compared = 0;
    for parameter in parameters.keys().filter_map(Value::as_str) {
        let variable = constant_case(parameter);
        let Some(value) = edge.get(&variable) else {
            continue;
        };
        assert_eq!(Some(value), twin.get(&variable), "{variable}");
        assert!(
            format!("{value:?}").contains(parameter),
            "{variable}: {value:?}"
        );
        compared += 1;
    }
    assert!(compared >= 14, "only {compared} variables have a parameter");
}

/// `AllowedGroups` → `ALLOWED_GROUPS`
fn constant_case(parameter: &str) -> String {
    let mut name = String::new();
    for letter in parameter.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[test]
fn the_values_that_parameters_allow_are_the_edges() {
    let template = template();
    for (variable, parameter) in [
        ("TOKEN_USE", "TokenUse"),
        ("PAYLOAD", "Payload"),
        ("CORE_REPLY", "CoreReply"),
        ("ERROR_DETAIL", "ErrorDetail"),
        ("ALLOW_ANONYMOUS", "AllowAnonymous"),
    ] {
        let allowed = at(&template, &format!("Parameters.{parameter}.AllowedValues"));
        for value in allowed.as_sequence().expect("a list") {
            let value = value.as_str().expect("a text");
            let find = |name: &str| match name {
                "TARGET_LAMBDA_NAME" => Some("core".to_owned()),
                "AWS_LAMBDA_RUNTIME_API" => Some("localhost".to_owned()),
                "AWS_LAMBDA_FUNCTION_NAME" => Some("edge".to_owned()),
                name if name == variable => Some(value.to_owned()),
                _ => None,
            };
            let read = edge::config::Config::read(find);
            assert!(read.is_ok(), "{parameter}={value}: {:?}", read.err());
        }
    }
}

#[test]
fn a_build_never_takes_a_function_from_a_cache_that_overlooks_the_lock_file() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/samconfig.toml"))
        .expect("the configuration of SAM CLI");
    let settings = |section: &str| {
        text.split(section)
            .nth(1)
            .map(|rest| rest.split("\n[").next().unwrap_or_default().to_owned())
    };
    let build = settings("[default.build.parameters]").expect("the section of sam build");
    assert!(build.contains("cached = false"), "{build}");
    assert!(!text.contains("cached = true"), "{text}");
}

//! Checks that the constants of the stack are those of `template.yaml`.

mod monitoring;
mod streaming;
mod variables;

use inference_edge::stack::{
    CORE_TIMEOUT, CORS_ALLOW_HEADERS, CORS_EXPOSE_HEADERS, CORS_MAX_AGE, EDGE_TIMEOUT, MEMORY,
    ROUTE, THROTTLING_BURST, THROTTLING_RATE, URL_ALLOW_HEADERS,
};
use serde_yaml_ng::Value;

fn template() -> Value {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yaml"))
        .expect("the template");
    serde_yaml_ng::from_str(&text).expect("YAML")
}

fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| {
        value
            .get(name)
            .unwrap_or_else(|| panic!("the template has no {path}"))
    })
}

fn words(value: &Value) -> String {
    let items = value.as_sequence().expect("a list");
    items
        .iter()
        .map(|item| item.as_str().expect("a text"))
        .collect::<Vec<_>>()
        .join(",")
}

#[test]
fn route_limits_and_cors_are_the_templates() {
    let template = template();
    let event = at(
        &template,
        "Resources.Edge.Properties.Events.Inference.Properties",
    );
    let key = format!(
        "{} {}",
        at(event, "Method").as_str().unwrap_or_default(),
        at(event, "Path").as_str().unwrap_or_default()
    );
    assert_eq!(key, ROUTE);
    assert_eq!(at(event, "Auth.Authorizer"), "UserPoolTokens");
    assert_eq!(at(event, "PayloadFormatVersion"), "2.0");
    assert_eq!(
        at(&template, "Resources.Edge.Properties.Timeout"),
        EDGE_TIMEOUT
    );
    assert_eq!(
        at(&template, "Resources.Core.Properties.Timeout"),
        CORE_TIMEOUT
    );
    for function in ["Edge", "Core"] {
        let memory = format!("{function}Memory");
        assert_eq!(
            at(&template, &format!("Parameters.{memory}.Default")),
            u64::from(MEMORY)
        );
        let property = at(
            &template,
            &format!("Resources.{function}.Properties.MemorySize"),
        );
        assert_eq!(reference(property), memory);
    }
    let cors = at(&template, "Resources.Api.Properties.CorsConfiguration");
    assert_allowed_headers(at(cors, "AllowHeaders"), CORS_ALLOW_HEADERS);
    assert_eq!(words(at(cors, "ExposeHeaders")), CORS_EXPOSE_HEADERS);
    assert_eq!(at(cors, "MaxAge"), u64::from(CORS_MAX_AGE));
}

#[test]
fn the_throttling_is_the_templates() {
    let template = template();
    for (name, value) in [
        ("ThrottlingRateLimit", THROTTLING_RATE),
        ("ThrottlingBurstLimit", THROTTLING_BURST),
    ] {
        let default = at(&template, &format!("Parameters.{name}.Default"));
        assert_eq!(default.as_u64(), Some(u64::from(value)), "{name}");
    }
}

#[test]
fn function_urls_are_the_templates() {
    let template = template();
    let of = |path: &str| at(&template, &format!("Resources.{path}")).clone();
    assert_eq!(of("EdgeUrl.Properties.InvokeMode"), "BUFFERED");
    assert_eq!(of("StreamUrl.Properties.InvokeMode"), "RESPONSE_STREAM");
    assert_allowed_headers(
        &of("StreamUrl.Properties.Cors.AllowHeaders"),
        URL_ALLOW_HEADERS,
    );
    assert_eq!(
        words(&of("StreamUrl.Properties.Cors.ExposeHeaders")),
        CORS_EXPOSE_HEADERS
    );
    assert_eq!(
        words(&of("StreamUrl.Properties.Cors.AllowMethods")),
        "GET,POST"
    );
    let twin = of("EdgeStream.Properties.Environment.Variables");
    assert_eq!(
        (&twin["RESPONSE"], &twin["CORS"]),
        (&Value::from("stream"), &Value::from("platform"))
    );
    assert_eq!(
        of("CoreStream.Properties.Environment.Variables.RESPONSE"),
        "stream"
    );
    for url in ["EdgeUrl", "StreamUrl"] {
        assert_eq!(
            of(&format!("{url}Permission.Properties.Action")),
            "lambda:InvokeFunctionUrl"
        );
        assert_eq!(
            of(&format!("{url}InvokePermission.Properties.Action")),
            "lambda:InvokeFunction"
        );
    }
}

#[test]
fn core_ends_before_the_edge_and_the_edge_before_the_gateway() {
    let gateway = at(
        &template(),
        "Resources.Edge.Properties.Events.Inference.Properties.TimeoutInMillis",
    )
    .as_u64()
    .expect("a number");
    assert!(CORE_TIMEOUT < EDGE_TIMEOUT && EDGE_TIMEOUT * 1000 < gateway);
}

#[test]
fn sam_local_can_give_both_edges_a_local_lambda_endpoint() {
    let template = template();
    for file in ["local-env.json", "stack-env.json"] {
        let path = format!("{}/events/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the variables of sam local");
        let overridden: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for function in ["Edge", "EdgeStream"] {
            let declared = at(
                &template,
                &format!("Resources.{function}.Properties.Environment.Variables"),
            );
            let overridden = overridden[function]
                .as_object()
                .expect("the function's variables");
            for name in overridden.keys() {
                // SAM leaves out, without a word, every variable that the template does not
                // declare.
                assert!(
                    declared.get(name).is_some(),
                    "{function} does not declare {name}"
                );
            }
            assert!(
                overridden.contains_key("AWS_ENDPOINT_URL_LAMBDA"),
                "{file}: {function} would call AWS"
            );
            assert_eq!(
                reference(&declared["AWS_ENDPOINT_URL_LAMBDA"]),
                "AWS::NoValue",
                "a deployed {function} must call AWS"
            );
            let target = overridden["TARGET_LAMBDA_NAME"].as_str().expect("a text");
            // SAM names a function by its logical id, the local stack as its ready file says.
            let is_known = if file == "local-env.json" {
                template["Resources"].get(target).is_some()
            } else {
                target == "core"
            };
            assert!(is_known, "{file}: there is no function {target}");
        }
    }
}

#[test]
fn functions_are_built_for_arm64_or_x86_64() {
    let template = template();
    let architectures = at(&template, "Globals.Function.Architectures")
        .as_sequence()
        .expect("a list");
    assert_eq!(
        architectures.iter().map(reference).collect::<Vec<_>>(),
        ["Architecture"]
    );
    assert_eq!(
        words(at(&template, "Parameters.Architecture.AllowedValues")),
        "arm64,x86_64"
    );
    assert_eq!(at(&template, "Parameters.Architecture.Default"), "arm64");
}

#[test]
fn the_frontends_configuration_is_json_whatever_is_deployed() {
    let template = template();
    let output = tagged(at(&template, "Outputs.FrontendConfiguration.Value"), "Sub");
    let text = output[0].as_str().expect("the text");
    let values = output[1].as_mapping().expect("its values");
    let configuration: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let mut members = Vec::new();
    for (name, value) in configuration.as_object().expect("an object") {
        let value = value
            .as_str()
            .expect("a text")
            .trim_start_matches("${")
            .trim_end_matches('}');
        assert!(
            value == "AWS::Region" || values.contains_key(value),
            "{name}: {value} is not given"
        );
        members.push(name.as_str());
    }
    members.sort_unstable();
    assert_eq!(
        members,
        [
            "apiUrl",
            "identityPoolId",
            "region",
            "streamApiUrl",
            "streamUrl",
            "userPoolClientId",
            "userPoolId"
        ]
    );
}

/// Checks that a list of allowed request headers is this one, and with `AllowedHeaders` this one
/// and those.
fn assert_allowed_headers(value: &Value, expected: &str) {
    let choice = tagged(value, "If");
    assert_eq!(choice[0], "HasAllowedHeaders");
    let joined = tagged(&tagged(&choice[1], "Split")[1], "Sub");
    assert_eq!(
        joined.as_str(),
        Some(format!("{expected},${{AllowedHeaders}}").as_str())
    );
    assert_eq!(words(&choice[2]), expected);
}

/// The argument of an intrinsic function in its short form, such as `!Sub`.
fn tagged<'a>(value: &'a Value, function: &str) -> &'a Value {
    match value {
        Value::Tagged(tagged) if tagged.tag == function => &tagged.value,
        other => panic!("{other:?} is not !{function}"),
    }
}

fn reference(value: &Value) -> &str {
    tagged(value, "Ref").as_str().expect("a name")
}

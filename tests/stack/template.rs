//! The stack does what `template.yaml` says: where the two could drift apart, they are held together.

use inference_edge::stack::{
    CORE_TIMEOUT, CORS_ALLOW_HEADERS, CORS_EXPOSE_HEADERS, CORS_MAX_AGE, EDGE_TIMEOUT, MEMORY, ROUTE, URL_ALLOW_HEADERS,
};
use serde_yaml_ng::Value;

fn template() -> Value {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yaml")).expect("the template");
    serde_yaml_ng::from_str(&text).expect("YAML")
}

fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| value.get(name).unwrap_or_else(|| panic!("the template has no {path}")))
}

fn words(value: &Value) -> String {
    let items = value.as_sequence().expect("a list");
    items.iter().map(|item| item.as_str().expect("a text")).collect::<Vec<_>>().join(",")
}

#[test]
fn route_limits_and_cors_are_the_templates() {
    let template = template();
    let event = at(&template, "Resources.Edge.Properties.Events.Inference.Properties");
    let key = format!("{} {}", at(event, "Method").as_str().unwrap_or_default(), at(event, "Path").as_str().unwrap_or_default());
    assert_eq!(key, ROUTE);
    assert_eq!(at(event, "Auth.Authorizer"), "UserPoolTokens");
    assert_eq!(at(event, "PayloadFormatVersion"), "2.0");
    assert_eq!(at(&template, "Resources.Edge.Properties.Timeout"), EDGE_TIMEOUT);
    assert_eq!(at(&template, "Resources.Core.Properties.Timeout"), CORE_TIMEOUT);
    assert_eq!(at(&template, "Globals.Function.MemorySize"), u64::from(MEMORY));
    let cors = at(&template, "Resources.Api.Properties.CorsConfiguration");
    assert_eq!(words(at(cors, "AllowHeaders")), CORS_ALLOW_HEADERS);
    assert_eq!(words(at(cors, "ExposeHeaders")), CORS_EXPOSE_HEADERS);
    assert_eq!(at(cors, "MaxAge"), u64::from(CORS_MAX_AGE));
}

#[test]
fn function_urls_are_the_templates() {
    let template = template();
    let of = |path: &str| at(&template, &format!("Resources.{path}")).clone();
    assert_eq!(of("EdgeUrl.Properties.InvokeMode"), "BUFFERED");
    assert_eq!(of("StreamUrl.Properties.InvokeMode"), "RESPONSE_STREAM");
    assert_eq!(words(&of("StreamUrl.Properties.Cors.AllowHeaders")), URL_ALLOW_HEADERS);
    assert_eq!(words(&of("StreamUrl.Properties.Cors.ExposeHeaders")), CORS_EXPOSE_HEADERS);
    assert_eq!(words(&of("StreamUrl.Properties.Cors.AllowMethods")), "GET,POST");
    let twin = of("EdgeStream.Properties.Environment.Variables");
    assert_eq!((&twin["RESPONSE"], &twin["CORS"]), (&Value::from("stream"), &Value::from("platform")));
    assert_eq!(of("CoreStream.Properties.Environment.Variables.RESPONSE"), "stream");
    for url in ["EdgeUrl", "StreamUrl"] {
        assert_eq!(of(&format!("{url}Permission.Properties.Action")), "lambda:InvokeFunctionUrl");
        assert_eq!(of(&format!("{url}InvokePermission.Properties.Action")), "lambda:InvokeFunction");
    }
}

#[test]
fn core_ends_before_the_edge_and_the_edge_before_the_gateway() {
    let gateway =
        at(&template(), "Resources.Edge.Properties.Events.Inference.Properties.TimeoutInMillis").as_u64().expect("a number");
    assert!(CORE_TIMEOUT < EDGE_TIMEOUT && EDGE_TIMEOUT * 1000 < gateway);
}

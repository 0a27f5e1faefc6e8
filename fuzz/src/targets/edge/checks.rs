//! What must hold of every answer of the edge, of every line in its log, and of all that core
//! receives.

use std::collections::BTreeMap;

use lambda_runtime::Context;
use serde_json::Value;

use super::{Configured, ORIGIN, REQUEST_ID};

/// The headers that every response has, each once; CORS headers for listed origins alone.
pub fn check_response(
    status: u64,
    headers: &BTreeMap<String, Vec<String>>,
    event: Option<&Value>,
    configured: &Configured,
) {
    assert!((200..600).contains(&status), "{status}");
    for (name, expected) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-request-id", REQUEST_ID),
    ] {
        assert_eq!(
            headers.get(name).map(Vec::as_slice),
            Some(&[expected.to_owned()][..]),
            "{name}"
        );
    }
    for name in ["content-type", "server-timing"] {
        assert_eq!(headers.get(name).map(Vec::len), Some(1), "{name}");
    }
    for (name, values) in headers {
        assert!(
            http::HeaderName::from_bytes(name.as_bytes()).is_ok(),
            "{name:?}"
        );
        let is_value = |value: &String| http::HeaderValue::from_str(value).is_ok();
        assert!(values.iter().all(is_value), "{name}: {values:?}");
    }
    for name in [
        "connection",
        "transfer-encoding",
        "content-length",
        "access-control-allow-credentials",
    ] {
        assert!(!headers.contains_key(name), "{name}");
    }
    match headers.get("access-control-allow-origin") {
        None => assert!(
            !headers
                .keys()
                .any(|name| name.starts_with("access-control-"))
        ),
        Some(values) => {
            let is_url = event.is_some_and(|event| {
                let host = event["requestContext"]["domainName"].as_str();
                host.is_some_and(|host| host.contains(".lambda-url."))
            });
            assert!(configured.has_cors || !is_url, "CORS is the platform's");
            let [origin] = values.as_slice() else {
                panic!("{values:?}");
            };
            let host = origin.strip_prefix("https://").expect("https");
            assert!(
                origin == ORIGIN || host.ends_with(".example.org"),
                "{origin} is not listed"
            );
            let is_the_callers = event.is_none_or(|event| event.to_string().contains(origin));
            assert!(is_the_callers, "{origin} is not the caller's");
        }
    }
}

/// A failure of the edge is JSON with its code and the request id; what ends early is cut.
pub fn check_body(
    status: u64,
    headers: &BTreeMap<String, Vec<String>>,
    body: Option<&[u8]>,
    is_the_edges: bool,
) {
    let Some(body) = body else { return };
    if status == 204 && is_the_edges {
        assert!(body.is_empty(), "a preflight has no body");
    }
    // Core was not asked, so the response is the edge's own; of HEAD it has no body.
    if is_the_edges && !body.is_empty() {
        assert_eq!(headers["content-type"], ["application/json"]);
        let value: Value = serde_json::from_slice(body).expect("a failure is JSON");
        assert!(status >= 400, "{status} without core");
        assert_eq!(value["requestId"], REQUEST_ID);
        assert!(
            value["code"].is_string() && value["error"].is_string(),
            "{value}"
        );
    }
}

/// One line, in the format that is configured.
pub fn check_line(line: &str, is_json: bool) {
    let lines: Vec<_> = line.trim_end_matches('\n').split('\n').collect();
    assert!(lines.len() <= 2, "{line:?}");
    assert!(line.contains(REQUEST_ID), "{line:?}");
    if is_json {
        for line in lines {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{line:?}");
        }
    }
}

/// What core receives: the caller's object, and an identity that only an authorizer, or the context
/// of the invocation, can have given.
pub fn check_payload(
    payload: &[u8],
    event: Option<&Value>,
    context: &Context,
    configured: &Configured,
) {
    let text = std::str::from_utf8(payload).expect("UTF-8");
    let members = edge::json::Object::read(text).expect("core receives an object");
    if configured.is_bare {
        return;
    }
    let names: Vec<_> = members.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["input", "identity", "requestMeta"]);
    assert!(
        members.object("input").is_some(),
        "the input is an object: {text}"
    );
    let meta = members.object("requestMeta").expect("an object");
    assert_eq!(meta.text("requestId").as_deref(), Some(REQUEST_ID));
    let identity = members.object("identity").expect("an object");
    let Some(event) = event else { return };
    let Some(sub) = identity.text("sub") else {
        return;
    };
    let is_direct = context.identity.is_some() || context.client_context.is_some();
    let mut proved = Vec::new();
    if is_direct {
        proved.extend(
            context
                .identity
                .iter()
                .map(|identity| identity.identity_id.clone()),
        );
    } else {
        collect_texts(&event["requestContext"]["authorizer"], &mut proved);
        // A REST API with IAM names the caller beside the authorizer.
        collect_texts(&event["requestContext"]["identity"], &mut proved);
    }
    let is_proved = proved
        .iter()
        .any(|text| text == &sub || text.ends_with(&format!(":{sub}")));
    assert!(is_proved, "{sub:?} is not from an authorizer: {text}");
    assert!(!configured.is_anonymous || !proved.is_empty());
}

/// Every text and number below a value.
fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(members) => members
            .values()
            .for_each(|value| collect_texts(value, texts)),
        other => texts.push(other.to_string()),
    }
}

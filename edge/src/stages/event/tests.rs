//! Which entry point an event is recognised as, and what is read of it.

use super::*;

fn with_request<T>(event: &str, look: impl Fn(Request) -> T) -> T {
    let context = Context::default();
    look(Request::read(event, &context))
}

fn source(event: &str) -> EventSource {
    with_request(event, |request| request.source)
}

#[test]
fn the_entry_point_is_recognised_by_the_events_shape() {
    for (name, event, expected) in [
        (
            "payload 2.0",
            r#"{"requestContext":{"http":{"method":"POST"}}}"#,
            EventSource::HttpApi,
        ),
        (
            "function URL",
            r#"{"requestContext":{"domainName":"abc.lambda-url.us-east-1.on.aws","http":{}}}"#,
            EventSource::FunctionUrl,
        ),
        (
            "payload 1.0",
            r#"{"httpMethod":"POST","requestContext":{}}"#,
            EventSource::RestApi,
        ),
        (
            "a caller's own JSON",
            r#"{"partner":"acme"}"#,
            EventSource::Direct,
        ),
        (
            "no request context",
            r#"{"httpMethod":"POST"}"#,
            EventSource::Direct,
        ),
        (
            "an odd request context",
            r#"{"requestContext":[],"httpMethod":"POST"}"#,
            EventSource::Direct,
        ),
        (
            "an odd method",
            r#"{"requestContext":{},"httpMethod":7}"#,
            EventSource::Direct,
        ),
        ("not an object", "[1,2]", EventSource::Direct),
        ("nothing", "null", EventSource::Direct),
    ] {
        assert_eq!(source(event), expected, "{name}");
    }
}

#[test]
fn members_of_the_wrong_type_count_as_absent() {
    let event = r#"{"requestContext":{"http":{"method":7,"sourceIp":[]},"authorizer":"x"},"headers":3,"body":null,"isBase64Encoded":"no"}"#;
    with_request(event, |request| {
        assert_eq!(request.method, "");
        assert!(
            request.origin.is_none()
                && request.meta.ip.is_none()
                && request.meta.user_agent.is_none()
        );
        assert!(matches!(request.authorizer, AuthorizerContext::None));
        assert!(matches!(request.content.body, Body::Absent));
    });
}

#[test]
fn claims_of_any_type_leave_the_event_readable() {
    let event = r#"{"requestContext":{"http":{},"authorizer":{"jwt":{"claims":
        {"sub":"u","exp":1,"ok":true,"groups":["a"],"address":{"x":1},"none":null},"scopes":null}}}}"#;
    with_request(event, |request| {
        assert!(matches!(request.authorizer, AuthorizerContext::Token(_)))
    });
}

#[test]
fn an_empty_or_absent_authorizer_verifies_nothing() {
    for authorizer in [
        "null",
        "{}",
        r#"{"jwt":{}}"#,
        r#"{"jwt":{"claims":{}}}"#,
        r#"{"lambda":null}"#,
        r#"{"iam":{}}"#,
    ] {
        let event = format!(r#"{{"requestContext":{{"http":{{}},"authorizer":{authorizer}}}}}"#);
        with_request(&event, |request| {
            assert!(
                matches!(request.authorizer, AuthorizerContext::None),
                "{authorizer}"
            )
        });
    }
}

#[test]
fn the_address_is_the_one_the_platform_saw() {
    let seen = r#"{"requestContext":{"http":{"sourceIp":"203.0.113.7"}},"headers":{"x-forwarded-for":"6.6.6.6"}}"#;
    let not_seen =
        r#"{"requestContext":{"http":{}},"headers":{"X-Forwarded-For":"6.6.6.6, 203.0.113.8"}}"#;
    assert_eq!(
        with_request(seen, |r| r.meta.ip.map(Cow::into_owned)).as_deref(),
        Some("203.0.113.7")
    );
    assert_eq!(
        with_request(not_seen, |r| r.meta.ip.map(Cow::into_owned)).as_deref(),
        Some("203.0.113.8")
    );
}

#[test]
fn the_path_is_read_without_the_stage() {
    for (stage, path, expected) in [
        ("$default", "/inference", "/inference"),
        ("dev", "/dev/inference", "/inference"),
        ("dev", "/dev", "/"),
        ("dev", "/develop", "/develop"),
        ("", "//a", "//a"),
        ("", "/", "/"),
    ] {
        let event =
            format!(r#"{{"rawPath":"{path}","requestContext":{{"stage":"{stage}","http":{{}}}}}}"#);
        assert_eq!(
            with_request(&event, |request| request.path.into_owned()),
            expected,
            "{stage} {path}"
        );
    }
}

#[test]
fn headers_are_found_in_any_case_and_in_lists() {
    let event = r#"{"httpMethod":"POST","requestContext":{},"headers":null,"multiValueHeaders":{"Origin":["https://a.example"]}}"#;
    assert_eq!(
        with_request(event, |r| r.origin.map(Cow::into_owned)).as_deref(),
        Some("https://a.example")
    );
}

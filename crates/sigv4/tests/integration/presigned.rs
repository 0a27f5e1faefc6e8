//! Presigned URLs, as AWS's own crate makes them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, HeaderValue};
use sigv4::{Credentials, Request, Scope, SignatureError, verify};

const NOW: u64 = 1_795_000_000;
const PATH: &str = "/a path";

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The query of a URL that is valid for a minute.
fn presigned(body: &[u8], session_token: Option<&str>) -> String {
    let identity = AwsCredentials::new(
        "AKIDEXAMPLE",
        "secret",
        session_token.map(str::to_owned),
        None,
        "test",
    )
    .into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(60));
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("lambda")
        .time(at(NOW))
        .settings(settings)
        .build()
        .expect("parameters")
        .into();
    let url = "http://localhost:4006/a%20path?z=1&a=b%20c";
    let headers = [("host", "localhost:4006")].into_iter();
    let signable = SignableRequest::new("GET", url, headers, SignableBody::Bytes(body));
    let (instructions, _) = sign(signable.expect("a request"), &parameters)
        .expect("a signature")
        .into_parts();
    let mut request = http::Request::get(url).body(()).expect("a request");
    instructions.apply_to_request_http1x(&mut request);
    request.uri().query().expect("a query").to_owned()
}

fn check(
    query: &str,
    body: &[u8],
    session_token: Option<&str>,
    now: u64,
) -> Result<(), SignatureError> {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret")
        .with_session(session_token.map(str::to_owned), None);
    let credentials = Arc::new(credentials);
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost:4006"));
    let request = Request {
        method: "GET",
        path: &PATH.replace(' ', "%20"),
        query,
        headers: &headers,
        body,
    };
    let scope = Scope {
        region: "us-east-1",
        service: "lambda",
    };
    verify(request, scope, at(now), |_| Some(Arc::clone(&credentials))).map(drop)
}

#[test]
fn a_presigned_url_is_verified_until_it_expires() {
    for token in [None, Some("a/token+with=signs")] {
        let query = presigned(b"", token);
        check(&query, b"", token, NOW).expect("a valid URL");
        check(&query, b"", token, NOW + 60).expect("a URL that is still valid");
        let expired = check(&query, b"", token, NOW + 61).expect_err("an expired URL");
        assert_eq!(
            (expired.name, expired.message.as_str()),
            (
                "InvalidSignatureException",
                "Signature expired: 20261118T110640Z is now earlier than 20261118T110641Z (20261118T110741Z - 1 min.)"
            )
        );
    }
}

#[test]
fn what_was_changed_in_a_presigned_url_breaks_it() {
    let query = presigned(b"", None);
    let with_body = presigned(b"a body", None);
    let unsigned = format!("{query}&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD");
    let long = query.replace("X-Amz-Expires=60", "X-Amz-Expires=600");
    let forever = query.replace("X-Amz-Expires=60", "X-Amz-Expires=604801");
    let other_value = query.replace("z=1", "z=2");
    let mismatch = "The request signature we calculated does not match";
    for (name, query, body, message) in [
        ("a parameter", &other_value, &b""[..], mismatch),
        ("the time that it is valid", &long, b"", mismatch),
        ("a body that was not signed", &query, b"a body", mismatch),
        ("another body", &with_body, b"another", mismatch),
        (
            "no hash of the body",
            &unsigned,
            b"",
            "UNSIGNED-PAYLOAD is not supported",
        ),
        (
            "more than a week",
            &forever,
            b"",
            "X-Amz-Expires must be a number of seconds from 1 to 604800.",
        ),
    ] {
        let refused = check(query, body, None, NOW).expect_err(name);
        assert!(refused.message.starts_with(message), "{name}: {refused:?}");
    }
    check(&with_body, b"a body", None, NOW).expect("the body that was signed");
    let token = check(&query, b"", Some("a token"), NOW).expect_err("a session without its token");
    assert_eq!(token.name, "UnrecognizedClientException");
}

#[test]
fn a_missing_parameter_of_a_presigned_url_is_named() {
    let query = presigned(b"", None);
    for name in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
    ] {
        let rest: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.starts_with(name))
            .collect();
        let refused = check(&rest.join("&"), b"", None, NOW).expect_err(name);
        assert_eq!(
            (refused.name, refused.message),
            (
                "IncompleteSignatureException",
                format!(
                    "AWS query-string parameters must include '{name}'. Re-examine the query-string parameters."
                )
            )
        );
    }
}

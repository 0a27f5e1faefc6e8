//! Every way in which a signature does not hold, in AWS's words.

use std::sync::Arc;

use http::HeaderValue;
use sigv4::{Credentials, Scope};

use crate::signing::{
    Case, INVOKE, NOW, SCOPE, at, check, headers, own_key, signed, signed_by_aws, temporary_key,
};

#[test]
fn a_signature_that_does_not_hold_is_refused_in_awss_words() {
    let own = Arc::new(own_key());
    let temporary = Arc::new(temporary_key());
    let expired =
        Arc::new(temporary_key().with_session(temporary.session_token.clone(), Some(at(NOW))));
    let stolen = temporary_key().with_session(Some("another".to_owned()), None);
    let good = || signed(INVOKE, &own, SCOPE, NOW);
    let without = |name: &str| {
        let mut headers = good();
        headers.remove(name);
        headers
    };
    let with = |name: &'static str, value: &'static str| {
        let mut headers = good();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    };
    let unsigned_payload = {
        let own_headers = headers(&[
            ("host", "localhost:4004"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ]);
        signed_by_aws(INVOKE, &own_headers, &own, SCOPE, NOW)
    };
    let s3 = Scope {
        service: "s3",
        ..SCOPE
    };
    let tokyo = Scope {
        region: "ap-northeast-1",
        ..SCOPE
    };
    let invalid = "InvalidSignatureException";
    let incomplete = "IncompleteSignatureException";
    let unrecognized = "UnrecognizedClientException";
    for (name, headers, known, now, error, start) in [
        (
            "a wrong secret",
            signed(
                INVOKE,
                &Credentials::new("AKIDEXAMPLE", "wrong"),
                SCOPE,
                NOW,
            ),
            &own,
            NOW,
            invalid,
            "The request signature we calculated",
        ),
        (
            "an old signature",
            good(),
            &own,
            NOW + 301,
            invalid,
            "Signature expired: 20261118T110640Z is now earlier than 20261118T110641Z",
        ),
        (
            "a signature from the future",
            good(),
            &own,
            NOW - 301,
            invalid,
            "Signature not yet current: 20261118T110640Z is still later",
        ),
        (
            "another service",
            signed(INVOKE, &own, s3, NOW),
            &own,
            NOW,
            invalid,
            "Credential should be scoped to correct service: 'lambda'.",
        ),
        (
            "another region",
            signed(INVOKE, &own, tokyo, NOW),
            &own,
            NOW,
            invalid,
            "Credential should be scoped to a valid region, not 'ap-northeast-1'.",
        ),
        (
            "a header that is not signed",
            with("x-amz-tenant-id", "x"),
            &own,
            NOW,
            invalid,
            "'x-amz-tenant-id' must be a 'SignedHeader'",
        ),
        (
            "a host that is not signed",
            with(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261118/us-east-1/lambda/aws4_request, \
                 SignedHeaders=x-amz-date, Signature=0",
            ),
            &own,
            NOW,
            invalid,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            "another day in the scope",
            with(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261117/us-east-1/lambda/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=0",
            ),
            &own,
            NOW,
            invalid,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '20261117' != '20261118', from '20261118T110640Z'.",
        ),
        (
            "an unsigned payload",
            unsigned_payload,
            &own,
            NOW,
            invalid,
            "UNSIGNED-PAYLOAD is not supported",
        ),
        (
            "an unknown key",
            signed(INVOKE, &temporary, SCOPE, NOW),
            &own,
            NOW,
            unrecognized,
            "The security token",
        ),
        (
            "another session",
            signed(INVOKE, &stolen, SCOPE, NOW),
            &temporary,
            NOW,
            unrecognized,
            "The security token",
        ),
        (
            "an expired session",
            signed(INVOKE, &expired, SCOPE, NOW),
            &expired,
            NOW,
            "ExpiredTokenException",
            "The security token",
        ),
        (
            "no signature",
            without("authorization"),
            &own,
            NOW,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        ),
        (
            "no date",
            without("x-amz-date"),
            &own,
            NOW,
            incomplete,
            "Authorization header requires existence",
        ),
        (
            "a date in another form",
            with("x-amz-date", "2026-11-18"),
            &own,
            NOW,
            incomplete,
            "Date must be in ISO-8601 'basic format'",
        ),
        (
            "another algorithm",
            with("authorization", "Bearer x"),
            &own,
            NOW,
            incomplete,
            "Unsupported AWS 'algorithm'",
        ),
        (
            "no pairs",
            with("authorization", "AWS4-HMAC-SHA256 x"),
            &own,
            NOW,
            incomplete,
            "'x' not a valid key=value pair",
        ),
        (
            "a short credential",
            with(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
            ),
            &own,
            NOW,
            incomplete,
            "Credential must have exactly 5",
        ),
    ] {
        let refused = check(INVOKE, &headers, known, now).expect_err(name);
        assert_eq!(
            (refused.name, refused.message.get(..start.len())),
            (error, Some(start)),
            "{name}: {}",
            refused.message
        );
    }
}

#[test]
fn what_was_changed_on_the_way_breaks_the_signature() {
    let own = Arc::new(own_key());
    let good = signed(INVOKE, &own, SCOPE, NOW);
    let mut tail = good.clone();
    tail.insert("x-amz-log-type", HeaderValue::from_static("None"));
    for (name, case, headers) in [
        (
            "the method",
            Case {
                method: "PUT",
                ..INVOKE
            },
            &good,
        ),
        (
            "the path",
            Case {
                path: "/2015-03-31/functions/other/invocations",
                ..INVOKE
            },
            &good,
        ),
        (
            "the query",
            Case {
                query: "Qualifier=1",
                ..INVOKE
            },
            &good,
        ),
        (
            "the body",
            Case {
                body: b"{\"a\":2}",
                ..INVOKE
            },
            &good,
        ),
        ("a signed header", INVOKE, &tail),
    ] {
        assert!(check(case, headers, &own, NOW).is_err(), "{name}");
    }
    assert!(check(INVOKE, &good, &own, NOW).is_ok());
}

#[test]
fn the_debug_form_of_credentials_shows_no_secret() {
    let shown = format!("{:?}", temporary_key());
    assert_eq!(shown, "Credentials { access_key_id: \"ASIDEXAMPLE\", .. }");
}

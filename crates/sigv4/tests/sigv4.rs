//! The signer against the `aws-sigv4` crate, and the verifier against that crate, AWS's test suite
//! and every way in which a signature does not hold.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as aws_sign};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, HeaderName, HeaderValue};
use sigv4::{Credentials, Request, Scope, SignatureError, Target, sign, verify};

const NOW: u64 = 1_795_000_000;
const SCOPE: Scope = Scope {
    region: "us-east-1",
    service: "lambda",
};

#[derive(Debug, Clone, Copy)]
struct Case {
    method: &'static str,
    path: &'static str,
    query: &'static str,
    body: &'static [u8],
}

const INVOKE: Case = Case {
    method: "POST",
    path: "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Acore/invocations",
    query: "Qualifier=%24LATEST",
    body: b"{\"a\":1}",
};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn own_key() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

fn temporary_key() -> Credentials {
    Credentials::new("ASIDEXAMPLE", "another secret")
        .with_session(Some("IQoJb3JpZ2luX2VjE".repeat(40)), None)
}

/// The headers of a request that AWS's own crate has signed.
fn signed_by_aws(
    case: Case,
    headers: &HeaderMap,
    credentials: &Credentials,
    scope: Scope,
    now: u64,
) -> HeaderMap {
    let Credentials {
        access_key_id,
        secret_access_key,
        session_token,
        ..
    } = credentials;
    let identity = AwsCredentials::new(
        access_key_id,
        secret_access_key,
        session_token.clone(),
        None,
        "test",
    )
    .into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(at(now));
    let parameters = parameters
        .settings(SigningSettings::default())
        .build()
        .expect("parameters")
        .into();
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().expect("text")));
    let url = format!("http://localhost:4004{}?{}", case.path, case.query);
    let signable = SignableRequest::new(case.method, url, pairs, SignableBody::Bytes(case.body))
        .expect("a request");
    let (instructions, _) = aws_sign(signable, &parameters)
        .expect("a signature")
        .into_parts();
    let mut request = http::Request::new(());
    *request.headers_mut() = headers.clone();
    instructions.apply_to_request_http1x(&mut request);
    request.headers().clone()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::try_from(*value).expect("a value"),
        )
    };
    pairs.iter().map(pair).collect()
}

fn signed(case: Case, credentials: &Credentials, scope: Scope, now: u64) -> HeaderMap {
    let own = headers(&[("host", "localhost:4004"), ("x-amz-log-type", "Tail")]);
    signed_by_aws(case, &own, credentials, scope, now)
}

/// Verifies against one known key; gives its id, or the name and the message of the refusal.
fn check(
    case: Case,
    headers: &HeaderMap,
    known: &Arc<Credentials>,
    now: u64,
) -> Result<String, SignatureError> {
    let Case {
        method,
        path,
        query,
        body,
    } = case;
    let request = Request {
        method,
        path,
        query,
        headers,
        body,
    };
    let find = |id: &str| (id == known.access_key_id).then(|| Arc::clone(known));
    verify(request, SCOPE, at(now), find).map(|found| found.access_key_id.clone())
}

#[test]
fn a_request_is_signed_as_awss_own_crate_signs_it() {
    for credentials in [own_key(), temporary_key()] {
        for (path, query) in [
            ("/2015-03-31/functions/core/invocations", ""),
            (
                "/2015-03-31/functions/arn%3Aaws%3Alambda%3Acore%20x/invocations",
                "Qualifier=%24LATEST",
            ),
            ("/a:b/@c,$d+e", ""),
            ("/a/./b/../c/", ""),
            ("/", "name=Ada%20L&flag&b=2&b=1&name=%C3%A4"),
        ] {
            for tenant in ["blue", "a  tenant of many   words", "tab\there"] {
                for day in [0, 1, 20_000] {
                    let now = day * 86_400 + 3_661;
                    let case = Case {
                        method: "POST",
                        path,
                        query,
                        body: "{\"input\":\"ä\"}".as_bytes(),
                    };
                    let mut own =
                        headers(&[("host", "localhost:4004"), ("x-amz-tenant-id", tenant)]);
                    own.insert(
                        "content-type",
                        HeaderValue::from_static("application/octet-stream"),
                    );
                    let expected = signed_by_aws(case, &own, &credentials, SCOPE, now);
                    own.insert("content-length", HeaderValue::from_static("14"));
                    own.insert("x-amzn-trace-id", HeaderValue::from_static("Root=1"));
                    let target = Target {
                        method: case.method,
                        path,
                        query,
                        body: case.body,
                    };
                    sign(target, &mut own, SCOPE, &credentials, at(now)).expect("headers");
                    assert_eq!(
                        own["authorization"], expected["authorization"],
                        "{path}?{query} {tenant} {day}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_request_that_awss_signer_signed_is_verified() {
    let get = Case {
        method: "GET",
        path: "/a%20b/",
        query: "name=Ada%20L&b=!&a",
        body: b"",
    };
    for case in [INVOKE, get] {
        for credentials in [own_key(), temporary_key()] {
            let credentials = Arc::new(credentials);
            let verdict = check(
                case,
                &signed(case, &credentials, SCOPE, NOW),
                &credentials,
                NOW + 299,
            );
            assert_eq!(
                verdict.as_ref(),
                Ok(&credentials.access_key_id),
                "{}",
                case.path
            );
        }
    }
}

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
    let presigned = Case {
        query: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0",
        ..INVOKE
    };
    let refused = check(
        presigned,
        &headers(&[("host", "localhost:4004")]),
        &own,
        NOW,
    )
    .expect_err("a presigned URL");
    assert!(
        refused
            .message
            .starts_with("Presigned URLs are not supported here"),
        "{}",
        refused.message
    );
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

#[test]
fn a_common_mistake_is_named_with_the_line_that_differs() {
    let own = Arc::new(own_key());
    let sent = Case {
        method: "POST",
        path: "/a%3Ab",
        query: "b=2&a=1",
        body: b"{}",
    };
    // Each client signs another request than it sends, or leaves something out.
    for (mistake, signed_instead) in [
        (
            "the path must be encoded once more",
            Case {
                path: "/a:b",
                ..sent
            },
        ),
        (
            "the query belongs to what is signed",
            Case { query: "", ..sent },
        ),
        (
            "the body belongs to what is signed",
            Case { body: b"", ..sent },
        ),
        (
            "the method is signed as it is sent",
            Case {
                method: "GET",
                ..sent
            },
        ),
        (
            "none of the common mistakes",
            Case {
                path: "/elsewhere",
                ..sent
            },
        ),
    ] {
        let headers = signed(signed_instead, &own, SCOPE, NOW);
        let refused = check(sent, &headers, &own, NOW).expect_err(mistake);
        let table = refused.mismatch.expect("a mismatch").table();
        assert!(table.contains(mistake), "{mistake}:\n{table}");
        assert_eq!(
            table.contains("──▶"),
            mistake != "none of the common mistakes",
            "{table}"
        );
    }
}

#[test]
fn a_session_token_is_cut_out_of_the_table() {
    let temporary = Arc::new(temporary_key());
    let headers = signed(INVOKE, &temporary, SCOPE, NOW);
    let refused = check(
        Case {
            body: b"",
            ..INVOKE
        },
        &headers,
        &temporary,
        NOW,
    )
    .expect_err("another body");
    let table = refused.mismatch.expect("a mismatch").table();
    assert!(
        table.contains("x-amz-security-token:[cut]") && !table.contains("IQoJb3JpZ2luX2VjE"),
        "{table}"
    );
}

/// The file of vectors; it says where they are from.
#[derive(Debug, serde::Deserialize)]
struct Suite {
    credentials: SuiteCredentials,
    region: String,
    service: String,
    cases: Vec<SuiteCase>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct SuiteCredentials {
    access_key_id: String,
    secret_access_key: String,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct SuiteCase {
    name: String,
    session_token: Option<String>,
    #[serde(default = "yes")]
    session_token_is_signed: bool,
    signed_request: String,
}

fn yes() -> bool {
    true
}

/// When every request of the suite was signed: 2015-08-30T12:36:00Z.
const SUITE_TIME: u64 = 1_440_938_160;

impl Suite {
    /// Verifies a request as it stands in the suite: a line, headers whose value may go on in the
    /// next line, a body.
    fn verify(&self, case: &SuiteCase, text: &str) -> Result<(), SignatureError> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, rest) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .expect("a line");
        let target = rest.strip_suffix(" HTTP/1.1").unwrap_or(rest);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut pairs: Vec<(String, String)> = Vec::new();
        for line in lines {
            match (line.starts_with(' '), line.split_once(':')) {
                (false, Some((name, value))) => pairs.push((name.to_owned(), value.to_owned())),
                _ => pairs.last_mut().expect("a header").1.push_str(line),
            }
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &pairs {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                value,
            );
        }
        let SuiteCredentials {
            access_key_id,
            secret_access_key,
        } = &self.credentials;
        let credentials = Credentials::new(access_key_id, secret_access_key);
        let credentials = Arc::new(credentials.with_session(case.session_token.clone(), None));
        let request = Request {
            method,
            path,
            query,
            headers: &headers,
            body: body.as_bytes(),
        };
        let scope = Scope {
            region: &self.region,
            service: &self.service,
        };
        verify(request, scope, at(SUITE_TIME), |_| {
            Some(Arc::clone(&credentials))
        })
        .map(|_| ())
    }
}

#[test]
fn every_request_of_awss_signing_suite_is_verified() {
    let suite: Suite =
        serde_json::from_str(include_str!("aws-signing-test-suite.json")).expect("the suite");
    let mut verified = 0;
    for case in &suite.cases {
        let verdict = suite.verify(case, &case.signed_request);
        if case.session_token_is_signed {
            verdict.unwrap_or_else(|refused| panic!("{}: {refused:?}", case.name));
            verified += 1;
        } else {
            // A session token that is not signed could be changed on the way: it is refused.
            assert!(verdict.is_err(), "{}", case.name);
        }
        let changed = case
            .signed_request
            .replacen("20150830T123600Z", "20150830T123601Z", 1);
        assert_ne!(changed, case.signed_request, "{}", case.name);
        assert!(suite.verify(case, &changed).is_err(), "{}", case.name);
    }
    assert!(verified >= 25, "{verified} requests were verified");
}

//! What AWS's own crate signs is what ours signs, and what ours verifies.

use std::sync::Arc;

use http::HeaderValue;
use sigv4::{Target, sign};

use crate::signing::{
    Case, INVOKE, NOW, SCOPE, at, check, headers, own_key, signed, signed_by_aws, temporary_key,
};

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
            ("/", "name=Ada+L&a+b&c=%2B"),
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

/// The documentation says that a space is signed as `%20`, and not how a `+` on the wire is read.
/// AWS's own crate decides: as a space. What is known of the services agrees: API Gateway shows
/// `%20` when it refuses such a request (<https://github.com/saleweaver/python-amazon-sp-api/pull/405>),
/// Envoy's signer was corrected to this (<https://github.com/envoyproxy/envoy/pull/40619>), and events
/// of function URLs had a space (<https://github.com/aws/aws-lambda-web-adapter/issues/491>). curl reads
/// it as a plus (<https://github.com/curl/curl/issues/20543>), and Lambda itself was not tried.
/// Whoever sends `%2B` and `%20` is understood in either way.
#[test]
fn a_plus_in_a_query_is_a_space_as_awss_own_crate_reads_it() {
    let own = Arc::new(own_key());
    let get = |query| Case {
        method: "GET",
        path: "/",
        query,
        body: b"",
    };
    let (plus, space, encoded_plus) = (get("q=a+b"), get("q=a%20b"), get("q=a%2Bb"));
    for (name, signed_case, sent, mistake) in [
        ("a plus, sent as it is", plus, plus, None),
        ("a plus, sent as a space", plus, space, None),
        ("a space, sent as a plus", space, plus, None),
        (
            "an encoded plus, sent as it is",
            encoded_plus,
            encoded_plus,
            None,
        ),
        (
            "an encoded plus, sent as a plus",
            encoded_plus,
            plus,
            Some("a plus in the query is %2B: + is a space"),
        ),
        (
            "a plus, sent as an encoded plus",
            plus,
            encoded_plus,
            Some("none of the common mistakes explains it"),
        ),
    ] {
        let headers = signed(signed_case, &own, SCOPE, NOW);
        let verdict = check(sent, &headers, &own, NOW);
        let table = verdict
            .err()
            .map(|refused| refused.mismatch.expect(name).table());
        match (&table, mistake) {
            (None, None) => {}
            (Some(table), Some(mistake)) if table.contains(mistake) => {}
            _ => panic!("{name}: {table:?}"),
        }
    }
}

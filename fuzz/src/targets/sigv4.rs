//! Signature Version 4: the own signer against AWS's, and the own verifier against both.
//!
//! An input is the method, the path and the query on a line each, then headers, then a line `---`
//! and the body. A third part, where there is one, is an `Authorization` header of a caller's own.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as aws_sign};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use sigv4::{Credentials, Request, Scope, Target as SignTarget, sign, verify};

use crate::{Target, parts};

pub const TARGET: Target = Target {
    name: "sigv4",
    run,
    words: &[
        "/2015-03-31/functions/",
        "/..",
        "/./",
        "//",
        "%2F",
        "%25",
        "%zz",
        "%",
        "+",
        "&",
        "=",
        "&&",
        "Qualifier=%24LATEST",
        "\nx-amz-log-type: Tail",
        "\nhost: ",
        "  ",
        "\t",
        "\n---\n",
        "AWS4-HMAC-SHA256 Credential=",
        "/20261118/us-east-1/lambda/aws4_request",
        "SignedHeaders=host;x-amz-date",
        "Signature=",
        "X-Amz-Signature=",
        "\u{fc}",
    ],
};

const NOW: u64 = 1_795_000_000;
const SCOPE: Scope = Scope {
    region: "us-east-1",
    service: "lambda",
};
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const KEY_ID: &str = "AKIDEXAMPLE";

static CREDENTIALS: LazyLock<Arc<Credentials>> =
    LazyLock::new(|| Arc::new(Credentials::new(KEY_ID, SECRET)));

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

/// A request, as the input describes it.
#[derive(Debug)]
struct Described<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: HeaderMap,
    body: &'a [u8],
}

fn run(input: &[u8]) {
    let mut parts = parts(input);
    let Ok(head) = std::str::from_utf8(parts.next().unwrap_or_default()) else {
        return;
    };
    let body = parts.next().unwrap_or_default();
    let request = describe(head, body);
    if let Some(authorization) = parts.next() {
        check_forged(&request, authorization);
    }
    let mut signed = request.headers.clone();
    let target = SignTarget {
        method: request.method,
        path: request.path,
        query: request.query,
        body: request.body,
    };
    sign(target, &mut signed, SCOPE, &CREDENTIALS, now())
        .expect("the key id can stand in a header");
    let verdict = check(&request, &signed);
    let forbidden = request.headers.contains_key("x-amz-content-sha256")
        || request.headers.contains_key("x-amz-security-token");
    assert!(
        verdict.is_ok() || forbidden,
        "the own verifier refuses what the own signer signs: {verdict:?}"
    );
    compare_with_aws(&request, &signed);
    if verdict.is_ok() {
        check_tampered(&request, &signed);
    }
}

fn describe<'a>(head: &'a str, body: &'a [u8]) -> Described<'a> {
    let mut lines = head.split('\n');
    let method = lines.next().unwrap_or_default();
    let path = lines.next().unwrap_or_default();
    let query = lines.next().unwrap_or_default();
    let mut headers = HeaderMap::new();
    for line in lines.take(20) {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let name = HeaderName::from_bytes(name.as_bytes());
        // A header's value has no white space around it on the wire.
        let value = HeaderValue::from_bytes(value.trim_matches([' ', '\t']).as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers.remove("authorization");
    headers.remove("x-amz-date");
    Described {
        method,
        path,
        query,
        headers,
        body,
    }
}

fn check(request: &Described, headers: &HeaderMap) -> Result<String, &'static str> {
    let request = Request {
        method: request.method,
        path: request.path,
        query: request.query,
        headers,
        body: request.body,
    };
    let find = |id: &str| (id == KEY_ID).then(|| Arc::clone(&CREDENTIALS));
    let verdict = verify(request, SCOPE, now(), find);
    verdict
        .map(|found| found.access_key_id.clone())
        .map_err(|error| {
            if let Some(mismatch) = error.mismatch {
                let _ = mismatch.table();
            }
            error.name
        })
}

/// A caller who does not know the secret proves nothing.
fn check_forged(request: &Described, authorization: &[u8]) {
    let mut headers = request.headers.clone();
    let Ok(value) = HeaderValue::from_bytes(authorization) else {
        return;
    };
    headers.insert("authorization", value);
    headers.insert("x-amz-date", HeaderValue::from_static("20261118T110640Z"));
    let verdict = check(request, &headers);
    assert!(verdict.is_err(), "verified without the secret: {verdict:?}");
}

/// What is signed cannot be changed.
fn check_tampered(request: &Described, signed: &HeaderMap) {
    let longer = [request.body, b"x"].concat();
    let method = format!("{}X", request.method);
    let path = format!("{}x", request.path);
    let query = format!("{}&x", request.query);
    let with = |method, path, query, body| Described {
        method,
        path,
        query,
        headers: HeaderMap::new(),
        body,
    };
    let Described {
        method: m,
        path: p,
        query: q,
        body: b,
        ..
    } = *request;
    for (what, changed) in [
        ("method", with(&method, p, q, b)),
        ("path", with(m, &path, q, b)),
        ("query", with(m, p, &query, b)),
        ("body", with(m, p, q, &longer)),
    ] {
        assert!(
            check(&changed, signed).is_err(),
            "the {what} can be changed"
        );
    }
    let mut headers = signed.clone();
    headers.append("x-amz-added", HeaderValue::from_static("x"));
    assert!(check(request, &headers).is_err(), "a header can be added");
}

/// The signature is the one of AWS's own crate, for every request that can be sent.
fn compare_with_aws(request: &Described, signed: &HeaderMap) {
    let url = format!("http://localhost:4004{}?{}", request.path, request.query);
    let sent = format!("{}?{}", request.path, request.query);
    let is_sent_as_written = url.parse::<Uri>().is_ok_and(|uri| {
        uri.path_and_query()
            .is_some_and(|found| found.as_str() == sent)
    });
    let is_text = |value: &HeaderValue| value.to_str().is_ok();
    let has_host = request.headers.get_all("host").iter().count() == 1;
    let own_headers = [
        "x-amz-content-sha256",
        "x-amz-security-token",
        "x-amzn-trace-id",
        "user-agent",
    ];
    let differs = own_headers
        .iter()
        .any(|name| request.headers.contains_key(*name));
    // It decodes a query as UTF-8, where ours keeps the bytes.
    let has_high_bytes = request
        .query
        .as_bytes()
        .windows(2)
        .any(|pair| pair[0] == b'%' && !(b'0'..=b'7').contains(&pair[1]));
    if !is_sent_as_written
        || has_high_bytes
        || !request.path.starts_with('/')
        || request.path.contains('?')
        || !request.headers.values().all(is_text)
        || !has_host
        || differs
        || http::Method::from_bytes(request.method.as_bytes()).is_err()
    {
        return;
    }
    let Some(theirs) = signed_by_aws(request, &url) else {
        return;
    };
    let signature = |headers: &HeaderMap| {
        let text = headers["authorization"].to_str().expect("text").to_owned();
        let names = |text: &str| {
            let (_, rest) = text.split_once("SignedHeaders=")?;
            rest.split(',').next().map(str::to_owned)
        };
        (names(&text), text)
    };
    let (our_names, ours) = signature(signed);
    let (their_names, theirs) = signature(&theirs);
    // AWS's crate signs other headers beside those that ours signs.
    if our_names == their_names {
        assert_eq!(ours, theirs, "the signature of AWS's own crate");
    }
}

fn signed_by_aws(request: &Described, url: &str) -> Option<HeaderMap> {
    let identity = AwsCredentials::new(KEY_ID, SECRET, None, None, "fuzz").into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(SCOPE.region)
        .name(SCOPE.service)
        .time(now())
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let pairs = request
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(request.body);
    let signable = SignableRequest::new(request.method, url, pairs, body).ok()?;
    let (instructions, _) = aws_sign(signable, &parameters).ok()?.into_parts();
    let mut signed = http::Request::new(());
    *signed.headers_mut() = request.headers.clone();
    instructions.apply_to_request_http1x(&mut signed);
    Some(signed.headers().clone())
}

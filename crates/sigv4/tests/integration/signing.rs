//! Requests and keys, signed by our signer and by AWS's own crate.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as aws_sign};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, HeaderName, HeaderValue};
use sigv4::{Credentials, Request, Scope, SignatureError, verify};

pub const NOW: u64 = 1_795_000_000;
pub const SCOPE: Scope = Scope {
    region: "us-east-1",
    service: "lambda",
};

#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub method: &'static str,
    pub path: &'static str,
    pub query: &'static str,
    pub body: &'static [u8],
}

pub const INVOKE: Case = Case {
    method: "POST",
    path: "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Acore/invocations",
    query: "Qualifier=%24LATEST",
    body: b"{\"a\":1}",
};

pub fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

pub fn own_key() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

pub fn temporary_key() -> Credentials {
    Credentials::new("ASIDEXAMPLE", "another secret")
        .with_session(Some("IQoJb3JpZ2luX2VjE".repeat(40)), None)
}

/// The headers of a request that AWS's own crate has signed.
pub fn signed_by_aws(
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

pub fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::try_from(*value).expect("a value"),
        )
    };
    pairs.iter().map(pair).collect()
}

pub fn signed(case: Case, credentials: &Credentials, scope: Scope, now: u64) -> HeaderMap {
    let own = headers(&[("host", "localhost:4004"), ("x-amz-log-type", "Tail")]);
    signed_by_aws(case, &own, credentials, scope, now)
}

/// Verifies against one known key; gives its id, or the name and the message of the refusal.
pub fn check(
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

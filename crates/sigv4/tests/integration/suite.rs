//! AWS's own test suite of Signature Version 4.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use sigv4::{Credentials, Request, Scope, SignatureError, verify};

use crate::signing::at;

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
        serde_json::from_str(include_str!("../aws-signing-test-suite.json")).expect("the suite");
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

//! Signatures made by AWS's own signer, verified by ours; and each way in which one does not hold.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as SignerCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;

use super::*;
use crate::credentials::CredentialStore;

const NOW: i64 = 1_795_000_000;
const SCOPE: Scope = Scope { region: "us-east-1", service: "lambda" };

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

fn signed(case: &Case, credentials: &Credentials, service: &str, at: i64) -> Vec<(String, String)> {
    let identity = SignerCredentials::new(
        &credentials.access_key_id,
        &credentials.secret_access_key,
        credentials.session_token.clone(),
        None,
        "test",
    )
    .into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(service)
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(at).expect("a time")))
        .settings(SigningSettings::default())
        .build()
        .expect("parameters")
        .into();
    let url = format!("http://localhost:4004{}?{}", case.path, case.query);
    let headers = [("x-amz-log-type", "Tail")];
    let request =
        SignableRequest::new(case.method, &url, headers.into_iter(), SignableBody::Bytes(case.body)).expect("a request");
    let (instructions, _) = sign(request, &parameters).expect("a signature").into_parts();
    let (added, _) = instructions.into_parts();
    let own = [("host", "localhost:4004"), ("x-amz-log-type", "Tail")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.into_iter().chain(added.into_iter().map(|header| (header.name().to_owned(), header.value().to_owned()))).collect()
}

fn check(case: &Case, headers: &[(String, String)], store: &CredentialStore, now: i64) -> Result<Verified, Refused> {
    let request = SignedRequest { method: case.method, path: case.path, query: case.query, headers, body: case.body };
    verify(request, SCOPE, Timestamp::from_second(now).expect("a time"), |id| store.find(id))
}

#[test]
fn a_request_that_awss_signer_signed_is_verified() {
    let store = CredentialStore::default();
    let own = store.issue_own(Principal::Stack);
    let temporary = store.issue_temporary(Principal::Stack, Duration::from_secs(u32::MAX.into()));
    let get = Case { method: "GET", path: "/a%20b/", query: "name=Ada%20L&b=!&a", body: b"" };
    for case in [&INVOKE, &get] {
        for credentials in [&own, &temporary] {
            let verdict = check(case, &signed(case, credentials, "lambda", NOW), &store, NOW + 299);
            assert_eq!(
                verdict,
                Ok(Verified { principal: Principal::Stack, access_key_id: credentials.access_key_id.clone() }),
                "{}",
                case.path
            );
        }
    }
}

#[test]
fn a_signature_that_does_not_hold_is_refused_in_awss_words() {
    let store = CredentialStore::default();
    let credentials = store.issue_own(Principal::Stack);
    let unknown = CredentialStore::default().issue_own(Principal::Stack);
    let mut stolen = store.issue_temporary(Principal::Stack, Duration::from_secs(u32::MAX.into()));
    stolen.session_token = Some("another".to_owned());
    let forgotten =
        Credentials { secret_access_key: "wrong".to_owned(), signing_key: SigningKey::default(), ..credentials.clone() };
    let good = || signed(&INVOKE, &credentials, "lambda", NOW);
    let without = |name: &str| good().into_iter().filter(|(known, _)| known != name).collect::<Vec<_>>();
    let with = |name: &str, value: &str| [good(), vec![(name.to_owned(), value.to_owned())]].concat();
    let invalid = "InvalidSignatureException";
    for (case, headers, now, name, text) in [
        ("a wrong secret", signed(&INVOKE, &forgotten, "lambda", NOW), NOW, invalid, "The request signature we calculated"),
        ("an old signature", good(), NOW + 301, invalid, "Signature expired: 20261118T"),
        ("a signature from the future", good(), NOW - 301, invalid, "Signature not yet current: 20261118T"),
        (
            "another service",
            signed(&INVOKE, &credentials, "s3", NOW),
            NOW,
            invalid,
            "Credential should be scoped to correct service: 'lambda'.",
        ),
        ("a header that is not signed", with("x-amz-tenant-id", "x"), NOW, invalid, "'x-amz-tenant-id' must be a 'SignedHeader'"),
        ("an unknown key", signed(&INVOKE, &unknown, "lambda", NOW), NOW, "UnrecognizedClientException", "The security token"),
        ("another session", signed(&INVOKE, &stolen, "lambda", NOW), NOW, "UnrecognizedClientException", "The security token"),
        ("no signature", without("authorization"), NOW, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        ("no date", without("x-amz-date"), NOW, "IncompleteSignatureException", "Authorization header requires existence"),
    ] {
        let refused = check(&INVOKE, &headers, &store, now).expect_err(case);
        assert_eq!((refused.name, &refused.message[..text.len().min(refused.message.len())]), (name, text), "{case}");
    }
}

#[test]
fn what_was_changed_on_the_way_breaks_the_signature() {
    let store = CredentialStore::default();
    let credentials = store.issue_own(Principal::Stack);
    let headers = signed(&INVOKE, &credentials, "lambda", NOW);
    for changed in [
        Case { method: "PUT", ..INVOKE },
        Case { path: "/2015-03-31/functions/edge/invocations", ..INVOKE },
        Case { query: "Qualifier=live", ..INVOKE },
        Case { body: b"{\"a\":2}", ..INVOKE },
    ] {
        let refused = check(&changed, &headers, &store, NOW).expect_err("a change");
        assert_eq!(refused.name, "InvalidSignatureException");
        assert!(refused.mismatch.is_some_and(|mismatch| mismatch.ours.starts_with(changed.method)));
    }
}

#[test]
fn expired_credentials_are_refused() {
    let store = CredentialStore::default();
    let credentials = store.issue_temporary(Principal::Stack, Duration::ZERO);
    let now = Timestamp::now().as_second() + 1;
    let refused = check(&INVOKE, &signed(&INVOKE, &credentials, "lambda", now), &store, now).expect_err("expired");
    assert_eq!(refused.name, "ExpiredTokenException");
}

/// AWS's public suite comes with its signer's sources: each request there with the signature that is right for it.
#[test]
fn every_request_of_awss_signing_suite_is_verified() {
    let suite: Suite = serde_json::from_str(include_str!("aws-signing-test-suite.json")).expect("the suite");
    let mut verified = 0;
    for case in &suite.cases {
        let verdict = verify_text(&case.signed_request, &suite.credentials, case);
        if case.session_token_is_signed {
            verdict.unwrap_or_else(|refused| panic!("{}: {refused:?}", case.name));
            verified += 1;
        } else {
            // A session token that is not signed could be changed on the way: it is refused.
            assert!(verdict.is_err(), "{}", case.name);
        }
        let changed = case.signed_request.replacen("20150830T123600Z", "20150830T123601Z", 1);
        assert_ne!(changed, case.signed_request, "{}", case.name);
        assert!(verify_text(&changed, &suite.credentials, case).is_err(), "{}", case.name);
    }
    assert!(verified >= 25, "{verified} requests were verified");
}

/// The file of vectors; it says where they are from.
#[derive(Debug, serde::Deserialize)]
struct Suite {
    credentials: SuiteCredentials,
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
    timestamp: String,
    session_token: Option<String>,
    #[serde(default = "yes")]
    session_token_is_signed: bool,
    signed_request: String,
}

fn yes() -> bool {
    true
}

/// Verifies a request as it stands in the suite: a line, headers of which a value may go on in the next line, a body.
fn verify_text(text: &str, suite: &SuiteCredentials, case: &SuiteCase) -> Result<Verified, Refused> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, rest) = lines.next().and_then(|line| line.split_once(' ')).expect("a line");
    let target = rest.strip_suffix(" HTTP/1.1").unwrap_or(rest);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.starts_with(' '), line.split_once(':')) {
            (false, Some((name, value))) => headers.push((name.to_owned(), value.to_owned())),
            _ => headers.last_mut().expect("a header").1.push_str(line),
        }
    }
    let credentials = Credentials {
        access_key_id: suite.access_key_id.clone(),
        secret_access_key: suite.secret_access_key.clone(),
        session_token: case.session_token.clone(),
        expiration: None,
        principal: Principal::Stack,
        signing_key: SigningKey::default(),
    };
    let request = SignedRequest { method, path, query, headers: &headers, body: body.as_bytes() };
    let scope = Scope { region: "us-east-1", service: "service" };
    verify(request, scope, case.timestamp.parse().expect("a time"), |_| Some(credentials.clone()))
}

#[test]
fn a_usual_slip_is_told_with_the_line_that_differs() {
    let store = CredentialStore::default();
    let credentials = store.issue_own(Principal::Stack);
    let case = Case { method: "POST", path: "/a%3Ab", query: "b=2&a=1", body: b"{}" };
    let headers = signed(&case, &credentials, "lambda", NOW);
    let request = SignedRequest { method: case.method, path: case.path, query: case.query, headers: &headers, body: case.body };
    let claimed = Claimed::read(&request).expect("a claim");
    let right = Canonical::of(&request, &claimed);
    let slips: [(&str, Canonical); 6] = [
        ("the path must be encoded once more", Canonical { path: "/a%3Ab".to_owned(), ..right.clone() }),
        ("the query must be sorted", Canonical { query: "b=2&a=1".to_owned(), ..right.clone() }),
        ("the query belongs to what is signed", Canonical { query: String::new(), ..right.clone() }),
        ("the body belongs to what is signed", Canonical { payload_hash: sha256_hex(b""), ..right.clone() }),
        ("UNSIGNED-PAYLOAD must be sent", Canonical { payload_hash: "UNSIGNED-PAYLOAD".to_owned(), ..right.clone() }),
        ("none of the usual slips", Canonical { path: "/elsewhere".to_owned(), ..right.clone() }),
    ];
    for (slip, clients) in slips {
        let signature = signature(&clients.to_string(), &claimed, &credentials);
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.clone(), value.replace(claimed.signature, &signature))).collect();
        let refused = check(&case, &headers, &store, NOW).expect_err(slip);
        let table = refused.mismatch.expect("a mismatch").table();
        assert!(table.contains(slip), "{slip}:\n{table}");
        assert_eq!(table.contains("──▶"), slip != "none of the usual slips", "{table}");
    }
}

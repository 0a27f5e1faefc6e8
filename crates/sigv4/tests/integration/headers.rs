//! What may stand in headers beside the signature: the hash of the body, and a date in `Date`.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use sigv4::Credentials;

use crate::signing::{Case, INVOKE, NOW, SCOPE, check, headers, own_key, signed};

#[test]
fn the_hash_of_the_body_may_stand_in_a_header_that_is_not_signed() {
    let own = Arc::new(own_key());
    let mut headers = signed(INVOKE, &own, SCOPE, NOW);
    let hash = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    headers.insert("x-amz-content-sha256", HeaderValue::from_static(hash));
    assert!(check(INVOKE, &headers, &own, NOW).is_ok());
    let changed = Case {
        body: b"{}",
        ..INVOKE
    };
    assert!(check(changed, &headers, &own, NOW).is_err());
}

/// The headers of a request that is signed by its `Date`.
fn signed_by_date(date: &'static str, names: &str) -> HeaderMap {
    let own = own_key();
    let signed = signed_by_date_alone(date, &own);
    let mut headers = headers(&[("host", "localhost:4004"), ("date", date)]);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261118/us-east-1/lambda/aws4_request, \
         SignedHeaders={names}, Signature={signed}"
    );
    let authorization = HeaderValue::try_from(authorization).expect("a value");
    headers.insert("authorization", authorization);
    headers
}

/// The signature of [`INVOKE`] with the signed headers `date` and `host`, computed step by step.
fn signed_by_date_alone(date: &str, own: &Credentials) -> String {
    let hmac = |key: &[u8], text: &str| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
        ring::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    };
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    let hash = |bytes: &[u8]| hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    let canonical = format!(
        "POST\n{}\n{}\ndate:{date}\nhost:localhost:4004\n\ndate;host\n{}",
        INVOKE.path.replace('%', "%25"),
        INVOKE.query,
        hash(INVOKE.body)
    );
    let scope = "20261118/us-east-1/lambda/aws4_request";
    let text = format!(
        "AWS4-HMAC-SHA256\n20261118T110640Z\n{scope}\n{}",
        hash(canonical.as_bytes())
    );
    let secret = format!("AWS4{}", own.secret_access_key);
    let key = scope
        .split('/')
        .fold(secret.into_bytes(), |key, part| hmac(&key, part));
    hex(&hmac(&key, &text))
}

#[test]
fn a_date_in_either_form_stands_for_a_missing_x_amz_date() {
    let own = Arc::new(own_key());
    for date in ["Wed, 18 Nov 2026 11:06:40 GMT", "20261118T110640Z"] {
        let verdict = check(INVOKE, &signed_by_date(date, "date;host"), &own, NOW);
        assert!(verdict.is_ok(), "{date}: {verdict:?}");
        let unsigned = check(INVOKE, &signed_by_date(date, "host"), &own, NOW);
        let text = "'date' must be a 'SignedHeader' in the AWS Authorization.";
        assert_eq!(unsigned.expect_err(date).message, text);
    }
}

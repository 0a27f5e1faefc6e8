//! Signs a request.

use std::time::SystemTime;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, InvalidHeaderValue};
use ring::hmac;

use crate::canonical::CanonicalRequest;
use crate::hash::{hex, sha256_hex};
use crate::{ALGORITHM, Credentials, Request, Scope, TERMINATOR, Target, time};

/// Adds the headers that prove who sends a request: `x-amz-date`, `x-amz-security-token` for
/// temporary credentials, and `authorization`. `Host`, `Content-Type` and every `x-amz-` header of
/// the request are signed; other headers may be changed on the way.
///
/// An error says that the session token or the access key id cannot stand in a header.
pub fn sign(
    target: Target,
    headers: &mut HeaderMap,
    scope: Scope,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<(), InvalidHeaderValue> {
    let date = time::format(now);
    headers.insert("x-amz-date", HeaderValue::try_from(&date)?);
    if let Some(token) = &credentials.session_token {
        headers.insert("x-amz-security-token", HeaderValue::try_from(token)?);
    }
    let Target {
        method,
        path,
        query,
        body,
    } = target;
    let request = Request {
        method,
        path,
        query,
        headers,
        body,
    };
    let is_signed =
        |name: &&str| matches!(*name, "host" | "content-type") || name.starts_with("x-amz-");
    let signed_headers = headers
        .keys()
        .map(|name| name.as_str())
        .filter(is_signed)
        .collect();
    let canonical = CanonicalRequest::new(&request, signed_headers);

    let day = date.get(..8).unwrap_or_default();
    let credential_scope = format!("{day}/{}/{}/{TERMINATOR}", scope.region, scope.service);
    let signature = signature(&canonical.text(), &date, &credential_scope, credentials);
    let (key_id, names) = (&credentials.access_key_id, canonical.signed_headers());
    let authorization = format!(
        "{ALGORITHM} Credential={key_id}/{credential_scope}, SignedHeaders={names}, Signature={signature}"
    );
    headers.insert(AUTHORIZATION, HeaderValue::try_from(authorization)?);
    Ok(())
}

/// The signature of a canonical request, as hex.
pub fn signature(
    canonical_request: &str,
    date: &str,
    credential_scope: &str,
    credentials: &Credentials,
) -> String {
    let hash = sha256_hex(canonical_request.as_bytes());
    let string_to_sign = format!("{ALGORITHM}\n{date}\n{credential_scope}\n{hash}");
    let key = credentials.signing_key(credential_scope);
    hex(hmac::sign(&key, string_to_sign.as_bytes()).as_ref())
}

//! Signature Version 4, verified: a request as it came, credentials and a time become a verdict, with the canonical request
//! that was computed. It reads no clock, no network and no store; the credentials keep the key that is derived of them.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

mod canonical;
mod claimed;
mod mismatch;

use std::sync::Arc;

use aws_lc_rs::{constant_time, digest, hmac};
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::credentials::{Credentials, Principal};
use canonical::Canonical;
use claimed::Claimed;
pub use mismatch::Mismatch;

/// How far a signature's time may be from ours, in minutes.
const TOLERANCE: i64 = 5;

/// A request as it came.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, percent-encoded as it was sent.
    pub path: &'a str,
    /// The query, percent-encoded as it was sent, without `?`.
    pub query: &'a str,
    /// The headers, in order.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// What a signature must be for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The region.
    pub region: &'a str,
    /// The service.
    pub service: &'a str,
}

/// A signature that holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who signed.
    pub principal: Principal,
    /// With which access key.
    pub access_key_id: String,
}

/// A signature that does not, in AWS's words.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The error's name.
    pub name: &'static str,
    /// What it says.
    pub message: String,
    /// The canonical request that was computed, where one was, beside the client's.
    pub mismatch: Option<Mismatch>,
}

impl Refused {
    fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into(), mismatch: None }
    }

    fn invalid_signature(message: impl Into<String>) -> Self {
        Self::new("InvalidSignatureException", message)
    }
}

/// Verifies a request's signature at a time. `find` gives the credentials of an access key id.
pub fn verify(
    request: SignedRequest,
    scope: Scope,
    now: Timestamp,
    find: impl Fn(&str) -> Option<Credentials>,
) -> Result<Verified, Refused> {
    let claimed = Claimed::read(&request)?;
    check_time(&claimed, now)?;
    check_scope(&claimed, scope)?;
    check_signed_headers(&claimed, &request)?;
    let credentials = find(claimed.access_key_id).ok_or_else(unknown_key)?;
    check_session(&credentials, &claimed, now)?;
    let canonical = Canonical::of(&request, &claimed);
    let signature = signature(&canonical.to_string(), &claimed, &credentials);
    let is_equal = constant_time::verify_slices_are_equal(signature.as_bytes(), claimed.signature.as_bytes()).is_ok();
    if is_equal {
        return Ok(Verified { principal: credentials.principal, access_key_id: credentials.access_key_id });
    }
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
                and signing method. Consult the service documentation for details.";
    let mismatch = Mismatch::explain(&request, &claimed, &credentials, &canonical);
    Err(Refused { mismatch: Some(mismatch), ..Refused::invalid_signature(text) })
}

fn check_time(claimed: &Claimed, now: Timestamp) -> Result<(), Refused> {
    let basic = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let at = |minutes: i64| Timestamp::from_second(now.as_second() + minutes * 60).unwrap_or(now);
    let (signed, date) = (claimed.time, &claimed.date);
    if signed < at(-TOLERANCE) {
        let text = format!(
            "Signature expired: {date} is now earlier than {} ({} - {TOLERANCE} min.)",
            basic(at(-TOLERANCE)),
            basic(now)
        );
        return Err(Refused::invalid_signature(text));
    }
    if signed > at(TOLERANCE) {
        let text = format!(
            "Signature not yet current: {date} is still later than {} ({} + {TOLERANCE} min.)",
            basic(at(TOLERANCE)),
            basic(now)
        );
        return Err(Refused::invalid_signature(text));
    }
    Ok(())
}

fn check_scope(claimed: &Claimed, scope: Scope) -> Result<(), Refused> {
    let [date, region, service, terminator] = claimed.scope;
    let wrong = |text: String| Err(Refused::invalid_signature(text));
    if !claimed.date.starts_with(date) || date.len() != 8 {
        return wrong(format!("Credential should be scoped to the date of the request: '{date}' is not."));
    }
    if region != scope.region {
        return wrong(format!("Credential should be scoped to a valid region, not '{region}'."));
    }
    if service != scope.service {
        return wrong(format!("Credential should be scoped to correct service: '{}'.", scope.service));
    }
    if terminator != "aws4_request" {
        return wrong(format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'."));
    }
    Ok(())
}

/// `host` is signed always, and so is every `x-amz-` header: what is not signed could be changed on the way.
fn check_signed_headers(claimed: &Claimed, request: &SignedRequest) -> Result<(), Refused> {
    let must = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    let must = must.filter(|name| name == "host" || name.starts_with("x-amz-"));
    for name in must {
        if !claimed.signed_headers.contains(&name.as_str()) {
            return Err(Refused::invalid_signature(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")));
        }
    }
    Ok(())
}

fn check_session(credentials: &Credentials, claimed: &Claimed, now: Timestamp) -> Result<(), Refused> {
    if credentials.session_token.as_deref() != claimed.session_token {
        return Err(unknown_key());
    }
    let expires = credentials.expiration.and_then(|at| Timestamp::try_from(at).ok());
    if expires.is_some_and(|at| at <= now) {
        return Err(Refused::new("ExpiredTokenException", "The security token included in the request is expired"));
    }
    Ok(())
}

fn unknown_key() -> Refused {
    Refused::new("UnrecognizedClientException", "The security token included in the request is invalid.")
}

fn signature(canonical_request: &str, claimed: &Claimed, credentials: &Credentials) -> String {
    let [date, region, service, terminator] = claimed.scope;
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{date}/{region}/{service}/{terminator}\n{}",
        claimed.date,
        sha256_hex(canonical_request.as_bytes())
    );
    let scope = format!("{date}/{region}/{service}/{terminator}");
    let key = credentials.signing_key.of(&scope, || {
        let first = sign(&hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{}", credentials.secret_access_key).as_bytes()), date);
        [region, service, terminator].iter().fold(first, |key, part| sign(&key, part))
    });
    hex(hmac::sign(&key, to_sign.as_bytes()).as_ref())
}

/// A key made of a key.
fn sign(key: &hmac::Key, text: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(key, text.as_bytes()).as_ref())
}

/// The key that is derived of a secret for a day, a region and a service; kept, for it takes four hashes to make.
#[derive(Debug, Clone, Default)]
pub struct SigningKey(Arc<Mutex<Option<(String, hmac::Key)>>>);

impl SigningKey {
    fn of(&self, scope: &str, derive: impl FnOnce() -> hmac::Key) -> hmac::Key {
        let mut held = self.0.lock();
        if let Some((_, key)) = held.as_ref().filter(|(known, _)| known == scope) {
            return key.clone();
        }
        let key = derive();
        *held = Some((scope.to_owned(), key.clone()));
        key
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

#[cfg(test)]
mod tests;

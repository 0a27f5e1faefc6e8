//! Verifies the signature of a request. It reads no clock, no network and no store.

use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq;

use crate::authorization::AuthorizationHeader;
use crate::canonical::CanonicalRequest;
use crate::mismatch::Mismatch;
use crate::sign::signature;
use crate::{Credentials, Request, Scope, TERMINATOR, time};

/// How far the time of a signature may be from the verifier's.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A signature that does not hold, in AWS's words.
#[derive(Debug, PartialEq, Eq)]
pub struct SignatureError {
    /// The name of the error.
    pub name: &'static str,
    /// The message.
    pub message: String,
    /// The canonical request that was computed, where one was, beside the client's.
    pub mismatch: Option<Mismatch>,
}

impl SignatureError {
    pub(crate) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            message: message.into(),
            mismatch: None,
        }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidSignatureException", message)
    }
}

/// Verifies the signature of a request at a time. `find` gives what is known of an access key id;
/// it is given back when the signature was made with it.
pub fn verify<C: AsRef<Credentials>>(
    request: Request,
    scope: Scope,
    now: SystemTime,
    find: impl Fn(&str) -> Option<C>,
) -> Result<C, SignatureError> {
    let authorization = AuthorizationHeader::read(&request)?;
    check_time(&authorization, now)?;
    check_scope(&authorization, scope)?;
    check_signed_headers(&authorization, &request)?;
    check_payload_hash(&request)?;
    let found = find(authorization.access_key_id).ok_or_else(unknown_key)?;
    let credentials = found.as_ref();
    check_session(credentials, &authorization, now)?;
    let canonical = CanonicalRequest::new(&request, authorization.signed_headers.clone());
    let expected = signature(
        &canonical.text(),
        authorization.date,
        authorization.scope,
        credentials,
    );
    if expected
        .as_bytes()
        .ct_eq(authorization.signature.as_bytes())
        .into()
    {
        return Ok(found);
    }
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
                and signing method. Consult the service documentation for details.";
    let mismatch = Mismatch::explain(&request, &authorization, credentials, &canonical);
    Err(SignatureError {
        mismatch: Some(mismatch),
        ..SignatureError::invalid(text)
    })
}

fn check_time(authorization: &AuthorizationHeader, now: SystemTime) -> Result<(), SignatureError> {
    let (signed, date) = (authorization.time, authorization.date);
    let (earliest, latest) = (now - TOLERANCE, now + TOLERANCE);
    let (at_now, minutes) = (time::format(now), TOLERANCE.as_secs() / 60);
    if signed < earliest {
        let limit = time::format(earliest);
        let text = format!(
            "Signature expired: {date} is now earlier than {limit} ({at_now} - {minutes} min.)"
        );
        return Err(SignatureError::invalid(text));
    }
    if signed > latest {
        let limit = time::format(latest);
        let text = format!(
            "Signature not yet current: {date} is still later than {limit} ({at_now} + {minutes} min.)"
        );
        return Err(SignatureError::invalid(text));
    }
    Ok(())
}

fn check_scope(authorization: &AuthorizationHeader, expected: Scope) -> Result<(), SignatureError> {
    let mut parts = authorization.scope.split('/');
    let mut part = || parts.next().unwrap_or_default();
    let (date, region, service, terminator) = (part(), part(), part(), part());
    let text = if !authorization.date.starts_with(date) || date.len() != 8 {
        format!("Credential should be scoped to the date of the request: '{date}' is not.")
    } else if region != expected.region {
        format!("Credential should be scoped to a valid region, not '{region}'.")
    } else if service != expected.service {
        format!(
            "Credential should be scoped to correct service: '{}'.",
            expected.service
        )
    } else if terminator != TERMINATOR {
        format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
        )
    } else {
        return Ok(());
    };
    Err(SignatureError::invalid(text))
}

/// `Host` and every `x-amz-` header must be signed: what is not signed could be changed on the way.
fn check_signed_headers(
    authorization: &AuthorizationHeader,
    request: &Request,
) -> Result<(), SignatureError> {
    let must_be_signed = |name: &&str| *name == "host" || name.starts_with("x-amz-");
    for name in request
        .headers
        .keys()
        .map(|name| name.as_str())
        .filter(must_be_signed)
    {
        if !authorization.signed_headers.contains(&name) {
            let text = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
            return Err(SignatureError::invalid(text));
        }
    }
    Ok(())
}

/// Lambda has no unsigned payloads: a body that is not part of the signature could be changed on
/// the way.
fn check_payload_hash(request: &Request) -> Result<(), SignatureError> {
    let given = request
        .headers
        .get("x-amz-content-sha256")
        .map(|value| value.as_bytes());
    if given == Some(b"UNSIGNED-PAYLOAD") {
        let text = "UNSIGNED-PAYLOAD is not supported: sign the hash of the body.";
        return Err(SignatureError::invalid(text));
    }
    Ok(())
}

fn check_session(
    credentials: &Credentials,
    authorization: &AuthorizationHeader,
    now: SystemTime,
) -> Result<(), SignatureError> {
    if credentials.session_token.as_deref() != authorization.session_token {
        return Err(unknown_key());
    }
    if credentials.expiration.is_some_and(|at| at <= now) {
        let text = "The security token included in the request is expired";
        return Err(SignatureError::new("ExpiredTokenException", text));
    }
    Ok(())
}

fn unknown_key() -> SignatureError {
    SignatureError::new(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
}

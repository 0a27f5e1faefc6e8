//! Verifies the signature of a request. It reads no clock, no network and no store.

use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq;

use crate::authorization::{read_headers, text};
use crate::canonical::CanonicalRequest;
use crate::error::SignatureError;
use crate::mismatch::Mismatch;
use crate::presigned::read_query;
use crate::request_signature::RequestSignature;
use crate::sign::signature;
use crate::{Credentials, Request, Scope, TERMINATOR, time};

/// How far the time of a signature may be from the verifier's.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Verifies the signature of a request at a time. `find` gives what is known of an access key id;
/// it is given back when the signature was made with it.
pub fn verify<C: AsRef<Credentials>>(
    request: Request,
    scope: Scope,
    now: SystemTime,
    find: impl Fn(&str) -> Option<C>,
) -> Result<C, SignatureError> {
    let sent = read(&request)?;
    check_time(&sent, now)?;
    check_scope(&sent, scope)?;
    check_signed_headers(&sent, &request)?;
    check_payload_hash(&request)?;
    let found = find(&sent.access_key_id).ok_or_else(unknown_key)?;
    let credentials = found.as_ref();
    check_session(credentials, &sent, now)?;
    let presigned = sent.presigned.as_ref();
    let request = Request {
        query: presigned.map_or(request.query, |presigned| &presigned.signed_query),
        ..request
    };
    let canonical = CanonicalRequest::new(&request, sent.signed_header_names());
    let expected = signature(&canonical.text(), &sent.date, &sent.scope, credentials);
    if expected.as_bytes().ct_eq(sent.signature.as_bytes()).into() {
        return Ok(found);
    }
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
                and signing method. Consult the service documentation for details.";
    let mismatch = Mismatch::explain(&request, &sent, credentials, &canonical);
    Err(SignatureError {
        mismatch: Some(mismatch),
        ..SignatureError::invalid(text)
    })
}

/// Reads the signature from the headers of a request, or from its query if it is presigned.
fn read<'a>(request: &Request<'a>) -> Result<RequestSignature<'a>, SignatureError> {
    match text(request.headers, "authorization") {
        Some(authorization) => read_headers(authorization, request.headers),
        None if request.query.contains("X-Amz-Signature=") => read_query(request.query),
        None => Err(SignatureError::new(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )),
    }
}

/// A signature is valid for some minutes before and after its time; a presigned URL for as long as
/// it says.
fn check_time(sent: &RequestSignature, now: SystemTime) -> Result<(), SignatureError> {
    let lifetime = match &sent.presigned {
        Some(presigned) => presigned.expires,
        None => TOLERANCE,
    };
    let (signed, date, at_now) = (sent.time, &sent.date, time::format(now));
    let (earliest, latest) = (now - lifetime, now + TOLERANCE);
    let minutes = |duration: Duration| duration.as_secs() / 60;
    if signed < earliest {
        let (limit, minutes) = (time::format(earliest), minutes(lifetime));
        let text = format!(
            "Signature expired: {date} is now earlier than {limit} ({at_now} - {minutes} min.)"
        );
        return Err(SignatureError::invalid(text));
    }
    if signed > latest {
        let (limit, minutes) = (time::format(latest), minutes(TOLERANCE));
        let text = format!(
            "Signature not yet current: {date} is still later than {limit} ({at_now} + {minutes} min.)"
        );
        return Err(SignatureError::invalid(text));
    }
    Ok(())
}

fn check_scope(sent: &RequestSignature, expected: Scope) -> Result<(), SignatureError> {
    let mut parts = sent.scope.split('/');
    let mut part = || parts.next().unwrap_or_default();
    let (date, region, service, terminator) = (part(), part(), part(), part());
    let day = sent.date.get(..8).unwrap_or_default();
    let text = if date != day {
        format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != '{day}', from '{}'.",
            sent.date
        )
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
/// `X-Amz-Content-Sha256` may be left out, because the hash of the body is always part of what is
/// signed.
fn check_signed_headers(sent: &RequestSignature, request: &Request) -> Result<(), SignatureError> {
    let signed = sent.signed_header_names();
    let must_be_signed = |name: &&str| {
        matches!(*name, "host")
            || name.starts_with("x-amz-") && *name != "x-amz-content-sha256"
            || *name == "date" && sent.presigned.is_none() && !has_amz_date(request)
    };
    let names = request.headers.keys().map(|name| name.as_str());
    for name in names.filter(must_be_signed) {
        if !signed.contains(&name) {
            let name = match name {
                "host" => "'Host' or ':authority'".to_owned(),
                name => format!("'{name}'"),
            };
            let text = format!("{name} must be a 'SignedHeader' in the AWS Authorization.");
            return Err(SignatureError::invalid(text));
        }
    }
    Ok(())
}

fn has_amz_date(request: &Request) -> bool {
    request.headers.contains_key("x-amz-date")
}

/// Lambda has no unsigned payloads: a body that is not part of the signature could be changed on
/// the way.
fn check_payload_hash(request: &Request) -> Result<(), SignatureError> {
    let in_query = "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD";
    let is_unsigned = request.query.split('&').any(|pair| pair == in_query)
        || request
            .headers
            .get("x-amz-content-sha256")
            .is_some_and(|value| value.as_bytes() == b"UNSIGNED-PAYLOAD");
    if is_unsigned {
        let text = "UNSIGNED-PAYLOAD is not supported: sign the hash of the body.";
        return Err(SignatureError::invalid(text));
    }
    Ok(())
}

fn check_session(
    credentials: &Credentials,
    sent: &RequestSignature,
    now: SystemTime,
) -> Result<(), SignatureError> {
    if credentials.session_token.as_deref() != sent.session_token.as_deref() {
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

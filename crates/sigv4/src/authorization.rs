//! A signature in the `Authorization` header, with the date and the session token in headers beside
//! it.

use std::borrow::Cow;
use std::time::SystemTime;

use http::HeaderMap;

use crate::SignatureError;
use crate::request_signature::{RequestSignature, basic_date, incomplete};
use crate::{ALGORITHM, time};

/// The parts of the header.
#[derive(Debug, Default)]
struct HeaderParts<'a> {
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
}

/// The value of a header that is text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| str::from_utf8(value.as_bytes()).ok())
}

/// Reads the header and those beside it.
pub fn read_headers<'a>(
    authorization: &'a str,
    headers: &'a HeaderMap,
) -> Result<RequestSignature<'a>, SignatureError> {
    let rest = authorization.strip_prefix(ALGORITHM);
    let rest = rest.ok_or_else(|| {
        incomplete(format!(
            "Unsupported AWS 'algorithm': it must be {ALGORITHM}."
        ))
    })?;
    let mut parts = HeaderParts::default();
    for part in rest.split(',').map(str::trim) {
        let (name, value) = part.split_once('=').ok_or_else(|| {
            let text = "not a valid key=value pair (missing equal-sign) in Authorization header";
            incomplete(format!("'{part}' {text}: '{authorization}'."))
        })?;
        match name.trim() {
            "Credential" => parts.credential = Some(value),
            "SignedHeaders" => parts.signed_headers = Some(value),
            "Signature" => parts.signature = Some(value),
            _ => {}
        }
    }
    let missing = |name: &str| {
        incomplete(format!(
            "Authorization header requires '{name}' parameter. Authorization={ALGORITHM}"
        ))
    };
    let credential = parts.credential.ok_or_else(|| missing("Credential"))?;
    let signed_headers = parts
        .signed_headers
        .ok_or_else(|| missing("SignedHeaders"))?;
    let signature = parts.signature.ok_or_else(|| missing("Signature"))?;
    let date = date(headers)?;
    Ok(RequestSignature {
        session_token: text(headers, "x-amz-security-token").map(Cow::Borrowed),
        ..RequestSignature::new(
            credential.into(),
            signed_headers.into(),
            signature.into(),
            date,
        )?
    })
}

/// The time of the signature: `X-Amz-Date`, else `Date`, which may also have the form of HTTP.
fn date(headers: &HeaderMap) -> Result<(Cow<'_, str>, SystemTime), SignatureError> {
    if let Some(date) = text(headers, "x-amz-date") {
        return basic_date(date.into());
    }
    let missing =
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
    let date = text(headers, "date").ok_or_else(|| incomplete(missing))?;
    match time::parse_http_date(date) {
        Some(time) => Ok((time::format(time).into(), time)),
        None => basic_date(date.into()),
    }
}

//! Presigned URLs: the signature and what it was made of stand in the query.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>

use std::borrow::Cow;
use std::time::Duration;

use crate::ALGORITHM;
use crate::SignatureError;
use crate::canonical::decode_query;
use crate::request_signature::{Presigned, RequestSignature, basic_date, incomplete};

/// The longest time that a presigned URL may be valid, in seconds: a week.
const MAX_EXPIRES: u64 = 604_800;

/// Reads the parameters of a presigned URL.
pub fn read_query(query: &str) -> Result<RequestSignature<'static>, SignatureError> {
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(known, _)| *known == name);
        values
            .next()
            .map(|(_, value)| String::from_utf8_lossy(&decode_query(value)).into_owned())
    };
    let required = |name: &str| {
        let missing = || {
            incomplete(format!(
                "AWS query-string parameters must include '{name}'. Re-examine the query-string parameters."
            ))
        };
        parameter(name).map(Cow::Owned).ok_or_else(missing)
    };
    if required("X-Amz-Algorithm")? != ALGORITHM {
        return Err(incomplete(format!(
            "Unsupported AWS 'algorithm': it must be {ALGORITHM}."
        )));
    }
    let expires = required("X-Amz-Expires")?;
    let expires = expires.parse().ok().filter(|seconds| {
        let allowed = 1..=MAX_EXPIRES;
        allowed.contains(seconds)
    });
    let expires = expires.ok_or_else(|| {
        incomplete(format!(
            "X-Amz-Expires must be a number of seconds from 1 to {MAX_EXPIRES}."
        ))
    })?;
    let signature = RequestSignature::new(
        required("X-Amz-Credential")?,
        required("X-Amz-SignedHeaders")?,
        required("X-Amz-Signature")?,
        basic_date(required("X-Amz-Date")?)?,
    )?;
    let signed: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.starts_with("X-Amz-Signature="))
        .collect();
    Ok(RequestSignature {
        session_token: parameter("X-Amz-Security-Token").map(Cow::Owned),
        presigned: Some(Presigned {
            expires: Duration::from_secs(expires),
            signed_query: signed.join("&"),
        }),
        ..signature
    })
}

//! What a request says of its own signature, wherever it says so.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use crate::SignatureError;
use crate::time;

/// A signature with what it is said to be made of. Nothing of it is proved.
#[derive(Debug)]
pub struct RequestSignature<'a> {
    /// The access key id.
    pub access_key_id: Cow<'a, str>,
    /// The credential scope: date, region, service and terminator, with slashes between them.
    pub scope: Cow<'a, str>,
    /// The names of the signed headers, lower-case, with semicolons between them.
    pub signed_headers: Cow<'a, str>,
    /// The signature, as hex.
    pub signature: Cow<'a, str>,
    /// The time of the signature in the basic format of ISO 8601.
    pub date: Cow<'a, str>,
    /// The same as a time.
    pub time: SystemTime,
    /// The session token.
    pub session_token: Option<Cow<'a, str>>,
    /// What only presigned URLs have.
    pub presigned: Option<Presigned>,
}

/// The rest of a presigned URL's query.
#[derive(Debug)]
pub struct Presigned {
    /// How long the URL is valid.
    pub expires: Duration,
    /// The query without the signature, which is what was signed.
    pub signed_query: String,
}

impl<'a> RequestSignature<'a> {
    /// Splits the credential and reads the time.
    pub fn new(
        credential: Cow<'a, str>,
        signed_headers: Cow<'a, str>,
        signature: Cow<'a, str>,
        (date, time): (Cow<'a, str>, SystemTime),
    ) -> Result<Self, SignatureError> {
        let parts = credential
            .split_once('/')
            .filter(|(_, scope)| scope.split('/').count() == 4)
            .map(|(key, scope)| (key.to_owned().into(), scope.to_owned().into()));
        let (access_key_id, scope) = parts.ok_or_else(|| {
            let text = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term";
            incomplete(format!("{text}, got '{credential}'"))
        })?;
        Ok(Self {
            access_key_id,
            scope,
            signed_headers,
            signature,
            date,
            time,
            session_token: None,
            presigned: None,
        })
    }

    /// The names of the signed headers.
    pub fn signed_header_names(&self) -> Vec<&str> {
        self.signed_headers.split(';').collect()
    }
}

/// Reads a time in the basic format.
pub fn basic_date(date: Cow<'_, str>) -> Result<(Cow<'_, str>, SystemTime), SignatureError> {
    match time::parse(&date) {
        Some(time) => Ok((date, time)),
        None => Err(incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'."
        ))),
    }
}

/// The error for a signature that cannot be read.
pub fn incomplete(message: impl Into<String>) -> SignatureError {
    SignatureError::new("IncompleteSignatureException", message)
}

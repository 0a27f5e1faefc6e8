//! The `Authorization` header of a signed request, and the date and session token beside it.

use std::time::SystemTime;

use http::HeaderMap;

use crate::{ALGORITHM, Request, SignatureError, time};

/// What a request says of its own signature. Nothing of it is proved.
#[derive(Debug)]
pub struct AuthorizationHeader<'a> {
    /// The access key id.
    pub access_key_id: &'a str,
    /// The credential scope: date, region, service and terminator, with slashes between them.
    pub scope: &'a str,
    /// The names of the signed headers, lower-case.
    pub signed_headers: Vec<&'a str>,
    /// The signature, as hex.
    pub signature: &'a str,
    /// `X-Amz-Date`, as it was sent.
    pub date: &'a str,
    /// The same as a time.
    pub time: SystemTime,
    /// `X-Amz-Security-Token`.
    pub session_token: Option<&'a str>,
}

impl<'a> AuthorizationHeader<'a> {
    /// Reads the headers of a request; presigned URLs are refused by name.
    pub fn read(request: &Request<'a>) -> Result<Self, SignatureError> {
        let headers: &'a HeaderMap = request.headers;
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| str::from_utf8(value.as_bytes()).ok())
        };
        match header("authorization") {
            Some(authorization) => Self::parse(
                authorization,
                header("x-amz-date"),
                header("x-amz-security-token"),
            ),
            None if request.query.contains("X-Amz-Signature=") => Err(incomplete(
                "Presigned URLs are not supported here: sign in the Authorization header",
            )),
            None => Err(SignatureError::new(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            )),
        }
    }

    fn parse(
        authorization: &'a str,
        date: Option<&'a str>,
        session_token: Option<&'a str>,
    ) -> Result<Self, SignatureError> {
        let rest = authorization.strip_prefix(ALGORITHM);
        let rest = rest.ok_or_else(|| {
            incomplete(format!(
                "Unsupported AWS 'algorithm': it must be {ALGORITHM}."
            ))
        })?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',').map(str::trim) {
            let (name, value) = part.split_once('=').ok_or_else(|| {
                let text =
                    "not a valid key=value pair (missing equal-sign) in Authorization header";
                incomplete(format!("'{part}' {text}: '{authorization}'."))
            })?;
            match name.trim() {
                "Credential" => credential = Some(value),
                "SignedHeaders" => signed_headers = Some(value),
                "Signature" => signature = Some(value),
                _ => {}
            }
        }
        let missing = |name: &str| {
            incomplete(format!(
                "Authorization header requires '{name}' parameter. Authorization={ALGORITHM}"
            ))
        };
        let credential = credential.ok_or_else(|| missing("Credential"))?;
        let signed_headers = signed_headers.ok_or_else(|| missing("SignedHeaders"))?;
        let signature = signature.ok_or_else(|| missing("Signature"))?;
        let no_date =
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
        let date = date.ok_or_else(|| incomplete(no_date))?;
        let parts = credential
            .split_once('/')
            .filter(|(_, scope)| scope.split('/').count() == 4);
        let (access_key_id, scope) = parts.ok_or_else(|| {
            let text = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term";
            incomplete(format!("{text}, got '{credential}'"))
        })?;
        let time = time::parse(date);
        let time = time.ok_or_else(|| {
            incomplete(format!(
                "Date must be in ISO-8601 'basic format'. Got '{date}'."
            ))
        })?;
        let signed_headers = signed_headers.split(';').collect();
        Ok(Self {
            access_key_id,
            scope,
            signed_headers,
            signature,
            date,
            time,
            session_token,
        })
    }
}

fn incomplete(message: impl Into<String>) -> SignatureError {
    SignatureError::new("IncompleteSignatureException", message)
}

//! What a request says of its own signature, in the `Authorization` header. Presigned URLs are refused by name.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Refused, SignedRequest};

/// The algorithm that there is.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A signature and what it says it was made with.
#[derive(Debug)]
pub struct Claimed<'a> {
    /// The access key id.
    pub access_key_id: &'a str,
    /// Date, region, service and terminator.
    pub scope: [&'a str; 4],
    /// Lower-case names.
    pub signed_headers: Vec<&'a str>,
    /// Hex.
    pub signature: &'a str,
    /// `20130524T000000Z`
    pub date: String,
    /// The same as a time.
    pub time: Timestamp,
    /// The session token of temporary credentials.
    pub session_token: Option<&'a str>,
}

impl<'a> Claimed<'a> {
    /// Reads it from wherever it stands.
    pub fn read(request: &SignedRequest<'a>) -> Result<Claimed<'a>, Refused> {
        let header = |name: &str| {
            request.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
        };
        match header("authorization") {
            Some(authorization) => Self::from_header(authorization, header("x-amz-date"), header("x-amz-security-token")),
            None if request.query.contains("X-Amz-Signature=") => Err(Refused::new(
                "IncompleteSignatureException",
                "Presigned URLs are not supported here: sign in the Authorization header",
            )),
            None => Err(Refused::new("MissingAuthenticationTokenException", "Missing Authentication Token")),
        }
    }

    fn from_header(authorization: &'a str, date: Option<&'a str>, session_token: Option<&'a str>) -> Result<Self, Refused> {
        let incomplete = |text: String| Refused::new("IncompleteSignatureException", text);
        let rest = authorization
            .strip_prefix(ALGORITHM)
            .ok_or_else(|| incomplete(format!("Unsupported AWS 'algorithm': it must be {ALGORITHM}.")))?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',').map(str::trim) {
            let no_pair = || {
                incomplete(format!(
                    "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{authorization}'."
                ))
            };
            let (name, value) = part.split_once('=').ok_or_else(no_pair)?;
            match name.trim() {
                "Credential" => credential = Some(value),
                "SignedHeaders" => signed_headers = Some(value),
                "Signature" => signature = Some(value),
                _ => {}
            }
        }
        let missing =
            |name: &str| incomplete(format!("Authorization header requires '{name}' parameter. Authorization={ALGORITHM}"));
        let credential = credential.ok_or_else(|| missing("Credential"))?;
        let signed_headers = signed_headers.ok_or_else(|| missing("SignedHeaders"))?;
        let signature = signature.ok_or_else(|| missing("Signature"))?;
        let date = date.ok_or_else(|| {
            incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned())
        })?;
        let (access_key_id, scope) = split_credential(credential).ok_or_else(|| {
            incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
            ))
        })?;
        let time =
            read_date(date).ok_or_else(|| incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{date}'.")))?;
        Ok(Self {
            access_key_id,
            scope,
            signed_headers: signed_headers.split(';').collect(),
            signature,
            date: date.to_owned(),
            time,
            session_token,
        })
    }
}

fn split_credential(credential: &str) -> Option<(&str, [&str; 4])> {
    match credential.split('/').collect::<Vec<_>>().as_slice() {
        [key, date, region, service, terminator] => Some((key, [date, region, service, terminator])),
        _ => None,
    }
}

fn read_date(date: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
}

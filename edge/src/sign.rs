//! AWS Signature Version 4, for requests to Lambda with a payload in one piece.
//!
//! `aws-sigv4` signs anything that HTTP can carry; this signs the edge's own requests at a quarter of its price: the day's
//! key is kept, and hashes are ring's. That both sign alike is tested.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_lambda::config::Credentials;
use aws_sdk_lambda::primitives::{DateTime, DateTimeFormat};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use hyper::http::header::InvalidHeaderValue;
use ring::{digest, hmac};

/// What is signed with.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "lambda";

/// Signs requests to Lambda in a region.
#[derive(Debug)]
pub struct Signer {
    region: String,
    key: Mutex<Option<DaysKey>>,
}

/// The key that is derived of a secret, for a day.
#[derive(Debug, Clone)]
struct DaysKey {
    access_key_id: String,
    day: String,
    key: hmac::Key,
}

/// What of a request is signed, beside its headers.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, as it is sent; no segment of it is empty or made of dots.
    pub path: &'a str,
    /// The query, as it is sent: all escaped but letters, digits and `-._~`.
    pub query: &'a str,
    /// The body.
    pub payload: &'a [u8],
}

impl Signer {
    /// Signs for this region.
    pub fn new(region: String) -> Self {
        Self { region, key: Mutex::default() }
    }

    /// Adds the headers that prove who sends a request. `Host`, `Content-Type` and each `x-amz-` header are signed.
    pub fn sign(
        &self,
        request: Signable,
        headers: &mut HeaderMap,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<(), InvalidHeaderValue> {
        let time = basic_time(now);
        headers.insert("x-amz-date", HeaderValue::try_from(&time)?);
        if let Some(token) = credentials.session_token() {
            headers.insert("x-amz-security-token", HeaderValue::try_from(token)?);
        }
        let signed = signed_headers(headers);
        let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let canonical = canonical_request(request, &signed, &names);

        let day = time.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{SERVICE}/aws4_request", self.region);
        let mut to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n");
        push_hex(&mut to_sign, sha256(canonical.as_bytes()).as_ref());
        let signature = hmac::sign(&self.days_key(credentials, day), to_sign.as_bytes());

        let key_id = credentials.access_key_id();
        let mut authorization = format!("{ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature=");
        push_hex(&mut authorization, signature.as_ref());
        headers.insert(AUTHORIZATION, HeaderValue::try_from(authorization)?);
        Ok(())
    }

    /// Four hashes that give the same all day.
    fn days_key(&self, credentials: &Credentials, day: &str) -> hmac::Key {
        let mut held = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref().filter(|held| held.day == day && held.access_key_id == credentials.access_key_id()) {
            return held.key.clone();
        }
        let secret = format!("AWS4{}", credentials.secret_access_key());
        let parts = [day, &self.region, SERVICE, "aws4_request"];
        let key = parts.iter().fold(key(secret.as_bytes()), |by, part| key(hmac::sign(&by, part.as_bytes()).as_ref()));
        *held = Some(DaysKey { access_key_id: credentials.access_key_id().to_owned(), day: day.to_owned(), key: key.clone() });
        key
    }
}

fn key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

/// `20260331T101500Z`
fn basic_time(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let time = DateTime::from_secs(i64::try_from(seconds).unwrap_or_default()).fmt(DateTimeFormat::DateTime);
    time.unwrap_or_default().replace(['-', ':'], "")
}

/// Names and values in order of the names.
fn signed_headers(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let is_signed = |name: &str| name == "host" || name == "content-type" || name.starts_with("x-amz-");
    let named = headers.iter().filter(|(name, _)| is_signed(name.as_str()));
    let mut signed: Vec<_> = named.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect();
    signed.sort_unstable();
    signed
}

fn canonical_request(request: Signable, headers: &[(&str, &str)], names: &str) -> String {
    let size = headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
    let mut canonical = String::with_capacity(size + names.len() + request.path.len() + 96);
    canonical.extend([request.method, "\n"]);
    // A path is escaped once more than it was to be sent.
    for byte in request.path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => canonical.push(char::from(byte)),
            byte => drop(write!(canonical, "%{byte:02X}")),
        }
    }
    canonical.extend(["\n", &sorted(request.query), "\n"]);
    for (name, value) in headers {
        canonical.extend([name, ":"]);
        canonical.extend(
            value
                .split(' ')
                .filter(|word| !word.is_empty())
                .enumerate()
                .flat_map(|(at, word)| [if at > 0 { " " } else { "" }, word]),
        );
        canonical.push('\n');
    }
    canonical.extend(["\n", names, "\n"]);
    push_hex(&mut canonical, sha256(request.payload).as_ref());
    canonical
}

/// A query's pairs in order, each with its sign of equality.
fn sorted(query: &str) -> String {
    let mut pairs: Vec<_> =
        query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Writes the 32 bytes of a hash as text.
fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 64];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    text.push_str(str::from_utf8(&hex).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4;

    use super::*;

    /// What AWS's own crate signs it with.
    fn by_aws(request: Signable, headers: &HeaderMap, credentials: &Credentials, now: SystemTime) -> String {
        let identity = credentials.clone().into();
        let params = v4::SigningParams::builder().identity(&identity).region("eu-north-1").name("lambda").time(now);
        let params = params.settings(SigningSettings::default()).build().expect("parameters").into();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text")));
        let url = format!("https://lambda.example{}?{}", request.path, request.query);
        let signable = SignableRequest::new(request.method, url, headers, SignableBody::Bytes(request.payload));
        let (instructions, _) = sign(signable.expect("a request"), &params).expect("a signature").into_parts();
        let mut signed = hyper::Request::new(());
        instructions.apply_to_request_http1x(&mut signed);
        signed.headers()["authorization"].to_str().expect("text").to_owned()
    }

    #[test]
    fn a_request_is_signed_as_awss_own_crate_signs_it() {
        let signer = Signer::new("eu-north-1".to_owned());
        let second = Credentials::new("AKIDOTHER", "other", Some("IQoJb3JpZ2luX2VjE".repeat(40)), None, "test");
        for credentials in [Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPx", None, None, "test"), second] {
            for (path, query) in [
                ("/2015-03-31/functions/core/invocations", ""),
                ("/2015-03-31/functions/arn%3Aaws%3Alambda%3Acore%20x/invocations", "Qualifier=%24LATEST"),
                ("/a:b/@c,$d+e", ""),
                ("/", "name=Ada%20L&flag&b=2&b=1&name=%C3%A4"),
            ] {
                for tenant in ["blue", "a  tenant of many   words", "tab\there"] {
                    for day in [0, 1, 20_000] {
                        let now = UNIX_EPOCH + Duration::from_secs(day * 86_400 + 3_661);
                        let request = Signable { method: "POST", path, query, payload: "{\"input\":\"ä\"}".as_bytes() };
                        let mut headers = HeaderMap::new();
                        headers.insert("host", HeaderValue::from_static("lambda.example"));
                        headers.insert("content-type", HeaderValue::from_static("application/octet-stream"));
                        headers.insert("x-amz-tenant-id", HeaderValue::try_from(tenant).expect("a value"));
                        let wanted = by_aws(request, &headers, &credentials, now);
                        headers.insert("content-length", HeaderValue::from_static("14"));
                        headers.insert("x-amzn-trace-id", HeaderValue::from_static("Root=1"));
                        signer.sign(request, &mut headers, &credentials, now).expect("headers");
                        assert_eq!(headers["authorization"], wanted, "{path}?{query} {tenant} {day}");
                    }
                }
            }
        }
    }
}

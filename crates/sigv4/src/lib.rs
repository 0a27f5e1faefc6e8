//! AWS Signature Version 4, for requests whose body is in one piece: the signer and the verifier
//! share one canonical request.
//!
//! `aws-sigv4` signs whatever HTTP can carry; this crate signs at a quarter of its cost, because it
//! keeps the signing key of the day and hashes with ring. The tests hold it against `aws-sigv4` and
//! against the test suite that AWS publishes. The verifier also knows presigned URLs; streaming
//! signatures are not supported.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

mod authorization;
mod canonical;
mod credentials;
mod error;
mod hash;
mod mismatch;
mod presigned;
mod request_signature;
mod sign;
mod time;
mod verify;

pub use credentials::Credentials;
pub use error::SignatureError;
pub use hash::hex;
pub use mismatch::Mismatch;
pub use sign::sign;
pub use verify::verify;

use http::HeaderMap;

/// The name of the one algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The last part of every credential scope.
const TERMINATOR: &str = "aws4_request";

/// A signed request, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The HTTP method, as it is sent.
    pub method: &'a str,
    /// The path, percent-encoded as it is sent.
    pub path: &'a str,
    /// The query, percent-encoded as it is sent, without `?`.
    pub query: &'a str,
    /// The headers, among them those that carry the signature.
    pub headers: &'a HeaderMap,
    /// The whole body, whose hash is signed.
    pub body: &'a [u8],
}

/// A request that is to be signed, beside its headers.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The HTTP method, as it is sent.
    pub method: &'a str,
    /// The path, percent-encoded as it will be sent.
    pub path: &'a str,
    /// The query, percent-encoded as it will be sent, without `?`.
    pub query: &'a str,
    /// The whole body, whose hash is signed.
    pub body: &'a [u8],
}

/// What a signature is for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The region, for example `us-east-1`.
    pub region: &'a str,
    /// The service's signing name, for example `lambda`.
    pub service: &'a str,
}

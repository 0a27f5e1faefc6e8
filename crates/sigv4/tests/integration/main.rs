//! The signer against the `aws-sigv4` crate, and the verifier against that crate, AWS's test suite
//! and every way in which a signature does not hold.

mod aws_crate;
mod headers;
mod mismatch;
mod presigned;
mod refusals;
mod signing;
mod suite;

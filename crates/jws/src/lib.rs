//! Compact JSON Web Signatures (RFC 7515) with the RSA keys that an issuer publishes (RFC 7517),
//! the registered claims of a JSON Web Token (RFC 7519), and the cache of an issuer's keys. RFC
//! 8725 lists the attacks that the tests try.
//!
//! Only RSA with PKCS #1 v1.5 and SHA-2 is supported, which is what user pools sign with: a shared
//! secret, an elliptic curve or no signature at all cannot be what such a key verifies. No key, and
//! no place to get one, is taken from the token.

mod claims;
mod compact;
mod error;
mod jwk;
mod key_cache;
mod members;

pub use claims::RegisteredClaims;
pub use compact::{Jws, bearer_token};
pub use error::TokenError;
pub use jwk::{Jwk, JwkSet};
pub use key_cache::{FetchDocument, KeyCache, KeyCacheLimits, MAX_DOCUMENT, is_https_or_loopback};

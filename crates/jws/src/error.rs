//! Why a token is refused.

/// Why a token is refused. The text is for a log; a platform that words its refusals has its own
/// for each.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// The token does not have three parts.
    #[error("the token does not have three parts")]
    NotThreeParts,
    /// The token is longer than any that is read.
    #[error("the token is too long")]
    TooLong,
    /// The header is not base64url, not a JSON object, or has a member twice or of the wrong type.
    #[error("the token's header is malformed")]
    MalformedHeader,
    /// The header has no `alg`, or one that is not `RS256`, `RS384` or `RS512`.
    #[error("the token's algorithm is not one of RS256, RS384 and RS512")]
    UnsupportedAlgorithm,
    /// The header has `crit` or `b64`.
    #[error("the token has critical extensions")]
    CriticalExtensions,
    /// The issuer has no key of the token's key id.
    #[error("no key of the issuer has the token's key id")]
    UnknownKey,
    /// The key is not for signatures, or for another algorithm.
    #[error("the key is for another use or algorithm")]
    WrongKeyUse,
    /// The issuer's key cannot be read.
    #[error("the issuer's key cannot be read")]
    UnreadableKey,
    /// The signature is not base64url.
    #[error("the token's signature is not base64url")]
    MalformedSignature,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    WrongSignature,
    /// The payload is not base64url, not a JSON object, or has a claim twice.
    #[error("the token's claims are malformed")]
    MalformedClaims,
    /// `iss` is not the expected issuer.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// Neither `aud` nor, where that is absent, `client_id` names an expected audience.
    #[error("the token is for another audience")]
    WrongAudience,
    /// There is no `exp`.
    #[error("the token has no exp")]
    NoExpiration,
    /// `exp`, `nbf` or `iat` is not a number; which.
    #[error("the token's {0} is not a number")]
    NotANumber(&'static str),
    /// `exp` has passed; the time in seconds since 1970.
    #[error("the token has expired")]
    Expired(f64),
    /// `nbf` has not come yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// There is no `sub`.
    #[error("the token has no sub")]
    NoSubject,
}

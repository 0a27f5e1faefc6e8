//! The verification of JSON Web Tokens for API Gateway's authorizers and the identity pool.
//!
//! The crate `jws` verifies signatures and claims. This file caches verified tokens, because a
//! client sends the same token for an hour, and words the errors as API Gateway does. It does not
//! check `token_use`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::Full;
use jws::{FetchDocument, Jwk, Jws, KeyCache, KeyCacheLimits, RegisteredClaims, TokenError};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::http::HttpClient;

/// The time-out for a request of an issuer's document.
const FETCH_TIMEOUT: Duration = Duration::from_millis(1500);
/// The least time between two requests of an issuer's keys. It is shorter than at AWS, so that a
/// developer need not wait.
const REFRESH_COOLDOWN: Duration = Duration::from_secs(5);
/// The capacity of the cache of verified tokens.
const MAX_CACHED_TOKENS: usize = 1000;

/// The issuer and the audience of the tokens that an authorizer accepts, as `JWTConfiguration` in
/// API Gateway's API.
#[derive(Debug, Clone)]
pub struct JwtConfiguration {
    /// The required claim `iss`.
    pub issuer: String,
    /// The app client ids of which the claim `aud` or `client_id` must name one.
    pub audience: Vec<String>,
}

/// Verifies the tokens of one issuer.
#[derive(Debug)]
pub(crate) struct Verifier {
    configuration: JwtConfiguration,
    keys: KeyCache<HttpClient>,
    verified: Mutex<HashMap<String, VerifiedToken>>,
}

/// A token whose signature was verified, with the key that verified it.
#[derive(Debug, Clone)]
struct VerifiedToken {
    key: Jwk,
    registered: RegisteredClaims,
    claims: Arc<Map<String, Value>>,
}

/// The reason why a token is refused, with API Gateway's message.
#[derive(Debug, PartialEq)]
pub(crate) enum VerifyError {
    /// The token is invalid. Holds the error and the key id of the token's header.
    InvalidToken(TokenError, Option<String>),
    /// The issuer's keys could not be loaded. Holds the reason.
    IssuerUnavailable(String),
}

impl VerifyError {
    /// The time at which the token expired, in seconds since 1970, if it is refused for that
    /// reason.
    pub(crate) fn expired_at(&self) -> Option<f64> {
        match self {
            Self::InvalidToken(TokenError::Expired(at), _) => Some(*at),
            _ => None,
        }
    }
}

/// The checks of a token, in the order in which the authorizers make them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenCheck {
    /// There is a token.
    Present,
    /// It has the form of a JSON Web Token.
    Form,
    /// It names an algorithm that is allowed.
    Algorithm,
    /// The issuer's keys can be fetched.
    KeysAvailable,
    /// The issuer has the key that it names.
    Key,
    /// The key has signed it.
    Signature,
    /// Its `iss` is the issuer.
    Issuer,
    /// Its `aud` or `client_id` is the app client.
    Audience,
    /// Its `exp` is in the future.
    Expiry,
    /// Its `nbf` is in the past.
    NotBefore,
    /// Its `iat` is in the past.
    IssuedAt,
    /// It is an ID token, where one is required.
    Use,
    /// It has one of the route's scopes.
    Scope,
}

impl TokenCheck {
    /// All checks in their order.
    pub(crate) const ALL: [Self; 13] = [
        Self::Present,
        Self::Form,
        Self::Algorithm,
        Self::KeysAvailable,
        Self::Key,
        Self::Signature,
        Self::Issuer,
        Self::Audience,
        Self::Expiry,
        Self::NotBefore,
        Self::IssuedAt,
        Self::Use,
        Self::Scope,
    ];
}

impl VerifyError {
    /// The check that the token does not pass.
    pub(crate) fn check(&self) -> TokenCheck {
        let Self::InvalidToken(error, _) = self else {
            return TokenCheck::KeysAvailable;
        };
        match error {
            TokenError::NotThreeParts
            | TokenError::TooLong
            | TokenError::MalformedHeader
            | TokenError::CriticalExtensions
            | TokenError::MalformedClaims
            | TokenError::NoSubject => TokenCheck::Form,
            TokenError::UnsupportedAlgorithm => TokenCheck::Algorithm,
            TokenError::UnknownKey | TokenError::WrongKeyUse | TokenError::UnreadableKey => {
                TokenCheck::Key
            }
            TokenError::MalformedSignature | TokenError::WrongSignature => TokenCheck::Signature,
            TokenError::WrongIssuer => TokenCheck::Issuer,
            TokenError::WrongAudience => TokenCheck::Audience,
            TokenError::NoExpiration | TokenError::Expired(_) => TokenCheck::Expiry,
            TokenError::NotYetValid => TokenCheck::NotBefore,
            TokenError::IssuedInFuture => TokenCheck::IssuedAt,
            TokenError::NotANumber("nbf") => TokenCheck::NotBefore,
            TokenError::NotANumber("iat") => TokenCheck::IssuedAt,
            TokenError::NotANumber(_) => TokenCheck::Expiry,
        }
    }
}

impl std::error::Error for VerifyError {}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (error, key_id) = match self {
            Self::IssuerUnavailable(why) => return f.write_str(why),
            Self::InvalidToken(error, key_id) => (error, key_id),
        };
        let text = match error {
            TokenError::NotThreeParts => "token contains an invalid number of segments",
            TokenError::TooLong => "the token is too long",
            TokenError::MalformedHeader => "the token's header is malformed",
            TokenError::UnsupportedAlgorithm => "the token's signing method is invalid",
            TokenError::CriticalExtensions => {
                "the token has critical extensions that are not understood"
            }
            TokenError::UnknownKey => match key_id {
                Some(key_id) => return write!(f, "the issuer has no key {}", printable(key_id)),
                None => "the token has no key id",
            },
            TokenError::WrongKeyUse => "the issuer's key is for another use or algorithm",
            TokenError::UnreadableKey => "the issuer's key cannot be read",
            TokenError::MalformedSignature => "the token's signature is malformed",
            TokenError::WrongSignature => "the token's signature is invalid",
            TokenError::MalformedClaims => "the token's claims are malformed",
            TokenError::WrongIssuer => "the token does not have a valid issuer",
            TokenError::WrongAudience => "the token does not have a valid audience",
            TokenError::NoExpiration => "the token has no expiration",
            TokenError::NotANumber(name) => return write!(f, "the token's {name} is not a number"),
            TokenError::Expired(_) => "the token has expired",
            TokenError::NotYetValid => "the token is not valid yet",
            TokenError::IssuedInFuture => "the token was issued in the future",
            TokenError::NoSubject => "the token has no subject",
        };
        f.write_str(text)
    }
}

/// A key id without the characters that cannot stand in a quoted string of a response header.
fn printable(key_id: &str) -> String {
    key_id
        .chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'))
        .take(64)
        .collect()
}

impl Verifier {
    /// Creates a verifier, which loads the issuer's keys with the first token.
    pub(crate) fn new(configuration: JwtConfiguration, http: HttpClient) -> Self {
        let limits = KeyCacheLimits {
            refresh_cooldown: REFRESH_COOLDOWN,
            ..KeyCacheLimits::default()
        };
        let keys = KeyCache::new(&configuration.issuer, http, limits);
        Self {
            configuration,
            keys,
            verified: Mutex::default(),
        }
    }

    /// Verifies a token's form, algorithm, key and signature, then its claims, and returns the
    /// claims.
    pub(crate) async fn verify(&self, token: &str) -> Result<Arc<Map<String, Value>>, VerifyError> {
        let jws = Jws::parse(token).map_err(|error| VerifyError::InvalidToken(error, None))?;
        let invalid = |error| VerifyError::InvalidToken(error, jws.key_id().map(str::to_owned));
        let keys = self
            .keys
            .keys(jws.key_id())
            .await
            .map_err(VerifyError::IssuerUnavailable)?;
        let cached = self.verified.lock().get(token).cloned();
        // A cached token is valid only while the issuer still publishes the key that verified it.
        let verified = match cached.filter(|cached| keys.find(jws.key_id()) == Some(&cached.key)) {
            Some(cached) => cached,
            None => {
                let (payload, key) = jws.verify(&keys).map_err(invalid)?;
                let registered = RegisteredClaims::read(&payload).map_err(invalid)?;
                let claims = serde_json::from_slice(&payload)
                    .map_err(|_| invalid(TokenError::MalformedClaims))?;
                self.cache(
                    token,
                    VerifiedToken {
                        key: key.clone(),
                        registered,
                        claims: Arc::new(claims),
                    },
                )
            }
        };
        let now = SystemTime::now();
        let JwtConfiguration { issuer, audience } = &self.configuration;
        let checked = verified.registered.check(issuer, audience, now);
        checked
            .and_then(|()| verified.registered.check_issued(now))
            .map_err(invalid)?;
        Ok(verified.claims)
    }

    fn cache(&self, token: &str, verified: VerifiedToken) -> VerifiedToken {
        let mut cache = self.verified.lock();
        if cache.len() >= MAX_CACHED_TOKENS {
            cache.clear();
        }
        cache.insert(token.to_owned(), verified.clone());
        verified
    }
}

impl FetchDocument for HttpClient {
    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let request = Request::get(url)
            .body(Full::<Bytes>::default())
            .map_err(|error| error.to_string())?;
        let answer = self
            .send(request, FETCH_TIMEOUT)
            .await
            .map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("status {}", answer.status.as_u16()));
        }
        Ok(answer.body.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_worded_as_api_gateway_words_them() {
        let invalid = |error| VerifyError::InvalidToken(error, Some("k\"1".to_owned())).to_string();
        for (error, text) in [
            (
                TokenError::NotThreeParts,
                "token contains an invalid number of segments",
            ),
            (
                TokenError::WrongAudience,
                "the token does not have a valid audience",
            ),
            (
                TokenError::WrongIssuer,
                "the token does not have a valid issuer",
            ),
            (TokenError::Expired(1.0), "the token has expired"),
            (TokenError::UnknownKey, "the issuer has no key k1"),
            (
                TokenError::NotANumber("exp"),
                "the token's exp is not a number",
            ),
        ] {
            assert_eq!(invalid(error), text);
        }
        assert_eq!(
            VerifyError::InvalidToken(TokenError::UnknownKey, None).to_string(),
            "the token has no key id"
        );
    }
}

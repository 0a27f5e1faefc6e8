//! Why a token is refused: the check that it does not pass, and API Gateway's message.

use std::fmt;

use jws::TokenError;

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

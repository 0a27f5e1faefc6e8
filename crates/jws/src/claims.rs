//! The registered claims of a JSON Web Token (RFC 7519, section 4.1).

use std::collections::HashSet;
use std::fmt;
use std::time::SystemTime;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::TokenError;

/// The claims that say who made a token, for whom, and when it holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RegisteredClaims {
    issuer: Option<Value>,
    audience: Option<Value>,
    client_id: Option<Value>,
    subject: Option<Value>,
    expires: Option<Value>,
    not_before: Option<Value>,
    issued: Option<Value>,
}

impl RegisteredClaims {
    /// Reads the payload of a token whose signature was verified. A payload that has a claim twice
    /// is refused, because readers differ in which of the two they take.
    pub fn read(payload: &[u8]) -> Result<Self, TokenError> {
        // serde_json alone would pass over bytes that are not UTF-8 in claims that are not read.
        let payload = str::from_utf8(payload).map_err(|_| TokenError::MalformedClaims)?;
        serde_json::from_str(payload).map_err(|_| TokenError::MalformedClaims)
    }

    /// Checks `iss`, `aud` (or, where that is absent, `client_id`, as Cognito's access tokens have
    /// it), `exp` and `nbf`.
    pub fn check(
        &self,
        issuer: &str,
        audience: &[String],
        now: SystemTime,
    ) -> Result<(), TokenError> {
        if self.issuer.as_ref().and_then(Value::as_str) != Some(issuer) {
            return Err(TokenError::WrongIssuer);
        }
        if !self.is_for(audience) {
            return Err(TokenError::WrongAudience);
        }
        let now = seconds_since_1970(now);
        let expires = number(&self.expires, "exp")?.ok_or(TokenError::NoExpiration)?;
        if expires <= now {
            return Err(TokenError::Expired(expires));
        }
        if number(&self.not_before, "nbf")?.is_some_and(|not_before| not_before > now) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }

    /// Refuses a token whose `iat` is in the future, as API Gateway does.
    pub fn check_issued(&self, now: SystemTime) -> Result<(), TokenError> {
        let issued = number(&self.issued, "iat")?;
        if issued.is_some_and(|issued| issued > seconds_since_1970(now)) {
            Err(TokenError::IssuedInFuture)
        } else {
            Ok(())
        }
    }

    /// The subject, which must be there.
    pub fn subject(&self) -> Result<&str, TokenError> {
        self.subject
            .as_ref()
            .and_then(Value::as_str)
            .ok_or(TokenError::NoSubject)
    }

    fn is_for(&self, audience: &[String]) -> bool {
        let is_ours = |value: &Value| {
            value
                .as_str()
                .is_some_and(|name| audience.iter().any(|known| known == name))
        };
        match &self.audience {
            Some(Value::Array(names)) => names.iter().any(is_ours),
            Some(name) => is_ours(name),
            None => self.client_id.as_ref().is_some_and(is_ours),
        }
    }
}

fn seconds_since_1970(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

/// A time; a claim that is there and is no finite number refuses the token.
fn number(claim: &Option<Value>, name: &'static str) -> Result<Option<f64>, TokenError> {
    let Some(value) = claim else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite());
    seconds.map(Some).ok_or(TokenError::NotANumber(name))
}

impl<'de> Deserialize<'de> for RegisteredClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = RegisteredClaims;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the claims of a JSON Web Token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<RegisteredClaims, A::Error> {
        let mut claims = RegisteredClaims::default();
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let claim = match name.as_str() {
                "iss" => Some(&mut claims.issuer),
                "aud" => Some(&mut claims.audience),
                "client_id" => Some(&mut claims.client_id),
                "sub" => Some(&mut claims.subject),
                "exp" => Some(&mut claims.expires),
                "nbf" => Some(&mut claims.not_before),
                "iat" => Some(&mut claims.issued),
                _ => None,
            };
            match claim {
                Some(claim) => *claim = Some(members.next_value()?),
                None => drop(members.next_value::<IgnoredAny>()?),
            }
            if !seen.insert(name) {
                return Err(A::Error::custom("a claim stands twice in the token"));
            }
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(claims: &str) -> Result<(), TokenError> {
        let audience = ["app".to_owned(), "app2".to_owned()];
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let claims = RegisteredClaims::read(claims.as_bytes())?;
        claims.check("https://pool", &audience, now)?;
        claims.check_issued(now)?;
        claims.subject().map(|_| ())
    }

    #[test]
    fn claims_that_are_not_utf_8_are_refused() {
        let refused = RegisteredClaims::read(b"{\"sub\":\"u\",\"other\":\"\xff\"}");
        assert_eq!(refused, Err(TokenError::MalformedClaims));
    }

    #[test]
    fn a_token_is_for_the_audience_now_and_from_the_issuer_or_it_is_refused() {
        let good = r#""iss":"https://pool","sub":"u""#;
        for (name, claims, verdict) in [
            (
                "an ID token",
                format!(r#"{{{good},"aud":"app","exp":1001,"nbf":1000,"iat":1000}}"#),
                Ok(()),
            ),
            (
                "an access token",
                format!(r#"{{{good},"client_id":"app2","exp":1000.5}}"#),
                Ok(()),
            ),
            (
                "an audience of several",
                format!(r#"{{{good},"aud":["x","app"],"exp":1001}}"#),
                Ok(()),
            ),
            (
                "no audience",
                format!(r#"{{{good},"exp":1001}}"#),
                Err(TokenError::WrongAudience),
            ),
            (
                "client_id beside another aud",
                format!(r#"{{{good},"aud":"other","client_id":"app","exp":1001}}"#),
                Err(TokenError::WrongAudience),
            ),
            (
                "client_id beside an empty aud",
                format!(r#"{{{good},"aud":[],"client_id":"app","exp":1001}}"#),
                Err(TokenError::WrongAudience),
            ),
            (
                "client_id beside a null aud",
                format!(r#"{{{good},"aud":null,"client_id":"app","exp":1001}}"#),
                Err(TokenError::WrongAudience),
            ),
            (
                "a prefix of the audience",
                format!(r#"{{{good},"aud":"ap","exp":1001}}"#),
                Err(TokenError::WrongAudience),
            ),
            (
                "no issuer",
                r#"{"sub":"u","aud":"app","exp":1001}"#.to_owned(),
                Err(TokenError::WrongIssuer),
            ),
            (
                "another issuer",
                r#"{"iss":"https://pool/","sub":"u","aud":"app","exp":1001}"#.to_owned(),
                Err(TokenError::WrongIssuer),
            ),
            (
                "no expiry",
                format!(r#"{{{good},"aud":"app"}}"#),
                Err(TokenError::NoExpiration),
            ),
            (
                "expired",
                format!(r#"{{{good},"aud":"app","exp":1000}}"#),
                Err(TokenError::Expired(1000.0)),
            ),
            (
                "an expiry in words",
                format!(r#"{{{good},"aud":"app","exp":"1001"}}"#),
                Err(TokenError::NotANumber("exp")),
            ),
            (
                "an endless expiry",
                format!(r#"{{{good},"aud":"app","exp":1e999}}"#),
                Err(TokenError::MalformedClaims),
            ),
            (
                "not yet",
                format!(r#"{{{good},"aud":"app","exp":1001,"nbf":1000.1}}"#),
                Err(TokenError::NotYetValid),
            ),
            (
                "from the future",
                format!(r#"{{{good},"aud":"app","exp":1002,"iat":1001}}"#),
                Err(TokenError::IssuedInFuture),
            ),
            (
                "a claim twice",
                format!(r#"{{{good},"aud":"app","exp":1,"exp":1001}}"#),
                Err(TokenError::MalformedClaims),
            ),
            (
                "no subject",
                r#"{"iss":"https://pool","aud":"app","exp":1001}"#.to_owned(),
                Err(TokenError::NoSubject),
            ),
            (
                "not an object",
                "[1]".to_owned(),
                Err(TokenError::MalformedClaims),
            ),
        ] {
            assert_eq!(check(&claims), verdict, "{name}");
        }
    }
}

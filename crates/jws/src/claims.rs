//! The registered claims of a JSON Web Token (RFC 7519, section 4.1).

use std::fmt;
use std::time::SystemTime;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::TokenError;
use crate::members::{read_members, skip};

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

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<RegisteredClaims, A::Error> {
        let mut claims = RegisteredClaims::default();
        read_members(members, |name, members| {
            let claim = match name {
                "iss" => &mut claims.issuer,
                "aud" => &mut claims.audience,
                "client_id" => &mut claims.client_id,
                "sub" => &mut claims.subject,
                "exp" => &mut claims.expires,
                "nbf" => &mut claims.not_before,
                "iat" => &mut claims.issued,
                _ => return skip(members),
            };
            *claim = Some(members.next_value()?);
            Ok(())
        })?;
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
        use TokenError::*;
        for (name, claims, verdict) in [
            (
                "an ID token",
                r#""aud":"app","exp":1001,"nbf":1000,"iat":1000"#,
                Ok(()),
            ),
            (
                "an access token",
                r#""client_id":"app2","exp":1000.5"#,
                Ok(()),
            ),
            (
                "an audience of several",
                r#""aud":["x","app"],"exp":1001"#,
                Ok(()),
            ),
            ("no audience", r#""exp":1001"#, Err(WrongAudience)),
            (
                "client_id beside another aud",
                r#""aud":"other","client_id":"app","exp":1001"#,
                Err(WrongAudience),
            ),
            (
                "client_id beside an empty aud",
                r#""aud":[],"client_id":"app","exp":1001"#,
                Err(WrongAudience),
            ),
            (
                "client_id beside a null aud",
                r#""aud":null,"client_id":"app","exp":1001"#,
                Err(WrongAudience),
            ),
            (
                "a prefix of the audience",
                r#""aud":"ap","exp":1001"#,
                Err(WrongAudience),
            ),
            ("no expiry", r#""aud":"app""#, Err(NoExpiration)),
            ("expired", r#""aud":"app","exp":1000"#, Err(Expired(1000.0))),
            (
                "an expiry in words",
                r#""aud":"app","exp":"1001""#,
                Err(NotANumber("exp")),
            ),
            (
                "an endless expiry",
                r#""aud":"app","exp":1e999"#,
                Err(MalformedClaims),
            ),
            (
                "not yet",
                r#""aud":"app","exp":1001,"nbf":1000.1"#,
                Err(NotYetValid),
            ),
            (
                "from the future",
                r#""aud":"app","exp":1002,"iat":1001"#,
                Err(IssuedInFuture),
            ),
            (
                "a claim twice",
                r#""aud":"app","exp":1,"exp":1001"#,
                Err(MalformedClaims),
            ),
        ] {
            let claims = format!(r#"{{"iss":"https://pool","sub":"u",{claims}}}"#);
            assert_eq!(check(&claims), verdict, "{name}");
        }
        for (name, claims, verdict) in [
            (
                "no issuer",
                r#"{"sub":"u","aud":"app","exp":1001}"#,
                WrongIssuer,
            ),
            (
                "another issuer",
                r#"{"iss":"https://pool/","sub":"u","aud":"app","exp":1001}"#,
                WrongIssuer,
            ),
            (
                "no subject",
                r#"{"iss":"https://pool","aud":"app","exp":1001}"#,
                NoSubject,
            ),
            ("not an object", "[1]", MalformedClaims),
        ] {
            assert_eq!(check(claims), Err(verdict), "{name}");
        }
    }
}

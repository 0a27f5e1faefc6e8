//! A bearer token, verified by the edge itself, where no platform does: a function URL with auth `NONE`.
//!
//! Given an admitted request that nobody has vouched for, gives the claims of a token that holds, or 401. What the
//! claims allow is for [`crate::authorize`] to say, `token_use` too.
//! <https://www.rfc-editor.org/rfc/rfc8725>, <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>

pub mod jws;
mod keys;

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use crate::admit::Admitted;
use crate::claims::Claims;
use crate::error::EdgeError;
use crate::event::Proof;
use crate::http::Roots;
use crate::json::Object;
use keys::Keys;
pub use keys::is_safe_url;

/// Whose tokens are taken, and for whom they must be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// `JWT_ISSUER`, as it stands in `iss`.
    pub url: String,
    /// `JWT_AUDIENCE`: what `aud`, or where there is none `client_id`, must name one of.
    pub audience: Vec<String>,
    /// Whose word is taken for who the issuer's server is.
    pub roots: Roots,
}

/// Verifies the tokens of one issuer with the keys that it publishes.
#[derive(Debug)]
pub struct TokenVerifier {
    issuer: Issuer,
    keys: Keys,
}

/// The claims of a token that was verified.
#[derive(Debug)]
pub struct VerifiedToken(Box<RawValue>);

impl VerifiedToken {
    /// The claims, as they stand in the token.
    pub fn claims(&self) -> Claims<'_> {
        Claims::new(Object::of(&self.0).unwrap_or_default())
    }
}

impl TokenVerifier {
    /// A verifier without keys.
    pub fn new(issuer: Issuer) -> Self {
        Self { keys: Keys::of(&issuer.url, issuer.roots.clone()), issuer }
    }

    /// Fetches the keys, so that the first request does not wait; one that fails is told of and made again then.
    pub async fn warm(&self) -> Result<(), String> {
        self.keys.fetch().await
    }

    /// Verifies a request's token; `None` where the platform has vouched for the caller already, or there is no token.
    pub async fn verify(&self, request: &Admitted<'_>) -> Result<Option<VerifiedToken>, EdgeError> {
        let Admitted(request) = request;
        let header = request.authorization.as_deref().map(str::trim).unwrap_or_default();
        if !matches!(request.proof, Proof::None) || header.is_empty() {
            return Ok(None);
        }
        let token = bearer(header).ok_or(EdgeError::Unauthorized("the Authorization header holds no bearer token"))?;
        let keys = self.keys.for_token(jws::key_id(token)?.as_deref()).await.map_err(EdgeError::IssuerUnreachable)?;
        let payload = jws::verify(token, &keys)?;
        let payload = String::from_utf8(payload).map_err(|_| "the token's claims are not UTF-8")?;
        let payload = RawValue::from_string(payload).map_err(|_| "the token's claims are not JSON")?;
        self.issuer.check(&payload, SystemTime::now())?;
        Ok(Some(VerifiedToken(payload)))
    }
}

/// Why a token is refused: for the log. The caller reads 401 and no more.
impl From<&'static str> for EdgeError {
    fn from(why: &'static str) -> Self {
        Self::Unauthorized(why)
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Issuer {
    /// Checks what a token whose signature holds says of itself.
    fn check(&self, claims: &RawValue, now: SystemTime) -> Result<(), &'static str> {
        let claims = Object::of(claims).ok_or("the token's claims are no object")?;
        let has_duplicates = claims.iter().enumerate().any(|(at, (name, _))| claims.iter().skip(at + 1).any(|(n, _)| n == name));
        if has_duplicates {
            return Err("a claim stands twice in the token");
        }
        if claims.text("iss").as_deref() != Some(self.url.as_str()) {
            return Err("the token is from another issuer");
        }
        if !self.is_for_us(&claims) {
            return Err("the token is for another audience");
        }
        let now = now.duration_since(SystemTime::UNIX_EPOCH).as_ref().map_or(0.0, Duration::as_secs_f64);
        if seconds(&claims, "exp")?.ok_or("the token has no exp")? <= now {
            return Err("the token has expired");
        }
        if seconds(&claims, "nbf")?.is_some_and(|not_before| not_before > now) {
            return Err("the token is not valid yet");
        }
        claims.text("sub").map(|_| ()).ok_or("the token has no sub")
    }

    /// `client_id` counts only where there is no `aud`: a Cognito access token has the one, an ID token the other.
    fn is_for_us(&self, claims: &Object) -> bool {
        let is_ours = |name: &str| self.audience.iter().any(|known| known == name);
        let Some(audience) = claims.get("aud") else {
            return claims.text("client_id").is_some_and(|client| is_ours(&client));
        };
        match serde_json::from_str::<Vec<String>>(audience.get()) {
            Ok(names) => names.iter().any(|name| is_ours(name)),
            Err(_) => claims.text("aud").is_some_and(|name| is_ours(&name)),
        }
    }
}

/// A time in seconds since 1970; a claim that is there and no number refuses the token.
fn seconds(claims: &Object, name: &str) -> Result<Option<f64>, &'static str> {
    let Some(raw) = claims.get(name) else { return Ok(None) };
    let seconds = raw.get().parse::<f64>().ok().filter(|seconds| seconds.is_finite());
    seconds.map(Some).ok_or("a time in the token is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(claims: &str) -> Result<(), &'static str> {
        let issuer =
            Issuer { url: "https://pool".to_owned(), audience: vec!["app".to_owned(), "app2".to_owned()], roots: Roots::System };
        let claims = RawValue::from_string(claims.to_owned()).expect("JSON");
        issuer.check(&claims, SystemTime::UNIX_EPOCH + Duration::from_secs(1000))
    }

    #[test]
    fn a_token_is_for_us_now_and_from_the_issuer_or_it_is_refused() {
        let good = r#""iss":"https://pool","sub":"u""#;
        for (name, claims, verdict) in [
            ("an ID token", format!(r#"{{{good},"aud":"app","exp":1001,"nbf":1000}}"#), Ok(())),
            ("an access token", format!(r#"{{{good},"client_id":"app2","exp":1000.5}}"#), Ok(())),
            ("an audience of several", format!(r#"{{{good},"aud":["x","app"],"exp":1001}}"#), Ok(())),
            ("no audience", format!(r#"{{{good},"exp":1001}}"#), Err("the token is for another audience")),
            (
                "another's",
                format!(r#"{{{good},"aud":"other","client_id":"app","exp":1001}}"#),
                Err("the token is for another audience"),
            ),
            (
                "an empty audience",
                format!(r#"{{{good},"aud":[],"client_id":"app","exp":1001}}"#),
                Err("the token is for another audience"),
            ),
            (
                "null for an audience",
                format!(r#"{{{good},"aud":null,"client_id":"app","exp":1001}}"#),
                Err("the token is for another audience"),
            ),
            ("a prefix of ours", format!(r#"{{{good},"aud":"ap","exp":1001}}"#), Err("the token is for another audience")),
            ("no issuer", r#"{"sub":"u","aud":"app","exp":1001}"#.to_owned(), Err("the token is from another issuer")),
            (
                "another issuer",
                r#"{"iss":"https://pool/","sub":"u","aud":"app","exp":1001}"#.to_owned(),
                Err("the token is from another issuer"),
            ),
            ("no expiry", format!(r#"{{{good},"aud":"app"}}"#), Err("the token has no exp")),
            ("expired", format!(r#"{{{good},"aud":"app","exp":1000}}"#), Err("the token has expired")),
            ("an expiry in words", format!(r#"{{{good},"aud":"app","exp":"1001"}}"#), Err("a time in the token is no number")),
            ("an endless expiry", format!(r#"{{{good},"aud":"app","exp":1e999}}"#), Err("a time in the token is no number")),
            ("not yet", format!(r#"{{{good},"aud":"app","exp":1001,"nbf":1000.1}}"#), Err("the token is not valid yet")),
            ("a claim twice", format!(r#"{{{good},"aud":"app","exp":1,"exp":1001}}"#), Err("a claim stands twice in the token")),
            ("nobody", r#"{"iss":"https://pool","aud":"app","exp":1001}"#.to_owned(), Err("the token has no sub")),
            ("not an object", "[1]".to_owned(), Err("the token's claims are no object")),
        ] {
            assert_eq!(check(&claims), verdict, "{name}");
        }
    }

    #[test]
    fn a_bearer_token_follows_its_scheme() {
        assert_eq!(bearer("Bearer a.b.c"), Some("a.b.c"));
        assert_eq!(bearer("bearer  a.b.c"), Some("a.b.c"));
        assert_eq!(bearer("a.b.c"), None);
        assert_eq!(bearer("AWS4-HMAC-SHA256 Credential=x"), None);
    }
}

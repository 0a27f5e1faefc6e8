//! The JWT authorizer: a request's token becomes verified claims, or the refusal with API Gateway's `www-authenticate` line.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>
//!
//! `token_use` is not looked at, here as there: that is the integration's to do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::error::GatewayError;
use super::jwks::{Algorithm, Jwks};
use crate::http::HttpClient;

/// How long fetched keys are used.
const KEYS_LIVE: Duration = Duration::from_secs(3600);

/// Whose tokens are taken, and for whom they must be made.
#[derive(Debug, Clone)]
pub struct JwtConfiguration {
    /// The issuer, as it stands in `iss`.
    pub issuer: String,
    /// The audience: app client ids.
    pub audience: Vec<String>,
}

/// Verifies tokens.
#[derive(Debug)]
pub struct Authorizer {
    configuration: JwtConfiguration,
    jwks: Jwks,
}

/// A verified token.
#[derive(Debug)]
pub struct Authorized {
    /// Its claims.
    pub claims: Map<String, Value>,
    /// Its scopes, where the route asks for any.
    pub scopes: Option<Vec<String>>,
}

impl Authorizer {
    /// An authorizer that fetches the issuer's keys when the first token comes.
    pub fn new(configuration: JwtConfiguration, http: HttpClient) -> Self {
        let jwks = Jwks::new(&configuration.issuer, http, KEYS_LIVE);
        Self { configuration, jwks }
    }

    /// Verifies the token in `Authorization`, bare or after `Bearer`. `scopes`: the route's, of which one is needed.
    pub async fn authorize(&self, parts: &Parts, scopes: &[String]) -> Result<Authorized, GatewayError> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::trim);
        let Some(header) = header.filter(|header| !header.is_empty()) else {
            return Err(GatewayError::Unauthorized("Bearer".to_owned()));
        };
        let token = match header.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("bearer ") => header[7..].trim(),
            _ => header,
        };
        let verified = self.verify(token).await;
        let claims = verified.map_err(|why| GatewayError::Unauthorized(line(scopes, "invalid_token", &why)))?;
        let granted = granted_scopes(&claims);
        if scopes.is_empty() {
            return Ok(Authorized { claims, scopes: None });
        }
        if !granted.iter().any(|scope| scopes.contains(scope)) {
            let why = format!("expected scopes: [{}]", scopes.join(" "));
            return Err(GatewayError::InsufficientScope(line(scopes, "insufficient_scope", &why)));
        }
        Ok(Authorized { claims, scopes: Some(granted) })
    }

    async fn verify(&self, token: &str) -> Result<Map<String, Value>, String> {
        let segments: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = segments.as_slice() else {
            return Err("token contains an invalid number of segments".to_owned());
        };
        let header = object(header).ok_or("the token's header is malformed")?;
        let algorithm = algorithm(&header)?;
        let kid = header.get("kid").and_then(Value::as_str).ok_or("the token has no key id")?;
        let key = self.jwks.key(kid).await?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the token's signature is malformed")?;
        let signed = &token[..token.rfind('.').unwrap_or_default()];
        if !key.verifies(algorithm, signed.as_bytes(), &signature) {
            return Err("the token's signature is invalid".to_owned());
        }
        let claims = object(payload).ok_or("the token's claims are malformed")?;
        self.check_claims(&claims, now())?;
        Ok(claims)
    }

    fn check_claims(&self, claims: &Map<String, Value>, now: f64) -> Result<(), String> {
        if claims.get("iss").and_then(Value::as_str) != Some(self.configuration.issuer.as_str()) {
            return Err("the token does not have a valid issuer".to_owned());
        }
        if !self.is_for_us(claims) {
            return Err("the token does not have a valid audience".to_owned());
        }
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().ok_or(format!("the token's {name} is not a number")));
        let expires = time("exp").ok_or("the token has no expiration")??;
        if expires <= now {
            return Err("the token has expired".to_owned());
        }
        if time("nbf").transpose()?.is_some_and(|not_before| not_before > now) {
            return Err("the token is not valid yet".to_owned());
        }
        if time("iat").transpose()?.is_some_and(|issued| issued > now) {
            return Err("the token was issued in the future".to_owned());
        }
        Ok(())
    }

    /// `client_id` counts only where there is no `aud`.
    fn is_for_us(&self, claims: &Map<String, Value>) -> bool {
        let ours =
            |value: &Value| value.as_str().is_some_and(|name| self.configuration.audience.iter().any(|known| known == name));
        match claims.get("aud") {
            Some(Value::Array(audience)) => audience.iter().any(ours),
            Some(audience) => ours(audience),
            None => claims.get("client_id").is_some_and(ours),
        }
    }
}

fn line(scopes: &[String], error: &str, description: &str) -> String {
    format!("Bearer scope=\"{}\" error=\"{error}\" error_description=\"{description}\"", scopes.join(" "))
}

/// RSA alone: neither a shared secret nor none at all can be what an issuer's public keys verify.
fn algorithm(header: &Map<String, Value>) -> Result<Algorithm, String> {
    if header.contains_key("crit") {
        return Err("the token has critical extensions that are not understood".to_owned());
    }
    match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => Ok(Algorithm::Rs256),
        Some("RS384") => Ok(Algorithm::Rs384),
        Some("RS512") => Ok(Algorithm::Rs512),
        _ => Err("the token's signing method is invalid".to_owned()),
    }
}

fn object(segment: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(segment).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn granted_scopes(claims: &Map<String, Value>) -> Vec<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Value::String(text)) => words(text),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(claims: Value) -> String {
        let configuration = JwtConfiguration { issuer: "https://pool".to_owned(), audience: vec!["app".to_owned()] };
        let authorizer = Authorizer::new(configuration, HttpClient::new());
        let Value::Object(claims) = claims else { panic!("an object") };
        authorizer.check_claims(&claims, 1000.0).err().unwrap_or_default()
    }

    #[test]
    fn claims_are_checked_as_api_gateway_checks_them() {
        for (name, claims, error) in [
            ("an ID token", json!({ "iss": "https://pool", "aud": "app", "exp": 1001, "iat": 1000 }), ""),
            ("an access token", json!({ "iss": "https://pool", "client_id": "app", "exp": 1001 }), ""),
            ("one audience of many", json!({ "iss": "https://pool", "aud": ["x", "app"], "exp": 1001 }), ""),
            (
                "another pool",
                json!({ "iss": "https://pool/", "aud": "app", "exp": 1001 }),
                "the token does not have a valid issuer",
            ),
            (
                "another app",
                json!({ "iss": "https://pool", "aud": "x", "exp": 1001 }),
                "the token does not have a valid audience",
            ),
            (
                "client_id beside aud",
                json!({ "iss": "https://pool", "aud": "x", "client_id": "app", "exp": 1001 }),
                "the token does not have a valid audience",
            ),
            ("no audience", json!({ "iss": "https://pool", "exp": 1001 }), "the token does not have a valid audience"),
            ("expired", json!({ "iss": "https://pool", "aud": "app", "exp": 1000 }), "the token has expired"),
            ("no expiration", json!({ "iss": "https://pool", "aud": "app" }), "the token has no expiration"),
            ("exp in a string", json!({ "iss": "https://pool", "aud": "app", "exp": "9999" }), "the token's exp is not a number"),
            ("not yet", json!({ "iss": "https://pool", "aud": "app", "exp": 1002, "nbf": 1001 }), "the token is not valid yet"),
            (
                "from the future",
                json!({ "iss": "https://pool", "aud": "app", "exp": 1002, "iat": 1001 }),
                "the token was issued in the future",
            ),
        ] {
            assert_eq!(check(claims), error, "{name}");
        }
    }
}

//! The JWT authorizer: a request's token becomes verified claims, or the refusal with API Gateway's `www-authenticate` line.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>
//!
//! `token_use` is not looked at, here as there: that is the integration's to do.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde_json::{Map, Value, json};

use super::claims;
use super::error::GatewayError;
use crate::jwt::Verifier;

/// Verifies tokens.
#[derive(Debug)]
pub struct Authorizer(Verifier);

/// A verified token.
#[derive(Debug)]
pub struct JwtAuthorizerContext {
    /// Its claims.
    pub claims: Arc<Map<String, Value>>,
    /// Its scopes, where the route asks for any.
    pub scopes: Option<Vec<String>>,
}

impl JwtAuthorizerContext {
    /// As it stands in an event.
    pub fn to_json(&self) -> Value {
        json!({ "jwt": { "claims": claims::render(&self.claims), "scopes": self.scopes } })
    }
}

impl Authorizer {
    /// An authorizer of one issuer's tokens.
    pub fn new(verifier: Verifier) -> Self {
        Self(verifier)
    }

    /// Verifies the token in `Authorization`, bare or after `Bearer`. `scopes`: the route's, of which one is needed.
    pub async fn authorize(&self, parts: &Parts, scopes: &[String]) -> Result<JwtAuthorizerContext, GatewayError> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::trim);
        let Some(header) = header.filter(|header| !header.is_empty()) else {
            return Err(GatewayError::Unauthorized("Bearer".to_owned()));
        };
        let token = jws::bearer_token(header).unwrap_or(header);
        let verified = self.0.verify(token).await.map_err(|error| error.to_string());
        let claims = verified.map_err(|why| GatewayError::Unauthorized(www_authenticate(scopes, "invalid_token", &why)))?;
        let granted = granted_scopes(&claims);
        if scopes.is_empty() {
            return Ok(JwtAuthorizerContext { claims, scopes: None });
        }
        if !granted.iter().any(|scope| scopes.contains(scope)) {
            let why = format!("expected scopes: [{}]", scopes.join(" "));
            return Err(GatewayError::InsufficientScope(www_authenticate(scopes, "insufficient_scope", &why)));
        }
        Ok(JwtAuthorizerContext { claims, scopes: Some(granted) })
    }
}

fn www_authenticate(scopes: &[String], error: &str, description: &str) -> String {
    format!("Bearer scope=\"{}\" error=\"{error}\" error_description=\"{description}\"", scopes.join(" "))
}

fn granted_scopes(claims: &Map<String, Value>) -> Vec<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Value::String(text)) => words(text),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

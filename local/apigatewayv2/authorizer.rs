//! The JWT authorizer of the HTTP API: verifies a request's token, or refuses it with API Gateway's
//! `www-authenticate` header. <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>
//!
//! Like API Gateway it does not check `token_use`; the integration has to.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde_json::{Map, Value, json};

use super::claims;
use super::error::GatewayError;
use crate::jwt::{TokenCheck, Verifier};
use crate::recorder::TokenRefusal;

/// A JWT authorizer for the tokens of one issuer.
#[derive(Debug)]
pub(super) struct Authorizer(Verifier);

/// What the authorizer passes to the integration about a verified token.
#[derive(Debug)]
pub(super) struct JwtAuthorizerContext {
    pub claims: Arc<Map<String, Value>>,
    /// The token's scopes; `None` where the route requires none.
    pub scopes: Option<Vec<String>>,
}

impl JwtAuthorizerContext {
    /// The context as the member `authorizer` of an event.
    pub(super) fn to_json(&self) -> Value {
        json!({ "jwt": { "claims": claims::render(&self.claims), "scopes": self.scopes } })
    }
}

impl Authorizer {
    pub(super) fn new(verifier: Verifier) -> Self {
        Self(verifier)
    }

    /// Verifies the token in the `Authorization` header, with or without the `Bearer` scheme. Where
    /// the route has `scopes`, the token must have at least one of them. A refusal is given with
    /// the check that the token does not pass.
    pub(super) async fn authorize(
        &self,
        parts: &Parts,
        scopes: &[String],
    ) -> Result<JwtAuthorizerContext, (TokenRefusal, GatewayError)> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(str::trim);
        let Some(header) = header.filter(|header| !header.is_empty()) else {
            return Err(refused(
                TokenCheck::Present,
                "the header Authorization holds no token",
                GatewayError::Unauthorized("Bearer".to_owned()),
            ));
        };
        let token = jws::bearer_token(header).unwrap_or(header);
        let claims = self.0.verify(token).await.map_err(|error| {
            let why = error.to_string();
            let header = www_authenticate(scopes, "invalid_token", &why);
            refused(error.check(), why, GatewayError::Unauthorized(header))
        })?;
        let granted = granted_scopes(&claims);
        if scopes.is_empty() {
            return Ok(JwtAuthorizerContext {
                claims,
                scopes: None,
            });
        }
        if !granted.iter().any(|scope| scopes.contains(scope)) {
            let why = format!("expected scopes: [{}]", scopes.join(" "));
            let header = www_authenticate(scopes, "insufficient_scope", &why);
            let error = GatewayError::InsufficientScope(header);
            return Err(refused(TokenCheck::Scope, why, error));
        }
        Ok(JwtAuthorizerContext {
            claims,
            scopes: Some(granted),
        })
    }
}

fn refused(
    check: TokenCheck,
    why: impl Into<String>,
    error: GatewayError,
) -> (TokenRefusal, GatewayError) {
    let why = why.into();
    (TokenRefusal { check, why }, error)
}

fn www_authenticate(scopes: &[String], error: &str, description: &str) -> String {
    format!(
        "Bearer scope=\"{}\" error=\"{error}\" error_description=\"{description}\"",
        scopes.join(" ")
    )
}

fn granted_scopes(claims: &Map<String, Value>) -> Vec<String> {
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Value::String(text)) => words(text),
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

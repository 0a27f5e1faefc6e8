//! The Cognito authorizer of the REST API: verifies a request's ID token and renders its claims as
//! strings, as a REST API does. <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html>

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::RestError;
use crate::jwt::{TokenCheck, Verifier, VerifyError};
use crate::recorder::TokenRefusal;

/// Verifies the ID tokens of one user pool.
#[derive(Debug)]
pub(super) struct CognitoAuthorizer(Verifier);

impl CognitoAuthorizer {
    pub(super) fn new(verifier: Verifier) -> Self {
        Self(verifier)
    }

    /// Verifies the token in the `Authorization` header, with or without the `Bearer` scheme, and
    /// returns its claims as they are and as the API renders them, or the error with the check that
    /// the token does not pass. Access tokens are refused: at API Gateway they are for methods with
    /// scopes, and this API has none.
    pub(super) async fn authorize(
        &self,
        parts: &Parts,
    ) -> Result<(Arc<Map<String, Value>>, Map<String, Value>), (TokenRefusal, RestError)> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let token = jws::bearer_token(header).unwrap_or(header).trim();
        let refused = |check: TokenCheck, why: &str, error: RestError| {
            let why = why.to_owned();
            (TokenRefusal { check, why }, error)
        };
        if token.is_empty() {
            let why = "the header Authorization holds no token";
            return Err(refused(TokenCheck::Present, why, RestError::Unauthorized));
        }
        let invalid = |error: VerifyError| {
            let answer = if error.expired_at().is_some() {
                RestError::Expired
            } else {
                RestError::Unauthorized
            };
            refused(error.check(), &error.to_string(), answer)
        };
        let claims = self.0.verify(token).await.map_err(invalid)?;
        match claims.get("token_use") {
            Some(kind) if kind == "id" => {
                let rendered = render(&claims);
                Ok((claims, rendered))
            }
            _ => {
                let why = "the token is not an ID token";
                Err(refused(TokenCheck::Use, why, RestError::Unauthorized))
            }
        }
    }
}

fn render(claims: &Map<String, Value>) -> Map<String, Value> {
    claims
        .iter()
        .map(|(name, value)| (name.clone(), json!(text(name, value))))
        .collect()
}

fn text(name: &str, value: &Value) -> String {
    match value {
        Value::Number(seconds) if matches!(name, "exp" | "iat") => {
            date(seconds.as_i64().unwrap_or_default())
        }
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .map(|item| text("", item))
            .collect::<Vec<_>>()
            .join(","),
        other => other.to_string(),
    }
}

/// Formats a time as REST APIs do: `Tue Apr 04 18:39:39 UTC 2023`.
fn date(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%a %b %d %H:%M:%S UTC %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_is_a_string_and_dates_are_words() {
        let claims = json!({ "sub": "u", "exp": 1_680_633_579, "auth_time": 1_680_633_579, "email_verified": true, "cognito:groups": ["a", "b"] });
        insta::assert_snapshot!(json!(render(claims.as_object().expect("an object"))), @r#"{"auth_time":"1680633579","cognito:groups":"a,b","email_verified":"true","exp":"Tue Apr 04 18:39:39 UTC 2023","sub":"u"}"#);
    }
}

//! `RevokeToken`: ends one sign-in. Verifiers that do not ask the pool go on taking its access tokens until they expire.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RevokeToken.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::Inner;
use crate::json_protocol::ServiceError;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RevokeToken {
    client_id: String,
    token: String,
}

/// Answers it.
pub fn run(pool: &Inner, request: RevokeToken) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    if request.token.contains('.') {
        return Err(ServiceError::new("UnsupportedTokenTypeException", "Only refresh tokens can be revoked"));
    }
    pool.sessions.revoke(&request.token);
    Ok(json!({}))
}

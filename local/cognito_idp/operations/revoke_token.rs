//! The operation `RevokeToken`: revokes a refresh token. Verifiers that do not ask the pool accept
//! the session's access tokens until they expire.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RevokeToken.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::Inner;
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RevokeToken {
    client_id: String,
    token: String,
}

pub(super) fn run(pool: &Inner, request: RevokeToken) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    if request.token.contains('.') {
        return Err(ServiceError::new(
            "UnsupportedTokenTypeException",
            "Only refresh tokens can be revoked",
        ));
    }
    pool.sessions.revoke(&request.token)?;
    Ok(json!({}))
}

//! The operation `GetTokensFromRefreshToken`: issues new ID and access tokens.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetTokensFromRefreshToken.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::Inner;
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetTokensFromRefreshToken {
    client_id: String,
    refresh_token: String,
}

pub(super) fn run(pool: &Inner, request: GetTokensFromRefreshToken) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    let tokens = pool.refresh(&request.refresh_token)?;
    Ok(json!({ "AuthenticationResult": tokens.authentication_result() }))
}

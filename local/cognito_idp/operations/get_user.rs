//! `GetUser`: one's own attributes.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetUser.html>

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cognito_idp::Inner;
use crate::json_protocol::ServiceError;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetUser {
    access_token: String,
}

/// Answers it.
pub fn run(pool: &Inner, request: GetUser) -> Result<Value, ServiceError> {
    let user = pool.authenticate(&request.access_token)?;
    Ok(json!({ "Username": user.sub, "UserAttributes": user.attribute_list() }))
}

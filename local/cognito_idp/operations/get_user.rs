//! The operation `GetUser`: returns the attributes of the signed-in user.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetUser.html>

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cognito_idp::Inner;
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetUser {
    access_token: String,
}

pub(super) fn run(pool: &Inner, request: GetUser) -> Result<Value, ServiceError> {
    let user = pool.authenticate(&request.access_token)?;
    Ok(json!({ "Username": user.sub, "UserAttributes": user.attribute_list() }))
}

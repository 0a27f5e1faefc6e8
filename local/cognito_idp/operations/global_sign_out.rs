//! The operation `GlobalSignOut`: revokes the refresh and access tokens of every session of the
//! user. <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GlobalSignOut.html>

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cognito_idp::Inner;
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GlobalSignOut {
    access_token: String,
}

pub(super) fn run(pool: &Inner, request: GlobalSignOut) -> Result<Value, ServiceError> {
    let user = pool.authenticate(&request.access_token)?;
    pool.sessions.revoke_all(&user.sub)?;
    Ok(json!({}))
}

//! The operation `AdminAddUserToGroup`: adds a user to a group, which must exist.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminAddUserToGroup.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::{check_pool, no_such_user};
use crate::cognito_idp::{Inner, User};
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AdminAddUserToGroup {
    user_pool_id: String,
    username: String,
    group_name: String,
}

pub(super) fn run(pool: &Inner, request: AdminAddUserToGroup) -> Result<Value, ServiceError> {
    check_pool(&request.user_pool_id)?;
    if !pool.user_directory.has_group(&request.group_name) {
        return Err(ServiceError::new(
            "ResourceNotFoundException",
            "Group not found.",
        ));
    }
    let add = |user: &mut User| {
        if !user.groups.contains(&request.group_name) {
            user.groups.push(request.group_name);
        }
    };
    pool.user_directory
        .change(&request.username, add)?
        .ok_or_else(no_such_user)?;
    Ok(json!({}))
}

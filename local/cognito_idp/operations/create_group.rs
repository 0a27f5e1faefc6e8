//! The operation `CreateGroup`: makes a group, to which users can be added then.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_pool;
use crate::cognito_idp::Inner;
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateGroup {
    user_pool_id: String,
    group_name: String,
}

pub(super) fn run(pool: &Inner, request: CreateGroup) -> Result<Value, ServiceError> {
    check_pool(&request.user_pool_id)?;
    if request.group_name.is_empty() || request.group_name.chars().any(char::is_whitespace) {
        return Err(ServiceError::invalid_parameter(
            "groupName must not be empty and must not contain white space",
        ));
    }
    if !pool.user_directory.add_group(&request.group_name) {
        return Err(ServiceError::new(
            "GroupExistsException",
            "A group with the name already exists.",
        ));
    }
    Ok(json!({ "Group": { "GroupName": request.group_name, "UserPoolId": request.user_pool_id } }))
}

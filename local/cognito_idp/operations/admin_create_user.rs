//! The operation `AdminCreateUser`: creates a user who must change the password at the first
//! sign-in. No invitation is sent. <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_pool;
use super::sign_up::check_email;
use crate::cognito_idp::user::{Attribute, AttributeWriter, check_password};
use crate::cognito_idp::{Inner, User, UserStatus};
use crate::json_protocol::ServiceError;
use crate::terminal::print_from;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AdminCreateUser {
    user_pool_id: String,
    username: String,
    temporary_password: Option<String>,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
}

pub(super) fn run(pool: &Inner, request: AdminCreateUser) -> Result<Value, ServiceError> {
    check_pool(&request.user_pool_id)?;
    check_email(&request.username)?;
    let made_up = uuid::Uuid::new_v4().simple().to_string();
    let password = request.temporary_password.unwrap_or_else(|| {
        print_from(
            "mail",
            format_args!("temporary password {made_up} for {}", request.username),
        );
        pool.recorder
            .mail(&request.username, "AdminCreateUser", &made_up);
        made_up.clone()
    });
    check_password(&password)?;
    let mut user = User::new(
        &request.username,
        &password,
        UserStatus::ForceChangePassword,
    );
    user.set_attributes(request.user_attributes, AttributeWriter::Administrator)?;
    if !pool.user_directory.add(user.clone())? {
        return Err(ServiceError::new(
            "UsernameExistsException",
            "User account already exists",
        ));
    }
    Ok(json!({ "User": {
        "Username": user.sub,
        "Attributes": user.attribute_list(),
        "UserCreateDate": user.created,
        "UserLastModifiedDate": user.created,
        "Enabled": true,
        "UserStatus": "FORCE_CHANGE_PASSWORD",
    } }))
}

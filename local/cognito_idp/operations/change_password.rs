//! The operation `ChangePassword`: replaces the password of a signed-in user who knows the old one.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ChangePassword.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::{incorrect_credentials, no_such_user};
use crate::cognito_idp::{Inner, User};
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangePassword {
    access_token: String,
    previous_password: String,
    proposed_password: String,
}

pub(super) fn run(pool: &Inner, request: ChangePassword) -> Result<Value, ServiceError> {
    let user = pool.authenticate(&request.access_token)?;
    let change = |user: &mut User| {
        if !user.has_password(&request.previous_password) {
            return Err(incorrect_credentials());
        }
        user.set_password(&request.proposed_password)
            .map(|()| json!({}))
    };
    pool.user_directory
        .change(&user.sub, change)?
        .ok_or_else(no_such_user)?
}

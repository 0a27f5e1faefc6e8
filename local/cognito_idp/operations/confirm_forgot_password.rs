//! The operation `ConfirmForgotPassword`: sets a new password, with a confirmation code.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ConfirmForgotPassword.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::confirmation_code::{self, Purpose};
use crate::cognito_idp::user::check_password;
use crate::cognito_idp::{Inner, User};
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConfirmForgotPassword {
    client_id: String,
    username: String,
    confirmation_code: String,
    password: String,
}

/// Runs the operation. The response does not reveal whether the user exists.
pub(super) fn run(pool: &Inner, request: ConfirmForgotPassword) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    check_password(&request.password)?;
    let confirm = |user: &mut User| {
        confirmation_code::redeem(user, Purpose::ForgotPassword, &request.confirmation_code)?;
        user.set_password(&request.password)?;
        Ok(json!({}))
    };
    pool.user_directory
        .change(&request.username, confirm)?
        .ok_or_else(confirmation_code::mismatch)?
}

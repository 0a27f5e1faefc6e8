//! `ConfirmForgotPassword`: a code and the new password.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ConfirmForgotPassword.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::account::check_password;
use crate::cognito_idp::code::{self, Purpose};
use crate::cognito_idp::{Account, Inner};
use crate::json_protocol::ServiceError;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfirmForgotPassword {
    client_id: String,
    username: String,
    confirmation_code: String,
    password: String,
}

/// Answers it; whether there is such a user is not told.
pub fn run(pool: &Inner, request: ConfirmForgotPassword) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    check_password(&request.password)?;
    let confirm = |account: &mut Account| {
        code::redeem(account, Purpose::ForgotPassword, &request.confirmation_code)?;
        account.set_password(&request.password)?;
        Ok(json!({}))
    };
    let unknown = || ServiceError::new("ExpiredCodeException", "Invalid code provided, please request a code again.");
    pool.directory.change(&request.username, confirm).ok_or_else(unknown)?
}

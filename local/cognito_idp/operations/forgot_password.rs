//! The operation `ForgotPassword`: sends a code with which the user can set a new password.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ForgotPassword.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::confirmation_code::{self, Purpose};
use crate::cognito_idp::{Inner, User};
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ForgotPassword {
    client_id: String,
    username: String,
}

/// Runs the operation. The response does not reveal whether the user exists.
pub(super) fn run(pool: &Inner, request: ForgotPassword) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    let send = |user: &mut User| {
        if !user.email_verified {
            let text = "Cannot reset password for the user as there is no registered/verified email or phone_number";
            return Err(ServiceError::invalid_parameter(text));
        }
        Ok(confirmation_code::send(
            &pool.recorder,
            user,
            Purpose::ForgotPassword,
        ))
    };
    let sent = pool.user_directory.change(&request.username, send)?;
    let delivery = sent.unwrap_or_else(|| Ok(confirmation_code::delivery(&request.username)))?;
    Ok(json!({ "CodeDeliveryDetails": delivery }))
}

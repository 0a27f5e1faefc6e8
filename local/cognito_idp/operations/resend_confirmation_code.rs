//! The operation `ResendConfirmationCode`: sends another code for a sign-up.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ResendConfirmationCode.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::confirmation_code::{self, Purpose};
use crate::cognito_idp::{Inner, User, UserStatus};
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResendConfirmationCode {
    client_id: String,
    username: String,
}

/// Runs the operation. The response does not reveal whether the user exists.
pub(super) fn run(pool: &Inner, request: ResendConfirmationCode) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    let resend = |user: &mut User| match user.status {
        UserStatus::Unconfirmed => Ok(confirmation_code::send(
            &pool.recorder,
            user,
            Purpose::SignUp,
        )),
        _ => Err(ServiceError::invalid_parameter(
            "User is already confirmed.",
        )),
    };
    let sent = pool.user_directory.change(&request.username, resend)?;
    let delivery = sent.unwrap_or_else(|| Ok(confirmation_code::delivery(&request.username)))?;
    Ok(json!({ "CodeDeliveryDetails": delivery }))
}

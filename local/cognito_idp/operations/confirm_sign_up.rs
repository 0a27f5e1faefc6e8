//! The operation `ConfirmSignUp`: confirms a user with the code that was sent to the e-mail
//! address. <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ConfirmSignUp.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::confirmation_code::{self, Purpose};
use crate::cognito_idp::{Inner, User, UserStatus};
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConfirmSignUp {
    client_id: String,
    username: String,
    confirmation_code: String,
}

/// Runs the operation. The response does not reveal whether the user exists.
pub(super) fn run(pool: &Inner, request: ConfirmSignUp) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    let confirm = |user: &mut User| {
        if user.status != UserStatus::Unconfirmed {
            return Err(ServiceError::not_authorized(
                "User cannot be confirmed. Current status is CONFIRMED",
            ));
        }
        confirmation_code::redeem(user, Purpose::SignUp, &request.confirmation_code)?;
        user.status = UserStatus::Confirmed;
        user.email_verified = true;
        Ok(json!({}))
    };
    pool.user_directory
        .change(&request.username, confirm)?
        .ok_or_else(confirmation_code::expired)?
}

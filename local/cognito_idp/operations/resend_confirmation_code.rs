//! `ResendConfirmationCode`: another code for a sign-up.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ResendConfirmationCode.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::code::{self, Purpose};
use crate::cognito_idp::{Account, Inner, Status};
use crate::json_protocol::ServiceError;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResendConfirmationCode {
    client_id: String,
    username: String,
}

/// Answers it; whether there is such a user is not told.
pub fn run(pool: &Inner, request: ResendConfirmationCode) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    let resend = |account: &mut Account| match account.status {
        Status::Unconfirmed => Ok(code::send(account, Purpose::SignUp)),
        _ => Err(ServiceError::invalid_parameter("User is already confirmed.")),
    };
    let sent = pool.directory.change(&request.username, resend);
    let delivery = sent.unwrap_or_else(|| Ok(code::delivery(&request.username)))?;
    Ok(json!({ "CodeDeliveryDetails": delivery }))
}

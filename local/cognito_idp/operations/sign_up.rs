//! The operation `SignUp`: adds a user, who has to confirm the e-mail address with a code.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::check_client;
use crate::cognito_idp::confirmation_code::{self, Purpose};
use crate::cognito_idp::user::{Attribute, AttributeWriter, check_password};
use crate::cognito_idp::{Inner, User, UserStatus};
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SignUp {
    client_id: String,
    username: String,
    password: String,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
}

pub(super) fn run(pool: &Inner, request: SignUp) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    check_email(&request.username)?;
    check_password(&request.password)?;
    let mut user = User::new(
        &request.username,
        &request.password,
        UserStatus::Unconfirmed,
    );
    user.set_attributes(request.user_attributes, AttributeWriter::User)?;
    let sub = user.sub.clone();
    if !pool.user_directory.add(user)? {
        let text = "An account with the given email already exists.";
        return Err(ServiceError::new("UsernameExistsException", text));
    }
    let delivery = pool.user_directory.change(&sub, |user| {
        confirmation_code::send(&pool.recorder, user, Purpose::SignUp)
    })?;
    Ok(json!({ "UserConfirmed": false, "UserSub": sub, "CodeDeliveryDetails": delivery }))
}

/// Refuses a user name that is not an e-mail address.
pub(super) fn check_email(username: &str) -> Result<(), ServiceError> {
    match username.split_once('@') {
        Some((local, domain))
            if !local.is_empty() && !domain.is_empty() && !domain.contains('@') =>
        {
            Ok(())
        }
        _ => Err(ServiceError::invalid_parameter(
            "Username should be an email.",
        )),
    }
}

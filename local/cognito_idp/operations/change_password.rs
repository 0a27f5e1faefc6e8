//! `ChangePassword`: a new password for whoever knows the old one.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ChangePassword.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::{no_such_user, wrong_credentials};
use crate::cognito_idp::{Account, Inner};
use crate::json_protocol::ServiceError;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangePassword {
    access_token: String,
    previous_password: String,
    proposed_password: String,
}

/// Answers it.
pub fn run(pool: &Inner, request: ChangePassword) -> Result<Value, ServiceError> {
    let owner = pool.owner(&request.access_token)?;
    let change = |account: &mut Account| {
        if !account.has_password(&request.previous_password) {
            return Err(wrong_credentials());
        }
        account.set_password(&request.proposed_password).map(|()| json!({}))
    };
    pool.directory.change(&owner.sub, change).ok_or_else(no_such_user)?
}

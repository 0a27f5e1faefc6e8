//! `UpdateUserAttributes`: changes one's own attributes.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserAttributes.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::no_such_user;
use crate::cognito_idp::user::Attribute;
use crate::cognito_idp::{Inner, User};
use crate::json_protocol::ServiceError;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateUserAttributes {
    access_token: String,
    user_attributes: Vec<Attribute>,
}

/// Answers it. Whether an address is verified is not the user's to say.
pub fn run(pool: &Inner, request: UpdateUserAttributes) -> Result<Value, ServiceError> {
    let user = pool.authenticate(&request.access_token)?;
    let update = |user: &mut User| {
        let was_verified = user.email_verified;
        let result = user.set_attributes(request.user_attributes);
        user.email_verified = was_verified;
        result.map(|()| json!({ "CodeDeliveryDetailsList": [] }))
    };
    pool.user_directory.change(&user.sub, update).ok_or_else(no_such_user)?
}

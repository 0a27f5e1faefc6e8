//! The operation `UpdateUserAttributes`: changes the attributes of the signed-in user.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserAttributes.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::no_such_user;
use crate::cognito_idp::user::{Attribute, AttributeWriter};
use crate::cognito_idp::{Inner, User};
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateUserAttributes {
    access_token: String,
    user_attributes: Vec<Attribute>,
}

pub(super) fn run(pool: &Inner, request: UpdateUserAttributes) -> Result<Value, ServiceError> {
    let user = pool.authenticate(&request.access_token)?;
    let update = |user: &mut User| {
        user.set_attributes(request.user_attributes, AttributeWriter::User)
            .map(|()| json!({ "CodeDeliveryDetailsList": [] }))
    };
    pool.user_directory
        .change(&user.sub, update)?
        .ok_or_else(no_such_user)?
}

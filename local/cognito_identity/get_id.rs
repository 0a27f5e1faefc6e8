//! The operation `GetId`: the identity id of a user.
//! <https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetId.html>

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Inner, Logins, identity_id};
use crate::aws::IDENTITY_POOL_ID;
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetId {
    identity_pool_id: String,
    #[serde(default)]
    logins: Logins,
}

pub(super) async fn run(pool: &Inner, request: GetId) -> Result<Value, ServiceError> {
    if request.identity_pool_id != IDENTITY_POOL_ID {
        let text = format!("IdentityPool '{}' not found.", request.identity_pool_id);
        return Err(ServiceError::new("ResourceNotFoundException", text));
    }
    let user = pool.user(&request.logins).await?;
    let id = identity_id(&user);
    pool.identities.lock().insert(id.clone(), user);
    Ok(json!({ "IdentityId": id }))
}

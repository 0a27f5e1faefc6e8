//! The operation `GetCredentialsForIdentity`: temporary credentials for an identity, for a caller
//! that sends its token again. <https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetCredentialsForIdentity.html>

use std::time::UNIX_EPOCH;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{CREDENTIALS_LIFETIME, Inner, Logins};
use crate::credentials::Principal;
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetCredentialsForIdentity {
    identity_id: String,
    #[serde(default)]
    logins: Logins,
    custom_role_arn: Option<String>,
}

pub(super) async fn run(
    pool: &Inner,
    request: GetCredentialsForIdentity,
) -> Result<Value, ServiceError> {
    if request.custom_role_arn.is_some() {
        return Err(ServiceError::invalid_parameter(
            "CustomRoleArn is not supported here",
        ));
    }
    let owner = pool.identities.lock().get(&request.identity_id).cloned();
    let not_found = || {
        ServiceError::new(
            "ResourceNotFoundException",
            format!("Identity '{}' not found.", request.identity_id),
        )
    };
    let owner = owner.ok_or_else(not_found)?;
    let user = pool.user(&request.logins).await?;
    if user != owner {
        return Err(ServiceError::not_authorized(format!(
            "Access to Identity '{}' is forbidden.",
            request.identity_id
        )));
    }
    let principal = Principal::CognitoIdentity {
        identity_id: request.identity_id.clone(),
        sub: user,
    };
    let credentials = pool
        .credentials
        .issue_temporary(principal, CREDENTIALS_LIFETIME);
    let expiration = credentials
        .expiration
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    Ok(json!({
        "IdentityId": request.identity_id,
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": expiration.as_secs_f64(),
        },
    }))
}

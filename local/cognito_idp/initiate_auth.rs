//! `InitiateAuth`: the first step of a sign-in.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::CognitoError;
use super::{CLIENT_ID, Inner};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitiateAuth {
    auth_flow: String,
    client_id: String,
    #[serde(default)]
    auth_parameters: HashMap<String, String>,
}

/// Answers it.
pub fn run(pool: &Inner, request: InitiateAuth) -> Result<Value, CognitoError> {
    if request.client_id != CLIENT_ID {
        let text = format!("User pool client {} does not exist.", request.client_id);
        return Err(CognitoError::ResourceNotFound(text));
    }
    match request.auth_flow.as_str() {
        "USER_PASSWORD_AUTH" => user_password(pool, &request.auth_parameters),
        flow => Err(CognitoError::InvalidParameter(format!("{flow} is not supported here"))),
    }
}

fn user_password(pool: &Inner, parameters: &HashMap<String, String>) -> Result<Value, CognitoError> {
    let parameter = |name: &str| {
        let missing = || CognitoError::InvalidParameter(format!("Missing required parameter {name}"));
        parameters.get(name).ok_or_else(missing)
    };
    let (username, password) = (parameter("USERNAME")?, parameter("PASSWORD")?);
    let user = pool.users.find(username).filter(|user| user.password == *password);
    let user = user.ok_or(CognitoError::NotAuthorized("Incorrect username or password."))?;
    Ok(json!({ "AuthenticationResult": pool.mint(&user).authentication_result(), "ChallengeParameters": {} }))
}

//! The operation `InitiateAuth`: starts a sign-in, or refreshes the tokens of a session.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::respond_to_auth_challenge::{next_step, start_srp};
use super::{check_client, incorrect_credentials};
use crate::cognito_idp::Inner;
use crate::json_protocol::ServiceError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InitiateAuth {
    auth_flow: String,
    client_id: String,
    #[serde(default)]
    auth_parameters: HashMap<String, String>,
}

pub(super) fn run(pool: &Inner, request: InitiateAuth) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    let parameter = |name: &str| {
        let missing =
            || ServiceError::invalid_parameter(format!("Missing required parameter {name}"));
        request
            .auth_parameters
            .get(name)
            .map(String::as_str)
            .ok_or_else(missing)
    };
    match request.auth_flow.as_str() {
        "USER_SRP_AUTH" => start_srp(pool, parameter("USERNAME")?, parameter("SRP_A")?),
        "USER_PASSWORD_AUTH" => {
            let password = parameter("PASSWORD")?;
            let user = pool
                .user_directory
                .find(parameter("USERNAME")?)
                .filter(|user| user.has_password(password));
            next_step(pool, user.ok_or_else(incorrect_credentials)?)
        }
        "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" => {
            let tokens = pool.refresh(parameter("REFRESH_TOKEN")?)?;
            Ok(
                json!({ "AuthenticationResult": tokens.authentication_result(), "ChallengeParameters": {} }),
            )
        }
        flow => Err(ServiceError::invalid_parameter(format!(
            "AuthFlow {flow} is not supported here"
        ))),
    }
}

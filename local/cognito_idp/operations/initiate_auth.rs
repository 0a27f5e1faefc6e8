//! The operation `InitiateAuth`: starts a sign-in, or refreshes the tokens of a session.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::respond_to_auth_challenge::{next_step, start_srp};
use super::{check_client, incorrect_credentials, required};
use crate::cognito_idp::Inner;
use crate::cognito_idp::user::sub_of;
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
    let parameter = |name| required(&request.auth_parameters, name);
    match request.auth_flow.as_str() {
        "USER_SRP_AUTH" => start_srp(pool, parameter("USERNAME")?, parameter("SRP_A")?),
        "USER_PASSWORD_AUTH" if pool.settings.allows_user_password_auth => {
            check_password(pool, parameter("USERNAME")?, parameter("PASSWORD")?)
        }
        flow @ "USER_PASSWORD_AUTH" => Err(not_enabled(flow)),
        // With rotation, only GetTokensFromRefreshToken refreshes tokens.
        flow @ ("REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN") if pool.settings.rotates_refresh_tokens => {
            Err(not_enabled(flow))
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

fn check_password(pool: &Inner, username: &str, password: &str) -> Result<Value, ServiceError> {
    let user = pool.user_directory.find(username);
    let sub = user
        .as_ref()
        .map_or_else(|| sub_of(username), |user| user.sub.clone());
    pool.sign_in_attempts.check(&sub)?;
    match user.filter(|user| user.has_password(password)) {
        Some(user) => {
            pool.sign_in_attempts.succeeded(&user.sub);
            next_step(pool, user)
        }
        None => {
            pool.sign_in_attempts.failed(&sub);
            Err(incorrect_credentials())
        }
    }
}

fn not_enabled(flow: &str) -> ServiceError {
    ServiceError::invalid_parameter(format!("{flow} flow not enabled for this client"))
}

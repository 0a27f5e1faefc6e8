//! The operations of the user pool. Each file has the request of one operation and the function
//! `run` that handles it.

mod admin_add_user_to_group;
mod admin_create_user;
mod change_password;
mod confirm_forgot_password;
mod confirm_sign_up;
mod create_group;
mod forgot_password;
mod get_tokens_from_refresh_token;
mod get_user;
mod global_sign_out;
mod initiate_auth;
mod resend_confirmation_code;
pub(super) mod respond_to_auth_challenge;
mod revoke_token;
mod sign_up;
mod update_user_attributes;

use std::collections::HashMap;

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;

use super::Inner;
use crate::aws::{USER_POOL_CLIENT_ID, USER_POOL_ID};
use crate::json_protocol::{ServiceError, operation, parse};

/// The names of the supported operations.
pub const SUPPORTED: [&str; 16] = [
    "AdminAddUserToGroup",
    "AdminCreateUser",
    "ChangePassword",
    "ConfirmForgotPassword",
    "ConfirmSignUp",
    "CreateGroup",
    "ForgotPassword",
    "GetTokensFromRefreshToken",
    "GetUser",
    "GlobalSignOut",
    "InitiateAuth",
    "ResendConfirmationCode",
    "RespondToAuthChallenge",
    "RevokeToken",
    "SignUp",
    "UpdateUserAttributes",
];

/// Runs the operation that the header `x-amz-target` names.
pub(super) fn run(pool: &Inner, headers: &HeaderMap, body: &Bytes) -> Result<Value, ServiceError> {
    let name = operation(headers, "AWSCognitoIdentityProviderService");
    let is_administrators = name.starts_with("Admin") || name == "CreateGroup";
    if is_administrators && headers.contains_key("origin") {
        return Err(ServiceError::not_authorized(
            "an administrator's operation is nothing for a web page",
        ));
    }
    match name {
        "AdminAddUserToGroup" => admin_add_user_to_group::run(pool, parse(body)?),
        "AdminCreateUser" => admin_create_user::run(pool, parse(body)?),
        "ChangePassword" => change_password::run(pool, parse(body)?),
        "ConfirmForgotPassword" => confirm_forgot_password::run(pool, parse(body)?),
        "ConfirmSignUp" => confirm_sign_up::run(pool, parse(body)?),
        "CreateGroup" => create_group::run(pool, parse(body)?),
        "ForgotPassword" => forgot_password::run(pool, parse(body)?),
        "GetTokensFromRefreshToken" => get_tokens_from_refresh_token::run(pool, parse(body)?),
        "GetUser" => get_user::run(pool, parse(body)?),
        "GlobalSignOut" => global_sign_out::run(pool, parse(body)?),
        "InitiateAuth" => initiate_auth::run(pool, parse(body)?),
        "ResendConfirmationCode" => resend_confirmation_code::run(pool, parse(body)?),
        "RespondToAuthChallenge" => respond_to_auth_challenge::run(pool, parse(body)?),
        "RevokeToken" => revoke_token::run(pool, parse(body)?),
        "SignUp" => sign_up::run(pool, parse(body)?),
        "UpdateUserAttributes" => update_user_attributes::run(pool, parse(body)?),
        other => Err(ServiceError::not_supported(other)),
    }
}

/// A parameter that an authentication flow needs.
fn required<'a>(
    parameters: &'a HashMap<String, String>,
    name: &str,
) -> Result<&'a str, ServiceError> {
    parameters.get(name).map(String::as_str).ok_or_else(|| {
        ServiceError::invalid_parameter(format!("Missing required parameter {name}"))
    })
}

fn check_client(client_id: &str) -> Result<(), ServiceError> {
    if client_id == USER_POOL_CLIENT_ID {
        return Ok(());
    }
    Err(ServiceError::new(
        "ResourceNotFoundException",
        format!("User pool client {client_id} does not exist."),
    ))
}

fn check_pool(pool_id: &str) -> Result<(), ServiceError> {
    if pool_id == USER_POOL_ID {
        return Ok(());
    }
    Err(ServiceError::new(
        "ResourceNotFoundException",
        format!("User pool {pool_id} does not exist."),
    ))
}

/// The error for a wrong password and for an unknown user, so that it does not reveal whether the
/// user exists.
fn incorrect_credentials() -> ServiceError {
    ServiceError::not_authorized("Incorrect username or password.")
}

fn no_such_user() -> ServiceError {
    ServiceError::new("UserNotFoundException", "User does not exist.")
}

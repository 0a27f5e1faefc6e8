//! A user of the pool: the attributes, the status and the password's SRP verifier.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::POOL_NAME;
use super::confirmation_code::ConfirmationCode;
use super::srp::Verifier;
use crate::json_protocol::ServiceError;

/// The least length of a password in characters, as in the template.
const MIN_PASSWORD: usize = 12;

/// A user, as the file of `--save-users` stores it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    /// The user's id and internal user name. It is derived from the e-mail address, so that it is
    /// the same in every run.
    pub sub: String,
    /// The e-mail address, by which the user signs in.
    pub email: String,
    /// Whether the user has confirmed the e-mail address.
    pub email_verified: bool,
    pub status: UserStatus,
    #[serde(default)]
    pub groups: Vec<String>,
    /// The attributes beside `sub`, `email` and `email_verified`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// The time of the creation, in seconds since 1970.
    pub created: i64,
    verifier: Verifier,
    /// The code that was sent and not used yet.
    #[serde(skip)]
    pub confirmation_code: Option<ConfirmationCode>,
}

/// `UserStatus`, as in Cognito's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum UserStatus {
    /// The user has signed up and has not entered the code yet.
    Unconfirmed,
    /// The user can sign in.
    Confirmed,
    /// An administrator has created the user, who has to set a password at the first sign-in.
    ForceChangePassword,
}

impl User {
    pub(crate) fn new(email: &str, password: &str, status: UserStatus) -> Self {
        let sub = sub_of(email);
        Self {
            verifier: Verifier::new(POOL_NAME, &sub, password),
            sub,
            email: email.to_owned(),
            email_verified: status == UserStatus::Confirmed,
            status,
            groups: Vec::new(),
            attributes: BTreeMap::new(),
            created: jiff::Timestamp::now().as_second(),
            confirmation_code: None,
        }
    }

    pub(crate) fn has_password(&self, password: &str) -> bool {
        self.verifier.matches(POOL_NAME, &self.sub, password)
    }

    /// The SRP verifier of the password.
    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Sets a new password, if the policy allows it.
    pub(crate) fn set_password(&mut self, password: &str) -> Result<(), ServiceError> {
        check_password(password)?;
        self.verifier = Verifier::new(POOL_NAME, &self.sub, password);
        Ok(())
    }

    /// Sets attributes; `sub` and a new e-mail address are refused.
    pub(crate) fn set_attributes(
        &mut self,
        attributes: Vec<Attribute>,
    ) -> Result<(), ServiceError> {
        for Attribute { name, value } in attributes {
            match name.as_str() {
                "sub" => {
                    return Err(ServiceError::invalid_parameter(
                        "user.sub: Attribute cannot be updated.",
                    ));
                }
                "email" if value != self.email => {
                    return Err(ServiceError::invalid_parameter(
                        "email: a new address is not supported here",
                    ));
                }
                "email" => {}
                "email_verified" => self.email_verified = value == "true",
                _ => drop(self.attributes.insert(name, value)),
            }
        }
        Ok(())
    }

    /// All attributes as a list of `{Name, Value}`.
    pub(crate) fn attribute_list(&self) -> Value {
        let own = [
            ("sub", self.sub.clone()),
            ("email_verified", self.email_verified.to_string()),
            ("email", self.email.clone()),
        ];
        let own = own
            .iter()
            .map(|(name, value)| json!({ "Name": name, "Value": value }));
        own.chain(
            self.attributes
                .iter()
                .map(|(name, value)| json!({ "Name": name, "Value": value })),
        )
        .collect()
    }
}

/// The id of the user with an e-mail address. Addresses are compared without ASCII case, here and
/// in every look-up.
pub(super) fn sub_of(email: &str) -> String {
    Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("mailto:{}", email.to_ascii_lowercase()).as_bytes(),
    )
    .to_string()
}

/// An attribute of a request: `{Name, Value}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attribute {
    name: String,
    #[serde(default)]
    value: String,
}

/// Fails for a password that the pool's policy does not allow.
pub(super) fn check_password(password: &str) -> Result<(), ServiceError> {
    if password.chars().count() < MIN_PASSWORD {
        let text = "Password did not conform with policy: Password not long enough";
        return Err(ServiceError::new("InvalidPasswordException", text));
    }
    Ok(())
}

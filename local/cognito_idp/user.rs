//! A user of the pool.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::POOL_NAME;
use super::confirmation_code::ConfirmationCode;
use super::srp::Verifier;
use crate::json_protocol::ServiceError;

/// The least length of a password, as in the template.
const MIN_PASSWORD: usize = 12;

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user's id, and internal user name; made of the address, so that it is the same in every run.
    pub sub: String,
    /// The e-mail address, by which the user signs in.
    pub email: String,
    /// Whether the user has shown that the address is theirs.
    pub email_verified: bool,
    /// Where the user stands.
    pub status: UserStatus,
    /// The groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Attributes beside those above.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// When the user was made, in seconds since 1970.
    pub created: i64,
    verifier: Verifier,
    /// A code that was sent and not used.
    #[serde(skip)]
    pub confirmation_code: Option<ConfirmationCode>,
}

/// Where a user stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UserStatus {
    /// Signed up, and has not shown the code.
    Unconfirmed,
    /// May sign in.
    Confirmed,
    /// Made by an administrator, and has not chosen a password.
    ForceChangePassword,
}

impl User {
    /// A user with a password.
    pub fn new(email: &str, password: &str, status: UserStatus) -> Self {
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

    /// Whether this is the password.
    pub fn has_password(&self, password: &str) -> bool {
        self.verifier.matches(POOL_NAME, &self.sub, password)
    }

    /// What is kept of the password.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Takes a new password, if the policy allows it.
    pub fn set_password(&mut self, password: &str) -> Result<(), ServiceError> {
        check_password(password)?;
        self.verifier = Verifier::new(POOL_NAME, &self.sub, password);
        Ok(())
    }

    /// Takes a list of `{Name, Value}`.
    pub fn set_attributes(&mut self, attributes: Vec<Attribute>) -> Result<(), ServiceError> {
        for Attribute { name, value } in attributes {
            match name.as_str() {
                "sub" => return Err(ServiceError::invalid_parameter("user.sub: Attribute cannot be updated.")),
                "email" if value != self.email => {
                    return Err(ServiceError::invalid_parameter("email: a new address is not supported here"));
                }
                "email" => {}
                "email_verified" => self.email_verified = value == "true",
                _ => drop(self.attributes.insert(name, value)),
            }
        }
        Ok(())
    }

    /// The attributes as a list of `{Name, Value}`.
    pub fn attribute_list(&self) -> Value {
        let own = [("sub", self.sub.clone()), ("email_verified", self.email_verified.to_string()), ("email", self.email.clone())];
        let own = own.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
        own.chain(self.attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value }))).collect()
    }
}

/// The id of whoever has an address; addresses are compared as ASCII, here as wherever a user is looked up.
pub fn sub_of(email: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("mailto:{}", email.to_ascii_lowercase()).as_bytes()).to_string()
}

/// An attribute of a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    name: String,
    #[serde(default)]
    value: String,
}

/// Refuses a password that the pool's policy does not allow.
pub fn check_password(password: &str) -> Result<(), ServiceError> {
    if password.chars().count() < MIN_PASSWORD {
        let text = "Password did not conform with policy: Password not long enough";
        return Err(ServiceError::new("InvalidPasswordException", text));
    }
    Ok(())
}

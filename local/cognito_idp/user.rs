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
/// The greatest length of a password in characters.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html>
const MAX_PASSWORD: usize = 256;

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

    /// Sets all of the attributes or, if one of them is refused, none.
    pub(crate) fn set_attributes(
        &mut self,
        attributes: Vec<Attribute>,
        writer: AttributeWriter,
    ) -> Result<(), ServiceError> {
        let mut changed = self.clone();
        changed.try_set_attributes(attributes, writer)?;
        *self = changed;
        Ok(())
    }

    /// Sets attributes. Those that are not in the pool's schema are refused, and so are `sub`, a
    /// new e-mail address, and what only an administrator may write.
    fn try_set_attributes(
        &mut self,
        attributes: Vec<Attribute>,
        writer: AttributeWriter,
    ) -> Result<(), ServiceError> {
        for Attribute { name, value } in attributes {
            check_schema(&name)?;
            match name.as_str() {
                "email_verified" | "phone_number_verified" if writer == AttributeWriter::User => {
                    return Err(ServiceError::not_authorized(
                        "A client attempted to write unauthorized attribute",
                    ));
                }
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

/// Who sets attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttributeWriter {
    /// The user, through the app client.
    User,
    /// An administrator, through the pool.
    Administrator,
}

/// Fails for an attribute that the pool does not have: the template's has the standard attributes
/// of OpenID Connect and no custom ones.
fn check_schema(name: &str) -> Result<(), ServiceError> {
    const OTHERS: [&str; 5] = [
        "sub",
        "email",
        "email_verified",
        "phone_number_verified",
        "updated_at",
    ];
    if OTHERS.contains(&name) || is_standard_attribute(name) {
        return Ok(());
    }
    let why = if name.starts_with("custom:") || name.starts_with("dev:") {
        format!("Type for attribute {{{name}}} could not be determined")
    } else {
        format!("{name}: Attribute does not exist in the schema.")
    };
    Err(ServiceError::invalid_parameter(format!(
        "Attributes did not conform to the schema: {why}"
    )))
}

/// Whether this is a standard attribute of OpenID Connect that users may set.
pub(super) fn is_standard_attribute(name: &str) -> bool {
    const STANDARD: [&str; 15] = [
        "address",
        "birthdate",
        "family_name",
        "gender",
        "given_name",
        "locale",
        "middle_name",
        "name",
        "nickname",
        "phone_number",
        "picture",
        "preferred_username",
        "profile",
        "website",
        "zoneinfo",
    ];
    STANDARD.contains(&name)
}

/// An attribute of a request: `{Name, Value}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attribute {
    name: String,
    #[serde(default)]
    value: String,
}

/// Fails for a password that Cognito does not take or the pool's policy does not allow.
pub(super) fn check_password(password: &str) -> Result<(), ServiceError> {
    let violated = |constraint: &str| {
        ServiceError::invalid_parameter(format!(
            "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must {constraint}"
        ))
    };
    if password.chars().count() > MAX_PASSWORD {
        let constraint = format!("have length less than or equal to {MAX_PASSWORD}");
        return Err(violated(&constraint));
    }
    if password.trim() != password || password.is_empty() {
        return Err(violated(
            r"satisfy regular expression pattern: ^[\S]+.*[\S]+$",
        ));
    }
    if password.chars().count() < MIN_PASSWORD {
        let text = "Password did not conform with policy: Password not long enough";
        return Err(ServiceError::new("InvalidPasswordException", text));
    }
    Ok(())
}

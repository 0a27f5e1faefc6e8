//! Tokens with the claims that Cognito puts into them, and access tokens read back.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html>

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use uuid::Uuid;

use super::session::Session;
use super::{Account, Inner};
use crate::aws::USER_POOL_CLIENT_ID;
use crate::json_protocol::ServiceError;

/// What the operations on one's own account want of an access token.
const OWN_ACCOUNT: &str = "aws.cognito.signin.user.admin";

/// What a sign-in gives.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Says who the user is.
    pub id: String,
    /// Says what the user may do.
    pub access: String,
    /// Gets new ones of the other two; a refresh gives none.
    pub refresh: Option<String>,
    life: u64,
}

impl Tokens {
    /// The member `AuthenticationResult`.
    pub fn authentication_result(&self) -> Value {
        let mut result = json!({
            "AccessToken": self.access,
            "ExpiresIn": self.life,
            "IdToken": self.id,
            "TokenType": "Bearer",
        });
        if let Some(refresh) = &self.refresh {
            result["RefreshToken"] = json!(refresh);
        }
        result
    }
}

impl Inner {
    /// Tokens for a user who has just proved who it is.
    pub fn sign_in(&self, account: &Account) -> Tokens {
        let (session, refresh) = self.sessions.begin(&account.sub, now());
        Tokens { refresh: Some(refresh), ..self.mint(account, &session) }
    }

    /// New ID and access tokens of a sign-in.
    pub fn refresh(&self, refresh_token: &str) -> Result<Tokens, ServiceError> {
        let session = self.sessions.resume(refresh_token, now())?;
        let account = self.directory.find(&session.sub).ok_or_else(|| ServiceError::not_authorized("Invalid Refresh Token"))?;
        Ok(self.mint(&account, &session))
    }

    /// The user whose access token this is, and the sign-in it comes from.
    pub fn owner(&self, access_token: &str) -> Result<Account, ServiceError> {
        let invalid = || ServiceError::not_authorized("Invalid Access Token");
        let claims = self.keys.access.verify(access_token).ok_or_else(invalid)?;
        let text = |name: &str| claims[name].as_str().unwrap_or_default();
        if claims["exp"].as_u64().unwrap_or_default() <= now() {
            return Err(ServiceError::not_authorized("Access Token has expired"));
        }
        if self.sessions.is_revoked(text("origin_jti")) {
            return Err(ServiceError::not_authorized("Access Token has been revoked"));
        }
        if !text("scope").split(' ').any(|scope| scope == OWN_ACCOUNT) {
            return Err(ServiceError::not_authorized("Access Token does not have required scopes"));
        }
        self.directory.find(text("sub")).ok_or_else(|| ServiceError::new("UserNotFoundException", "User does not exist."))
    }

    fn mint(&self, account: &Account, session: &Session) -> Tokens {
        let now = now();
        let mut common = json!({
            "sub": account.sub,
            "iss": self.issuer,
            "origin_jti": session.origin_jti,
            "event_id": Uuid::new_v4().to_string(),
            "auth_time": session.auth_time,
            "iat": now,
            "exp": now + self.token_life,
        });
        if !account.groups.is_empty() {
            common["cognito:groups"] = json!(account.groups);
        }
        Tokens {
            id: self.keys.id.sign(&id_claims(common.clone(), account)).unwrap_or_default(),
            access: self.keys.access.sign(&access_claims(common, account)).unwrap_or_default(),
            refresh: None,
            life: self.token_life,
        }
    }
}

fn id_claims(mut claims: Value, account: &Account) -> Value {
    // What a user may write about itself never takes the place of a claim that the pool makes.
    for (name, value) in account.attributes.iter().filter(|(name, _)| is_users_own(name)) {
        claims[name] = json!(value);
    }
    claims["aud"] = json!(USER_POOL_CLIENT_ID);
    claims["token_use"] = json!("id");
    claims["jti"] = json!(Uuid::new_v4().to_string());
    claims["cognito:username"] = json!(account.sub);
    claims["email"] = json!(account.email);
    claims["email_verified"] = json!(account.email_verified);
    claims
}

/// The standard attributes of OpenID Connect and the pool's custom ones.
fn is_users_own(name: &str) -> bool {
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
    STANDARD.contains(&name) || name.starts_with("custom:")
}

fn access_claims(mut claims: Value, account: &Account) -> Value {
    claims["client_id"] = json!(USER_POOL_CLIENT_ID);
    claims["token_use"] = json!("access");
    claims["jti"] = json!(Uuid::new_v4().to_string());
    claims["username"] = json!(account.sub);
    claims["scope"] = json!(OWN_ACCOUNT);
    claims
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

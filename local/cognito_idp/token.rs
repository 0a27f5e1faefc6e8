//! Issues ID and access tokens with the claims that Cognito writes, and authenticates requests by
//! access tokens. <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html>

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use uuid::Uuid;

use super::session::Session;
use super::user::is_standard_attribute;
use super::{Inner, User};
use crate::aws::USER_POOL_CLIENT_ID;
use crate::json_protocol::ServiceError;

/// The scope that an access token needs for the operations on the user's own data.
const USER_ADMIN_SCOPE: &str = "aws.cognito.signin.user.admin";

/// The tokens that a sign-in or a refresh returns.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    /// The ID token, which an app sends to the API.
    pub id: String,
    /// The access token, which the user pool's own operations take.
    pub access: String,
    /// The refresh token; `None` after a refresh, unless it was replaced.
    pub refresh: Option<String>,
    lifetime: u64,
}

impl Tokens {
    pub(crate) fn authentication_result(&self) -> Value {
        let mut result = json!({
            "AccessToken": self.access,
            "ExpiresIn": self.lifetime,
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
    /// Starts a session of an authenticated user and issues its tokens.
    pub(super) fn sign_in(&self, user: &User) -> Result<Tokens, ServiceError> {
        let (session, refresh) = self.sessions.begin(&user.sub, now())?;
        Ok(Tokens {
            refresh: Some(refresh),
            ..self.issue(user, &session)
        })
    }

    /// Issues new ID and access tokens of a session.
    pub(super) fn refresh(&self, refresh_token: &str) -> Result<Tokens, ServiceError> {
        let session = self.sessions.resume(refresh_token, now())?;
        let user = self
            .user_directory
            .find(&session.sub)
            .ok_or_else(|| ServiceError::not_authorized("Invalid Refresh Token"))?;
        let is_rotated = self.settings.rotates_refresh_tokens;
        let refresh = is_rotated.then(|| self.sessions.rotate(refresh_token));
        Ok(Tokens {
            refresh: refresh.transpose()?,
            ..self.issue(&user, &session)
        })
    }

    /// The user of a valid access token.
    pub(super) fn authenticate(&self, access_token: &str) -> Result<User, ServiceError> {
        let invalid = || ServiceError::not_authorized("Invalid Access Token");
        let claims = self.keys.access.verify(access_token).ok_or_else(invalid)?;
        let text = |name: &str| claims[name].as_str().unwrap_or_default();
        if claims["exp"].as_u64().unwrap_or_default() <= now() {
            return Err(ServiceError::not_authorized("Access Token has expired"));
        }
        if self.sessions.is_revoked(text("origin_jti")) {
            return Err(ServiceError::not_authorized(
                "Access Token has been revoked",
            ));
        }
        if !text("scope")
            .split(' ')
            .any(|scope| scope == USER_ADMIN_SCOPE)
        {
            return Err(ServiceError::not_authorized(
                "Access Token does not have required scopes",
            ));
        }
        self.user_directory
            .find(text("sub"))
            .ok_or_else(|| ServiceError::new("UserNotFoundException", "User does not exist."))
    }

    fn issue(&self, user: &User, session: &Session) -> Tokens {
        let now = now();
        let mut common = json!({
            "sub": user.sub,
            "iss": self.issuer,
            "origin_jti": session.origin_jti,
            "event_id": Uuid::new_v4().to_string(),
            "auth_time": session.auth_time,
            "iat": now,
            "exp": now + self.settings.token_lifetime,
        });
        if !user.groups.is_empty() {
            common["cognito:groups"] = json!(user.groups);
        }
        Tokens {
            id: self
                .keys
                .id
                .sign(&id_claims(common.clone(), user))
                .unwrap_or_default(),
            access: self
                .keys
                .access
                .sign(&access_claims(common, user))
                .unwrap_or_default(),
            refresh: None,
            lifetime: self.settings.token_lifetime,
        }
    }
}

fn id_claims(mut claims: Value, user: &User) -> Value {
    // Added before the pool's own claims, which they must not replace.
    for (name, value) in user
        .attributes
        .iter()
        .filter(|(name, _)| is_standard_attribute(name))
    {
        claims[name] = json!(value);
    }
    claims["aud"] = json!(USER_POOL_CLIENT_ID);
    claims["token_use"] = json!("id");
    claims["jti"] = json!(Uuid::new_v4().to_string());
    claims["cognito:username"] = json!(user.sub);
    claims["email"] = json!(user.email);
    claims["email_verified"] = json!(user.email_verified);
    claims
}

fn access_claims(mut claims: Value, user: &User) -> Value {
    claims["client_id"] = json!(USER_POOL_CLIENT_ID);
    claims["token_use"] = json!("access");
    claims["jti"] = json!(Uuid::new_v4().to_string());
    claims["username"] = json!(user.sub);
    claims["scope"] = json!(USER_ADMIN_SCOPE);
    claims
}

pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

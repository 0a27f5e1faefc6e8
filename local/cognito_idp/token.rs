//! Tokens with the claims that Cognito puts into them.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html>

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{CLIENT_ID, Inner, User};

/// How long ID and access tokens live, in seconds.
const LIFE: u64 = 3600;

/// What a sign-in gives.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Says who the user is.
    pub id: String,
    /// Says what the user may do.
    pub access: String,
    /// Gets new ones of the other two.
    pub refresh: String,
}

impl Tokens {
    /// The member `AuthenticationResult`.
    pub fn authentication_result(&self) -> Value {
        json!({
            "AccessToken": self.access,
            "ExpiresIn": LIFE,
            "IdToken": self.id,
            "RefreshToken": self.refresh,
            "TokenType": "Bearer",
        })
    }
}

impl Inner {
    /// Makes tokens for a user who has just signed in.
    pub fn mint(&self, user: &User) -> Tokens {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let origin_jti = Uuid::new_v4().to_string();
        let event_id = Uuid::new_v4().to_string();
        let mut common = json!({
            "sub": user.sub(),
            "iss": self.issuer,
            "origin_jti": origin_jti,
            "event_id": event_id,
            "auth_time": now,
            "iat": now,
            "exp": now + LIFE,
        });
        if !user.groups.is_empty() {
            common["cognito:groups"] = json!(user.groups);
        }
        Tokens {
            id: self.keys.id.sign(&id_claims(common.clone(), user)).unwrap_or_default(),
            access: self.keys.access.sign(&access_claims(common, user)).unwrap_or_default(),
            refresh: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        }
    }
}

fn id_claims(mut claims: Value, user: &User) -> Value {
    claims["aud"] = json!(CLIENT_ID);
    claims["token_use"] = json!("id");
    claims["jti"] = json!(Uuid::new_v4().to_string());
    claims["cognito:username"] = json!(user.sub());
    claims["email"] = json!(user.email);
    claims["email_verified"] = json!(true);
    claims
}

fn access_claims(mut claims: Value, user: &User) -> Value {
    claims["client_id"] = json!(CLIENT_ID);
    claims["token_use"] = json!("access");
    claims["jti"] = json!(Uuid::new_v4().to_string());
    claims["username"] = json!(user.sub());
    claims["scope"] = json!("aws.cognito.signin.user.admin");
    claims
}

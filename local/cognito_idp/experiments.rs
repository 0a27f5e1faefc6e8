//! Tokens that no client should accept, for the console's error lab: each has one fault.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::UserPool;
use super::keys::Key;

/// The id of the pool whose tokens are none of this pool's.
const OTHER_POOL: &str = "us-east-1_AnotherOne";

impl UserPool {
    /// An ID token of a user that expired a minute ago; `None` if there is no such user.
    pub(crate) fn expired_id_token(&self, username: &str) -> Option<String> {
        let mut claims = claims_of(&self.tokens_of(username)?.id)?;
        let now = claims["iat"].as_u64()?;
        claims["exp"] = json!(now.saturating_sub(60));
        claims["iat"] = json!(now.saturating_sub(3660));
        claims["auth_time"] = json!(now.saturating_sub(3660));
        self.0.keys.id.sign(&claims).ok()
    }

    /// An ID token with the claims of a user that another pool has signed.
    pub(crate) fn id_token_of_another_pool(&self, username: &str) -> Option<String> {
        let mut claims = claims_of(&self.tokens_of(username)?.id)?;
        let issuer = claims["iss"].as_str()?;
        let (url, _) = issuer.rsplit_once('/')?;
        claims["iss"] = json!(format!("{url}/{OTHER_POOL}"));
        Key::generate().ok()?.sign(&claims).ok()
    }

    /// An ID token of a user whose claims were changed after it was signed.
    pub(crate) fn forged_id_token(&self, username: &str) -> Option<String> {
        let token = self.tokens_of(username)?.id;
        let mut claims = claims_of(&token)?;
        claims["cognito:groups"] = json!(["admins"]);
        let mut parts = token.split('.');
        let (header, signature) = (parts.next()?, parts.nth(1)?);
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        Some(format!("{header}.{claims}.{signature}"))
    }
}

fn claims_of(token: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

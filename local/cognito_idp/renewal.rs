//! New tokens in place of expired ones, for the console's replays. No user of the pool gets one this
//! way: only the stack's own console asks, for a request that it sends itself.

use super::token::now;
use super::{Tokens, UserPool};

/// A token in place of an expired one.
#[derive(Debug)]
pub(crate) struct RenewedToken {
    pub token: String,
    /// `ID token` or `access token`.
    pub kind: &'static str,
    /// The e-mail address of the user.
    pub email: String,
}

impl UserPool {
    /// A new token of the same user and kind, in place of one that this pool has signed, that was
    /// valid at a time (in seconds since 1970), and that has expired since. `None` for every other
    /// token, and if there is no such user any more.
    pub(crate) fn renewed(&self, token: &str, valid_at: u64) -> Option<RenewedToken> {
        let take_id: fn(Tokens) -> String = |tokens| tokens.id;
        let take_access: fn(Tokens) -> String = |tokens| tokens.access;
        let keys = &self.0.keys;
        let (claims, kind, take) = match keys.id.verify(token) {
            Some(claims) => (claims, "ID token", take_id),
            None => (keys.access.verify(token)?, "access token", take_access),
        };
        let expired = claims["exp"].as_u64()?;
        if expired <= valid_at || expired > now() {
            return None;
        }
        let user = self.0.user_directory.find(claims["sub"].as_str()?)?;
        Some(RenewedToken {
            token: take(self.tokens_of(&user.email)?),
            kind,
            email: user.email.clone(),
        })
    }
}

//! Sign-ins that last: refresh tokens, and which access tokens were revoked with them.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::json_protocol::ServiceError;

/// For how long a refresh token holds, in seconds: 30 days.
const REFRESH_TOKEN_LIFETIME: u64 = 30 * 24 * 3600;

/// All sign-ins.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    by_refresh_token: HashMap<String, Session>,
    revoked: HashSet<String>,
}

/// One sign-in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose.
    pub sub: String,
    /// What its tokens have in common.
    pub origin_jti: String,
    /// When, in seconds since 1970.
    pub auth_time: u64,
}

impl Sessions {
    /// Begins one; gives its refresh token.
    pub fn begin(&self, sub: &str, auth_time: u64) -> (Session, String) {
        let session = Session { sub: sub.to_owned(), origin_jti: Uuid::new_v4().to_string(), auth_time };
        let refresh_token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.0.lock().by_refresh_token.insert(refresh_token.clone(), session.clone());
        (session, refresh_token)
    }

    /// The sign-in of a refresh token that holds at a time.
    pub fn resume(&self, refresh_token: &str, now: u64) -> Result<Session, ServiceError> {
        let state = self.0.lock();
        let session = state.by_refresh_token.get(refresh_token);
        let session = session.ok_or_else(|| ServiceError::not_authorized("Invalid Refresh Token"))?;
        if state.revoked.contains(&session.origin_jti) {
            return Err(ServiceError::not_authorized("Refresh Token has been revoked"));
        }
        if session.auth_time + REFRESH_TOKEN_LIFETIME <= now {
            return Err(ServiceError::not_authorized("Refresh Token has expired"));
        }
        Ok(session.clone())
    }

    /// Ends the sign-in of a refresh token, if there is one.
    pub fn revoke(&self, refresh_token: &str) {
        let mut state = self.0.lock();
        if let Some(session) = state.by_refresh_token.get(refresh_token).cloned() {
            state.revoked.insert(session.origin_jti);
        }
    }

    /// Ends every sign-in of a user.
    pub fn revoke_all(&self, sub: &str) {
        let mut state = self.0.lock();
        let origins: Vec<_> =
            state.by_refresh_token.values().filter(|session| session.sub == sub).map(|s| s.origin_jti.clone()).collect();
        state.revoked.extend(origins);
    }

    /// Whether the sign-in that tokens come from was ended.
    pub fn is_revoked(&self, origin_jti: &str) -> bool {
        self.0.lock().revoked.contains(origin_jti)
    }
}

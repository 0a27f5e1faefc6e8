//! The sessions of signed-in users: their refresh tokens and which of them are revoked.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::json_protocol::ServiceError;

/// How long a refresh token is valid, in seconds.
const REFRESH_TOKEN_LIFETIME: u64 = 30 * 24 * 3600;

#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    by_refresh_token: HashMap<String, Session>,
    revoked: HashSet<String>,
}

/// A session, which begins with a sign-in.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The id of the user.
    pub sub: String,
    /// The claim `origin_jti`, which all tokens of the session carry.
    pub origin_jti: String,
    /// The time of the sign-in, in seconds since 1970.
    pub auth_time: u64,
}

impl Sessions {
    /// Starts a session and creates its refresh token.
    pub(super) fn begin(&self, sub: &str, auth_time: u64) -> (Session, String) {
        let session = Session {
            sub: sub.to_owned(),
            origin_jti: Uuid::new_v4().to_string(),
            auth_time,
        };
        let refresh_token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.0
            .lock()
            .by_refresh_token
            .insert(refresh_token.clone(), session.clone());
        (session, refresh_token)
    }

    /// The session of a refresh token that is valid at `now`, in seconds since 1970.
    pub(super) fn resume(&self, refresh_token: &str, now: u64) -> Result<Session, ServiceError> {
        let state = self.0.lock();
        let session = state.by_refresh_token.get(refresh_token);
        let session =
            session.ok_or_else(|| ServiceError::not_authorized("Invalid Refresh Token"))?;
        if state.revoked.contains(&session.origin_jti) {
            return Err(ServiceError::not_authorized(
                "Refresh Token has been revoked",
            ));
        }
        if session.auth_time + REFRESH_TOKEN_LIFETIME <= now {
            return Err(ServiceError::not_authorized("Refresh Token has expired"));
        }
        Ok(session.clone())
    }

    /// Revokes the session of a refresh token, if there is one.
    pub(super) fn revoke(&self, refresh_token: &str) {
        let mut state = self.0.lock();
        if let Some(session) = state.by_refresh_token.get(refresh_token).cloned() {
            state.revoked.insert(session.origin_jti);
        }
    }

    /// Revokes every session of a user.
    pub(super) fn revoke_all(&self, sub: &str) {
        let mut state = self.0.lock();
        let origins: Vec<_> = state
            .by_refresh_token
            .values()
            .filter(|session| session.sub == sub)
            .map(|s| s.origin_jti.clone())
            .collect();
        state.revoked.extend(origins);
    }

    /// Whether the session with this `origin_jti` is revoked.
    pub(super) fn is_revoked(&self, origin_jti: &str) -> bool {
        self.0.lock().revoked.contains(origin_jti)
    }
}

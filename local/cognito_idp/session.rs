//! The sessions of signed-in users: their refresh tokens and which of them are revoked; in memory
//! and, where a file is given, stored between runs.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::atomic_file;
use crate::json_protocol::ServiceError;

/// How long a refresh token is valid, in seconds.
const REFRESH_TOKEN_LIFETIME: u64 = 30 * 24 * 3600;

#[derive(Debug, Default)]
pub(super) struct Sessions {
    state: Mutex<State>,
    /// The file to which every change is written.
    save_to: Option<PathBuf>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct State {
    by_refresh_token: HashMap<String, Session>,
    /// The refresh tokens that others have replaced.
    replaced: HashSet<String>,
    revoked: HashSet<String>,
}

/// A session, which begins with a sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Session {
    /// The id of the user.
    pub sub: String,
    /// The claim `origin_jti`, which all tokens of the session carry.
    pub origin_jti: String,
    /// The time of the sign-in, in seconds since 1970.
    pub auth_time: u64,
}

impl Sessions {
    /// The sessions of an earlier run, without those that have expired at `now`, in seconds since
    /// 1970; every change is written to the file. Without a file there are none at first.
    pub(super) fn open(file: Option<&Path>, now: u64) -> Result<Self, String> {
        let mut state = match file.filter(|file| file.exists()) {
            Some(file) => atomic_file::read_json::<State>(file)?,
            None => State::default(),
        };
        state
            .by_refresh_token
            .retain(|_, session| session.auth_time + REFRESH_TOKEN_LIFETIME > now);
        Ok(Self {
            state: Mutex::new(state),
            save_to: file.map(Path::to_owned),
        })
    }

    /// Starts a session and creates its refresh token.
    pub(super) fn begin(
        &self,
        sub: &str,
        auth_time: u64,
    ) -> Result<(Session, String), ServiceError> {
        let session = Session {
            sub: sub.to_owned(),
            origin_jti: Uuid::new_v4().to_string(),
            auth_time,
        };
        let refresh_token = new_refresh_token();
        self.change(|state| {
            let (token, session) = (refresh_token.clone(), session.clone());
            state.by_refresh_token.insert(token, session)
        })?;
        Ok((session, refresh_token))
    }

    /// The session of a refresh token that is valid at `now`, in seconds since 1970.
    pub(super) fn resume(&self, refresh_token: &str, now: u64) -> Result<Session, ServiceError> {
        let state = self.state.lock();
        if state.replaced.contains(refresh_token) {
            return Err(reused());
        }
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

    /// Replaces a refresh token, which is not valid any more then.
    pub(super) fn rotate(&self, refresh_token: &str) -> Result<String, ServiceError> {
        let next = new_refresh_token();
        let is_rotated = self.change(|state| {
            let session = state.by_refresh_token.remove(refresh_token);
            session.is_some_and(|session| {
                state.by_refresh_token.insert(next.clone(), session);
                state.replaced.insert(refresh_token.to_owned())
            })
        })?;
        // Another request may have replaced it meanwhile.
        if is_rotated { Ok(next) } else { Err(reused()) }
    }

    /// Revokes the session of a refresh token, if there is one.
    pub(super) fn revoke(&self, refresh_token: &str) -> Result<(), ServiceError> {
        self.change(|state| {
            if let Some(session) = state.by_refresh_token.get(refresh_token) {
                state.revoked.insert(session.origin_jti.clone());
            }
        })
    }

    /// Revokes every session of a user.
    pub(super) fn revoke_all(&self, sub: &str) -> Result<(), ServiceError> {
        self.change(|state| {
            let sessions = state.by_refresh_token.values();
            let origins: Vec<_> = sessions
                .filter(|session| session.sub == sub)
                .map(|session| session.origin_jti.clone())
                .collect();
            state.revoked.extend(origins);
        })
    }

    /// Whether the session with this `origin_jti` is revoked.
    pub(super) fn is_revoked(&self, origin_jti: &str) -> bool {
        self.state.lock().revoked.contains(origin_jti)
    }

    /// Changes the sessions and saves them; if that fails, they stay as they were.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, ServiceError> {
        let mut state = self.state.lock();
        let Some(file) = &self.save_to else {
            return Ok(change(&mut state));
        };
        let mut changed = state.clone();
        let result = change(&mut changed);
        atomic_file::write_json(file, &changed).map_err(|error| {
            eprintln!(
                "error: the sessions cannot be saved to {}: {error}",
                file.display()
            );
            ServiceError::internal("The sessions cannot be saved: see the terminal of the stack")
        })?;
        *state = changed;
        Ok(result)
    }
}

fn reused() -> ServiceError {
    ServiceError::new(
        "RefreshTokenReuseException",
        "Refresh token has been invalidated by rotation",
    )
}

fn new_refresh_token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

//! Credentials, with the signing key that is derived from them.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use ring::hmac;

use crate::TERMINATOR;

/// An access key and what belongs to it. The debug form shows no secret.
#[derive(Default)]
pub struct Credentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
    /// When temporary credentials expire.
    pub expiration: Option<SystemTime>,
    signing_key: Mutex<Option<SigningKey>>,
}

/// The key that signs the requests of one day, in one region, for one service.
struct SigningKey {
    scope: String,
    key: hmac::Key,
}

impl Credentials {
    /// Credentials whose signing key is derived when it is first needed.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            ..Self::default()
        }
    }

    /// Adds the session token of temporary credentials, and when they expire.
    pub fn with_session(
        self,
        session_token: Option<String>,
        expiration: Option<SystemTime>,
    ) -> Self {
        Self {
            session_token,
            expiration,
            ..self
        }
    }

    /// The signing key for a credential scope, `20130524/us-east-1/lambda/aws4_request`. The last
    /// one is kept: to derive it takes four hashes, and it is the same all day.
    pub(crate) fn signing_key(&self, scope: &str) -> hmac::Key {
        let mut kept = self
            .signing_key
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.scope == scope) {
            return kept.key.clone();
        }
        let secret = format!("AWS4{}", self.secret_access_key);
        let parts = scope
            .strip_suffix(TERMINATOR)
            .unwrap_or(scope)
            .trim_end_matches('/')
            .split('/')
            .chain([TERMINATOR]);
        let key = parts.fold(hmac_key(secret.as_bytes()), |key, part| {
            hmac_key(hmac::sign(&key, part.as_bytes()).as_ref())
        });
        *kept = Some(SigningKey {
            scope: scope.to_owned(),
            key: key.clone(),
        });
        key
    }
}

fn hmac_key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

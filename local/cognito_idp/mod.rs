//! A Cognito user pool with one app client: sign-up, sign-in by SRP or password, signed tokens and
//! their revocation.
//!
//! It implements the JSON protocol of `cognito-idp`, with one file for each operation under
//! `operations`, and refuses every other operation by name. It stores SRP verifiers in place of
//! passwords.

mod confirmation_code;
mod discovery;
mod experiments;
mod keys;
mod operations;
mod renewal;
mod session;
mod sign_in_attempts;
mod srp;
mod token;
mod user;
mod user_directory;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use parking_lot::Mutex;

use crate::aws::USER_POOL_ID;
use crate::http::json;
use crate::json_protocol;
use crate::recorder::Recorder;
use keys::Keys;
pub use operations::SUPPORTED;
use operations::respond_to_auth_challenge::Challenges;
pub(crate) use renewal::RenewedToken;
use session::Sessions;
use sign_in_attempts::SignInAttempts;
pub(crate) use token::Tokens;
pub(crate) use user::{User, UserStatus};
pub(crate) use user_directory::{UserDirectory, UserFileEntry, read as read_users};

/// The name of the pool in SRP: the part of its id after the `_`.
const POOL_NAME: &str = "InferEdge";

/// The settings of the pool and its app client that the options change.
#[derive(Debug, Clone)]
pub(crate) struct UserPoolSettings {
    /// The folder in which keys and sessions are kept for later runs.
    pub state_folder: Option<PathBuf>,
    /// The lifetime of ID and access tokens, in seconds.
    pub token_lifetime: u64,
    /// Whether the app client allows `USER_PASSWORD_AUTH`.
    pub allows_user_password_auth: bool,
    /// Whether a refresh token is replaced when it is used.
    pub rotates_refresh_tokens: bool,
}

/// A user pool with one app client. Clones share one state.
#[derive(Debug, Clone)]
pub(crate) struct UserPool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: String,
    keys: Keys,
    user_directory: UserDirectory,
    sessions: Sessions,
    challenges: Mutex<Challenges>,
    settings: UserPoolSettings,
    sign_in_attempts: SignInAttempts,
    /// The secret of which the salts of unknown users are derived, so that they look like those of
    /// users who exist.
    decoy_seed: [u8; 32],
    /// Keeps the codes that Cognito would send by e-mail.
    recorder: Recorder,
}

impl UserPool {
    /// Creates a pool that is reached at `url`, with its two RSA keys.
    pub(crate) fn new(
        url: &str,
        user_directory: UserDirectory,
        settings: UserPoolSettings,
        recorder: Recorder,
    ) -> Result<Self, String> {
        let failed = |_| "no RSA keys could be made".to_owned();
        let folder = settings.state_folder.clone();
        let file = |name: &str| folder.as_ref().map(|folder| folder.join(name));
        let mut decoy_seed = [0; 32];
        aws_lc_rs::rand::fill(&mut decoy_seed).map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            issuer: format!("{url}/{USER_POOL_ID}"),
            keys: Keys::open(file("keys.json").as_deref())?,
            user_directory,
            sessions: Sessions::open(file("sessions.json").as_deref(), token::now())?,
            challenges: Mutex::default(),
            settings,
            sign_in_attempts: SignInAttempts::default(),
            decoy_seed,
            recorder,
        })))
    }

    /// The issuer of the pool's tokens, their claim `iss`.
    pub(crate) fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Whether there is the user, and the user's session with this `origin_jti` is not revoked.
    pub(crate) fn is_signed_in(&self, sub: &str, origin_jti: &str) -> bool {
        self.0.user_directory.find(sub).is_some() && !self.0.sessions.is_revoked(origin_jti)
    }

    /// Signs a user in without a password; `None` if there is no such user.
    pub(crate) fn tokens_of(&self, username: &str) -> Option<Tokens> {
        self.0
            .user_directory
            .find(username)
            .and_then(|user| self.0.sign_in(&user).ok())
    }

    /// The `sub` of a user; `None` if there is no such user.
    pub(crate) fn sub_of(&self, username: &str) -> Option<String> {
        self.0
            .user_directory
            .find(username)
            .map(|user| user.sub.clone())
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }
}

async fn handle(
    State(pool): State<UserPool>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let response = match (method.as_str(), uri.path()) {
        ("OPTIONS", _) => json_protocol::preflight(),
        ("POST", "/") => json_protocol::respond(operations::run(&pool.0, &headers, &body)),
        (_, path) if discovery::is_hosted(path) => discovery::not_hosted(),
        ("GET", path) => discovery::document(&pool.0, path),
        _ => json(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#),
    };
    json_protocol::with_common_headers(response)
}

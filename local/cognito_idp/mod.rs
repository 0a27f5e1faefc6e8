//! A Cognito user pool on one machine: sign-up, sign-in by SRP or password, tokens that verify, and their revocation.
//!
//! Speaks the JSON protocol of `cognito-idp`; one file for each operation, under `operations`. What it does not have it
//! refuses by name. Passwords are kept as SRP verifiers alone: a wrong one is refused by the proof.

mod confirmation_code;
mod discovery;
mod keys;
mod operations;
mod session;
mod srp;
mod token;
mod user;
mod user_directory;

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
use keys::Keys;
pub use operations::SUPPORTED;
use operations::respond_to_auth_challenge::Challenges;
use session::Sessions;
pub use token::Tokens;
pub use user::{User, UserStatus};
pub use user_directory::{UserDirectory, UserFileEntry, read as read_users};

/// The pool's name in SRP: its id after the `_`.
const POOL_NAME: &str = "InferEdge";

/// A user pool with one app client.
#[derive(Debug, Clone)]
pub struct UserPool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: String,
    keys: Keys,
    user_directory: UserDirectory,
    sessions: Sessions,
    challenges: Mutex<Challenges>,
    /// For how long ID and access tokens live, in seconds.
    token_lifetime: u64,
    /// Makes the salts of users who do not exist, so that they look like users who do.
    decoy_seed: [u8; 32],
}

impl UserPool {
    /// A pool at a URL, with two new RSA keys: ID and access tokens are signed by one each.
    pub fn new(url: &str, user_directory: UserDirectory, token_lifetime: u64) -> Result<Self, String> {
        let failed = |_| "no RSA keys could be made".to_owned();
        let mut decoy_seed = [0; 32];
        aws_lc_rs::rand::fill(&mut decoy_seed).map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            issuer: format!("{url}/{USER_POOL_ID}"),
            keys: Keys::generate().map_err(failed)?,
            user_directory,
            sessions: Sessions::default(),
            challenges: Mutex::default(),
            token_lifetime,
            decoy_seed,
        })))
    }

    /// What stands in `iss`.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Tokens for a user, as a sign-in gives them.
    pub fn tokens_of(&self, username: &str) -> Option<Tokens> {
        self.0.user_directory.find(username).map(|user| self.0.sign_in(&user))
    }

    /// Everything the pool answers.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }
}

async fn handle(State(pool): State<UserPool>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let response = match (method.as_str(), uri.path()) {
        ("OPTIONS", _) => json_protocol::preflight(),
        ("POST", "/") => json_protocol::respond(operations::run(&pool.0, &headers, &body)),
        ("GET", path) => discovery::document(&pool.0, path),
        _ => json(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#),
    };
    json_protocol::with_common_headers(response)
}

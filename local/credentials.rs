//! The AWS credentials that the stack has given out, and to whom: what a signature will be checked against.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use sigv4::Credentials;

use crate::aws::ACCOUNT_ID;

/// All credentials, shared by the services that give them out and those that check them.
#[derive(Debug, Clone, Default)]
pub struct CredentialStore(Arc<Mutex<HashMap<String, IssuedCredentials>>>);

/// Who signs with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Whoever started the stack, and their scripts.
    Stack,
    /// The API, which invokes its integrations.
    ApiGateway,
    /// A function, with its execution role.
    Function(String),
    /// An identity of the identity pool.
    CognitoIdentity {
        /// The identity's id.
        identity_id: String,
        /// The user pool's `sub`; a guest has none.
        sub: Option<String>,
    },
}

impl Principal {
    /// As AWS names it in its errors.
    pub(crate) fn arn(&self) -> String {
        match self {
            Self::Stack => format!("arn:aws:iam::{ACCOUNT_ID}:user/developer"),
            Self::ApiGateway => "apigateway.amazonaws.com".to_owned(),
            Self::Function(name) => format!("arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}-role/{name}"),
            Self::CognitoIdentity { sub, .. } => {
                let role = if sub.is_some() { "Authenticated" } else { "Unauthenticated" };
                format!("arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/CognitoIdentityCredentials")
            }
        }
    }
}

/// Credentials that were given out, and to whom. Clones share the signing key that is derived from them.
#[derive(Debug, Clone)]
pub(crate) struct IssuedCredentials {
    /// The access key and what belongs to it.
    pub credentials: Arc<Credentials>,
    /// Who signs with it.
    pub principal: Principal,
}

impl AsRef<Credentials> for IssuedCredentials {
    fn as_ref(&self) -> &Credentials {
        &self.credentials
    }
}

impl CredentialStore {
    /// Gives out long-lived credentials.
    pub fn issue_long_term(&self, principal: Principal) -> Arc<Credentials> {
        self.issue("AKIA", principal, None)
    }

    /// Gives out credentials that expire after a while.
    pub(crate) fn issue_temporary(&self, principal: Principal, lifetime: Duration) -> Arc<Credentials> {
        self.issue("ASIA", principal, Some(lifetime))
    }

    /// The credentials of an access key id.
    pub(crate) fn find(&self, access_key_id: &str) -> Option<IssuedCredentials> {
        self.0.lock().get(access_key_id).cloned()
    }

    fn issue(&self, prefix: &str, principal: Principal, lifetime: Option<Duration>) -> Arc<Credentials> {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let access_key_id = format!("{prefix}{}", random()[..16].to_uppercase());
        let secret_access_key = format!("{}{}", random(), &random()[..8]);
        let session_token = lifetime.map(|_| format!("local{}{}", random(), random()));
        let credentials = Credentials::new(access_key_id.clone(), secret_access_key);
        let credentials =
            Arc::new(credentials.with_session(session_token, lifetime.map(|lifetime| SystemTime::now() + lifetime)));
        let issued = IssuedCredentials { credentials: Arc::clone(&credentials), principal };
        self.0.lock().insert(access_key_id, issued);
        credentials
    }
}

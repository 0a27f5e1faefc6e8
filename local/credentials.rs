//! The AWS credentials that the stack has given out, and to whom: what a signature will be checked against.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use crate::lambda::ACCOUNT;
use crate::sigv4::SigningKey;

/// All credentials, shared by the rooms that give them out and those that check them.
#[derive(Debug, Clone, Default)]
pub struct CredentialStore(Arc<Mutex<HashMap<String, Credentials>>>);

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
    pub fn arn(&self) -> String {
        match self {
            Self::Stack => format!("arn:aws:iam::{ACCOUNT}:user/developer"),
            Self::ApiGateway => "apigateway.amazonaws.com".to_owned(),
            Self::Function(name) => format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}-role/{name}"),
            Self::CognitoIdentity { sub, .. } => {
                let role = if sub.is_some() { "Authenticated" } else { "Unauthenticated" };
                format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/CognitoIdentityCredentials")
            }
        }
    }
}

/// A key pair with what belongs to it.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
    /// When temporary credentials end.
    pub expiration: Option<SystemTime>,
    /// Who signs with them.
    pub principal: Principal,
    /// What is derived of the secret to check signatures with.
    pub signing_key: SigningKey,
}

impl CredentialStore {
    /// Long-lived credentials.
    pub fn issue_own(&self, principal: Principal) -> Credentials {
        self.issue("AKIA", principal, None)
    }

    /// Credentials of a Cognito identity, for a while.
    pub fn issue_temporary(&self, principal: Principal, life: Duration) -> Credentials {
        self.issue("ASIA", principal, Some(life))
    }

    /// The credentials of an access key id.
    pub fn find(&self, access_key_id: &str) -> Option<Credentials> {
        self.0.lock().get(access_key_id).cloned()
    }

    fn issue(&self, prefix: &str, principal: Principal, life: Option<Duration>) -> Credentials {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let credentials = Credentials {
            access_key_id: format!("{prefix}{}", random()[..16].to_uppercase()),
            secret_access_key: format!("{}{}", random(), &random()[..8]),
            session_token: life.map(|_| format!("local{}{}", random(), random())),
            expiration: life.map(|life| SystemTime::now() + life),
            principal,
            signing_key: SigningKey::default(),
        };
        self.0.lock().insert(credentials.access_key_id.clone(), credentials.clone());
        credentials
    }
}

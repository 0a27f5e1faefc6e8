//! The AWS credentials that the stack has issued, and the principal of each. Signatures are
//! verified with them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use sigv4::Credentials;

use crate::aws::ACCOUNT_ID;

/// The issued credentials by access key id. Clones share one store.
#[derive(Debug, Clone, Default)]
pub struct CredentialStore(Arc<Mutex<HashMap<String, IssuedCredentials>>>);

/// The principal that signs requests with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The developer who started the stack, and scripts with the ready file's credentials.
    Stack,
    /// API Gateway, which invokes its integrations.
    ApiGateway,
    /// A function with its execution role. Holds the function's name.
    Function(String),
    /// An identity of the identity pool.
    CognitoIdentity {
        /// The id that the identity pool has returned.
        identity_id: String,
        /// The `sub` of the user in the user pool.
        sub: String,
    },
}

impl Principal {
    /// The ARN, or the service's name, that AWS's errors show.
    pub(crate) fn arn(&self) -> String {
        match self {
            Self::Stack => format!("arn:aws:iam::{ACCOUNT_ID}:user/developer"),
            Self::ApiGateway => "apigateway.amazonaws.com".to_owned(),
            Self::Function(name) => {
                format!("arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}-role/{name}")
            }
            Self::CognitoIdentity { .. } => {
                format!(
                    "arn:aws:sts::{ACCOUNT_ID}:assumed-role/Authenticated/CognitoIdentityCredentials"
                )
            }
        }
    }
}

/// Issued credentials with their principal. Clones share the signing key that is derived from them.
#[derive(Debug, Clone)]
pub(crate) struct IssuedCredentials {
    pub credentials: Arc<Credentials>,
    pub principal: Principal,
}

impl AsRef<Credentials> for IssuedCredentials {
    fn as_ref(&self) -> &Credentials {
        &self.credentials
    }
}

/// How long the session of credentials lasts.
#[derive(Debug, Clone, Copy)]
enum SessionLifetime {
    NoSession,
    Limited(Duration),
    Unlimited,
}

impl CredentialStore {
    /// Issues credentials that do not expire.
    pub fn issue_long_term(&self, principal: Principal) -> Arc<Credentials> {
        self.issue("AKIA", principal, SessionLifetime::NoSession)
    }

    /// Issues credentials with a session token that expire after `lifetime`.
    pub(crate) fn issue_temporary(
        &self,
        principal: Principal,
        lifetime: Duration,
    ) -> Arc<Credentials> {
        self.issue("ASIA", principal, SessionLifetime::Limited(lifetime))
    }

    /// Issues the credentials of a function's execution role: with a session token, and valid for
    /// as long as the stack runs, because Lambda renews them.
    pub(crate) fn issue_for_role(&self, principal: Principal) -> Arc<Credentials> {
        self.issue("ASIA", principal, SessionLifetime::Unlimited)
    }

    /// Finds the credentials of an access key id.
    pub(crate) fn find(&self, access_key_id: &str) -> Option<IssuedCredentials> {
        self.0.lock().get(access_key_id).cloned()
    }

    fn issue(
        &self,
        prefix: &str,
        principal: Principal,
        lifetime: SessionLifetime,
    ) -> Arc<Credentials> {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let access_key_id = format!("{prefix}{}", random()[..16].to_uppercase());
        let secret_access_key = format!("{}{}", random(), &random()[..8]);
        let session_token = format!("local{}{}", random(), random());
        let (session_token, lifetime) = match lifetime {
            SessionLifetime::NoSession => (None, None),
            SessionLifetime::Limited(lifetime) => (Some(session_token), Some(lifetime)),
            SessionLifetime::Unlimited => (Some(session_token), None),
        };
        let credentials = Credentials::new(access_key_id.clone(), secret_access_key);
        let credentials = Arc::new(credentials.with_session(
            session_token,
            lifetime.map(|lifetime| SystemTime::now() + lifetime),
        ));
        let issued = IssuedCredentials {
            credentials: Arc::clone(&credentials),
            principal,
        };
        self.0.lock().insert(access_key_id, issued);
        credentials
    }
}

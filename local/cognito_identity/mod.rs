//! A Cognito identity pool: exchanges a verified ID token for an identity and temporary
//! credentials. As the template says, it has no identities for guests.
//!
//! Each operation has one file. Operations that the pool does not have are refused by name.

mod get_credentials_for_identity;
mod get_id;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use parking_lot::Mutex;
use serde_json::Value;
use uuid::Uuid;

use sigv4::Credentials;

use crate::aws::{IDENTITY_POOL_ID, REGION, USER_POOL_ID};
use crate::cognito_idp::UserPool;
use crate::credentials::{CredentialStore, Principal};
use crate::json_protocol::{self, ServiceError};
use crate::jwt::{Verifier, VerifyError};

/// The lifetime of the credentials that the pool issues.
const CREDENTIALS_LIFETIME: Duration = Duration::from_secs(3600);

/// An identity pool that trusts one user pool.
#[derive(Debug, Clone)]
pub(crate) struct IdentityPool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    verifier: Verifier,
    providers: Vec<String>,
    credentials: CredentialStore,
    /// The `sub` of the user for each identity id that the pool has returned.
    identities: Mutex<HashMap<String, String>>,
    /// Tells whether the session of a token goes on, as `ServerSideTokenCheck` asks the user pool.
    user_pool: UserPool,
}

/// The member `Logins` of a request: tokens by the name of their provider.
type Logins = HashMap<String, String>;

impl IdentityPool {
    /// Creates a pool that trusts the tokens that `verifier` accepts, while the user pool says that
    /// their users are signed in. Clients may name the provider as they derive it from the issuer,
    /// or as AWS does.
    pub(crate) fn new(
        verifier: Verifier,
        user_pool: UserPool,
        credentials: CredentialStore,
    ) -> Self {
        let issuer = user_pool.issuer();
        let own = issuer
            .split_once("://")
            .map_or(issuer, |(_, rest)| rest)
            .to_owned();
        let providers = vec![
            own,
            format!("cognito-idp.{REGION}.amazonaws.com/{USER_POOL_ID}"),
        ];
        Self(Arc::new(Inner {
            verifier,
            providers,
            credentials,
            identities: Mutex::default(),
            user_pool,
        }))
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }
}

async fn handle(
    State(pool): State<IdentityPool>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let response = match method {
        Method::OPTIONS => json_protocol::preflight(),
        _ => json_protocol::respond(pool.0.run_operation(&headers, &body).await),
    };
    json_protocol::with_common_headers(response)
}

impl Inner {
    async fn run_operation(
        &self,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Value, ServiceError> {
        match json_protocol::operation(headers, "AWSCognitoIdentityService") {
            "GetId" => get_id::run(self, json_protocol::parse(body)?).await,
            "GetCredentialsForIdentity" => {
                get_credentials_for_identity::run(self, json_protocol::parse(body)?).await
            }
            other => Err(ServiceError::not_supported(other)),
        }
    }

    /// The `sub` of the user whose token is in the logins. A guest, who sends none, is refused.
    async fn user(&self, logins: &Logins) -> Result<String, ServiceError> {
        let Some((provider, token)) = logins.iter().next() else {
            return Err(ServiceError::not_authorized(
                "Unauthenticated access is not supported for this identity pool.",
            ));
        };
        if !self.providers.contains(provider) {
            return Err(ServiceError::not_authorized(format!(
                "Invalid login token. Issuer doesn't match providerName {provider}"
            )));
        }
        let claims = self.verifier.verify(token).await.map_err(invalid_token)?;
        let is_id_token = claims.get("token_use").and_then(Value::as_str) == Some("id");
        let claim = |name: &str| claims.get(name).and_then(Value::as_str);
        let Some(sub) = claim("sub").filter(|_| is_id_token) else {
            return Err(ServiceError::not_authorized(
                "Invalid login token. Not an ID token.",
            ));
        };
        let origin_jti = claim("origin_jti").unwrap_or_default();
        if !self.user_pool.is_signed_in(sub, origin_jti) {
            return Err(ServiceError::not_authorized(
                "Invalid login token. The user has signed out.",
            ));
        }
        Ok(sub.to_owned())
    }
}

fn invalid_token(error: VerifyError) -> ServiceError {
    let now = jiff::Timestamp::now().as_second();
    ServiceError::not_authorized(match error.expired_at() {
        // The message is AWS's own, with its wrong comparison sign.
        Some(at) => format!("Invalid login token. Token expired: {at:.0} >= {now}"),
        None => "Invalid login token. Couldn't verify signed token.".to_owned(),
    })
}

/// The identity id of a user with this `sub`, and credentials for it, as the two operations return
/// them to an app.
pub(crate) fn credentials_of_user(
    store: &CredentialStore,
    sub: &str,
) -> (String, Arc<Credentials>) {
    let identity_id = identity_id(sub);
    let principal = Principal::CognitoIdentity {
        identity_id: identity_id.clone(),
        sub: sub.to_owned(),
    };
    (
        identity_id,
        store.issue_temporary(principal, CREDENTIALS_LIFETIME),
    )
}

/// The identity id of a user, which is the same in every run.
fn identity_id(sub: &str) -> String {
    let id = Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("{IDENTITY_POOL_ID}/{sub}").as_bytes(),
    );
    format!("{REGION}:{id}")
}

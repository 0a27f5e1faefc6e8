//! Verifies a bearer token where no platform does: behind a function URL with auth `NONE`.
//!
//! Gives the claims of a verified token, or 401, or 503 when the issuer's keys cannot be fetched.
//! What the claims allow is decided in [`crate::stages::authorize`], `token_use` too.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>

mod fetch;

use std::time::SystemTime;

use jws::{Jws, KeyCache, KeyCacheLimits, RegisteredClaims, TokenError, bearer_token};
use lambda_client::{HttpClient, Proxy, Roots};
use serde_json::value::RawValue;

use crate::claims::Claims;
use crate::error::EdgeError;
use crate::json::Object;
use crate::stages::event::AuthorizerContext;
use crate::stages::route::RoutedRequest;
use fetch::DocumentClient;

/// Whose tokens are accepted, and for whom they must be made.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// `JWT_ISSUER`, as it stands in `iss`.
    pub url: String,
    /// `JWT_AUDIENCE`: what `aud`, or where there is none `client_id`, must name one of.
    pub audience: Vec<String>,
    /// The trust anchors for the issuer's server.
    pub roots: Roots,
    /// By which proxy the issuer's server is reached.
    pub proxy: Proxy,
}

/// Verifies the tokens of one issuer with the keys that it publishes.
#[derive(Debug)]
pub struct TokenVerifier {
    issuer: Issuer,
    keys: KeyCache<DocumentClient>,
}

/// The claims of a token that was verified.
#[derive(Debug)]
pub struct VerifiedToken(Box<RawValue>);

impl VerifiedToken {
    /// The claims, as they stand in the token.
    pub fn claims(&self) -> Claims<'_> {
        Claims::new(Object::of(&self.0).unwrap_or_default())
    }
}

impl TokenVerifier {
    /// A verifier with an empty key cache.
    pub fn new(issuer: Issuer) -> Self {
        let client = DocumentClient(HttpClient::with_proxy(
            issuer.roots.clone(),
            issuer.proxy.clone(),
        ));
        Self {
            keys: KeyCache::new(&issuer.url, client, KeyCacheLimits::default()),
            issuer,
        }
    }

    /// Fetches the keys, so that the first request does not wait; a failure is logged, and the
    /// first token tries again.
    pub async fn warm(&self) -> Result<(), String> {
        self.keys.warm().await
    }

    /// Verifies a request's token; `None` where the platform has authorized the caller already, or
    /// there is no token.
    pub async fn verify(
        &self,
        request: &RoutedRequest<'_>,
    ) -> Result<Option<VerifiedToken>, EdgeError> {
        let RoutedRequest(request) = request;
        let header = request
            .authorization
            .as_deref()
            .map(str::trim)
            .unwrap_or_default();
        if !matches!(request.authorizer, AuthorizerContext::None) || header.is_empty() {
            return Ok(None);
        }
        let no_token = "the Authorization header holds no bearer token";
        let token = bearer_token(header).ok_or(EdgeError::Unauthorized(no_token.into()))?;
        let token = Jws::parse(token).map_err(refused)?;
        let keys = self
            .keys
            .keys(token.key_id())
            .await
            .map_err(EdgeError::IssuerUnreachable)?;
        let (payload, _) = token.verify(&keys).map_err(refused)?;
        let claims = RegisteredClaims::read(&payload).map_err(refused)?;
        let checked = claims.check(&self.issuer.url, &self.issuer.audience, SystemTime::now());
        checked
            .and_then(|()| claims.subject().map(|_| ()))
            .map_err(refused)?;
        let payload =
            String::from_utf8(payload).map_err(|_| refused(TokenError::MalformedClaims))?;
        let payload =
            RawValue::from_string(payload).map_err(|_| refused(TokenError::MalformedClaims))?;
        Ok(Some(VerifiedToken(payload)))
    }
}

/// The reason is for the log: the caller reads 401 and no more.
fn refused(error: TokenError) -> EdgeError {
    EdgeError::Unauthorized(error.to_string().into())
}

//! Authorizes a request: gives it a [`Caller`], or answers 401 when nothing about the caller is
//! verified, or 403 when the caller is not allowed.
//!
//! The identity comes from what the platform, or the edge itself, has verified: no header, query or
//! body is read here.

mod identity;

use std::borrow::Cow;

use crate::claims::Claims;
use crate::error::EdgeError;
use crate::stages::event::{AuthorizerContext, Content, EventSource, RequestMeta};
use crate::stages::route::RoutedRequest;
use crate::stages::token::VerifiedToken;
pub use identity::Identity;

/// Who is authorized, and what core receives about the caller.
#[derive(Debug)]
pub struct Access {
    /// The value that the claim `token_use` must have, where a token has it; `None` allows any.
    pub token_use: Option<&'static str>,
    /// The groups; membership of one is enough.
    pub groups: Vec<String>,
    /// E-mail addresses, or `*@domain`, in lower case; one match is enough.
    pub emails: Vec<String>,
    /// Whether a request without a verified identity is allowed.
    pub anonymous: bool,
    /// The claims that core receives beside `sub` and `email`.
    pub identity_claims: Vec<String>,
    /// The claim whose value becomes the tenant id of the Invoke call.
    pub tenant_claim: Option<String>,
}

/// A request whose caller is authorized.
#[derive(Debug)]
pub struct Authorized<'e> {
    /// The entry point that the request came by.
    pub source: EventSource,
    /// The HTTP method as it was sent; empty for a direct Invoke.
    pub method: Cow<'e, str>,
    /// Who is authorized, and what core receives about them.
    pub caller: Caller<'e>,
    /// What the caller sent.
    pub content: Content<'e>,
    /// What core receives about the request itself.
    pub meta: RequestMeta<'e>,
}

/// A caller who is allowed to make the request.
#[derive(Debug)]
pub struct Caller<'e> {
    /// What core receives about the caller.
    pub identity: Identity<'e>,
    /// The tenant that the call is for.
    pub tenant: Option<String>,
}

/// Authorizes a request. A token that the edge has verified itself counts where the platform has
/// verified nothing.
pub fn authorize<'e>(
    routed: RoutedRequest<'e>,
    token: Option<&'e VerifiedToken>,
    access: &Access,
) -> Result<Authorized<'e>, EdgeError> {
    let RoutedRequest(request) = routed;
    let authorizer = match (request.authorizer, token) {
        (AuthorizerContext::None, Some(token)) => AuthorizerContext::Token(token.claims()),
        (authorizer, _) => authorizer,
    };
    if matches!(authorizer, AuthorizerContext::None) && !access.anonymous {
        return Err(EdgeError::Unauthorized("no verified identity".into()));
    }
    let identity = Identity::of(&authorizer, &access.identity_claims).ok_or(
        EdgeError::Unauthorized("the IAM context has no caller".into()),
    )?;
    let no_claims = Claims::default();
    let claims = authorizer.claims().unwrap_or(&no_claims);
    access.check_token_use(claims)?;
    access.check_membership(claims)?;
    let tenant = access.tenant(claims)?;
    let caller = Caller { identity, tenant };
    Ok(Authorized {
        source: request.source,
        method: request.method,
        caller,
        content: request.content,
        meta: request.meta,
    })
}

impl Access {
    fn check_token_use(&self, claims: &Claims) -> Result<(), EdgeError> {
        let has_claim = claims.raw("token_use").is_some();
        let Some(required) = self.token_use.filter(|_| has_claim) else {
            return Ok(());
        };
        if claims.text("token_use").as_deref() == Some(required) {
            Ok(())
        } else {
            Err(EdgeError::Forbidden(
                "the token's token_use is not TOKEN_USE",
            ))
        }
    }

    fn check_membership(&self, claims: &Claims) -> Result<(), EdgeError> {
        let is_open_to_all = self.groups.is_empty() && self.emails.is_empty();
        if is_open_to_all || self.is_in_a_group(claims) || self.has_a_listed_email(claims) {
            return Ok(());
        }
        Err(EdgeError::Forbidden(
            "the caller is in no group of ALLOWED_GROUPS and has no verified e-mail address of ALLOWED_EMAILS",
        ))
    }

    fn is_in_a_group(&self, claims: &Claims) -> bool {
        !self.groups.is_empty()
            && claims
                .list("cognito:groups")
                .iter()
                .any(|group| self.groups.contains(group))
    }

    fn has_a_listed_email(&self, claims: &Claims) -> bool {
        if self.emails.is_empty() || !claims.is_true("email_verified") {
            return false;
        }
        let Some(email) = claims.text("email") else {
            return false;
        };
        let email = email.to_ascii_lowercase();
        let Some((_, domain)) = email
            .rsplit_once('@')
            .filter(|(local, _)| !local.is_empty())
        else {
            return false;
        };
        self.emails
            .iter()
            .any(|rule| match rule.strip_prefix("*@") {
                Some(allowed) => allowed == domain,
                None => *rule == email,
            })
    }

    /// The tenant id, in the form that Lambda accepts: 1 to 256 characters of `a-zA-Z0-9._:/=+-@`
    /// and space.
    fn tenant(&self, claims: &Claims) -> Result<Option<String>, EdgeError> {
        let Some(name) = &self.tenant_claim else {
            return Ok(None);
        };
        let fits = |id: &str| {
            id.len() <= 256
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&b))
                && id.trim() == id
        };
        match claims.text(name) {
            Some(id) if fits(&id) => Ok(Some(id.into_owned())),
            Some(_) => Err(EdgeError::Forbidden("TENANT_CLAIM's claim is no tenant id")),
            None => Err(EdgeError::Forbidden("the caller has no claim TENANT_CLAIM")),
        }
    }
}

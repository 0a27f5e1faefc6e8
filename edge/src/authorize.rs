//! An admitted request becomes one with a known [`Caller`], or 401 when nobody has proved who it is, or 403 when it may not.
//!
//! The identity is made of what the platform verified and of nothing else: no header, no query and no body is looked at.

mod identity;

use std::borrow::Cow;

use crate::admit::Admitted;
use crate::claims::Claims;
use crate::error::EdgeError;
use crate::event::{Content, Door, Proof, RequestMeta};
use crate::token::VerifiedToken;
pub use identity::Identity;

/// Who may come in, and what of them core is told.
#[derive(Debug)]
pub struct Access {
    /// The `token_use` that a token which has the claim must have; `None`: any.
    pub token_use: Option<&'static str>,
    /// Groups of which one is enough.
    pub groups: Vec<String>,
    /// E-mail addresses, or `*@domain`, of which one is enough; lower-case.
    pub emails: Vec<String>,
    /// Whether a caller may come in whom nobody has identified.
    pub anonymous: bool,
    /// Claims that core is told beside `sub` and `email`.
    pub identity_claims: Vec<String>,
    /// The claim that is the tenant id of the Invoke call.
    pub tenant_claim: Option<String>,
}

/// A request whose caller is known and may call.
#[derive(Debug)]
pub struct Authorized<'e> {
    /// Where it came in.
    pub door: Door,
    /// The HTTP method.
    pub method: Cow<'e, str>,
    /// Who calls.
    pub caller: Caller<'e>,
    /// What the caller sent.
    pub content: Content<'e>,
    /// What core is told about the request itself.
    pub meta: RequestMeta<'e>,
}

/// A caller that was let in.
#[derive(Debug)]
pub struct Caller<'e> {
    /// What core is told of the caller.
    pub identity: Identity<'e>,
    /// The tenant that the call is for.
    pub tenant: Option<String>,
}

/// Lets a request in, or not.
/// A token that the edge has verified itself is the proof where the platform gives none.
pub fn authorize<'e>(
    admitted: Admitted<'e>,
    token: Option<&'e VerifiedToken>,
    access: &Access,
) -> Result<Authorized<'e>, EdgeError> {
    let Admitted(request) = admitted;
    let proof = match (request.proof, token) {
        (Proof::None, Some(token)) => Proof::Token(token.claims()),
        (proof, _) => proof,
    };
    if matches!(proof, Proof::None) && !access.anonymous {
        return Err(EdgeError::Unauthorized("nobody has proved who calls".into()));
    }
    let identity = Identity::of(&proof, &access.identity_claims).ok_or(EdgeError::Unauthorized("IAM named nobody".into()))?;
    let none = Claims::default();
    let claims = proof.claims().unwrap_or(&none);
    access.check_token_use(claims)?;
    access.check_membership(claims)?;
    let tenant = access.tenant(claims)?;
    let caller = Caller { identity, tenant };
    Ok(Authorized { door: request.door, method: request.method, caller, content: request.content, meta: request.meta })
}

impl Access {
    fn check_token_use(&self, claims: &Claims) -> Result<(), EdgeError> {
        match (self.token_use, claims.raw("token_use")) {
            (Some(wanted), Some(_)) if claims.text("token_use").as_deref() != Some(wanted) => {
                Err(EdgeError::Forbidden("the token's token_use is another than TOKEN_USE"))
            }
            _ => Ok(()),
        }
    }

    fn check_membership(&self, claims: &Claims) -> Result<(), EdgeError> {
        let open_to_all = self.groups.is_empty() && self.emails.is_empty();
        if open_to_all || self.is_in_a_group(claims) || self.has_a_listed_email(claims) {
            return Ok(());
        }
        Err(EdgeError::Forbidden("neither in ALLOWED_GROUPS nor, verified, in ALLOWED_EMAILS"))
    }

    fn is_in_a_group(&self, claims: &Claims) -> bool {
        !self.groups.is_empty() && claims.list("cognito:groups").iter().any(|group| self.groups.contains(group))
    }

    fn has_a_listed_email(&self, claims: &Claims) -> bool {
        if self.emails.is_empty() || !claims.says_yes("email_verified") {
            return false;
        }
        let Some(email) = claims.text("email") else { return false };
        let email = email.to_ascii_lowercase();
        let Some((_, domain)) = email.rsplit_once('@').filter(|(local, _)| !local.is_empty()) else { return false };
        self.emails.iter().any(|rule| match rule.strip_prefix("*@") {
            Some(allowed) => allowed == domain,
            None => *rule == email,
        })
    }

    /// The tenant id's form is Lambda's: 1 to 256 of `a-zA-Z0-9._:/=+-@` and space.
    fn tenant(&self, claims: &Claims) -> Result<Option<String>, EdgeError> {
        let Some(name) = &self.tenant_claim else { return Ok(None) };
        let fits = |id: &str| {
            id.len() <= 256 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&b)) && id.trim() == id
        };
        match claims.text(name) {
            Some(id) if fits(&id) => Ok(Some(id.into_owned())),
            Some(_) => Err(EdgeError::Forbidden("TENANT_CLAIM's claim is no tenant id")),
            None => Err(EdgeError::Forbidden("the caller has no claim TENANT_CLAIM")),
        }
    }
}

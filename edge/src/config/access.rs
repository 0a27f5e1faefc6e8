//! Who may call, and whose tokens prove it.

use lambda_client::Proxy;

use super::environment::Environment;
use super::network::{named_roots, roots};
use super::value::{email_rule, identity_claim};
use crate::stages::authorize::Access;
use crate::stages::token::Issuer;

pub fn access(env: &mut Environment) -> Access {
    let access = Access {
        token_use: env.choice(
            "TOKEN_USE",
            &[
                ("id", Some("id")),
                ("access", Some("access")),
                ("any", None),
            ],
            Some("id"),
        ),
        groups: env.list("ALLOWED_GROUPS", "", Ok),
        emails: env.list("ALLOWED_EMAILS", "", email_rule),
        anonymous: env.choice(
            "ALLOW_ANONYMOUS",
            &[("true", true), ("false", false)],
            false,
        ),
        identity_claims: env.list("IDENTITY_CLAIMS", "", identity_claim),
        tenant_claim: env.value("TENANT_CLAIM"),
    };
    let needs_a_caller =
        !access.groups.is_empty() || !access.emails.is_empty() || access.tenant_claim.is_some();
    if access.anonymous && needs_a_caller {
        env.problem(
            "ALLOW_ANONYMOUS=true allows callers without an identity, which ALLOWED_GROUPS, ALLOWED_EMAILS and \
             TENANT_CLAIM need: unset one or the other",
        );
    }
    access
}

/// Either both variables or neither: without an audience, tokens that were made for another app
/// would be accepted.
pub fn issuer(env: &mut Environment, proxy: &Proxy) -> Option<Issuer> {
    let audience = env.list("JWT_AUDIENCE", "", Ok);
    let Some(url) = env.value("JWT_ISSUER") else {
        if !audience.is_empty() {
            env.problem("JWT_AUDIENCE is set without JWT_ISSUER: give it the issuer, as it stands in the tokens' iss");
        }
        return None;
    };
    if !jws::is_https_or_loopback(&url) {
        env.problem(format!(
            "JWT_ISSUER: `{url}`: write the issuer's https:// URL (http:// for localhost alone)"
        ));
    }
    if audience.is_empty() {
        env.problem("JWT_ISSUER is set without JWT_AUDIENCE: give it the app client ids that tokens must be for");
    }
    let is_cognito = url.starts_with("https://cognito-idp.")
        && url
            .split('/')
            .nth(2)
            .is_some_and(|host| host.ends_with(".amazonaws.com"));
    let roots = if is_cognito {
        roots(env)
    } else {
        named_roots(env)
    };
    Some(Issuer {
        url,
        audience,
        roots,
        proxy: proxy.clone(),
    })
}

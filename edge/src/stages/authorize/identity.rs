//! What core receives about the caller: `sub` and `email` always, `arn` under IAM, then the
//! configured claims.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::claims::Claims;
use crate::stages::event::AuthorizerContext;

/// The members of `identity`, in the order in which they are written.
#[derive(Debug)]
pub struct Identity<'e>(Vec<(String, ClaimValue<'e>)>);

/// A value as it stands in the token, a text, or `null`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ClaimValue<'e> {
    Raw(&'e RawValue),
    Text(Cow<'e, str>),
    Null,
}

impl<'e> Identity<'e> {
    /// The identity that an authorizer has verified; `None` when an IAM context names no caller.
    pub fn of(authorizer: &AuthorizerContext<'e>, claims: &[String]) -> Option<Self> {
        let mut identity = match authorizer {
            AuthorizerContext::None => Self::new(ClaimValue::Null, ClaimValue::Null),
            AuthorizerContext::CognitoIdentity(id) => {
                Self::new(ClaimValue::Text(Cow::Borrowed(*id)), ClaimValue::Null)
            }
            AuthorizerContext::Token(token) => Self::new(raw(token, "sub"), raw(token, "email")),
            AuthorizerContext::LambdaAuthorizer(context) => {
                Self::new(lambda_authorizer_sub(context), raw(context, "email"))
            }
            AuthorizerContext::Iam(iam) => Self::of_iam(iam)?,
        };
        for name in claims {
            let value = authorizer
                .claims()
                .map_or(ClaimValue::Null, |known| raw(known, name));
            identity.0.push((name.clone(), value));
        }
        Some(identity)
    }

    fn new(sub: ClaimValue<'e>, email: ClaimValue<'e>) -> Self {
        Self(vec![("sub".to_owned(), sub), ("email".to_owned(), email)])
    }

    fn of_iam(iam: &Claims<'e>) -> Option<Self> {
        let cognito = iam
            .object("cognitoIdentity")
            .map(Claims::new)
            .unwrap_or_default();
        let sub = user_pool_sub(&cognito)
            .or_else(|| cognito.text("identityId"))
            .or_else(|| iam.text("userId"))?;
        let mut identity = Self::new(ClaimValue::Text(sub), ClaimValue::Null);
        identity.0.push(("arn".to_owned(), raw(iam, "userArn")));
        Some(identity)
    }
}

impl Serialize for Identity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn raw<'e>(claims: &Claims<'e>, name: &str) -> ClaimValue<'e> {
    claims.raw(name).map_or(ClaimValue::Null, ClaimValue::Raw)
}

fn lambda_authorizer_sub<'e>(context: &Claims<'e>) -> ClaimValue<'e> {
    let sub = context.raw("sub").or_else(|| context.raw("principalId"));
    sub.map_or(ClaimValue::Null, ClaimValue::Raw)
}

/// `cognitoIdentity.amr` holds `cognito-idp.<region>.amazonaws.com/<pool>:CognitoSignIn:<sub>` for
/// a user-pool user.
fn user_pool_sub<'e>(cognito: &Claims<'e>) -> Option<Cow<'e, str>> {
    let sign_in = cognito.list("amr").into_iter().find_map(|method| {
        let (provider, sub) = method.split_once(":CognitoSignIn:")?;
        let is_user_pool = provider.starts_with("cognito-idp.") && !provider.contains(':');
        (is_user_pool && !sub.is_empty()).then(|| sub.to_owned())
    })?;
    Some(Cow::Owned(sign_in))
}

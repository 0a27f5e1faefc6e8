//! A proof becomes what core is told of the caller: `sub` and `email` always, `arn` under IAM, then the configured claims.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::claims::Claims;
use crate::event::Proof;

/// What core is told of the caller, in the order in which it is written.
#[derive(Debug)]
pub struct Identity<'e>(Vec<(String, Told<'e>)>);

/// A value as it was written, a text, or `null`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Told<'e> {
    Raw(&'e RawValue),
    Text(Cow<'e, str>),
    Nothing,
}

impl<'e> Identity<'e> {
    /// Tells of a proof; `None` when IAM named nobody.
    pub fn of(proof: &Proof<'e>, claims: &[String]) -> Option<Self> {
        let mut identity = match proof {
            Proof::None => Self::new(Told::Nothing, Told::Nothing),
            Proof::CognitoIdentity(id) => Self::new(Told::Text(Cow::Borrowed(*id)), Told::Nothing),
            Proof::Token(token) => Self::new(raw(token, "sub"), raw(token, "email")),
            Proof::LambdaAuthorizer(context) => Self::new(lambda_authorizer_sub(context), raw(context, "email")),
            Proof::Iam(iam) => Self::of_iam(iam)?,
        };
        for name in claims {
            let told = proof.claims().map_or(Told::Nothing, |known| raw(known, name));
            identity.0.push((name.clone(), told));
        }
        Some(identity)
    }

    fn new(sub: Told<'e>, email: Told<'e>) -> Self {
        Self(vec![("sub".to_owned(), sub), ("email".to_owned(), email)])
    }

    fn of_iam(iam: &Claims<'e>) -> Option<Self> {
        let cognito = iam.object("cognitoIdentity").map(Claims::new).unwrap_or_default();
        let sub = user_pool_sub(&cognito).or_else(|| cognito.text("identityId")).or_else(|| iam.text("userId"))?;
        let mut identity = Self::new(Told::Text(sub), Told::Nothing);
        identity.0.push(("arn".to_owned(), raw(iam, "userArn")));
        Some(identity)
    }
}

impl Serialize for Identity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, told) in &self.0 {
            map.serialize_entry(name, told)?;
        }
        map.end()
    }
}

fn raw<'e>(claims: &Claims<'e>, name: &str) -> Told<'e> {
    claims.raw(name).map_or(Told::Nothing, Told::Raw)
}

fn lambda_authorizer_sub<'e>(context: &Claims<'e>) -> Told<'e> {
    let sub = context.raw("sub").or_else(|| context.raw("principalId"));
    sub.map_or(Told::Nothing, Told::Raw)
}

/// `cognitoIdentity.amr` holds `cognito-idp.<region>.amazonaws.com/<pool>:CognitoSignIn:<sub>` for a user-pool user.
fn user_pool_sub<'e>(cognito: &Claims<'e>) -> Option<Cow<'e, str>> {
    let sign_in = cognito.list("amr").into_iter().find_map(|method| {
        let (provider, sub) = method.split_once(":CognitoSignIn:")?;
        let is_user_pool = provider.starts_with("cognito-idp.") && !provider.contains(':');
        (is_user_pool && !sub.is_empty()).then(|| sub.to_owned())
    })?;
    Some(Cow::Owned(sign_in))
}

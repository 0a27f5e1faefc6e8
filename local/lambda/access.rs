//! Who may invoke what: a signature that holds, and the grants that the template makes.

use std::time::SystemTime;

use axum::body::Bytes;
use axum::http::request::Parts;
use sigv4::{Request, Scope, SignatureError};

use super::error::LambdaError;
use crate::aws::{REGION, function_arn};
use crate::credentials::{CredentialStore, IssuedCredentials, Principal};
use crate::terminal::print_line;

/// Whether callers are asked who they are.
#[derive(Debug)]
pub enum AccessControl {
    /// They are not: whoever reaches the port may invoke everything.
    Disabled,
    /// They sign, and may do what is granted.
    Iam(IamAuthorizer),
}

/// The credentials that are known, and what they are good for.
#[derive(Debug)]
pub struct IamAuthorizer {
    /// All that were given out.
    pub credentials: CredentialStore,
    /// What may be done. The stack's own credentials may do everything.
    pub permissions: Vec<InvokePermission>,
}

/// A function that somebody may invoke.
#[derive(Debug)]
pub struct InvokePermission {
    /// Who.
    pub principal: PermittedPrincipal,
    /// Which function, by its name.
    pub function: String,
}

/// Whom a grant is for.
#[derive(Debug, PartialEq, Eq)]
pub enum PermittedPrincipal {
    /// The API.
    ApiGateway,
    /// A function's role.
    Function(String),
    /// Every user of the identity pool who is signed in.
    SignedInUser,
}

impl AccessControl {
    /// Who calls; `None` where nobody is asked.
    pub(crate) fn authenticate(&self, parts: &Parts, body: &Bytes) -> Result<Option<IssuedCredentials>, LambdaError> {
        let Self::Iam(authorizer) = self else { return Ok(None) };
        let request = Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body,
        };
        let scope = Scope { region: REGION, service: "lambda" };
        let caller = sigv4::verify(request, scope, SystemTime::now(), |id| authorizer.credentials.find(id));
        caller.map(Some).map_err(invalid_signature)
    }

    /// Whether the caller may invoke a function.
    pub(crate) fn authorize(&self, caller: Option<&IssuedCredentials>, function: &str) -> Result<(), LambdaError> {
        let (Self::Iam(authorizer), Some(IssuedCredentials { principal, .. })) = (self, caller) else { return Ok(()) };
        let is_permitted = authorizer
            .permissions
            .iter()
            .any(|permission| permission.function == function && permission.principal.includes(principal));
        if is_permitted || *principal == Principal::Stack {
            return Ok(());
        }
        Err(LambdaError::AccessDenied(format!(
            "User: {} is not authorized to perform: lambda:InvokeFunction on resource: {} because no identity-based policy \
             allows the lambda:InvokeFunction action",
            principal.arn(),
            function_arn(function)
        )))
    }
}

impl PermittedPrincipal {
    fn includes(&self, principal: &Principal) -> bool {
        match (self, principal) {
            (Self::ApiGateway, Principal::ApiGateway) => true,
            (Self::Function(granted), Principal::Function(name)) => granted == name,
            (Self::SignedInUser, Principal::CognitoIdentity { sub, .. }) => sub.is_some(),
            _ => false,
        }
    }
}

/// The canonical request stands in the terminal beside the client's, with a mark at the first line that differs.
fn invalid_signature(error: SignatureError) -> LambdaError {
    if let Some(mismatch) = &error.mismatch {
        print_line(format_args!(" sig │ the signature does not match this canonical request:\n{}", mismatch.table()));
    }
    LambdaError::Signature(error)
}

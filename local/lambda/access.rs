//! Authentication and authorization of callers: the request signature, and the permissions that the
//! template gives.

use std::time::SystemTime;

use axum::body::Bytes;
use axum::http::request::Parts;
use sigv4::{Request, Scope, SignatureError};

use super::error::LambdaError;
use crate::aws::{REGION, function_arn};
use crate::credentials::{CredentialStore, IssuedCredentials, Principal};
use crate::terminal::print_from;

/// Whether Lambda checks signatures and permissions.
#[derive(Debug)]
pub enum AccessControl {
    /// Nothing is checked: every caller may invoke every function.
    Disabled,
    /// Requests must be signed, and the principal needs a permission.
    Iam(IamAuthorizer),
}

/// The issued credentials and the permissions of their principals.
#[derive(Debug)]
pub struct IamAuthorizer {
    /// The credentials with which signatures are verified.
    pub credentials: CredentialStore,
    /// The permissions. The developer's own credentials need none.
    pub permissions: Vec<InvokePermission>,
}

/// The permission of a principal to invoke a function.
#[derive(Debug)]
pub struct InvokePermission {
    /// The principal that may invoke the function.
    pub principal: PermittedPrincipal,
    /// The name of the function.
    pub function: String,
}

/// The principals that can have a permission.
#[derive(Debug, PartialEq, Eq)]
pub enum PermittedPrincipal {
    /// API Gateway, on behalf of the stack's APIs.
    ApiGateway,
    /// The execution role of a function. Holds the function's name.
    Function(String),
    /// Every user of the identity pool, who is signed in.
    SignedInUser,
}

impl AccessControl {
    /// Verifies the signature of a request and returns its principal; `None` if nothing is checked.
    pub(crate) fn authenticate(
        &self,
        parts: &Parts,
        body: &Bytes,
    ) -> Result<Option<IssuedCredentials>, LambdaError> {
        let Self::Iam(authorizer) = self else {
            return Ok(None);
        };
        let request = Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body,
        };
        let scope = Scope {
            region: REGION,
            service: "lambda",
        };
        let caller = sigv4::verify(request, scope, SystemTime::now(), |id| {
            authorizer.credentials.find(id)
        });
        caller.map(Some).map_err(invalid_signature)
    }

    /// Fails if the caller may not invoke the function.
    pub(crate) fn authorize(
        &self,
        caller: Option<&IssuedCredentials>,
        function: &str,
    ) -> Result<(), LambdaError> {
        let (Self::Iam(authorizer), Some(IssuedCredentials { principal, .. })) = (self, caller)
        else {
            return Ok(());
        };
        let is_permitted = authorizer.permissions.iter().any(|permission| {
            permission.function == function && permission.principal.includes(principal)
        });
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
            (Self::SignedInUser, Principal::CognitoIdentity { .. }) => true,
            _ => false,
        }
    }
}

/// Prints the canonical request beside the client's, where it is known, so that the first
/// difference can be found.
fn invalid_signature(error: SignatureError) -> LambdaError {
    if let Some(mismatch) = &error.mismatch {
        print_from(
            "sig",
            format_args!(
                "the signature does not match this canonical request:\n{}",
                mismatch.table()
            ),
        );
    }
    LambdaError::Signature(error)
}

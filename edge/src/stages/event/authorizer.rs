//! What the platform has verified about the caller, as the request context has it.

use crate::claims::Claims;
use crate::json::Object;

/// What the platform has verified about the caller.
#[derive(Debug)]
pub enum AuthorizerContext<'e> {
    /// The platform has verified nothing.
    None,
    /// A JWT or Cognito authorizer has verified a token with these claims.
    Token(Claims<'e>),
    /// A Lambda authorizer has allowed the request with this context.
    LambdaAuthorizer(Claims<'e>),
    /// IAM has verified a signature.
    Iam(Claims<'e>),
    /// The Invoke API was called with credentials of this Cognito identity.
    CognitoIdentity(&'e str),
}

impl<'e> AuthorizerContext<'e> {
    /// Reads `requestContext.authorizer` of an HTTP API or a function URL.
    pub fn of_http_api(authorizer: &Object<'e>) -> Self {
        let token = authorizer
            .object("jwt")
            .and_then(|jwt| jwt.object("claims"));
        Self::first([
            token.map(|claims| Self::Token(Claims::new(claims))),
            authorizer
                .object("lambda")
                .map(|context| Self::LambdaAuthorizer(Claims::new(context))),
            authorizer
                .object("iam")
                .map(|iam| Self::Iam(Claims::new(iam))),
        ])
    }

    /// Reads `requestContext.authorizer` of a REST API: a Cognito authorizer gives `claims`, a
    /// Lambda authorizer puts its context flat beside `principalId`.
    pub fn of_rest_api(context: &Object<'e>) -> Self {
        let authorizer = context.object("authorizer").unwrap_or_default();
        let lambda = authorizer
            .get("principalId")
            .is_some()
            .then(|| authorizer.clone());
        Self::first([
            authorizer
                .object("claims")
                .map(|claims| Self::Token(Claims::new(claims))),
            lambda.map(|context| Self::LambdaAuthorizer(Claims::new(context))),
            None,
        ])
    }

    fn first(found: [Option<Self>; 3]) -> Self {
        found
            .into_iter()
            .flatten()
            .find(|context| !context.is_empty())
            .unwrap_or(Self::None)
    }

    /// The verified claims, or the equivalent members of an IAM or Lambda authorizer.
    pub fn claims(&self) -> Option<&Claims<'e>> {
        match self {
            Self::Token(claims) | Self::LambdaAuthorizer(claims) | Self::Iam(claims) => {
                Some(claims)
            }
            Self::CognitoIdentity(_) | Self::None => None,
        }
    }

    fn is_empty(&self) -> bool {
        self.claims().is_none_or(Claims::is_empty)
    }
}

//! Reads the event of any entry point into a [`Request`].
//!
//! Reading never fails: a member that is missing or of the wrong type counts as absent, and the
//! stages after this one refuse what they need. The request borrows from the event; only strings
//! with escapes are copied.
//!
//! The entry point is recognised by the event's shape alone. What is not clearly an event of API
//! Gateway or of a function URL came by the Invoke API, where only the invocation's context can say
//! who the caller is.

mod authorizer;
mod headers;

use std::borrow::Cow;

use lambda_runtime::Context;

use crate::json::{self, Object};
pub use authorizer::AuthorizerContext;
use headers::Headers;

/// The entry point that an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    /// API Gateway HTTP API, payload format 2.0.
    HttpApi,
    /// API Gateway REST API, or an HTTP API with payload format 1.0.
    RestApi,
    /// A Lambda function URL.
    FunctionUrl,
    /// Lambda's Invoke API: there is neither an HTTP request nor an HTTP response.
    Direct,
}

impl EventSource {
    /// The name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::HttpApi => "http-api",
            Self::RestApi => "rest-api",
            Self::FunctionUrl => "function-url",
            Self::Direct => "direct",
        }
    }

    /// Whether the entry point can have a CORS configuration that writes the headers of every
    /// response. A REST API has none: its answers have the headers that the function writes.
    pub fn has_platform_cors(self) -> bool {
        match self {
            Self::HttpApi | Self::FunctionUrl => true,
            Self::RestApi | Self::Direct => false,
        }
    }
}

/// The request that an event carries.
#[derive(Debug)]
pub struct Request<'e> {
    /// The entry point that the event came by.
    pub source: EventSource,
    /// The HTTP method as it was sent; empty for a direct Invoke.
    pub method: Cow<'e, str>,
    /// The path as it was sent, without the API's stage.
    pub path: Cow<'e, str>,
    /// The `Origin` header, which browsers send.
    pub origin: Option<Cow<'e, str>>,
    /// The `Authorization` header, whether the platform has verified it or not.
    pub authorization: Option<Cow<'e, str>>,
    /// What the platform has verified about the caller.
    pub authorizer: AuthorizerContext<'e>,
    /// What the caller sent.
    pub content: Content<'e>,
    /// What core receives about the request itself.
    pub meta: RequestMeta<'e>,
}

/// What the caller sent, not yet validated.
#[derive(Debug)]
pub struct Content<'e> {
    /// The body, not yet decoded.
    pub body: Body<'e>,
    /// The query, not yet decoded where the event has it encoded.
    pub query: Query<'e>,
}

/// A request's body, in the form in which the event has it.
#[derive(Debug)]
pub enum Body<'e> {
    /// There is no body.
    Absent,
    /// Text, as the caller sent it.
    Text(Cow<'e, str>),
    /// Bytes in base64, as `isBase64Encoded` says.
    Base64(Cow<'e, str>),
    /// JSON that does not stand in a string: the event of a direct Invoke, or a test event written
    /// by hand.
    Json(&'e str),
}

/// A request's query, in the form in which the event has it.
#[derive(Debug)]
pub enum Query<'e> {
    /// As it was sent, percent-encoded.
    Encoded(Cow<'e, str>),
    /// Decoded by a REST API, each name with all its values.
    Decoded(Object<'e>),
}

/// What core receives about the request itself.
#[derive(Debug)]
pub struct RequestMeta<'e> {
    /// The caller's address, as the platform saw it.
    pub ip: Option<Cow<'e, str>>,
    /// The `User-Agent` header, or what the platform says of it.
    pub user_agent: Option<Cow<'e, str>>,
    /// The Lambda request id.
    pub request_id: &'e str,
}

impl<'e> Request<'e> {
    /// Reads an event of any shape.
    ///
    /// An invocation with a Cognito identity or a client context came by the Invoke API from an
    /// app. Its event may look like one of API Gateway, but the caller wrote it: nothing in it
    /// is verified.
    pub fn read(event: &'e str, context: &'e Context) -> Self {
        if context.identity.is_some() || context.client_context.is_some() {
            return Self::direct(event, context);
        }
        let Some(members) = Object::read(event) else {
            return Self::direct(event, context);
        };
        let Some(request_context) = members.object("requestContext") else {
            return Self::direct(event, context);
        };
        if let Some(http) = request_context.object("http") {
            return Self::payload_2_0(&members, &request_context, &http, context);
        }
        match members.text("httpMethod") {
            Some(method) => Self::payload_1_0(&members, &request_context, method, context),
            None => Self::direct(event, context),
        }
    }

    /// Whether this is a preflight, which is answered without a caller's identity.
    pub fn is_preflight(&self) -> bool {
        self.method == "OPTIONS"
    }

    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
    fn payload_2_0(
        event: &Object<'e>,
        context: &Object<'e>,
        http: &Object<'e>,
        lambda: &'e Context,
    ) -> Self {
        let headers = Headers::of(event);
        let authorizer = context.object("authorizer").unwrap_or_default();
        let query = event.text("rawQueryString").unwrap_or_default();
        let meta = RequestMeta {
            ip: http
                .text("sourceIp")
                .or_else(|| headers.last_forwarded_for()),
            user_agent: headers.get("user-agent").or_else(|| http.text("userAgent")),
            request_id: &lambda.request_id,
        };
        Self {
            source: if is_function_url(context) {
                EventSource::FunctionUrl
            } else {
                EventSource::HttpApi
            },
            method: http.text("method").unwrap_or_default(),
            path: path_2_0(event, context),
            origin: headers.get("origin"),
            authorization: headers.get("authorization"),
            authorizer: AuthorizerContext::of_http_api(&authorizer),
            content: Content {
                body: Body::of(event),
                query: Query::Encoded(query),
            },
            meta,
        }
    }

    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>
    fn payload_1_0(
        event: &Object<'e>,
        context: &Object<'e>,
        method: Cow<'e, str>,
        lambda: &'e Context,
    ) -> Self {
        let headers = Headers::of(event);
        let identity = context.object("identity").unwrap_or_default();
        let query = event
            .object("multiValueQueryStringParameters")
            .or_else(|| event.object("queryStringParameters"));
        let meta = RequestMeta {
            ip: identity
                .text("sourceIp")
                .or_else(|| headers.last_forwarded_for()),
            user_agent: headers
                .get("user-agent")
                .or_else(|| identity.text("userAgent")),
            request_id: &lambda.request_id,
        };
        Self {
            source: EventSource::RestApi,
            method,
            path: event.text("path").unwrap_or_default(),
            origin: headers.get("origin"),
            authorization: headers.get("authorization"),
            authorizer: AuthorizerContext::of_rest_api(context),
            content: Content {
                body: Body::of(event),
                query: Query::Decoded(query.unwrap_or_default()),
            },
            meta,
        }
    }

    fn direct(event: &'e str, context: &'e Context) -> Self {
        let authorizer = match &context.identity {
            Some(identity) if !identity.identity_id.is_empty() => {
                AuthorizerContext::CognitoIdentity(&identity.identity_id)
            }
            _ => AuthorizerContext::None,
        };
        Self {
            source: EventSource::Direct,
            method: Cow::default(),
            path: Cow::default(),
            origin: None,
            authorization: None,
            authorizer,
            content: Content {
                body: Body::Json(event),
                query: Query::Encoded(Cow::default()),
            },
            meta: RequestMeta {
                ip: None,
                user_agent: None,
                request_id: &context.request_id,
            },
        }
    }
}

/// `rawPath` begins with the stage, unless that is `$default`.
fn path_2_0<'e>(event: &Object<'e>, context: &Object<'e>) -> Cow<'e, str> {
    let path = event.text("rawPath").unwrap_or_default();
    let stage = context.text("stage").unwrap_or_default();
    let inner = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage.as_ref()));
    match inner {
        Some("") => Cow::Borrowed("/"),
        Some(inner) if inner.starts_with('/') && !stage.is_empty() => Cow::Owned(inner.to_owned()),
        _ => path,
    }
}

fn is_function_url(context: &Object) -> bool {
    context
        .text("domainName")
        .is_some_and(|host| host.contains(".lambda-url.") && host.ends_with(".on.aws"))
}

impl<'e> Body<'e> {
    fn of(event: &Object<'e>) -> Self {
        let Some(written) = event
            .raw_text("body")
            .filter(|written| !matches!(*written, "null" | "\"\""))
        else {
            return Self::Absent;
        };
        let is_base64 = event
            .raw_text("isBase64Encoded")
            .is_some_and(|flag| matches!(flag, "true" | "\"true\""));
        match json::string(written) {
            Some(text) if is_base64 => Self::Base64(text),
            Some(text) => Self::Text(text),
            None => Self::Json(written),
        }
    }
}

#[cfg(test)]
mod tests;

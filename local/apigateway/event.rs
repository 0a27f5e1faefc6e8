//! Converts an HTTP request to an event in payload format 1.0, with every member that a REST API
//! writes. <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::request::Parts;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::RequestIds;
use crate::aws::ACCOUNT_ID;
use crate::http::HeaderNames;
use crate::payload::{body_text, header_text};

const API_ID: &str = "local0rest";
const DEPLOYMENT_ID: &str = "local0";

/// An authorized HTTP request that is to be passed to the function.
#[derive(Debug)]
pub(super) struct ProxyRequest<'a> {
    pub parts: &'a Parts,
    /// The name of the stage.
    pub stage: &'a str,
    /// The path without the stage.
    pub path: &'a str,
    pub body: &'a Bytes,
    /// The address of the client.
    pub peer: SocketAddr,
    pub ids: &'a RequestIds,
    /// The claims of the token; `None` where the method needs no token.
    pub claims: Option<Map<String, Value>>,
}

impl ProxyRequest<'_> {
    /// Serializes the event. Absent members are `null`, and the body is always text, because no
    /// binary media type is configured.
    pub(super) fn event(&self) -> Bytes {
        let query = self.parts.uri.query().unwrap_or_default();
        let query = || {
            form_urlencoded::parse(query.as_bytes())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
        };
        let body = (!self.body.is_empty()).then(|| body_text(self.body, false));
        let event = json!({
            "resource": self.path,
            "path": self.path,
            "httpMethod": self.parts.method.as_str(),
            "headers": last(self.headers()),
            "multiValueHeaders": all(self.headers()),
            "queryStringParameters": last(query()),
            "multiValueQueryStringParameters": all(query()),
            "pathParameters": null,
            "stageVariables": null,
            "requestContext": self.request_context(),
            "body": body,
            "isBase64Encoded": false,
        });
        event.to_string().into()
    }

    fn request_context(&self) -> Value {
        let now = Timestamp::now();
        let host = header_text(&self.parts.headers, "host").unwrap_or_default();
        let mut context = json!({
            "accountId": ACCOUNT_ID,
            "apiId": API_ID,
            "deploymentId": DEPLOYMENT_ID,
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next().unwrap_or_default(),
            "extendedRequestId": self.ids.extended_request_id,
            "httpMethod": self.parts.method.as_str(),
            "identity": self.identity(),
            "path": self.parts.uri.path(),
            "protocol": "HTTP/1.1",
            "requestId": self.ids.request_id,
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "requestTimeEpoch": now.as_millisecond(),
            "resourceId": "local0",
            "resourcePath": self.path,
            "stage": self.stage,
        });
        if let Some(claims) = &self.claims {
            context["authorizer"] = json!({ "claims": claims });
        }
        context
    }

    fn identity(&self) -> Value {
        const NULLS: [&str; 10] = [
            "accessKey",
            "accountId",
            "caller",
            "cognitoAuthenticationProvider",
            "cognitoAuthenticationType",
            "cognitoIdentityId",
            "cognitoIdentityPoolId",
            "principalOrgId",
            "user",
            "userArn",
        ];
        let mut identity: Map<String, Value> = NULLS
            .iter()
            .map(|name| ((*name).to_owned(), Value::Null))
            .collect();
        identity.insert("sourceIp".to_owned(), json!(self.peer.ip().to_string()));
        identity.insert(
            "userAgent".to_owned(),
            json!(header_text(&self.parts.headers, "user-agent")),
        );
        Value::Object(identity)
    }

    /// The headers with their names as the client wrote them, and those that API Gateway adds: it
    /// appends the client's address to an `X-Forwarded-For` that was sent.
    fn headers(&self) -> impl Iterator<Item = (String, String)> {
        const ADDED: [&str; 4] = [
            "x-amzn-trace-id",
            "x-forwarded-for",
            "x-forwarded-port",
            "x-forwarded-proto",
        ];
        let headers = &self.parts.headers;
        let names = self.parts.extensions.get::<HeaderNames>();
        let names = names.cloned().unwrap_or_default();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let sent = headers
            .iter()
            .filter(|(name, _)| !ADDED.contains(&name.as_str()))
            .map(move |(name, value)| {
                let name = names.as_sent(name.as_str()).to_owned();
                (name, text(value.as_bytes()))
            });
        let chain = headers.get_all("x-forwarded-for").iter();
        let mut chain: Vec<_> = chain.map(|value| text(value.as_bytes())).collect();
        chain.push(self.peer.ip().to_string());
        let host = header_text(headers, "host").unwrap_or_default();
        let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
        let added = [
            ("X-Amzn-Trace-Id", self.ids.trace_id.clone()),
            ("X-Forwarded-For", chain.join(", ")),
            ("X-Forwarded-Port", port.to_owned()),
            ("X-Forwarded-Proto", "http".to_owned()),
        ];
        sent.chain(added.map(|(name, value)| (name.to_owned(), value)))
    }
}

/// Maps each name to its last value; `null` if there are no pairs.
fn last(pairs: impl Iterator<Item = (String, String)>) -> Value {
    let map: Map<String, Value> = pairs.map(|(name, value)| (name, json!(value))).collect();
    if map.is_empty() {
        Value::Null
    } else {
        Value::Object(map)
    }
}

/// Maps each name to all of its values; `null` if there are no pairs.
fn all(pairs: impl Iterator<Item = (String, String)>) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        let values = map.entry(name).or_insert_with(|| json!([]));
        values
            .as_array_mut()
            .into_iter()
            .for_each(|values| values.push(json!(value)));
    }
    if map.is_empty() {
        Value::Null
    } else {
        Value::Object(map)
    }
}

//! Converts an HTTP request to an event in payload format 2.0, with every member that AWS writes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::aws::ACCOUNT_ID;

/// An HTTP request that is to be passed to a function.
#[derive(Debug)]
pub(crate) struct ProxyRequest<'a> {
    pub parts: &'a Parts,
    pub body: &'a Bytes,
    /// The address of the client.
    pub peer: SocketAddr,
    /// The request id of the API or the function URL.
    pub request_id: &'a str,
    pub trace_id: &'a str,
    /// The API or the function URL that received the request.
    pub api: ApiDescription<'a>,
    /// The path variables of the route.
    pub path_parameters: &'a [(String, String)],
    /// The authorizer's context, under the authorizer's name.
    pub authorizer: Option<Value>,
}

/// The description of an HTTP API or a function URL in an event.
#[derive(Debug)]
pub(crate) struct ApiDescription<'a> {
    pub id: &'a str,
    pub domain_name: &'a str,
    pub route_key: &'a str,
}

impl ProxyRequest<'_> {
    /// Serializes the event. Absent members are left out.
    pub(crate) fn event(&self) -> Bytes {
        let query = self.parts.uri.query().unwrap_or_default();
        let is_base64 = !self.body.is_empty() && !is_text(&self.parts.headers, self.body);
        let event = Event {
            version: "2.0",
            route_key: self.api.route_key,
            raw_path: self.parts.uri.path(),
            raw_query_string: query,
            cookies: self.cookies(),
            headers: self.headers(),
            query_string_parameters: query_parameters(query),
            request_context: self.request_context(),
            path_parameters: self
                .path_parameters
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
            body: (!self.body.is_empty()).then(|| body_text(self.body, is_base64)),
            is_base64_encoded: is_base64,
        };
        // Strings, numbers and JSON values always serialize.
        serde_json::to_vec(&event).expect("an event as JSON").into()
    }

    fn request_context(&self) -> RequestContext<'_> {
        let now = Timestamp::now();
        let host = self.api.domain_name;
        RequestContext {
            account_id: ACCOUNT_ID,
            api_id: self.api.id,
            authorizer: self.authorizer.as_ref(),
            domain_name: host,
            domain_prefix: host.split(['.', ':']).next().unwrap_or_default(),
            http: Http {
                method: self.parts.method.as_str(),
                path: self.parts.uri.path(),
                protocol: "HTTP/1.1",
                source_ip: self.peer.ip(),
                user_agent: header_text(&self.parts.headers, "user-agent").unwrap_or_default(),
            },
            request_id: self.request_id,
            route_key: self.api.route_key,
            stage: "$default",
            time: now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            time_epoch: now.as_millisecond(),
        }
    }

    /// The headers with lower-case names and the values of repeated ones joined, without cookies.
    fn headers(&self) -> BTreeMap<&str, String> {
        let headers = &self.parts.headers;
        let named = headers
            .keys()
            .map(HeaderName::as_str)
            .filter(|name| *name != "cookie");
        let mut joined: BTreeMap<_, _> = named
            .map(|name| (name, values(headers, name).join(",")))
            .collect();
        let forwarded = match header_text(headers, "x-forwarded-for") {
            Some(chain) => format!("{chain}, {}", self.peer.ip()),
            None => self.peer.ip().to_string(),
        };
        let port = header_text(headers, "host")
            .and_then(|host| host.rsplit_once(':').map(|(_, port)| port.to_owned()));
        joined.insert("x-forwarded-for", forwarded);
        joined.insert("x-forwarded-port", port.unwrap_or_else(|| "80".to_owned()));
        joined.insert("x-forwarded-proto", "http".to_owned());
        joined.insert("x-amzn-trace-id", self.trace_id.to_owned());
        joined
    }

    fn cookies(&self) -> Vec<String> {
        let values = values(&self.parts.headers, "cookie");
        values
            .iter()
            .flat_map(|value| value.split("; "))
            .map(str::to_owned)
            .collect()
    }
}

/// The members of an event, in the order in which AWS writes them.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.proxy-format>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    account_id: &'static str,
    api_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<&'a Value>,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'a str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: IpAddr,
    user_agent: String,
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<Cow<'a, str>> {
    headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect()
}

/// The first value of a header as text.
pub(crate) fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The decoded query parameters. The values of a repeated name are joined with commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match parameters.get_mut(name.as_ref()) {
            Some(before) => before.extend([",", &value]),
            None => drop(parameters.insert(name.into_owned(), value.into_owned())),
        }
    }
    parameters
}

/// A body as the member `body` of an event.
pub(crate) fn body_text(body: &Bytes, is_base64: bool) -> String {
    if is_base64 {
        STANDARD.encode(body)
    } else {
        String::from_utf8_lossy(body).into_owned()
    }
}

/// Whether the event has the body as text: its content type must be one of text, and it must be
/// UTF-8.
fn is_text(headers: &HeaderMap, body: &Bytes) -> bool {
    let content_type = header_text(headers, "content-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let (kind, parameters) = content_type.split_once(';').unwrap_or((&content_type, ""));
    let charset = parameters
        .split(';')
        .find_map(|parameter| parameter.trim().strip_prefix("charset="));
    let is_utf8 =
        charset.is_none_or(|charset| matches!(charset.trim_matches('"'), "utf-8" | "us-ascii"));
    let is_text_type = kind.trim().starts_with("text/")
        || [
            "application/json",
            "application/xml",
            "application/javascript",
            "application/graphql",
        ]
        .contains(&kind.trim());
    is_text_type && is_utf8 && std::str::from_utf8(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use serde_json::json;

    fn event(request: axum::http::request::Builder, body: &'static [u8]) -> Value {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let body = Bytes::from_static(body);
        let peer = SocketAddr::from(([203, 0, 113, 7], 4711));
        let proxy_request = ProxyRequest {
            parts: &parts,
            body: &body,
            peer,
            request_id: "JKJaXmPLvHcESHA=",
            trace_id: "Root=1-5e-67",
            api: ApiDescription {
                id: "local0api0",
                domain_name: "api.example.com:4001",
                route_key: "POST /pets/{id}",
            },
            path_parameters: &[("id".to_owned(), "7".to_owned())],
            authorizer: Some(json!({ "jwt": { "claims": { "sub": "u" }, "scopes": null } })),
        };
        serde_json::from_slice(&proxy_request.event()).expect("JSON")
    }

    #[test]
    fn an_event_has_every_member_of_payload_2_0() {
        let request = Request::post("/pets/7?a=1&b=%20x&a=2")
            .header("Host", "api.example.com:4001")
            .header("Content-Type", "application/json")
            .header("User-Agent", "test")
            .header("X-Many", "1")
            .header("X-Many", "2")
            .header("X-Forwarded-For", "6.6.6.6")
            .header("Cookie", "a=1; b=2");
        let mut event = event(request, b"{}");
        event["requestContext"]["time"] = json!("[time]");
        event["requestContext"]["timeEpoch"] = json!(0);
        insta::assert_snapshot!(serde_json::to_string_pretty(&event).expect("JSON"));
    }

    #[test]
    fn a_body_is_base64_by_its_content_type() {
        for (content_type, is_base64) in [
            ("application/json", false),
            ("application/json; charset=utf-8", false),
            ("text/plain", false),
            ("text/plain; charset=iso-8859-1", true),
            ("application/graphql", false),
            ("application/problem+json", true),
            ("application/x-www-form-urlencoded", true),
            ("multipart/form-data; boundary=x", true),
            ("application/octet-stream", true),
        ] {
            let event = event(
                Request::post("/pets/7").header("content-type", content_type),
                b"x",
            );
            assert_eq!(event["isBase64Encoded"], json!(is_base64), "{content_type}");
        }
        assert_eq!(event(Request::post("/pets/7"), b"x")["body"], json!("eA=="));
        let without = event(Request::post("/pets/7"), b"");
        assert!(without.get("body").is_none() && without["isBase64Encoded"] == json!(false));
    }
}

//! An HTTP request becomes an event, member for member as AWS writes it.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::lambda::ACCOUNT;

/// A request that is about to be handed to a function.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// Its line and headers.
    pub parts: &'a Parts,
    /// Its body.
    pub body: &'a Bytes,
    /// Who sent it.
    pub peer: SocketAddr,
    /// The platform's id for it.
    pub request_id: &'a str,
    /// Its trace.
    pub trace_id: &'a str,
    /// Where it came in.
    pub api: Api<'a>,
    /// The variables of its route.
    pub path_parameters: &'a [(String, String)],
    /// What the authorizer says, under the authorizer's name.
    pub authorizer: Option<Value>,
}

/// An HTTP API, or a function URL.
#[derive(Debug)]
pub struct Api<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its host name.
    pub domain_name: &'a str,
    /// The route.
    pub route_key: &'a str,
}

impl Incoming<'_> {
    /// The event. What there is none of is left out, not `null`.
    pub fn event(&self) -> Bytes {
        let query = self.parts.uri.query().unwrap_or_default();
        let (headers, cookies) = self.headers();
        let mut event = Map::new();
        event.insert("version".to_owned(), json!("2.0"));
        event.insert("routeKey".to_owned(), json!(self.api.route_key));
        event.insert("rawPath".to_owned(), json!(self.parts.uri.path()));
        event.insert("rawQueryString".to_owned(), json!(query));
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        event.insert("headers".to_owned(), Value::Object(headers));
        if !query.is_empty() {
            event.insert("queryStringParameters".to_owned(), Value::Object(query_parameters(query)));
        }
        event.insert("requestContext".to_owned(), self.request_context());
        if !self.path_parameters.is_empty() {
            let parameters = self.path_parameters.iter().map(|(name, value)| (name.clone(), json!(value)));
            event.insert("pathParameters".to_owned(), Value::Object(parameters.collect()));
        }
        let is_base64 = !self.body.is_empty() && !is_text(&self.parts.headers, self.body);
        if !self.body.is_empty() {
            event.insert("body".to_owned(), json!(body_text(self.body, is_base64)));
        }
        event.insert("isBase64Encoded".to_owned(), json!(is_base64));
        Value::Object(event).to_string().into()
    }

    fn request_context(&self) -> Value {
        let now = Timestamp::now();
        let host = self.api.domain_name;
        let mut context = json!({
            "accountId": ACCOUNT,
            "apiId": self.api.id,
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next().unwrap_or_default(),
            "http": {
                "method": self.parts.method.as_str(),
                "path": self.parts.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": self.peer.ip().to_string(),
                "userAgent": text(&self.parts.headers, "user-agent").unwrap_or_default(),
            },
            "requestId": self.request_id,
            "routeKey": self.api.route_key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        });
        if let Some(authorizer) = &self.authorizer {
            context["authorizer"] = authorizer.clone();
        }
        context
    }

    /// Names lower-case, repeated ones joined; cookies apart.
    fn headers(&self) -> (Map<String, Value>, Vec<String>) {
        let mut headers = Map::new();
        let mut cookies = Vec::new();
        for name in self.parts.headers.keys() {
            let values = self.parts.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
            let values: Vec<_> = values.collect();
            match name.as_str() {
                "cookie" => cookies.extend(values.iter().flat_map(|value| value.split("; ")).map(str::to_owned)),
                name => drop(headers.insert(name.to_owned(), json!(values.join(",")))),
            }
        }
        let forwarded = match text(&self.parts.headers, "x-forwarded-for") {
            Some(chain) => format!("{chain}, {}", self.peer.ip()),
            None => self.peer.ip().to_string(),
        };
        let port = text(&self.parts.headers, "host").and_then(|host| host.rsplit_once(':').map(|(_, port)| port.to_owned()));
        headers.insert("x-forwarded-for".to_owned(), json!(forwarded));
        headers.insert("x-forwarded-port".to_owned(), json!(port.unwrap_or_else(|| "80".to_owned())));
        headers.insert("x-forwarded-proto".to_owned(), json!("http"));
        headers.insert("x-amzn-trace-id".to_owned(), json!(self.trace_id));
        (headers, cookies)
    }
}

/// A header as text.
pub fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Decoded; of a repeated name the values are joined with commas.
fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let joined = match parameters.get(name.as_ref()).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value.into_owned(),
        };
        parameters.insert(name.into_owned(), json!(joined));
    }
    parameters
}

/// A body as it stands in an event.
pub fn body_text(body: &Bytes, is_base64: bool) -> String {
    if is_base64 { STANDARD.encode(body) } else { String::from_utf8_lossy(body).into_owned() }
}

/// Whether the body goes into the event as text: by its content type alone, unless it is not UTF-8.
fn is_text(headers: &HeaderMap, body: &Bytes) -> bool {
    let content_type = text(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    let (kind, parameters) = content_type.split_once(';').unwrap_or((&content_type, ""));
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
    let is_utf8 = charset.is_none_or(|charset| matches!(charset.trim_matches('"'), "utf-8" | "us-ascii"));
    let is_text_type = kind.trim().starts_with("text/")
        || ["application/json", "application/xml", "application/javascript", "application/graphql"].contains(&kind.trim());
    is_text_type && is_utf8 && std::str::from_utf8(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn event(request: axum::http::request::Builder, body: &'static [u8]) -> Value {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let body = Bytes::from_static(body);
        let peer = SocketAddr::from(([203, 0, 113, 7], 4711));
        let incoming = Incoming {
            parts: &parts,
            body: &body,
            peer,
            request_id: "JKJaXmPLvHcESHA=",
            trace_id: "Root=1-5e-67",
            api: Api { id: "local0api0", domain_name: "api.example.com:4001", route_key: "POST /pets/{id}" },
            path_parameters: &[("id".to_owned(), "7".to_owned())],
            authorizer: Some(json!({ "jwt": { "claims": { "sub": "u" }, "scopes": null } })),
        };
        serde_json::from_slice(&incoming.event()).expect("JSON")
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
            let event = event(Request::post("/pets/7").header("content-type", content_type), b"x");
            assert_eq!(event["isBase64Encoded"], json!(is_base64), "{content_type}");
        }
        assert_eq!(event(Request::post("/pets/7"), b"x")["body"], json!("eA=="));
        let without = event(Request::post("/pets/7"), b"");
        assert!(without.get("body").is_none() && without["isBase64Encoded"] == json!(false));
    }
}

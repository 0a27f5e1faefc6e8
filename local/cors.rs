//! The CORS configuration of an HTTP API or a function URL: the preflights that the platform
//! answers itself, and the headers that it adds to every response. An API replaces the function's
//! CORS headers; a function URL adds its own to them. <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors>

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;

/// The configuration, as `CorsConfiguration` in a template. It is disabled while there are no
/// origins.
#[derive(Debug, Default)]
pub struct CorsConfiguration {
    /// The allowed origins: exact ones, `*`, `https://*` or `http://*`.
    pub allow_origins: Vec<String>,
    /// The allowed methods, or `*`.
    pub allow_methods: Vec<String>,
    /// The names of the allowed request headers in any case, or `*`.
    pub allow_headers: Vec<String>,
    /// The response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// How long a browser may cache the response to a preflight, in seconds.
    pub max_age: u32,
}

/// Marks a response to a preflight that the platform has made itself, with every header that it
/// shall have: none of CORS if the origin, the method or a header is not allowed.
#[derive(Debug, Clone, Copy)]
struct OwnPreflight;

impl CorsConfiguration {
    fn is_enabled(&self) -> bool {
        !self.allow_origins.is_empty()
    }

    /// The response to a preflight; `None` if the request is not a preflight or CORS is disabled.
    pub(crate) fn preflight(&self, parts: &Parts) -> Option<Response> {
        let origin = parts.headers.get(header::ORIGIN)?;
        let method = parts.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
        if !self.is_enabled() || parts.method != Method::OPTIONS {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.extensions_mut().insert(OwnPreflight);
        let requested = parts.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        if self.allows(origin)
            && allows_method(&self.allow_methods, method)
            && allows_headers(&self.allow_headers, requested)
        {
            let headers = response.headers_mut();
            set(
                headers,
                header::ACCESS_CONTROL_ALLOW_METHODS,
                self.allow_methods.join(","),
            );
            set(
                headers,
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                self.allow_headers.join(",").to_lowercase(),
            );
            set(
                headers,
                header::ACCESS_CONTROL_MAX_AGE,
                self.max_age.to_string(),
            );
            self.allow_origin(origin, headers);
        }
        Some(response)
    }

    /// Adds the configured headers to those that the function has set itself, as a function URL
    /// does. Browsers refuse a response with two values, so that the mistake shows here as it
    /// does at AWS.
    pub(crate) fn append_to_response(&self, origin: Option<&HeaderValue>, response: &mut Response) {
        if response.extensions().get::<OwnPreflight>().is_some() {
            return;
        }
        let mut own = HeaderMap::new();
        self.apply(origin, &mut own);
        for (name, value) in &own {
            response.headers_mut().append(name, value.clone());
        }
    }

    /// Replaces the CORS headers of a response by the configured ones. The platform's own response
    /// to a preflight stays as it is.
    pub(crate) fn apply_to_response(&self, origin: Option<&HeaderValue>, response: &mut Response) {
        if response.extensions().get::<OwnPreflight>().is_none() {
            self.apply(origin, response.headers_mut());
        }
    }

    fn apply(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if !self.is_enabled() {
            return;
        }
        let is_of_cors = |name: &&HeaderName| name.as_str().starts_with("access-control-");
        let dropped: Vec<_> = headers.keys().filter(is_of_cors).cloned().collect();
        dropped.iter().for_each(|name| drop(headers.remove(name)));
        let Some(origin) = origin.filter(|origin| self.allows(origin)) else {
            return;
        };
        self.allow_origin(origin, headers);
        if !self.expose_headers.is_empty() {
            set(
                headers,
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                self.expose_headers.join(",").to_lowercase(),
            );
        }
    }

    fn allow_origin(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        if self.allow_origins.iter().any(|allowed| allowed == "*") {
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_ORIGIN,
                HeaderValue::from_static("*"),
            );
        } else {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
    }

    /// Whether pages of the origin may read responses.
    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        self.allow_origins
            .iter()
            .any(|allowed| match allowed.as_str() {
                "*" => true,
                "https://*" | "http://*" => origin.starts_with(allowed.trim_end_matches('*')),
                exact => exact == origin,
            })
    }
}

fn allows_method(allowed: &[String], requested: &HeaderValue) -> bool {
    allowed
        .iter()
        .any(|method| method == "*" || method.as_bytes() == requested.as_bytes())
}

fn allows_headers(allowed: &[String], requested: Option<&HeaderValue>) -> bool {
    let requested = requested
        .and_then(|requested| requested.to_str().ok())
        .unwrap_or_default();
    let allows = |name: &str| {
        allowed
            .iter()
            .any(|known| known == "*" || known.eq_ignore_ascii_case(name))
    };
    requested
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .all(allows)
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn cors(origins: &[&str]) -> CorsConfiguration {
        CorsConfiguration {
            allow_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            allow_methods: vec!["POST".to_owned()],
            allow_headers: vec!["Authorization".to_owned(), "Content-Type".to_owned()],
            expose_headers: vec!["X-Request-Id".to_owned()],
            max_age: 600,
        }
    }

    fn preflight(cors: &CorsConfiguration, origin: &str, method: &str, requested: &str) -> String {
        let request = Request::options("/inference")
            .header("origin", origin)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", requested);
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let mut response = cors.preflight(&parts).expect("a preflight");
        cors.apply_to_response(parts.headers.get("origin"), &mut response);
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}\n", value.to_str().expect("text"))
        };
        format!(
            "{}\n{}",
            response.status(),
            response.headers().iter().map(line).collect::<String>()
        )
    }

    #[test]
    fn a_preflight_is_answered_from_the_configuration() {
        let cors = cors(&["https://a.example"]);
        insta::assert_snapshot!(preflight(&cors, "https://a.example", "POST", "authorization,content-type"), @"
        204 No Content
        access-control-allow-methods: POST
        access-control-allow-headers: authorization,content-type
        access-control-max-age: 600
        access-control-allow-origin: https://a.example
        vary: origin
        ");
    }

    #[test]
    fn a_preflight_for_what_is_not_allowed_gets_no_permission() {
        let cors = cors(&["https://a.example"]);
        for (name, origin, method, requested) in [
            ("the origin", "https://b.example", "POST", ""),
            ("the method", "https://a.example", "PUT", ""),
            ("a header", "https://a.example", "POST", "x-other"),
        ] {
            let answer = preflight(&cors, origin, method, requested);
            assert!(
                answer.starts_with("204") && !answer.contains("access-control"),
                "{name}: {answer}"
            );
        }
    }

    #[test]
    fn the_integrations_cors_headers_are_replaced() {
        let mut response = Response::new(Body::empty());
        for (name, value) in [
            ("access-control-allow-origin", "https://evil.example"),
            ("access-control-allow-methods", "PUT"),
            ("access-control-allow-headers", "x-other"),
            ("access-control-max-age", "9"),
        ] {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        let origin = HeaderValue::from_static("https://a.example");
        cors(&["https://a.example"]).apply_to_response(Some(&origin), &mut response);
        insta::assert_debug_snapshot!(response.headers(), @r#"
        {
            "access-control-allow-origin": "https://a.example",
            "vary": "origin",
            "access-control-expose-headers": "x-request-id",
        }
        "#);
    }

    #[test]
    fn without_a_configuration_the_integrations_headers_pass() {
        let mut response = Response::new(Body::empty());
        response
            .headers_mut()
            .insert("access-control-allow-origin", HeaderValue::from_static("*"));
        let origin = HeaderValue::from_static("https://a.example");
        CorsConfiguration::default().apply_to_response(Some(&origin), &mut response);
        assert_eq!(response.headers().len(), 1);
    }
}

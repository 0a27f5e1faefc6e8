//! Cross-origin resource sharing: the headers of a preflight's response, and those of every
//! response. Which origins are allowed stands in [`OriginRule`].
//!
//! `Access-Control-Allow-Credentials` is never sent. A preflight needs no identity: a browser sends
//! none with it. <https://fetch.spec.whatwg.org/#http-cors-protocol>

mod origin;

use crate::headers::Headers;
pub use origin::OriginRule;

/// How long a browser may cache the response to a preflight, in seconds.
const MAX_AGE: &str = "600";
/// The response headers that a script of another origin may read.
const EXPOSED: &str = "Retry-After,Server-Timing,X-Request-Id";

/// The edge's own CORS policy.
#[derive(Debug)]
pub struct Cors(Option<Policy>);

#[derive(Debug)]
struct Policy {
    origins: Vec<OriginRule>,
    methods: String,
    headers: String,
}

impl Cors {
    /// Headers for callers of these origins; `headers` are allowed beside `Content-Type` and
    /// `Authorization`.
    pub fn new(origins: Vec<OriginRule>, methods: &[String], headers: &[String]) -> Self {
        let mut allowed = "Content-Type,Authorization".to_owned();
        for header in headers {
            allowed = format!("{allowed},{header}");
        }
        Self(Some(Policy {
            origins,
            methods: format!("{},OPTIONS", methods.join(",")),
            headers: allowed,
        }))
    }

    /// A policy that writes no headers: the entry point's own CORS configuration writes them, and a
    /// browser refuses them twice.
    pub const fn platform() -> Self {
        Self(None)
    }

    /// Adds the headers of every response to a request of this origin.
    pub fn add_response_headers(&self, origin: Option<&str>, headers: &mut Headers) {
        let Some(policy) = &self.0 else { return };
        if policy.depends_on_origin() {
            headers.add("Vary", "Origin");
        }
        if let Some(allowed) = policy.allow_origin(origin) {
            headers.set("Access-Control-Allow-Origin", allowed.to_owned());
            headers.set("Access-Control-Expose-Headers", EXPOSED);
            headers.set("Timing-Allow-Origin", allowed.to_owned());
        }
    }

    /// Adds the headers of the response to a preflight.
    pub fn add_preflight_headers(&self, origin: Option<&str>, headers: &mut Headers) {
        let Some(policy) = &self.0 else { return };
        if policy.allow_origin(origin).is_some() {
            headers.set("Access-Control-Allow-Methods", policy.methods.clone());
            headers.set("Access-Control-Allow-Headers", policy.headers.clone());
            headers.set("Access-Control-Max-Age", MAX_AGE);
        }
    }
}

impl Policy {
    fn depends_on_origin(&self) -> bool {
        !self.origins.is_empty() && !self.origins.contains(&OriginRule::Any)
    }

    fn allow_origin<'a>(&self, origin: Option<&'a str>) -> Option<&'a str> {
        let origin = origin?;
        if self.origins.contains(&OriginRule::Any) {
            return Some("*");
        }
        self.origins
            .iter()
            .any(|rule| rule.matches(origin))
            .then_some(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cors: &Cors, origin: Option<&str>) -> String {
        let mut headers = Headers::default();
        cors.add_response_headers(origin, &mut headers);
        cors.add_preflight_headers(origin, &mut headers);
        headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect()
    }

    fn policy(entries: &[&str]) -> Cors {
        let rules = entries
            .iter()
            .map(|entry| OriginRule::parse(entry).expect("a rule"))
            .collect();
        Cors::new(rules, &["POST".to_owned()], &["X-Trace".to_owned()])
    }

    #[test]
    fn a_listed_origin_is_named_back() {
        insta::assert_snapshot!(headers(&policy(&["https://a.example"]), Some("https://a.example")), @r"
        Vary: Origin
        Access-Control-Allow-Origin: https://a.example
        Access-Control-Expose-Headers: Retry-After,Server-Timing,X-Request-Id
        Timing-Allow-Origin: https://a.example
        Access-Control-Allow-Methods: POST,OPTIONS
        Access-Control-Allow-Headers: Content-Type,Authorization,X-Trace
        Access-Control-Max-Age: 600
        ");
    }

    #[test]
    fn an_origin_that_is_not_listed_gets_no_header_but_vary() {
        assert_eq!(
            headers(&policy(&["https://a.example"]), Some("https://b.example")),
            "Vary: Origin\n"
        );
        assert_eq!(
            headers(&policy(&["https://a.example"]), None),
            "Vary: Origin\n"
        );
    }

    #[test]
    fn without_a_list_or_with_the_platforms_cors_there_is_no_header() {
        assert_eq!(headers(&policy(&[]), Some("https://a.example")), "");
        assert_eq!(headers(&Cors::platform(), Some("https://a.example")), "");
    }

    #[test]
    fn any_origin_is_answered_with_the_star_and_without_vary() {
        let written = headers(&policy(&["*"]), Some("https://a.example"));
        assert!(
            written.starts_with("Access-Control-Allow-Origin: *\n"),
            "{written}"
        );
    }
}

//! Cross-origin resource sharing: the list of origins, the headers of a preflight's response, and
//! those of every response.
//!
//! `Access-Control-Allow-Credentials` is never sent. A preflight needs no identity: a browser sends none with it. <https://fetch.spec.whatwg.org/#http-cors-protocol>

use crate::headers::Headers;

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

/// One entry of `ALLOWED_ORIGINS`.
#[derive(Debug, PartialEq, Eq)]
pub enum OriginRule {
    /// `*`
    Any,
    /// `https://main.example.com`
    Exactly(String),
    /// `https://*.example.com`: what stands before and after the star. The star is one or more labels.
    Wildcard(String, String),
}

impl OriginRule {
    /// Reads an entry, or says why no browser could ever send it.
    pub fn parse(entry: &str) -> Result<Self, String> {
        if entry == "*" {
            return Ok(Self::Any);
        }
        let entry = entry.to_ascii_lowercase();
        let (scheme, authority) = entry
            .split_once("://")
            .ok_or("write scheme://host[:port], as browsers send it")?;
        check_authority(scheme, authority)?;
        match entry.split_once('*') {
            None => Ok(Self::Exactly(entry)),
            Some((before, after)) if is_whole_label(before, after) => {
                Ok(Self::Wildcard(before.to_owned(), after.to_owned()))
            }
            Some(_) => {
                Err("one `*` may stand for a whole label, as in https://*.example.com".to_owned())
            }
        }
    }

    fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(allowed) => allowed == origin,
            Self::Wildcard(before, after) => origin
                .strip_prefix(before.as_str())
                .and_then(|rest| rest.strip_suffix(after.as_str()))
                .is_some_and(are_labels),
        }
    }
}

fn check_authority(scheme: &str, authority: &str) -> Result<(), String> {
    let (host, port) = split_port(authority);
    let default_port = matches!(
        (scheme, port),
        ("https", Some("443")) | ("http", Some("80"))
    );
    if let Some(host) = authority.strip_suffix('/') {
        return Err(format!(
            "browsers send no trailing slash: write {scheme}://{host}"
        ));
    }
    if default_port {
        return Err(format!(
            "browsers leave the default port out: write {scheme}://{host}"
        ));
    }
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let host_fits = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._*[]:".contains(&b));
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    if scheme_fits && host_fits && port_fits {
        Ok(())
    } else {
        Err("write scheme://host[:port], as browsers send it".to_owned())
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_whole_label(before: &str, after: &str) -> bool {
    let starts_a_label = before.ends_with("://") || before.ends_with('.');
    let parent = split_port(after).0.strip_prefix('.');
    starts_a_label
        && !after.contains('*')
        && parent.is_some_and(|parent| parent.contains('.') || parent == "localhost")
}

fn are_labels(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(entry: &str, origin: &str) -> bool {
        OriginRule::parse(entry).expect(entry).matches(origin)
    }

    #[test]
    fn an_origin_is_allowed_exactly_or_under_the_star() {
        for (name, entry, origin, expected) in [
            ("the same", "https://a.example", "https://a.example", true),
            (
                "written in capitals",
                "HTTPS://A.Example",
                "https://a.example",
                true,
            ),
            (
                "another scheme",
                "https://a.example",
                "http://a.example",
                false,
            ),
            (
                "another port",
                "http://localhost:5173",
                "http://localhost:3000",
                false,
            ),
            (
                "a longer host",
                "https://a.example",
                "https://a.example.evil.test",
                false,
            ),
            ("any", "*", "https://whoever.test", true),
            (
                "a sub-domain",
                "https://*.amplifyapp.com",
                "https://x.amplifyapp.com",
                true,
            ),
            (
                "a branch of an app",
                "https://*.amplifyapp.com",
                "https://main.d1234.amplifyapp.com",
                true,
            ),
            (
                "a star within",
                "https://main.*.amplifyapp.com",
                "https://main.d1234.amplifyapp.com",
                true,
            ),
            (
                "the bare domain",
                "https://*.amplifyapp.com",
                "https://amplifyapp.com",
                false,
            ),
            (
                "no dot before",
                "https://*.amplifyapp.com",
                "https://evilamplifyapp.com",
                false,
            ),
            (
                "an empty label",
                "https://*.amplifyapp.com",
                "https://.amplifyapp.com",
                false,
            ),
            (
                "a path in disguise",
                "https://*.amplifyapp.com",
                "https://evil.test/.amplifyapp.com",
                false,
            ),
            (
                "a user in disguise",
                "https://*.amplifyapp.com",
                "https://evil.test@x.amplifyapp.com",
                false,
            ),
            (
                "a port under the star",
                "https://*.example.com:8443",
                "https://a.example.com:8443",
                true,
            ),
            (
                "an app's scheme",
                "capacitor://localhost",
                "capacitor://localhost",
                true,
            ),
            ("no origin at all", "https://a.example", "null", false),
        ] {
            assert_eq!(
                allowed(entry, origin),
                expected,
                "{name}: {entry} and {origin}"
            );
        }
    }

    #[test]
    fn an_entry_that_no_browser_could_send_is_refused_with_the_mend() {
        for (entry, mend) in [
            ("https://a.example/", "write https://a.example"),
            ("https://a.example:443", "write https://a.example"),
            ("a.example", "write scheme://host[:port]"),
            ("https://", "write scheme://host[:port]"),
            ("https://a.example/path", "write scheme://host[:port]"),
            ("https://a.example:http", "write scheme://host[:port]"),
            ("https://*", "whole label"),
            ("https://*.com", "whole label"),
            ("https://a*.example.com", "whole label"),
            ("https://*.*.example.com", "whole label"),
            ("null", "write scheme://host[:port]"),
        ] {
            let why = OriginRule::parse(entry).expect_err(entry);
            assert!(why.contains(mend), "{entry}: {why}");
        }
    }

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

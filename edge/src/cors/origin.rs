//! The entries of `ALLOWED_ORIGINS`: exact origins, a wildcard for sub-domains, or any origin.

/// One entry of `ALLOWED_ORIGINS`.
#[derive(Debug, PartialEq, Eq)]
pub enum OriginRule {
    /// Every origin: `*`.
    Any,
    /// One origin, lower-case: `https://main.example.com`.
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

    /// Whether this entry allows an origin.
    pub(super) fn matches(&self, origin: &str) -> bool {
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
        for (entry, fix) in [
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
            assert!(why.contains(fix), "{entry}: {why}");
        }
    }
}

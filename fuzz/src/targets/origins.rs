//! The list of allowed origins, against the parser of URLs that browsers' standard describes.
//!
//! An input is an entry of `ALLOWED_ORIGINS` and a request's origin, on a line each.

use edge::cors::{Cors, OriginRule};
use edge::headers::Headers;
use url::Url;

use crate::Target;

pub const TARGET: Target = Target {
    name: "origins",
    run,
    words: &[
        "https://",
        "http://",
        "*.",
        "*",
        ".example.com",
        ".localhost",
        "localhost",
        ":5173",
        ":443",
        ":80",
        "[::1]",
        "@",
        "/",
        "null",
        ".evil.test",
        "xn--",
        "%2e",
        "\u{ff0e}",
        "capacitor://",
        "chrome-extension://",
        "\n",
    ],
};

fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (entry, origin) = text.split_once('\n').unwrap_or((text, text));
    let Ok(rule) = OriginRule::parse(entry) else {
        return;
    };
    let is_any = rule == OriginRule::Any;
    let mut headers = Headers::default();
    let cors = Cors::new(vec![rule], &["POST".to_owned()], &[]);
    cors.add_response_headers(Some(origin), &mut headers);
    cors.add_preflight_headers(Some(origin), &mut headers);
    assert!(!headers.has("Access-Control-Allow-Credentials"));
    match headers.get("Access-Control-Allow-Origin") {
        Some("*") => assert!(is_any, "`*` is sent for {entry}"),
        Some(allowed) => {
            assert_eq!(allowed, origin, "the origin itself is allowed");
            assert!(!is_any);
            check_allowed(&entry.to_ascii_lowercase(), origin);
        }
        None => assert!(
            !is_any && (entry.contains('*') || entry.to_ascii_lowercase() != origin),
            "an origin that is listed is allowed"
        ),
    }
    assert_eq!(
        headers.has("Access-Control-Allow-Methods"),
        headers.has("Access-Control-Allow-Origin"),
        "a preflight's headers are for allowed origins"
    );
}

/// An allowed origin is what the entry says, as a browser understands both.
fn check_allowed(entry: &str, origin: &str) {
    let Some((before, after)) = entry.split_once('*') else {
        assert_eq!(entry, origin);
        return;
    };
    let Ok(url) = Url::parse(origin) else {
        // A browser does not send it.
        return;
    };
    let (scheme, _) = before.split_once("://").expect("a scheme");
    assert_eq!(url.scheme(), scheme);
    assert_eq!((url.username(), url.password()), ("", None), "{origin}");
    assert!(matches!(url.path(), "" | "/"), "{origin} has a path");
    assert_eq!((url.query(), url.fragment()), (None, None), "{origin}");
    let (host, port) = match after.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (after, None),
    };
    assert_eq!(url.port(), port, "{origin}");
    let is_below = url.host_str().is_some_and(|found| found.ends_with(host));
    assert!(is_below, "{origin} is not below {host}");
}

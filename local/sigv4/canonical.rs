//! The canonical request: the one text that both sides sign, however the request was written.
//!
//! As for every service but S3 the path is normalised and encoded once more than it was sent.

use std::fmt::Write;

use super::claimed::Claimed;
use super::{SignedRequest, sha256_hex};

/// Writes it.
pub fn canonical_request(request: &SignedRequest, claimed: &Claimed) -> String {
    let mut names = claimed.signed_headers.clone();
    names.sort_unstable();
    let headers: String = names.iter().map(|name| format!("{name}:{}\n", header_value(request, name))).collect();
    [request.method, &path(request.path), &query(request.query), &headers, &names.join(";"), &payload_hash(request)].join("\n")
}

/// The hash that the client gives, which is part of what it signed and must be the body's; else the body's.
fn payload_hash(request: &SignedRequest) -> String {
    let given = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-content-sha256"));
    match given {
        Some((_, given)) if given == "UNSIGNED-PAYLOAD" => given.clone(),
        _ => sha256_hex(request.body),
    }
}

/// All values of a header in order, white space folded.
fn header_value(request: &SignedRequest, name: &str) -> String {
    let values = request.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let folded: Vec<_> = values.map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    folded.join(",")
}

fn path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let encoded: Vec<_> = kept.iter().map(|segment| encode(segment.as_bytes())).collect();
    let ends_with_slash = path.ends_with('/') && !kept.is_empty();
    format!("/{}{}", encoded.join("/"), if ends_with_slash { "/" } else { "" })
}

/// Decoded, encoded in the one canonical way, sorted by name and then by value.
fn query(query: &str) -> String {
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode(name)), encode(&decode(value)))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// RFC 3986: everything but unreserved characters.
fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(*byte)),
            byte => drop(write!(text, "%{byte:02X}")),
        }
        text
    })
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(escape.unwrap_or(bytes[at]));
        at += if escape.is_some() { 3 } else { 1 };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_and_encoded_once_more() {
        for (sent, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("/a/./b/../c", "/a/c"),
            ("//a//b/", "/a/b/"),
            ("/functions/arn%3Aaws/invocations", "/functions/arn%253Aaws/invocations"),
            ("/ü", "/%C3%BC"),
        ] {
            assert_eq!(path(sent), canonical, "{sent}");
        }
    }

    #[test]
    fn queries_are_sorted_and_encoded_in_one_way() {
        for (sent, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1", "a=1&a=2"),
            ("flag", "flag="),
            ("q=a%20b&x=!'()*", "q=a%20b&x=%21%27%28%29%2A"),
            ("Qualifier=%24LATEST", "Qualifier=%24LATEST"),
            ("q=a+b", "q=a%2Bb"),
            ("q=%zz", "q=%25zz"),
        ] {
            assert_eq!(query(sent), canonical, "{sent}");
        }
    }
}

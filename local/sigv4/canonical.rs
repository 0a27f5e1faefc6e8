//! The canonical request: the one text that both sides sign, however the request was written.
//!
//! As for every service but S3 the path is normalised and encoded once more than it was sent.

use std::fmt::{self, Write};

use super::claimed::Claimed;
use super::{SignedRequest, sha256_hex};

/// Its parts.
#[derive(Debug, Clone)]
pub struct Canonical {
    /// The method.
    pub method: String,
    /// The path, normalised, encoded once more.
    pub path: String,
    /// The query, sorted.
    pub query: String,
    /// The signed headers, sorted.
    pub headers: Vec<(String, String)>,
    /// The body's hash, or what stands for it.
    pub payload_hash: String,
}

impl Canonical {
    /// Computes them for a request as it came.
    pub fn of(request: &SignedRequest, claimed: &Claimed) -> Self {
        let mut names = claimed.signed_headers.clone();
        names.sort_unstable();
        Self {
            method: request.method.to_owned(),
            path: normalized_path(request.path),
            query: sorted_query(request.query),
            headers: names.iter().map(|name| ((*name).to_owned(), header_value(request, name))).collect(),
            payload_hash: payload_hash(request),
        }
    }
}

impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.write_str(&[&self.method, &self.path, &self.query, headers.as_str(), &names.join(";"), &self.payload_hash].join("\n"))
    }
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

/// Normalised, and encoded once more than it was sent.
pub fn normalized_path(path: &str) -> String {
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
pub fn sorted_query(query: &str) -> String {
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
pub fn encode(bytes: &[u8]) -> String {
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
            assert_eq!(normalized_path(sent), canonical, "{sent}");
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
            assert_eq!(sorted_query(sent), canonical, "{sent}");
        }
    }
}

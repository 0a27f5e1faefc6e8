//! The canonical request: the one text that both sides sign, however the request was written.
//!
//! As for every service but Amazon S3, the path is normalised, and encoded once more than it is
//! sent.

use std::borrow::Cow;
use std::fmt::Write;

use http::HeaderMap;

use crate::Request;
use crate::hash::sha256_hex;

/// A canonical request, in parts.
#[derive(Debug, Clone)]
pub struct CanonicalRequest<'a> {
    /// The HTTP method, as it is sent.
    pub method: &'a str,
    /// The path, normalised and encoded once more.
    pub path: Cow<'a, str>,
    /// The query, sorted.
    pub query: Cow<'a, str>,
    /// The signed headers, sorted by name.
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The SHA-256 hash of the body, as hex.
    pub payload_hash: Cow<'a, str>,
}

impl<'a> CanonicalRequest<'a> {
    /// The canonical request with these signed headers, by lower-case name.
    pub fn new(request: &Request<'a>, mut signed_headers: Vec<&'a str>) -> Self {
        signed_headers.sort_unstable();
        let header = |name: &'a str| (Cow::Borrowed(name), header_value(request.headers, name));
        Self {
            method: request.method,
            path: normalized_path(request.path).into(),
            query: if request.query.is_empty() {
                Cow::Borrowed("")
            } else {
                sorted_query(request.query).into()
            },
            headers: signed_headers.into_iter().map(header).collect(),
            payload_hash: sha256_hex(request.body).into(),
        }
    }

    /// The names of the signed headers, joined by semicolons.
    pub fn signed_headers(&self) -> String {
        let mut names = String::with_capacity(80);
        for (name, _) in &self.headers {
            if !names.is_empty() {
                names.push(';');
            }
            names.push_str(name);
        }
        names
    }

    /// The canonical request as the text that is hashed.
    pub fn text(&self) -> String {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| 2 * name.len() + value.len() + 3)
            .sum::<usize>();
        let mut text = String::with_capacity(headers + self.path.len() + self.query.len() + 80);
        text.extend([self.method, "\n", &self.path, "\n", &self.query, "\n"]);
        for (name, value) in &self.headers {
            text.extend([name, ":", value, "\n"]);
        }
        text.extend(["\n", &self.signed_headers(), "\n", &self.payload_hash]);
        text
    }
}

/// All values of a header in order, with runs of spaces folded.
fn header_value<'a>(headers: &'a HeaderMap, name: &str) -> Cow<'a, str> {
    let mut values = headers
        .get_all(name)
        .iter()
        .map(|value| fold_spaces(value.as_bytes()));
    let first = values.next().unwrap_or_default();
    values.fold(first, |joined, value| {
        Cow::Owned(format!("{joined},{value}"))
    })
}

/// Drops spaces at both ends, and folds runs of them; tabs stay, as in AWS's own signers.
fn fold_spaces(value: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(value);
    if !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ") {
        return text;
    }
    text.split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .into()
}

/// The path without empty segments and dot segments, encoded once more than it is sent.
pub fn normalized_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let mut normalized = String::with_capacity(path.len() + 16);
    for segment in &kept {
        normalized.push('/');
        encode_into(&mut normalized, segment.as_bytes());
    }
    if kept.is_empty() || ["/", "/.", "/.."].iter().any(|end| path.ends_with(end)) {
        normalized.push('/');
    }
    normalized
}

/// The query's pairs, decoded, encoded in the one canonical way, sorted by name and then by value. A
/// `+` is a space, as in forms: so AWS's own signer and its services read it.
pub fn sorted_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<_> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode_query(name)), encode(&decode_query(value)))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Percent-encodes every byte that is not unreserved (RFC 3986).
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    encode_into(&mut text, bytes);
    text
}

fn encode_into(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(*byte))
            }
            // A String takes every character: writing cannot fail.
            byte => drop(write!(text, "%{byte:02X}")),
        }
    }
}

/// A name or a value of a query: undoes percent-encoding, where what is no escape stays, and reads
/// `+` as a space.
pub fn decode_query(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let escape = escape.filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(match (byte, bytes[at]) {
            (Some(byte), _) => byte,
            (None, b'+') => b' ',
            (None, byte) => byte,
        });
        at += if byte.is_some() { 3 } else { 1 };
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
            ("/a/b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/a/b.", "/a/b."),
            (
                "/functions/arn%3Aaws/invocations",
                "/functions/arn%253Aaws/invocations",
            ),
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
            ("q=a+b", "q=a%20b"),
            ("q=a%2Bb", "q=a%2Bb"),
            ("a+b=+", "a%20b=%20"),
            ("q=%zz&r=%+1", "q=%25zz&r=%25%201"),
        ] {
            assert_eq!(sorted_query(sent), canonical, "{sent}");
        }
    }

    #[test]
    fn values_are_joined_and_their_spaces_are_folded() {
        let mut headers = HeaderMap::new();
        for value in ["a", "b  c", "d\te ", ""] {
            headers.append("x-amz-meta", value.parse().expect("a value"));
        }
        assert_eq!(header_value(&headers, "x-amz-meta"), "a,b c,d\te,");
        assert_eq!(header_value(&headers, "host"), "");
    }
}

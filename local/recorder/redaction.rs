//! Removes what must not leave the process from the texts of a record: the signatures of tokens and
//! of signed requests, session tokens, and secret access keys in a function's output.

use std::borrow::Cow;

/// What stands in the place of a removed text.
pub(super) const REMOVED: &str = "[signature removed]";
const SECRET_REMOVED: &str = "[secret removed]";

/// The value of a header without its secret parts.
pub(super) fn header(name: &str, value: &str) -> String {
    match name {
        "x-amz-security-token" => "[token removed]".to_owned(),
        _ => text(value).into_owned(),
    }
}

/// A text without signatures of JSON Web Tokens and signed requests.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if text.contains("eyJ") {
        text = Cow::Owned(without_token_signatures(&text));
    }
    for marker in [
        "Signature=",
        "X-Amz-Security-Token=",
        "x-amz-security-token:",
    ] {
        if text.contains(marker) {
            text = Cow::Owned(without_value(&text, marker));
        }
    }
    for marker in SECRET_NAMES {
        if text.contains(marker) {
            text = Cow::Owned(without_secret(&text, marker));
        }
    }
    text
}

/// The names beside which programs print secrets of their credentials: as variables, and as
/// members of JSON.
const SECRET_NAMES: [&str; 5] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "secretAccessKey",
    "SecretAccessKey",
    "sessionToken",
];

fn without_token_signatures(text: &str) -> String {
    let is_token_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_token_character(c)).unwrap_or(from.len());
        let (token, after) = from.split_at(end);
        let mut parts = token.splitn(3, '.');
        let kept: Vec<_> = parts.by_ref().take(2).collect();
        cleaned.push_str(before);
        cleaned.push_str(&kept.join("."));
        rest = after;
        if parts.next().is_some() {
            cleaned.push('.');
            cleaned.push_str(REMOVED);
            // A recorded event that was sent again has no signature any more.
            rest = after.strip_prefix(REMOVED).unwrap_or(after);
        }
    }
    cleaned + rest
}

/// Removes the value that follows a marker, up to the next character that no value has.
fn without_value(text: &str, marker: &str) -> String {
    let is_value = |c: char| c.is_ascii_alphanumeric() || "+/=%-_.".contains(c);
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(marker) {
        let (before, from) = rest.split_at(at + marker.len());
        let end = from.find(|c| !is_value(c)).unwrap_or(from.len());
        cleaned.push_str(before);
        if end > 0 {
            cleaned.push_str(REMOVED);
        }
        rest = &from[end..];
    }
    cleaned + rest
}

/// Removes the value beside a name: `NAME=value`, `"NAME": "value"` or `'NAME': 'value'`.
fn without_secret(text: &str, name: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, from) = rest.split_at(at + name.len());
        let gap = from
            .find(|c: char| !"\"'\\=: ".contains(c))
            .unwrap_or(from.len());
        let value = &from[gap..];
        let end = value
            .find(|c: char| "\"'\\,}; \n".contains(c))
            .unwrap_or(value.len());
        cleaned.push_str(before);
        cleaned.push_str(&from[..gap]);
        if value.starts_with(SECRET_REMOVED) {
            rest = value;
        } else if gap > 0 && end > 0 {
            cleaned.push_str(SECRET_REMOVED);
            rest = &value[end..];
        } else {
            rest = value;
        }
    }
    cleaned + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_left_in_a_text_and_everything_else_stays() {
        for (name, given, expected) in [
            ("plain text", "an eye on it", "an eye on it"),
            (
                "two tokens",
                "Bearer eyJh.eyJi.c2ln, eyJh.eyJi.c2ln",
                "Bearer eyJh.eyJi.[signature removed], eyJh.eyJi.[signature removed]",
            ),
            (
                "a token in JSON",
                r#"{"token":"eyJh.eyJi.c2ln","n":1}"#,
                r#"{"token":"eyJh.eyJi.[signature removed]","n":1}"#,
            ),
            (
                "a signed request",
                "AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature=0af9",
                "AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature=[signature removed]",
            ),
            (
                "a presigned request",
                "/?X-Amz-Security-Token=a%2Fb&X-Amz-Signature=0af9&a=1",
                "/?X-Amz-Security-Token=[signature removed]&X-Amz-Signature=[signature removed]&a=1",
            ),
            (
                "a canonical request",
                "x-amz-security-token:localab\nhost",
                "x-amz-security-token:[signature removed]\nhost",
            ),
            (
                "a printed environment",
                "{'AWS_SECRET_ACCESS_KEY': 'abc', 'HOME': '/'} AWS_SESSION_TOKEN=xyz end",
                "{'AWS_SECRET_ACCESS_KEY': '[secret removed]', 'HOME': '/'} AWS_SESSION_TOKEN=[secret removed] end",
            ),
            (
                "a name alone",
                "set AWS_SESSION_TOKEN",
                "set AWS_SESSION_TOKEN",
            ),
        ] {
            assert_eq!(text(given), expected, "{name}");
            assert_eq!(text(expected), expected, "{name}, again");
        }
        assert_eq!(header("x-amz-security-token", "abc"), "[token removed]");
    }
}

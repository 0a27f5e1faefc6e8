//! JSON that is looked at without being re-typed: objects as ordered raw members, texts, and what is empty.
//!
//! Nothing here fails loudly: what is not of the wanted shape is `None`, so that no odd member makes an event unreadable.

mod escape;
mod scan;
mod words;

use std::borrow::Cow;

use serde_json::value::RawValue;

pub use escape::write_string;
use scan::{Members, members};

/// The members of a JSON object in their order, values as they were written. A repeated key stands as often as it was written.
#[derive(Debug, Default, Clone)]
pub struct Object<'e>(Members<'e>);

impl<'e> Object<'e> {
    /// Reads an object; `None` when the text is not one.
    pub fn read(text: &'e str) -> Option<Self> {
        Self::of(serde_json::from_str(text).ok()?)
    }

    /// Cuts an object out of what Lambda says is JSON: what is not, is found out where a member is read.
    pub fn cut(text: &'e str) -> Option<Self> {
        members(text).map(Self)
    }

    /// Reads an object from a raw value.
    pub fn of(raw: &'e RawValue) -> Option<Self> {
        members(raw.get()).map(Self)
    }

    /// The value of a member; of a repeated key the last, as JSON parsers take it.
    pub fn get(&self, name: &str) -> Option<&'e RawValue> {
        raw(self.written(name)?)
    }

    /// A member as it was written.
    pub fn written(&self, name: &str) -> Option<&'e str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, written)| *written)
    }

    /// A member whose name may be in any case, as header names are, as it was written.
    pub fn written_ignoring_case(&self, name: &str) -> Option<&'e str> {
        self.0.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, written)| *written)
    }

    /// A member that is an object.
    pub fn object(&self, name: &str) -> Option<Object<'e>> {
        members(self.written(name)?).map(Self)
    }

    /// A member that is a non-empty string.
    pub fn text(&self, name: &str) -> Option<Cow<'e, str>> {
        string(self.written(name)?).filter(|text| !text.is_empty())
    }

    /// Whether there is no member at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'e RawValue)> {
        self.0.iter().filter_map(|(key, written)| Some((key.as_ref(), raw(written)?)))
    }
}

/// StreamAborted out of valid JSON, which a part of it is too.
fn raw(written: &str) -> Option<&RawValue> {
    serde_json::from_str(written).ok()
}

/// A string, when the value is one and is not empty.
pub fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    string(raw.get()).filter(|text| !text.is_empty())
}

/// A string, when what is written is one. Lone surrogates, which JSON permits, become U+FFFD.
pub fn string(written: &str) -> Option<Cow<'_, str>> {
    let inside = written.strip_prefix('"')?.strip_suffix('"')?;
    // Without a way out of the loops, which the compiler then does sixteen bytes at a time.
    let is_plain = inside.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
    if is_plain {
        return Some(Cow::Borrowed(inside));
    }
    let has_controls = inside.bytes().fold(false, |found, byte| found | (byte < b' '));
    if has_controls { None } else { escape::resolve(inside).map(Cow::Owned) }
}

/// A key's text, unescaped.
pub fn key_text(quoted: &str) -> Cow<'_, str> {
    string(quoted).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_keeps_order_digits_and_escapes() {
        let object = Object::read(r#"{"b": 1.10, "a":"\u00e9", "big": 123456789012345678901234567890}"#).expect("an object");
        let members: Vec<_> = object.iter().map(|(key, raw)| (key.to_owned(), raw.get())).collect();
        insta::assert_debug_snapshot!(members, @r#"
        [
            (
                "b",
                "1.10",
            ),
            (
                "a",
                "\"\\u00e9\"",
            ),
            (
                "big",
                "123456789012345678901234567890",
            ),
        ]
        "#);
    }

    #[test]
    fn of_a_repeated_key_the_last_value_counts() {
        let object = Object::read(r#"{"a":"","a":"x"}"#).expect("an object");
        assert_eq!(object.text("a").as_deref(), Some("x"));
    }

    #[test]
    fn a_key_written_with_escapes_is_the_same_key() {
        let object = Object::read(r#"{"p\u0061rtner":"x"}"#).expect("an object");
        assert_eq!(object.text("partner").as_deref(), Some("x"));
    }

    #[test]
    fn lone_surrogates_do_not_make_an_object_unreadable() {
        let object = Object::read(r#"{"\ud800":1,"a":"\udc00!"}"#).expect("an object");
        assert_eq!(object.text("a").as_deref(), Some("\u{fffd}!"));
    }

    #[test]
    fn what_is_not_an_object_is_none() {
        for text in ["[]", "1", "\"{}\"", "null", "{", "{}x", "", "{\"a\":}", "{\"a\nb\":1}", "{\"a\":\"b\nc\"}"] {
            assert!(Object::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_object_nested_ten_thousand_deep_is_read() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Object::read(&deep).is_some());
    }
}

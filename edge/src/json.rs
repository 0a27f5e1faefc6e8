//! JSON that is read without being written anew: objects as members in their order, with the text
//! of their values.
//!
//! serde_json finds the members. Reading never fails with an error: a value that is not of the
//! expected type is `None`, so that a member of an unexpected type makes no event unreadable.

mod escape;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

pub use escape::write_string;

/// The members of a JSON object in their order. A repeated key stands as often as it was written.
#[derive(Debug, Default, Clone)]
pub struct Object<'e>(Vec<(Cow<'e, str>, &'e RawValue)>);

impl<'e> Object<'e> {
    /// Reads an object; `None` when the text is not one.
    pub fn read(text: &'e str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Reads an object from a raw value.
    pub fn of(raw: &'e RawValue) -> Option<Self> {
        // Most values are read only to find that they are of another type: serde would describe the
        // error at length.
        if raw.get().starts_with('{') {
            Self::read(raw.get())
        } else {
            None
        }
    }

    /// The value of a member; of a repeated key the last, as JSON parsers take it.
    pub fn get(&self, name: &str) -> Option<&'e RawValue> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }

    /// The text of a member's value.
    pub fn raw_text(&self, name: &str) -> Option<&'e str> {
        self.get(name).map(RawValue::get)
    }

    /// The text of the value of a member whose name may be in any case, as header names are.
    pub fn raw_text_ignoring_case(&self, name: &str) -> Option<&'e str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.get())
    }

    /// A member that is an object.
    pub fn object(&self, name: &str) -> Option<Object<'e>> {
        Self::of(self.get(name)?)
    }

    /// A member that is a non-empty string.
    pub fn text(&self, name: &str) -> Option<Cow<'e, str>> {
        text(self.get(name)?)
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no member at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'e RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }
}

impl<'e> Deserialize<'e> for Object<'e> {
    fn deserialize<D: Deserializer<'e>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Reads keys as raw values too: JSON allows lone surrogates in them, which no Rust string can
/// hold.
struct ObjectVisitor;

impl<'e> Visitor<'e> for ObjectVisitor {
    type Value = Object<'e>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'e>>(self, mut map: A) -> Result<Object<'e>, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            members.push((key_text(key.get()), value));
        }
        Ok(Object(members))
    }
}

/// The text of a non-empty string; `None` for any other value.
pub fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    string(raw.get()).filter(|text| !text.is_empty())
}

/// The text of a JSON string. Lone surrogates, which JSON allows, become U+FFFD.
pub fn string(written: &str) -> Option<Cow<'_, str>> {
    let inside = written.strip_prefix('"')?.strip_suffix('"')?;
    // A fold without an early exit, which the compiler turns into vector instructions.
    let is_plain = inside.bytes().fold(true, |plain, byte| {
        plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\')
    });
    if is_plain {
        return Some(Cow::Borrowed(inside));
    }
    let has_controls = inside
        .bytes()
        .fold(false, |found, byte| found | (byte < b' '));
    if has_controls {
        None
    } else {
        escape::resolve(inside).map(Cow::Owned)
    }
}

/// The text of a key.
pub fn key_text(quoted: &str) -> Cow<'_, str> {
    string(quoted).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_keeps_order_digits_and_escapes() {
        let object =
            Object::read(r#"{"b": 1.10, "a":"\u00e9", "big": 123456789012345678901234567890}"#)
                .expect("an object");
        let members: Vec<_> = object
            .iter()
            .map(|(key, raw)| (key.to_owned(), raw.get()))
            .collect();
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
    fn the_last_value_of_a_repeated_key_counts() {
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
        for text in [
            "[]",
            "1",
            "\"{}\"",
            "null",
            "{",
            "{}x",
            "",
            "{\"a\":}",
            "{\"a\nb\":1}",
            "{\"a\":\"b\nc\"}",
        ] {
            assert!(Object::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_object_nested_ten_thousand_deep_is_read() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Object::read(&deep).is_some());
    }
}

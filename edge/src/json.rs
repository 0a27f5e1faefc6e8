//! JSON that is looked at without being re-typed: objects as ordered raw members, texts, and what is empty.
//!
//! Nothing here fails loudly: what is not of the wanted shape is `None`, so that no odd member makes an event unreadable.

mod scan;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Visitor};
use serde_json::value::RawValue;

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

/// Cut out of valid JSON, which a part of it is too.
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
    // Without a way out of the loop, which the compiler then does sixteen bytes at a time.
    let is_plain = inside.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
    match is_plain {
        true => Some(Cow::Borrowed(inside)),
        false => Text.deserialize(&mut serde_json::Deserializer::from_str(written)).ok(),
    }
}

/// A key's text, unescaped.
pub fn key_text(quoted: &str) -> Cow<'_, str> {
    string(quoted).unwrap_or_default()
}

/// Writes a text as a JSON string. What needs no escape, which is most of a large answer, is copied in one piece.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, escaped) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = escaped.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes there are before the first that has to be escaped.
fn plain_length(bytes: &[u8]) -> usize {
    let needs_escape = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    // Without a way out of the inner loop, which the compiler then does sixteen bytes at a time.
    let is_plain = |block: &[u8; 32]| !block.iter().fold(false, |found, byte| found | needs_escape(*byte));
    let (blocks, _) = bytes.as_chunks::<32>();
    let skipped = blocks.iter().take_while(|block| is_plain(block)).count() * 32;
    let rest = bytes.get(skipped..).unwrap_or_default();
    skipped + rest.iter().position(|byte| needs_escape(*byte)).unwrap_or(rest.len())
}

/// Reads a string as bytes, so that an escape that is no Unicode scalar value (`"\ud800"`) does not end the reading.
struct Text;

impl<'e> DeserializeSeed<'e> for Text {
    type Value = Cow<'e, str>;

    fn deserialize<D: Deserializer<'e>>(self, deserializer: D) -> Result<Cow<'e, str>, D::Error> {
        deserializer.deserialize_bytes(Text)
    }
}

impl<'e> Visitor<'e> for Text {
    type Value = Cow<'e, str>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'e [u8]) -> Result<Cow<'e, str>, E> {
        Ok(String::from_utf8_lossy(bytes))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Cow<'e, str>, E> {
        Ok(Cow::Owned(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn visit_borrowed_str<E>(self, text: &'e str) -> Result<Cow<'e, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'e, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
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
        assert_eq!(object.text("a").as_deref(), Some("\u{fffd}\u{fffd}\u{fffd}!"));
    }

    #[test]
    fn a_text_is_written_as_serde_writes_it() {
        let every: String = (0..0x250).filter_map(char::from_u32).collect();
        for length in 0..80 {
            let text = format!("{}{every}{}", "x".repeat(length), "\u{1f600}".repeat(length));
            let mut written = Vec::new();
            write_string(&mut written, &text);
            let back: String = serde_json::from_slice(&written).expect("JSON");
            assert!(back == text && written.starts_with(b"\"") && written.ends_with(b"\""), "{length}");
        }
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

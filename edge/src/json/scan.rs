//! Cuts a JSON object into its members without reading them. Given text that is JSON; of any other text it gives some cut or
//! none, and never more than that.
//!
//! Members are found by their brackets and quotes alone, because every level that is looked into would otherwise be read once
//! more. Whoever takes a member out reads it, and finds it wanting where it is not JSON.

use std::borrow::Cow;

use memchr::memchr2;

use super::words::{equal, first};

/// The members of an object, in order: keys unescaped, values as they are written.
pub type Members<'e> = Vec<(Cow<'e, str>, &'e str)>;

/// Cuts an object; `None` when the text is another kind of value.
pub fn members(text: &str) -> Option<Members<'_>> {
    let bytes = text.as_bytes();
    let mut at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    let mut members = Vec::with_capacity(16);
    at = skip_space(bytes, at + 1);
    while bytes.get(at) == Some(&b'"') {
        let key = string_end(bytes, at)?;
        let colon = skip_space(bytes, key.end);
        let value = skip_space(bytes, colon + 1);
        let value_end = value_end(bytes, value)?;
        let key = match key.has_escapes {
            false => Cow::Borrowed(text.get(at + 1..key.end - 1)?),
            true => super::string(text.get(at..key.end)?).unwrap_or_default(),
        };
        members.push((key, text.get(value..value_end)?));
        at = skip_space(bytes, value_end);
        if bytes.get(at) == Some(&b',') {
            at = skip_space(bytes, at + 1);
        }
    }
    (bytes.get(at) == Some(&b'}')).then_some(members)
}

fn skip_space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count()
}

/// Where a string ends, after its closing quote.
struct StringEnd {
    end: usize,
    has_escapes: bool,
}

/// The end of a string that begins at `from`.
fn string_end(bytes: &[u8], from: usize) -> Option<StringEnd> {
    let (mut at, mut has_escapes) = (from + 1, false);
    loop {
        at += quote_or_backslash(bytes.get(at..)?)?;
        if *bytes.get(at)? == b'"' {
            return Some(StringEnd { end: at + 1, has_escapes });
        }
        (at, has_escapes) = (at + 2, true);
    }
}

/// Where the first quote or backslash is. Most strings of an event are short: to call for a vector search costs more than
/// it saves in their first bytes.
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 4;
    for (at, word) in bytes.chunks_exact(8).take(NEAR).enumerate() {
        let word = u64::from_le_bytes(word.try_into().ok()?);
        if let Some(found) = first(equal(word, b'"') | equal(word, b'\\')) {
            return Some(at * 8 + found);
        }
    }
    let near = NEAR.min(bytes.len() / 8) * 8;
    Some(near + memchr2(b'"', b'\\', bytes.get(near..)?)?)
}

/// Where a value ends that begins at `from`.
fn value_end(bytes: &[u8], from: usize) -> Option<usize> {
    match bytes.get(from)? {
        b'"' => Some(string_end(bytes, from)?.end),
        b'{' | b'[' => container_end(bytes, from),
        _ => {
            let rest = bytes.get(from..)?;
            Some(from + rest.iter().take_while(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')).count())
        }
    }
}

fn container_end(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, from);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?.end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_cut_where_serde_would_cut_it() {
        let text = r#" { "a" : [1, {"b":"]}\"\\"}, "x"] , "k\u0065y":"v" ,"n":-1.5e3,"t":true , "o":{ } ,"e":"" } "#;
        let cut: Vec<_> = members(text).expect("an object").into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(cut, [r#"a=[1, {"b":"]}\"\\"}, "x"]"#, r#"key="v""#, "n=-1.5e3", "t=true", "o={ }", r#"e="""#]);
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_that_is() {
        for length in 0..100 {
            let text = format!("{{\"{0}\":\"{0}\\\"\",\"b\":1}}", "ä#!]".chars().cycle().take(length).collect::<String>());
            let cut = members(&text).expect("an object");
            let name = cut[0].0.clone().into_owned();
            assert_eq!((cut[0].1, cut[1].1), (format!("\"{name}\\\"\"").as_str(), "1"), "{text}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_cut_somehow_or_not_at_all() {
        for text in [
            "",
            "{",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":\"",
            "{\"a\":[",
            "{\"a\\",
            "[]",
            "{]",
            "{\"a\":}}",
            "{\"ü\":\"\\\"}",
        ] {
            let _ = members(text);
        }
    }
}

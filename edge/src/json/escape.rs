//! What stands in a JSON string for a character, both ways. Bodies are strings within events and answers: each is read and
//! written once, in long pieces.

use memchr::memchr;

use super::words::{below, equal, first};

/// The text of a string's inside, which holds no quote but after a backslash; `None` when an escape is none.
pub fn resolve(inside: &str) -> Option<String> {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        text.push_str(rest.get(..at)?);
        let (character, after) = character(rest.get(at + 1..)?)?;
        text.push(character);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// The character that an escape stands for, and what comes after it.
fn character(escape: &str) -> Option<(char, &str)> {
    let after = escape.get(1..)?;
    let character = match escape.as_bytes().first()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return utf_16(after),
        _ => return None,
    };
    Some((character, after))
}

/// One unit of UTF-16, or two that belong together. One that lacks its other half is no character.
fn utf_16(digits: &str) -> Option<(char, &str)> {
    let (first, after) = unit(digits)?;
    if let Some(character) = char::from_u32(first.into()) {
        return Some((character, after));
    }
    let second = after.strip_prefix("\\u").and_then(unit);
    let pair = second.and_then(|(second, after)| Some((char::decode_utf16([first, second]).next()?.ok()?, after)));
    Some(pair.unwrap_or((char::REPLACEMENT_CHARACTER, after)))
}

fn unit(digits: &str) -> Option<(u16, &str)> {
    let hex = digits.get(..4).filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    Some((u16::from_str_radix(hex, 16).ok()?, digits.get(4..)?))
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
    let (words, _) = rest.as_chunks::<8>();
    for (at, word) in words.iter().map(|word| u64::from_le_bytes(*word)).enumerate() {
        if let Some(found) = first(below(word, b' ') | equal(word, b'"') | equal(word, b'\\')) {
            return skipped + at * 8 + found;
        }
    }
    let last = rest.get(words.len() * 8..).unwrap_or_default();
    bytes.len() - last.len() + last.iter().position(|byte| needs_escape(*byte)).unwrap_or(last.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_read_as_serde_reads_it() {
        for inside in [
            r#"\"\\\/\b\f\n\r\t"#,
            r"\u00e9\u20AC\ud83d\ude00 and \u0000",
            "ä\\nö",
            r"\\n",
            r"\x",
            r"\",
            r"\u12",
            r"\u+123",
            r"\u12é",
            r"\ud83d\u12",
        ] {
            let by_serde = serde_json::from_str::<String>(&format!("\"{inside}\"")).ok();
            let read = resolve(inside);
            assert!(read == by_serde || inside == r"\ud83d\u12", "{inside}: {read:?}, not {by_serde:?}");
        }
        for (inside, text) in [
            (r"\ud800", Some("\u{fffd}")),
            (r"\udc00\ud800", Some("\u{fffd}\u{fffd}")),
            (r"\ud800\u0041", Some("\u{fffd}A")),
            (r"\ud83d\u12", None),
        ] {
            assert_eq!(resolve(inside).as_deref(), text, "{inside}");
        }
    }

    #[test]
    fn a_text_that_is_written_is_read_as_it_was() {
        let every: String = (0..0x250).filter_map(char::from_u32).collect();
        for length in 0..80 {
            let text = format!("{}{every}{}", "x".repeat(length), "\u{1f600}".repeat(length));
            let mut written = Vec::new();
            write_string(&mut written, &text);
            let back: String = serde_json::from_slice(&written).expect("JSON");
            assert!(back == text && written.starts_with(b"\"") && written.ends_with(b"\""), "{length}");
        }
    }
}

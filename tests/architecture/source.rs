//! The sources of the repository, without what is no code.

use std::path::{Path, PathBuf};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder of the repository, each without its comments and literals.
pub fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                sources.push((path, code(&text)));
            }
        }
    }
    sources
}

/// The name of the top-level module of a folder to which a source belongs.
pub fn module_of(folder: &str, path: &Path) -> String {
    let inner = path.strip_prefix(root().join(folder));
    let inner = inner.expect("a source of the folder");
    let first = inner.components().next().expect("a name");
    let first = first.as_os_str().to_string_lossy();
    first.strip_suffix(".rs").unwrap_or(&first).to_owned()
}

/// A source without its comments, strings and character literals, each of which becomes a space.
pub fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let after_identifier = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let skipped = comment(rest)
            .or_else(|| {
                if after_identifier {
                    None
                } else {
                    raw_string(rest)
                }
            })
            .or_else(|| string(rest))
            .or_else(|| character(rest));
        match skipped {
            Some(length) => {
                code.push(' ');
                rest = &rest[length..];
            }
            None => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    code
}

/// The length of the comment at the beginning of a text. Block comments are not nested in this
/// repository.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let inner = text.strip_prefix("/*")?;
    Some(inner.find("*/").map_or(text.len(), |end| end + 4))
}

/// The length of the raw string at the beginning of a text.
fn raw_string(text: &str) -> Option<usize> {
    let marked = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let inner = marked.trim_start_matches('#');
    let marks = marked.len() - inner.len();
    let inner = inner.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    let opening = text.len() - inner.len();
    Some(
        inner
            .find(&end)
            .map_or(text.len(), |length| opening + length + end.len()),
    )
}

/// The length of the string at the beginning of a text.
fn string(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = inner.char_indices().find(|(_, c)| {
        let is_end = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_end
    });
    Some(end.map_or(text.len(), |(at, _)| at + 2))
}

/// The length of the character literal at the beginning of a text, which may be a lifetime instead.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let length = match inner.strip_prefix('\\') {
        Some(escape) => 2 + escape.get(1..)?.find('\'')?,
        None => inner.chars().next()?.len_utf8(),
    };
    inner[length..].starts_with('\'').then_some(length + 2)
}

pub fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

#[test]
fn comments_and_literals_are_no_code() {
    for (source, expected) in [
        ("a // b\nc", "a  \nc"),
        ("a /* b */ c", "a   c"),
        ("f(\"b\\\"b\")", "f( )"),
        ("r#\"b\"# c", "  c"),
        ("'\\'' c", "  c"),
        ("fn f<'a>() {}", "fn f<'a>() {}"),
        ("for_r\"b\"", "for_r "),
    ] {
        assert_eq!(code(source), expected, "{source}");
    }
}

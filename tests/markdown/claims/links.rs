//! The files, links and headings that the documents name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{document, files, read};
use crate::ROOT;
use crate::document::Document;

/// Endings by which a name without a folder is known to be a file's.
const ENDINGS: [&str; 9] = [
    ".rs", ".md", ".toml", ".yaml", ".yml", ".ts", ".tsx", ".svg", ".png",
];

/// Links to files and headings that are not there.
pub fn dead_links(document: &Document) -> Vec<String> {
    let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
    let targets = document.prose.iter().flat_map(|(line, text)| {
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let attributes = ["src=\"", "href=\""].into_iter();
        let attributes = attributes.flat_map(|name| {
            text.split(name)
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
        });
        links
            .chain(attributes)
            .map(|target| (*line, target.to_owned()))
            .collect::<Vec<_>>()
    });
    let is_dead = |target: &str| {
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = if path.is_empty() {
            PathBuf::from(&document.path)
        } else {
            folder.join(path)
        };
        if !Path::new(ROOT).join(&path).exists() {
            return true;
        }
        !heading.is_empty() && !headings(&path).contains(heading)
    };
    let is_relative = |target: &str| !target.contains("://") && !target.starts_with("mailto:");
    let dead = targets.filter(|(_, target)| is_relative(target) && is_dead(target));
    dead.map(|(line, target)| format!("{}:{line}: the link {target} leads nowhere", document.path))
        .collect()
}

/// The anchors of a document's headings.
fn headings(path: &Path) -> BTreeSet<String> {
    let anchor = |heading: &str| -> String {
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let prose = document(&path.display().to_string()).prose;
    prose
        .iter()
        .filter(|(_, text)| text.starts_with('#'))
        .map(|(_, text)| anchor(text.trim_start_matches('#').trim()))
        .collect()
}

/// Files that are named and not there. What `.gitignore` names is made by the commands.
pub fn missing_files(document: &Document) -> Vec<String> {
    let root = Path::new(ROOT);
    let ignored = read(".gitignore");
    // What Git ignores is made by a command: a clean checkout has none of it.
    let made = |path: &str| {
        ignored
            .lines()
            .filter(|line| !line.is_empty())
            .any(|line| Path::new(path.trim_matches('/')).starts_with(line.trim_matches('/')))
    };
    let names: BTreeSet<String> = [
        "edge", "crates", "local", "core", "web", "tests", "docs", "examples", "benches",
        ".github", ".ci",
    ]
    .iter()
    .flat_map(|folder| files(&root.join(folder)))
    .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
    .collect();
    let is_missing = |span: &str| {
        if span.contains([' ', '*', '<', '$', '{', '…', ':', '"', '@'])
            || span.starts_with(['/', '-'])
            || made(span)
        {
            return false;
        }
        match span.split_once('/') {
            Some((first, _)) => root.join(first).is_dir() && !root.join(span).exists(),
            None => {
                ENDINGS.iter().any(|ending| span.ends_with(ending))
                    && !root.join(span).exists()
                    && !names.contains(span)
            }
        }
    };
    let missing = document
        .code_spans()
        .into_iter()
        .filter(|(_, span)| is_missing(span));
    missing
        .map(|(line, span)| format!("{}:{line}: there is no file `{span}`", document.path))
        .collect()
}

//! What the documents claim about the program, its sources and the template, held against them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use edge::config::Config;
use serde_yaml_ng::Value;

use crate::ROOT;
use crate::document::Document;

/// Folders and files whose text counts as the program's.
const SOURCES: [&str; 14] = [
    "edge/src",
    "crates",
    "local",
    "core/src",
    "web/src",
    "web/vite.config.ts",
    "tests",
    "examples",
    "benches",
    "events/local-env.json",
    "template.yaml",
    "amplify.yml",
    ".ci/run",
    "edge/Cargo.toml",
];
/// Folders whose programs print the messages of the troubleshooting table.
const PROGRAMS: [&str; 5] = ["edge/src", "crates", "local", "core/src", "web/src"];
/// Endings by which a name without a folder is known to be a file's.
const ENDINGS: [&str; 9] = [
    ".rs", ".md", ".toml", ".yaml", ".yml", ".ts", ".tsx", ".svg", ".png",
];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn document(path: &str) -> Document {
    Document::parse(path, &read(path))
}

/// Every file below a folder, or the file itself; this test and what is built or installed left
/// out.
fn files(path: &Path) -> Vec<PathBuf> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if [
        "node_modules",
        "dist",
        "markdown",
        "__pycache__",
        "target",
        ".git",
    ]
    .contains(&name)
    {
        return Vec::new();
    }
    match std::fs::read_dir(path) {
        Ok(folder) => folder
            .flatten()
            .flat_map(|entry| files(&entry.path()))
            .collect(),
        Err(_) => vec![path.to_path_buf()],
    }
}

fn text_of(paths: &[&str]) -> String {
    let files = paths
        .iter()
        .flat_map(|path| files(&Path::new(ROOT).join(path)));
    files
        .map(|path| {
            String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned() + "\n"
        })
        .collect()
}

/// Words that stand between back quotes in a cell.
fn spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

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

/// The long options of the stack, which `--help` lists.
pub fn options_of_the_program() -> BTreeSet<String> {
    options_of(&[])
}

/// The long options that `--help` of a subcommand lists.
fn options_of(subcommand: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_inference-edge"))
        .args(subcommand)
        .arg("--help")
        .output()
        .expect("the program");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = help
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('-'))
        .flat_map(str::split_whitespace);
    let options = words
        .filter(|word| word.starts_with("--"))
        .map(|word| word.trim_end_matches(',').to_owned());
    options
        .filter(|option| option != "--help" && option != "--version")
        .collect()
}

/// The options that the documents list.
pub fn options_of_the_table() -> BTreeSet<String> {
    let rows = document("docs/local.md").table("option");
    let options = rows.iter().flat_map(|row| {
        spans(&row[0]).map(|span| span.split(' ').next().unwrap_or_default().to_owned())
    });
    options.collect()
}

/// Options, in the text and after `cargo run --`, that the program does not have.
pub fn unknown_options(document: &Document) -> Vec<String> {
    let known: BTreeSet<String> = [&[][..], &["requests"], &["replay"]]
        .into_iter()
        .flat_map(options_of)
        .collect();
    let in_text = document
        .code_spans()
        .into_iter()
        .filter(|(_, span)| span.starts_with("--"));
    let in_blocks = document.blocks.iter().flat_map(|block| {
        let lines = (block.line..)
            .zip(block.text.lines())
            .filter(|_| block.is_shell());
        let runs = lines.filter_map(|(line, text)| {
            Some((line, text.split_once("cargo run -- ")?.1.to_owned()))
        });
        runs.collect::<Vec<_>>()
    });
    let words = in_text.chain(in_blocks).flat_map(|(line, text)| {
        let outside_of_quotes: String = text.split('"').step_by(2).collect();
        let words = outside_of_quotes
            .split([' ', '=', ','])
            .filter(|word| word.starts_with("--") && word.len() > 2);
        words
            .map(|word| (line, word.to_owned()))
            .collect::<Vec<_>>()
    });
    let unknown = words.filter(|(_, word)| !known.contains(word));
    unknown
        .map(|(line, word)| format!("{}:{line}: the program has no option {word}", document.path))
        .collect()
}

/// Names of variables and constants that stand nowhere in the sources, and parameters that the
/// template does not have.
pub fn unknown_variables(document: &Document) -> Vec<String> {
    let sources = text_of(&SOURCES);
    let parameters = parameters_of_the_template();
    let is_constant = |name: &str| {
        name.contains('_')
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let is_parameter = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.contains(|c: char| c.is_ascii_lowercase())
            && name.chars().all(char::is_alphanumeric)
    };
    let mut problems = Vec::new();
    for (line, span) in document.code_spans() {
        let (name, has_value) = span
            .split_once('=')
            .map_or((span.as_str(), false), |(name, _)| (name, true));
        if is_constant(name) && !sources.contains(name) {
            problems.push(format!(
                "{}:{line}: `{name}` stands nowhere in the sources",
                document.path
            ));
        }
        if has_value && is_parameter(name) && !parameters.contains_key(name) {
            problems.push(format!(
                "{}:{line}: the template has no parameter `{name}`",
                document.path
            ));
        }
    }
    problems
}

/// Where the table of variables is not what the edge reads: names, defaults and values.
pub fn variables_that_differ() -> Vec<String> {
    let document = document("docs/configuration.md");
    let mut problems = Vec::new();
    let mut source = read("edge/src/config.rs");
    for part in ["access", "answer", "network", "payload"] {
        source += &read(&format!("edge/src/config/{part}.rs"));
    }
    let source: String = source.split_whitespace().collect();
    let reads = [
        ".list(\"",
        ".choice(\"",
        ".value(\"",
        ".required(\"",
        ".millis(\"",
        ".seconds(\"",
        "in_either_case(env,\"",
    ];
    let names = reads.iter().flat_map(|call| {
        source
            .split(call)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
    });
    let names: BTreeSet<&str> = names.collect();
    let mentioned: BTreeSet<String> = document
        .code_spans()
        .into_iter()
        .map(|(_, span)| span)
        .collect();
    let silent = names.iter().filter(|name| !mentioned.contains(**name));
    problems.extend(
        silent.map(|name| {
            format!("the edge reads {name}, and docs/configuration.md does not say so")
        }),
    );
    for row in document.table("variable") {
        let [name, default, values] = [0, 1, 2].map(|cell| row[cell].as_str());
        let name = spans(name).next().unwrap_or_default();
        if !names.contains(name) {
            problems.push(format!(
                "docs/configuration.md lists {name}, which the edge does not read"
            ));
        }
        if default == "required" && config(&[]).is_ok() {
            problems.push(format!("{name} is not required"));
        }
        for default in spans(default) {
            let explicit = config(&[("TARGET_LAMBDA_NAME", "core"), (name, default)]);
            if explicit != config(&[("TARGET_LAMBDA_NAME", "core")]) {
                problems.push(format!(
                    "`{default}` is not the default of {name}: {explicit:?}"
                ));
            }
        }
        for value in spans(values) {
            let issuer = [
                ("JWT_ISSUER", "https://issuer.example"),
                ("JWT_AUDIENCE", "client"),
            ];
            let others = issuer
                .iter()
                .filter(|(other, _)| name.starts_with("JWT_") && *other != name)
                .copied();
            let pairs: Vec<_> = others
                .chain([("TARGET_LAMBDA_NAME", "core"), (name, value)])
                .collect();
            if let Err(why) = config(&pairs) {
                problems.push(format!("{name}=`{value}` is refused: {why}"));
            }
        }
    }
    problems
}

/// What the edge makes of variables; of a name that is there twice the last counts.
fn config(pairs: &[(&str, &str)]) -> Result<String, String> {
    let find = |name: &str| {
        pairs
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Config::read(find)
        .map(|config| format!("{config:?}"))
        .map_err(|error| error.to_string())
}

fn template() -> Value {
    serde_yaml_ng::from_str(&read("template.yaml")).expect("YAML")
}

/// Each parameter of the template with its default.
pub fn parameters_of_the_template() -> BTreeMap<String, String> {
    let template = template();
    let parameters = template["Parameters"].as_mapping().expect("parameters");
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => panic!("a default is {other:?}"),
    };
    parameters
        .iter()
        .map(|(name, value)| (text(name), text(&value["Default"])))
        .collect()
}

/// Each parameter that docs/deploy.md lists with its default.
pub fn parameters_of_the_table() -> BTreeMap<String, String> {
    let rows = document("docs/deploy.md").table("parameter");
    let first = |cell: &str| spans(cell).next().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| (first(&row[0]), first(&row[1])))
        .collect()
}

/// The template's outputs.
pub fn outputs_of_the_template() -> BTreeSet<String> {
    let template = template();
    let outputs = template["Outputs"].as_mapping().expect("outputs");
    outputs
        .keys()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

/// The outputs that docs/deploy.md lists.
pub fn outputs_of_the_table() -> BTreeSet<String> {
    document("docs/deploy.md")
        .table("output")
        .iter()
        .flat_map(|row| spans(&row[0]).map(str::to_owned))
        .collect()
}

/// The codes of the edge's errors.
pub fn codes_of_the_edge() -> BTreeSet<String> {
    let source = read("edge/src/error.rs");
    let body = source
        .split("fn code(&self)")
        .nth(1)
        .and_then(|rest| rest.split("\n    }").next())
        .expect("fn code");
    body.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The codes that the README lists.
pub fn codes_of_the_table() -> BTreeSet<String> {
    document("README.md")
        .table("status")
        .iter()
        .flat_map(|row| spans(&row[1]).map(str::to_owned))
        .collect()
}

/// Messages of the troubleshooting table that no program prints; `…` stands for what differs from
/// case to case.
pub fn unknown_messages() -> Vec<String> {
    let sources = one_line(&text_of(&PROGRAMS));
    let document = document("README.md");
    let rows = document.table("message");
    let messages = rows.iter().flat_map(|row| spans(&row[0]));
    let is_unknown = |message: &&str| {
        message
            .split('…')
            .any(|part| !sources.contains(part.trim()))
    };
    let mut problems: Vec<String> = messages
        .filter(is_unknown)
        .map(|message| format!("no program prints `{message}`"))
        .collect();
    if rows.len() < 10 {
        problems.push(format!("the troubleshooting table has {} rows", rows.len()));
    }
    problems
}

/// Sources with the strings that Rust's and TypeScript's authors break over lines put together.
fn one_line(source: &str) -> String {
    let mut text = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let mut line = line.to_owned();
        while let Some(start) = line.strip_suffix('\\') {
            line = format!("{start}{}", lines.next().unwrap_or_default().trim_start());
        }
        text.push_str(&line.replace("\\\"", "\""));
        text.push('\n');
    }
    text
}

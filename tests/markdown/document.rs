//! A document in Markdown, as far as it matters here: its fenced blocks with their instructions,
//! and its text without them.

use std::path::Path;

use serde_json::Value;

use crate::{ROOT, session};

/// A document.
pub struct Document {
    /// Its path, from the repository's root.
    pub path: String,
    /// Its fenced blocks, in order.
    pub blocks: Vec<Block>,
    /// Its lines outside of blocks, with their numbers.
    pub prose: Vec<(usize, String)>,
}

/// A fenced block.
pub struct Block {
    /// The number of its first line, after the fence.
    pub line: usize,
    /// The word after the fence.
    pub language: String,
    /// What is between the fences.
    pub text: String,
    /// What the comments before it say to this test.
    pub instructions: Vec<Instruction>,
}

/// What a comment says to this test.
#[derive(Debug, PartialEq, Eq)]
pub enum Instruction {
    /// `server, ready when …`: it runs in the background until it is stopped.
    Server(Ready),
    /// `stop the servers`: before this block.
    StopServers,
    /// `not run, …`: a person runs it; why not the test.
    NotRun,
    /// `run by …`: another program of CI runs it.
    RunBy(String),
    /// `needs …`: a program, or `the package registries`.
    Needs(String),
    /// `output of the block above`.
    OutputOfTheBlockAbove,
    /// `part of FILE`: its lines stand in that file, which is compiled.
    PartOf(String),
    /// What this test does not understand.
    Unknown(String),
}

/// How a server says that it is ready.
#[derive(Debug, PartialEq, Eq)]
pub enum Ready {
    /// It answers HTTP requests at this URL.
    Answers(String),
    /// It prints this.
    Prints(String),
}

/// Why a block cannot be run here, and what to do about it.
pub struct Missing {
    pub why: String,
    pub how: String,
}

impl Document {
    /// Reads a document.
    pub fn parse(path: &str, text: &str) -> Self {
        let mut document = Self {
            path: path.to_owned(),
            blocks: Vec::new(),
            prose: Vec::new(),
        };
        let mut instructions = Vec::new();
        let mut block: Option<Block> = None;
        for (line, text) in (1..).zip(text.lines()) {
            if let Some(open) = &mut block {
                if text.trim_end() == "```" {
                    document.blocks.extend(block.take());
                } else {
                    open.text.push_str(text);
                    open.text.push('\n');
                }
            } else if let Some(language) = text.strip_prefix("```") {
                let (language, instructions) = (
                    language.trim().to_owned(),
                    std::mem::take(&mut instructions),
                );
                block = Some(Block {
                    line: line + 1,
                    language,
                    text: String::new(),
                    instructions,
                });
            } else if let Some(comment) = text.strip_prefix("<!-- test: ") {
                let comment = comment.strip_suffix(" -->").unwrap_or(comment);
                instructions.extend(comment.split("; ").map(Instruction::parse));
            } else {
                document.prose.push((line, text.to_owned()));
            }
        }
        assert!(block.is_none(), "{path}: a block is not closed");
        assert!(
            instructions.is_empty(),
            "{path}: no block follows {instructions:?}"
        );
        document
    }

    /// What stands between back quotes, with the numbers of the lines.
    pub fn code_spans(&self) -> Vec<(usize, String)> {
        let spans = |text: &str| {
            text.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        self.prose
            .iter()
            .flat_map(|(line, text)| spans(text).into_iter().map(|span| (*line, span)))
            .collect()
    }

    /// The rows of the table whose first header cell is `first`: their cells.
    pub fn table(&self, first: &str) -> Vec<Vec<String>> {
        let cells = |text: &str| -> Vec<String> {
            let inner = text
                .trim()
                .trim_start_matches('|')
                .trim_end_matches('|')
                .replace("\\|", "\u{0}");
            inner
                .split('|')
                .map(|cell| cell.trim().replace('\u{0}', "|"))
                .collect()
        };
        let mut lines = self.prose.iter().map(|(_, text)| text).skip_while(|text| {
            !text.starts_with('|') || cells(text).first().is_none_or(|cell| cell != first)
        });
        assert!(
            lines.next().is_some(),
            "{}: there is no table whose first column is {first:?}",
            self.path
        );
        lines
            .skip(1)
            .take_while(|text| text.starts_with('|'))
            .map(|text| cells(text))
            .collect()
    }
}

impl Instruction {
    fn parse(text: &str) -> Self {
        let after = |prefix: &str| text.strip_prefix(prefix).map(str::to_owned);
        if let Some(ready) = after("server, ready when ") {
            let printed = ready
                .strip_prefix("it prints ")
                .map(|text| text.trim_matches('"').to_owned());
            let url = ready.strip_suffix(" answers").map(str::to_owned);
            return match (printed, url) {
                (Some(text), _) => Self::Server(Ready::Prints(text)),
                (None, Some(url)) => Self::Server(Ready::Answers(url)),
                (None, None) => Self::Unknown(text.to_owned()),
            };
        }
        if text == "stop the servers" {
            return Self::StopServers;
        }
        if text == "output of the block above" {
            return Self::OutputOfTheBlockAbove;
        }
        if text.starts_with("not run, needs ") {
            return Self::NotRun;
        }
        if let Some(who) = after("run by ") {
            return Self::RunBy(who.split(',').next().unwrap_or_default().to_owned());
        }
        let part = after("part of ").map(Self::PartOf);
        part.or_else(|| after("needs ").map(Self::Needs))
            .unwrap_or_else(|| Self::Unknown(text.to_owned()))
    }
}

impl Block {
    /// Whether it holds commands.
    pub fn is_shell(&self) -> bool {
        self.language == "sh"
    }

    /// Whether a person or another program runs it.
    pub fn is_run_elsewhere(&self) -> bool {
        self.instructions
            .iter()
            .any(|known| matches!(known, Instruction::NotRun | Instruction::RunBy(_)))
    }

    /// How the server that it starts says that it is ready.
    pub fn server(&self) -> Option<&Ready> {
        self.instructions.iter().find_map(|known| match known {
            Instruction::Server(ready) => Some(ready),
            _ => None,
        })
    }

    /// What is needed to run it and not here.
    pub fn missing(&self) -> Option<Missing> {
        let needed = self.instructions.iter().filter_map(|known| match known {
            Instruction::Needs(what) => Some(what.clone()),
            _ => None,
        });
        let by_language = match self.language.as_str() {
            "python" => vec!["PYTHON_WITH_CLIENTS".to_owned()],
            "js" | "ts" => vec!["node".to_owned()],
            _ => Vec::new(),
        };
        needed
            .chain(by_language)
            .find_map(|what| match what.as_str() {
                "the package registries" => std::env::var_os("CI").is_none().then(|| Missing {
                    why: "it downloads packages".to_owned(),
                    how: "set CI=true to run it".to_owned(),
                }),
                "PYTHON_WITH_CLIENTS" => {
                    std::env::var_os("PYTHON_WITH_CLIENTS")
                        .is_none()
                        .then(|| {
                            Missing {
                        why: "PYTHON_WITH_CLIENTS names no python3 with boto3, awscli and awscurl"
                            .to_owned(),
                        how: "see CONTRIBUTING.md".to_owned(),
                    }
                        })
                }
                path if path.contains('/') => (!session::is_there(path)).then(|| Missing {
                    why: format!("{path} is not there"),
                    how: "run a block before it, which makes it".to_owned(),
                }),
                tool => (!session::is_there(tool)).then(|| Missing {
                    why: format!("{tool} is not there"),
                    how: format!("install {tool}"),
                }),
            })
    }

    /// A block that a script of CI runs: whether the script is there and runs these commands.
    fn check_who_runs_it(&self) -> Result<(), String> {
        for known in &self.instructions {
            let Instruction::RunBy(who) = known else {
                continue;
            };
            let script = if who == "CI itself" {
                ".ci/run"
            } else {
                who.as_str()
            };
            let text = std::fs::read_to_string(Path::new(ROOT).join(script))
                .map_err(|error| format!("{script}: {error}"))?;
            for command in self
                .commands()
                .iter()
                .filter(|command| !command.starts_with("export ") && *command != script)
            {
                let start: Vec<&str> = command
                    .split_whitespace()
                    .take_while(|word| !word.starts_with('-'))
                    .take(3)
                    .collect();
                if !text.contains(&start.join(" ")) {
                    return Err(format!("{script} does not run `{command}`"));
                }
            }
        }
        Ok(())
    }

    /// Its commands, without comments.
    fn commands(&self) -> Vec<String> {
        let text = self.text.replace("\\\n", " ");
        let lines = text
            .lines()
            .map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    }

    /// Compares it with what the block above printed; `…` stands for any text.
    pub fn compare(&self, output: &str) -> Result<(), String> {
        let is_same = match (
            serde_json::from_str::<Value>(&self.text),
            serde_json::from_str::<Value>(output),
        ) {
            (Ok(shown), Ok(printed)) => fits(&shown, &printed),
            _ => glob(self.text.trim(), output.trim()),
        };
        if is_same {
            Ok(())
        } else {
            Err(format!(
                "the block above printed\n{output}\nand the document shows\n{}",
                self.text
            ))
        }
    }

    /// What is wrong with it as it stands.
    pub fn problems(&self, path: &str) -> Vec<String> {
        let at = |what: String| format!("{path}:{}: {what}", self.line);
        let mut problems: Vec<String> = self
            .instructions
            .iter()
            .filter_map(|known| self.check(known))
            .map(at)
            .collect();
        problems.extend(self.check_who_runs_it().err().map(at));
        match self.language.as_str() {
            "sh" | "python" | "js" | "ts" | "text" | "yaml" | "toml" => {}
            "rust" | "hcl"
                if self
                    .instructions
                    .iter()
                    .any(|known| matches!(known, Instruction::PartOf(_))) => {}
            "rust" | "hcl" => problems.push(at("say which file it is a part of".to_owned())),
            "json" => {
                if let Err(error) = serde_json::from_str::<Value>(&self.text) {
                    problems.push(at(format!("it is not JSON: {error}")));
                }
            }
            "" => problems.push(at("the block names no language".to_owned())),
            other => problems.push(at(format!("this test knows no language {other}"))),
        }
        problems
    }

    fn check(&self, instruction: &Instruction) -> Option<String> {
        match instruction {
            Instruction::Unknown(text) => Some(format!("this test does not understand `{text}`")),
            Instruction::PartOf(file) => {
                let Ok(source) = std::fs::read_to_string(Path::new(ROOT).join(file)) else {
                    return Some(format!("there is no file {file}"));
                };
                let lines = |text: &str| {
                    text.lines()
                        .map(|line| line.trim().to_owned())
                        .collect::<Vec<_>>()
                };
                let (part, whole) = (lines(&self.text), lines(&source));
                let is_there = whole
                    .windows(part.len().max(1))
                    .any(|window| window == part);
                (!is_there).then(|| format!("its lines do not stand in {file}"))
            }
            _ => None,
        }
    }
}

/// Whether a JSON value is as shown, where `…` in a string stands for any text.
fn fits(shown: &Value, printed: &Value) -> bool {
    match (shown, printed) {
        (Value::String(shown), Value::String(printed)) => glob(shown, printed),
        (Value::Array(shown), Value::Array(printed)) => {
            shown.len() == printed.len()
                && shown
                    .iter()
                    .zip(printed)
                    .all(|(shown, printed)| fits(shown, printed))
        }
        (Value::Object(shown), Value::Object(printed)) => {
            let fits_member = |(name, shown): (&String, &Value)| {
                printed
                    .get(name)
                    .is_some_and(|printed| fits(shown, printed))
            };
            shown.len() == printed.len() && shown.iter().all(fits_member)
        }
        (shown, printed) => shown == printed,
    }
}

/// Whether a text is as shown, where `…` stands for any text.
fn glob(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = shown
        .contains('…')
        .then(|| parts.next_back().unwrap_or_default())
    else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_for_any_text_and_nothing_else_does() {
        for (shown, printed, is_same) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a…", "abc", true),
            ("…c", "abc", true),
            ("a…c", "abc", true),
            ("a…c", "abd", false),
            ("a…b…c", "a1b2c", true),
            ("a…b…c", "a1c2b", false),
            ("aa…aa", "aaa", false),
        ] {
            assert_eq!(glob(shown, printed), is_same, "{shown} {printed}");
        }
    }

    #[test]
    fn a_block_has_its_line_language_and_instructions() {
        let text = "# T\n\n<!-- test: needs npm; server, ready when http://localhost:5173 answers -->\n```sh\nnpm run dev\n```\n`a`\n";
        let document = Document::parse("T.md", text);
        let block = &document.blocks[0];
        assert_eq!(
            (block.line, block.language.as_str(), block.text.as_str()),
            (5, "sh", "npm run dev\n")
        );
        let ready = Ready::Answers("http://localhost:5173".to_owned());
        assert_eq!(
            block.instructions,
            [
                Instruction::Needs("npm".to_owned()),
                Instruction::Server(ready)
            ]
        );
        assert_eq!(document.code_spans(), [(7, "a".to_owned())]);
    }
}

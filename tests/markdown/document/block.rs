//! A fenced block: what it is, who runs it, and what is wrong with it as it stands.

use std::path::Path;

use serde_json::Value;

use super::instruction::{Instruction, Ready};
use super::output::{fits, glob};
use crate::{ROOT, session};

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

/// Why a block cannot be run here, and what to do about it.
pub struct Missing {
    pub why: String,
    pub how: String,
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

//! What a comment before a block says to this test.

/// An instruction to this test.
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

impl Instruction {
    pub fn parse(text: &str) -> Self {
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

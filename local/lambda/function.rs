//! A function as Lambda knows it: its name, its program and its limits.

use std::time::Duration;

/// Looks at an answer; gives what there is to say about it.
pub(super) type ResponseHint = fn(&[u8]) -> Option<&'static str>;

/// A function's configuration.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The program and its arguments; it talks to the Runtime API.
    pub command: Vec<String>,
    /// Its environment variables.
    pub environment: Vec<(String, String)>,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// Its memory, in MB; told to the function, not enforced.
    pub memory: u32,
    /// How many environments may run at once before Lambda throttles; `None`: as many as are needed.
    pub reserved_concurrency: Option<usize>,
    /// Whether it gets the environment of the stack itself too, as a program that you start in a shell does.
    pub inherits_environment: bool,
    /// What the person at the terminal should know about an answer; written once.
    pub response_hint: Option<ResponseHint>,
    /// Whether what it writes is shown in the stack's terminal.
    pub echo_log: bool,
}

impl Function {
    /// How many invocations one environment serves at once: `AWS_LAMBDA_MAX_CONCURRENCY`, as Managed Instances set it.
    pub fn concurrency(&self) -> usize {
        let value = self.environment.iter().rev().find(|(name, _)| name == "AWS_LAMBDA_MAX_CONCURRENCY");
        value.and_then(|(_, value)| value.parse().ok()).unwrap_or(1).max(1)
    }
}

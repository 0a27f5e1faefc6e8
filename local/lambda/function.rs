//! The configuration of a function: its name, its program and its limits.

use std::time::Duration;

use super::platform_log::LogFormat;
use crate::throttle::Bandwidth;

/// Examines a response and returns a hint for the developer, if there is one.
pub(super) type ResponseHint = fn(&[u8]) -> Option<&'static str>;

/// The configuration of a function.
#[derive(Debug, Clone)]
pub struct Function {
    /// The function's name.
    pub name: String,
    /// The program and its arguments. The program must be a client of the Runtime API.
    pub command: Vec<String>,
    /// The function's environment variables. Of repeated names the last one counts.
    pub environment: Vec<(String, String)>,
    /// The time-out of one invocation.
    pub timeout: Duration,
    /// The memory in MB, which the function can read but which is not enforced.
    pub memory: u32,
    /// The number of environments above which Lambda throttles; `None` for no reserved
    /// concurrency.
    pub reserved_concurrency: Option<usize>,
    /// Whether the process inherits all environment variables of the stack, as a program does that
    /// is started in a shell.
    pub inherits_environment: bool,
    /// Finds a hint about a response, which is printed once.
    pub response_hint: Option<ResponseHint>,
    /// Whether to print what the process writes.
    pub echo_log: bool,
    /// The limits of streamed responses; `None` for none.
    pub stream_bandwidth: Option<Bandwidth>,
}

impl Function {
    /// How many invocations one environment works on at the same time:
    /// `AWS_LAMBDA_MAX_CONCURRENCY`, as Lambda Managed Instances set it.
    pub fn concurrency(&self) -> usize {
        let value = self.variable("AWS_LAMBDA_MAX_CONCURRENCY");
        value
            .and_then(|value| value.parse().ok())
            .unwrap_or(1)
            .max(1)
    }

    /// The format of the log: `AWS_LAMBDA_LOG_FORMAT`.
    pub(super) fn log_format(&self) -> LogFormat {
        match self.variable("AWS_LAMBDA_LOG_FORMAT") {
            Some(format) if format.eq_ignore_ascii_case("JSON") => LogFormat::Json,
            _ => LogFormat::Text,
        }
    }

    /// The value of a variable; of repeated ones the last counts.
    fn variable(&self, name: &str) -> Option<&str> {
        let mut variables = self.environment.iter().rev();
        variables
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

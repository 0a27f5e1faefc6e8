//! Removes empty `AWS_…` variables from the process before anything reads them.
//!
//! SAM CLI sets a variable to the empty text where a template's intrinsic function has no value.
//! The AWS SDK reads the environment itself, and takes an empty variable for a value: an empty
//! `AWS_ENDPOINT_URL_LAMBDA` makes it panic. The program therefore starts itself once more without
//! them, which keeps its process id, and needs no unsafe change of the environment. Lambda sets no
//! empty variable, so this costs nothing there.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::ConfigError;

/// Returns at once if no `AWS_…` variable is empty; otherwise replaces the process by one without
/// those that are.
pub fn drop_empty_variables() -> Result<(), ConfigError> {
    let empty = empty_variables(std::env::vars_os());
    if empty.is_empty() {
        return Ok(());
    }
    let program = std::env::current_exe().map_err(|error| problem(&empty, &error))?;
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments);
    for name in &empty {
        command.env_remove(name);
    }
    Err(problem(&empty, &command.exec()))
}

fn empty_variables(variables: impl Iterator<Item = (OsString, OsString)>) -> Vec<OsString> {
    let is_aws = |name: &OsString| name.to_str().is_some_and(|name| name.starts_with("AWS_"));
    variables
        .filter(|(name, value)| value.is_empty() && is_aws(name))
        .map(|(name, _)| name)
        .collect()
}

fn problem(empty: &[OsString], error: &std::io::Error) -> ConfigError {
    let names: Vec<_> = empty.iter().map(|name| name.to_string_lossy()).collect();
    ConfigError(vec![format!(
        "{} is set to an empty text: unset it ({error})",
        names.join(", ")
    )])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_empty_variables_whose_name_begins_with_aws_are_removed() {
        let variables = [
            ("AWS_REGION", ""),
            ("AWS_PROFILE", "me"),
            ("REQUIRED_FIELDS", ""),
            ("AWS_ENDPOINT_URL_LAMBDA", ""),
        ];
        let found = empty_variables(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into())),
        );
        assert_eq!(found, ["AWS_REGION", "AWS_ENDPOINT_URL_LAMBDA"]);
    }
}

//! The process of a function: its environment variables as Lambda sets them, and its end with all
//! its child processes.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::process::Command;

use super::function::Function;
use crate::aws::REGION;

/// The variables that a function inherits from the stack unless it inherits all of them.
const INHERITED_VARIABLES: [&str; 6] = [
    "PATH",
    "HOME",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "TMPDIR",
];

/// The handler of a function of a runtime `provided.…`, as in the template.
const HANDLER: &str = "bootstrap";

/// The command that starts the function, with the environment variables that Lambda sets and the
/// writing ends for its standard output and standard error.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
pub(super) fn command(
    function: &Function,
    runtime_api: &str,
    [stdout, stderr]: [Stdio; 2],
) -> io::Result<Command> {
    let (program, arguments) = function
        .command
        .split_first()
        .ok_or_else(|| io::Error::other("the command is empty"))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .kill_on_drop(true);
    // A process group of its own, so that Ctrl-C reaches the stack only, and child processes end
    // with the function.
    command.process_group(0);
    if !function.inherits_environment {
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| {
                INHERITED_VARIABLES
                    .iter()
                    .any(|inherited| name == inherited)
            }));
    }
    let task_root = std::env::current_dir()?;
    let memory = function.memory.to_string();
    let log_group = format!("/aws/lambda/{}", function.name);
    command
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
        .env("AWS_LAMBDA_LOG_GROUP_NAME", log_group)
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "local/[$LATEST]")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        // As for every runtime `provided.…`, of which this variable is not defined.
        .env_remove("AWS_EXECUTION_ENV")
        .env("LAMBDA_TASK_ROOT", task_root)
        .env("_HANDLER", HANDLER)
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("TZ", ":UTC")
        .envs(
            function
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
    Ok(command)
}

/// Kills the process group: the process and its child processes.
pub(super) fn kill_group(pid: Option<u32>) {
    let group = pid
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // An `Err` means that no process of the group is left.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// The exit status in Lambda's wording; `None` for status 0.
pub(super) fn describe_exit(status: ExitStatus) -> Option<String> {
    use std::os::unix::process::ExitStatusExt;
    if let Some(code) = status.code() {
        return (code != 0).then(|| format!("exit status {code}"));
    }
    match status.signal() {
        Some(9) => Some("signal: killed".to_owned()),
        signal => Some(format!("signal: {}", signal.unwrap_or_default())),
    }
}

/// The peak memory of a process in MB; 0 if the system does not report it.
#[cfg(target_os = "linux")]
pub(super) fn peak_memory_mb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or_default()
        / 1024
}

/// The present memory of a process in MB by `ps`, because systems other than Linux do not report
/// the peak.
#[cfg(not(target_os = "linux"))]
pub fn peak_memory_mb(pid: u32) -> u64 {
    let output = std::process::Command::new("ps")
        .args(["-o", "rss=", "-p", &pid.to_string()])
        .output();
    let kilobytes = output.ok().and_then(|output| {
        String::from_utf8(output.stdout)
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    });
    kilobytes.unwrap_or_default() / 1024
}

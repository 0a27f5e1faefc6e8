//! Why the stack does not start.

use std::net::IpAddr;

use super::template::CORE;
use crate::lambda::StartFailure;

/// The explanation of `--core` in the error for a core function that does not start.
const CORE_HINT: &str = "\nA core is a program that asks the Lambda Runtime API (AWS_LAMBDA_RUNTIME_API) for work, in any language: \
    for example --core \"python3 -m awslambdaric app.handler\" (pip install awslambdaric).";

/// The reason why the stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stack cannot listen on a port.
    #[error(
        "port {port} for {what} is in use at {address}, or may not be taken ({source}): give another with --port, or 0 for any"
    )]
    Port {
        /// The port's number.
        port: u16,
        /// The address on which listening failed.
        address: IpAddr,
        /// The service for which the port is.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// A function's process ended before it asked for its first invocation.
    #[error("the {name} function does not start: {failure}{}", if *name == CORE { CORE_HINT } else { "" })]
    Function {
        /// The name of the function.
        name: &'static str,
        /// How the process ended, and what it has written.
        failure: StartFailure,
    },
    /// The ready file cannot be written.
    #[error("{path} cannot be written ({source}): give another file with --ready-file")]
    ReadyFile {
        /// The path of the ready file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The stack received a stop signal while it was starting.
    #[error("stopped")]
    Stopped,
    /// Any other error. Holds the message.
    #[error("{0}")]
    Other(String),
}

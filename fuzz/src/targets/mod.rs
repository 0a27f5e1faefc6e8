//! The targets, a file for each.

mod core_answer;
mod edge;
mod event_stream;
mod http_front;
mod json;
mod jws;
mod origins;
mod sigv4;

use crate::Target;

/// The targets, in the order in which they are fuzzed.
pub const TARGETS: &[Target] = &[
    edge::TARGET,
    json::TARGET,
    jws::TARGET,
    origins::TARGET,
    core_answer::TARGET,
    event_stream::TARGET,
    sigv4::TARGET,
    http_front::TARGET,
];

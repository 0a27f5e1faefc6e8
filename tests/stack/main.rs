//! The whole stack over HTTP, with real processes: what `cargo run` starts, driven from outside.

mod authorizer;
mod browser;
mod clients;
mod cognito;
mod command_line;
mod doors;
mod harness;
mod lambda;
mod log;
mod status_table;
mod template;

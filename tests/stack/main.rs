//! The whole stack over HTTP, with real processes: what `cargo run` starts, driven from outside.

mod authorizer;
mod browser;
mod clients;
mod cognito;
mod command_line;
mod doors;
mod first_steps;
mod harness;
mod lambda;
mod log;
#[path = "../not_run.rs"]
mod not_run;
mod status_table;
mod template;

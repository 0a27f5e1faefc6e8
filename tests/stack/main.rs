//! Integration tests of the whole stack: the processes that `cargo run` starts, with requests over
//! HTTP.

mod authorizer;
mod browser;
mod chunked;
mod clients;
mod cognito;
mod command_line;
mod entry_points;
mod first_steps;
mod harness;
mod identity_signature;
mod lambda;
mod log;
#[path = "../not_run.rs"]
mod not_run;
mod records;
mod rest_api;
mod status_table;
mod template;

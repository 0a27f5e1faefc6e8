//! Integration tests of the whole stack: the processes that `cargo run` starts, with requests over
//! HTTP.

mod authorizer;
mod browser;
mod chunked;
mod clients;
mod cognito;
mod cognito_policy;
mod command_line;
mod concurrency;
mod entry_points;
mod first_steps;
mod function_log;
mod harness;
mod identity_signature;
mod lambda;
mod log;
#[path = "../not_run.rs"]
mod not_run;
mod records;
mod rest_api;
mod srp;
mod status_table;
mod template;

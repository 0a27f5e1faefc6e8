//! Integration tests of the whole stack: the processes that `cargo run` starts, with requests over
//! HTTP.

mod authorizer;
mod authorizer_claims;
mod browser;
mod chunked;
mod clients;
mod cognito;
mod cognito_policy;
mod cognito_sign_in;
mod command_line;
mod concurrency;
mod core_failures;
mod direct_invoke;
#[cfg(target_os = "linux")]
mod error_lab;
mod first_steps;
mod full_disk;
mod function_log;
mod function_url;
mod function_url_stream;
mod harness;
mod hold;
mod identity_signature;
mod lambda;
mod lambda_environments;
mod log;
#[path = "../not_run.rs"]
mod not_run;
mod question;
mod record_form;
mod records;
mod replay;
mod request_lines;
mod rest_api;
mod settings;
mod srp;
mod status_table;
mod template;

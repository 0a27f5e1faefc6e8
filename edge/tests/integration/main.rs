//! The edge as a whole: the named events against a fake core, and the Lambda client against
//! endpoints on loopback.

mod ask;
mod callers;
mod clients;
mod configuration;
mod core_headers;
mod cores;
mod events;
mod faults;
mod idle;
mod invoke;
mod lambda_errors;
mod lambda_http_oracle;
mod log;
mod long_streams;
mod metrics;
mod oracle;
mod process;
mod proxy;
mod token;

//! The edge as a whole: the named events against a fake core, and the Lambda client against
//! endpoints on loopback.

mod clients;
mod cores;
mod events;
mod invoke;
mod lambda_errors;
mod lambda_http_oracle;
mod log;
mod oracle;
mod token;

//! The local stack: the AWS services that `template.yaml` uses, on one machine.
//!
//! Each service is one module, named as the AWS SDKs name it. Services send requests to each other
//! over HTTP, as in AWS, so that any of them can be replaced by the real one by a change of its
//! URL. A service does what the template asks of it, with AWS's wire forms and error messages, and
//! refuses every other operation by name. Only [`stack`] knows all the services: it configures,
//! starts and stops them.
//!
//! Only what the program (`local/main.rs`), the integration tests and the benchmarks use is public.

#![warn(unreachable_pub)]

mod apigateway;
pub mod apigatewayv2;
pub mod arguments;
mod atomic_file;
mod aws;
pub mod client;
mod cognito_identity;
pub mod cognito_idp;
mod console;
pub mod cors;
pub mod credentials;
pub mod experiment_core;
pub mod http;
mod json_protocol;
pub mod jwt;
pub mod lambda;
mod payload;
pub mod recorder;
pub mod signer;
pub mod stack;
pub mod terminal;
pub mod throttle;
mod trace;

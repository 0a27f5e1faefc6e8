//! The AWS services that `template.yaml` uses, on one machine: each a room, named as the SDKs name it.
//!
//! Rooms ask one another over HTTP, as in AWS. Each does what the template asks of the service, in AWS's own words and
//! wire forms, and refuses the rest by name. [`stack`] starts them and is the only one that knows all of them.

pub mod apigateway;
pub mod apigatewayv2;
pub mod arguments;
mod aws;
pub mod cognito_identity;
pub mod cognito_idp;
pub mod console;
pub mod cors;
pub mod credentials;
pub mod http;
pub mod json_protocol;
pub mod jwt;
pub mod lambda;
mod payload;
pub mod recorder;
pub mod signer;
pub mod stack;
pub mod terminal;
pub mod trace;

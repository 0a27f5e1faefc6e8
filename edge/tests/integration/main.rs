//! The edge as a whole: the named events against a fake core, and the Lambda client against a real
//! server on loopback.

mod events;
mod invoke;
mod issuer;
mod lambda_http_oracle;
mod oracle;
mod token;

//! Reads the environment once at start into a [`Config`]; every problem is reported together.
//!
//! No other file of the edge reads the environment. The look-up is injected, so that no test sets a
//! variable.

mod access;
mod answer;
mod environment;
mod network;
mod payload;
mod process;
mod value;

use std::fmt;

use lambda_client::{Proxy, Roots};

use crate::pipeline::Settings;
use crate::runtime_api::RuntimeApi;
use crate::stages::respond::CoreReplyShape;
use crate::stages::route::{Route, RouteTable};
use environment::Environment;
pub use process::drop_empty_variables;
use value::{function_name, method_name};

/// Everything that can be configured.
#[derive(Debug)]
pub struct Config {
    /// `TARGET_LAMBDA_NAME`: name, ARN, or ARN with version or alias.
    pub target: String,
    /// What the stages need.
    pub settings: Settings,
    /// `SSL_CERT_FILE`, `SSL_CERT_DIR`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_LAMBDA`,
    /// `AWS_REGION`: whether the endpoint is AWS's own.
    pub roots: Roots,
    /// `HTTPS_PROXY`, `NO_PROXY`: by which proxy Lambda's endpoint is reached, if it has TLS.
    pub proxy: Proxy,
    /// Whether the environment has credentials, as Lambda's mostly does.
    pub has_credentials: bool,
    /// `AWS_LAMBDA_RUNTIME_API`, where invocations come from and answers go.
    pub runtime_api: Option<RuntimeApi>,
}

/// The problems of the environment, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// Every variable of the edge's own, beside those of AWS and of its runtime.
pub const VARIABLES: [&str; 28] = [
    "TARGET_LAMBDA_NAME",
    "ALLOWED_ORIGINS",
    "REQUIRED_FIELDS",
    "ALLOWED_METHODS",
    "ROUTES",
    "ALLOWED_HEADERS",
    "IDENTITY_CLAIMS",
    "TOKEN_USE",
    "ALLOWED_GROUPS",
    "ALLOWED_EMAILS",
    "ALLOW_ANONYMOUS",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "RESPONSE",
    "STREAM_HEARTBEAT_S",
    "STREAM_MAX_S",
    "PAYLOAD",
    "IDENTITY_SIGNING_KEY",
    "CORE_REPLY",
    "CORE_TIMEOUT_MS",
    "TENANT_CLAIM",
    "ERROR_DETAIL",
    "CORS",
    "LOG_LEVEL",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
];

/// Variables that Lambda sets: without them something else has started this program.
const PLATFORM: [&str; 2] = ["AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME"];

impl Config {
    /// Reads the process's environment, which must be one that Lambda, or the local stack, made.
    pub fn from_process() -> Result<Self, ConfigError> {
        let look_up = |name: &str| std::env::var(name).ok();
        let absent: Vec<_> = PLATFORM
            .into_iter()
            .filter(|name| look_up(name).is_none_or(|value| value.is_empty()))
            .collect();
        if absent.is_empty() {
            return Self::read(look_up);
        }
        let problem = format!(
            "{} not set: Lambda starts this program; on your own machine, `cargo run` does",
            absent.join(", ")
        );
        Err(ConfigError(vec![problem]))
    }

    /// Reads every variable through `look_up`, or gives every problem.
    pub fn read(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut env = Environment::new(&look_up);
        let methods = env.list("ALLOWED_METHODS", "POST", |method| method_name(&method));
        if methods.is_empty()
            && look_up("ALLOWED_METHODS")
                .is_some_and(|value| value.split(',').all(|item| item.trim().is_empty()))
        {
            env.problem("ALLOWED_METHODS is empty: write POST, GET or both, or leave it unset");
        }
        let target = env.required(
            "TARGET_LAMBDA_NAME",
            "the name or ARN of the core function",
            function_name,
        );
        let proxy = network::proxy(&mut env);
        let settings = Settings {
            access: access::access(&mut env),
            required_fields: required_fields(&mut env),
            payload: payload::payload_shape(&mut env),
            identity_signer: payload::identity_signer(&mut env),
            core_reply: env.choice(
                "CORE_REPLY",
                &[
                    ("raw", CoreReplyShape::Raw),
                    ("proxy", CoreReplyShape::Proxy),
                ],
                CoreReplyShape::Raw,
            ),
            core_timeout: env.millis("CORE_TIMEOUT_MS"),
            error_detail: answer::error_detail(&mut env),
            cors: answer::cors(&mut env, &methods),
            platform_cors: answer::platform_cors(&mut env),
            log: answer::log(&mut env),
            issuer: access::issuer(&mut env, &proxy),
            response: answer::response_mode(&mut env),
            stream: answer::stream(&mut env),
            function_name: env
                .value("AWS_LAMBDA_FUNCTION_NAME")
                .unwrap_or_else(|| "edge".to_owned()),
            route_table: RouteTable {
                methods,
                routes: env.list("ROUTES", "", |route| Route::parse(&route)),
            },
        };
        let config = Self {
            target,
            settings,
            roots: network::roots(&env),
            proxy,
            has_credentials: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
                .iter()
                .all(|name| env.value(name).is_some()),
            runtime_api: network::runtime_api(&mut env),
        };
        network::refuse_http_proxy(&mut env);
        env.finish(config)
    }
}

fn required_fields(env: &mut Environment) -> Vec<String> {
    let mut fields: Vec<String> = env.list("REQUIRED_FIELDS", "partner,year,period,question", Ok);
    let mut seen = std::collections::HashSet::new();
    fields.retain(|field| seen.insert(field.clone()));
    fields
}

#[cfg(test)]
mod tests;

//! Reads the environment once at start into a [`Config`]; every problem is reported together.
//!
//! No other file of the edge reads the environment. The look-up is injected, so that no test sets a
//! variable.

mod environment;
mod process;
mod value;

use std::fmt;

use lambda_client::Roots;

use crate::cors::{Cors, OriginRule};
use crate::pipeline::{ResponseMode, Settings};
use crate::runtime_api::RuntimeApi;
use crate::stages::authorize::Access;
use crate::stages::enrich::PayloadShape;
use crate::stages::respond::{CoreReplyShape, ErrorDetail};
use crate::stages::route::{Route, RouteTable};
use crate::stages::token::Issuer;
use crate::telemetry::LogFormat;
use environment::Environment;
pub use process::drop_empty_variables;
use value::{email_rule, function_name, header_name, identity_claim, method_name};

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
pub const VARIABLES: [&str; 22] = [
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
    "PAYLOAD",
    "CORE_REPLY",
    "CORE_TIMEOUT_MS",
    "TENANT_CLAIM",
    "ERROR_DETAIL",
    "CORS",
    "LOG_LEVEL",
    "SSL_CERT_FILE",
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
        let settings = Settings {
            access: access(&mut env),
            required_fields: required_fields(&mut env),
            payload: env.choice(
                "PAYLOAD",
                &[
                    ("envelope", PayloadShape::Envelope),
                    ("bare", PayloadShape::Bare),
                ],
                PayloadShape::Envelope,
            ),
            core_reply: env.choice(
                "CORE_REPLY",
                &[
                    ("raw", CoreReplyShape::Raw),
                    ("proxy", CoreReplyShape::Proxy),
                ],
                CoreReplyShape::Raw,
            ),
            core_timeout: env.millis("CORE_TIMEOUT_MS"),
            error_detail: error_detail(&mut env),
            cors: cors(&mut env, &methods),
            platform_cors: env.choice("CORS", &[("edge", false), ("platform", true)], false),
            log: log(&mut env),
            issuer: issuer(&mut env),
            response: env.choice(
                "RESPONSE",
                &[
                    ("buffered", ResponseMode::Buffered),
                    ("stream", ResponseMode::Stream),
                ],
                ResponseMode::Buffered,
            ),
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
            roots: roots(&env),
            has_credentials: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
                .iter()
                .all(|name| env.value(name).is_some()),
            runtime_api: runtime_api(&mut env),
        };
        env.finish(config)
    }
}

fn runtime_api(env: &mut Environment) -> Option<RuntimeApi> {
    let value = env.value("AWS_LAMBDA_RUNTIME_API")?;
    let parsed = RuntimeApi::parse(&value);
    let api = parsed
        .map_err(|why| env.problem(format!("AWS_LAMBDA_RUNTIME_API: `{value}`: {why}")))
        .ok()?;
    // Lambda sets these two; what is no number above 0 counts as 1, as in lambda_runtime.
    let max_concurrency = env
        .value("AWS_LAMBDA_MAX_CONCURRENCY")
        .and_then(|number| number.parse().ok())
        .unwrap_or(1)
        .max(1);
    let is_snap_start =
        env.value("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() == Some("snap-start");
    Some(RuntimeApi {
        max_concurrency,
        is_snap_start,
        ..api
    })
}

fn required_fields(env: &mut Environment) -> Vec<String> {
    let mut fields: Vec<String> = env.list("REQUIRED_FIELDS", "partner,year,period,question", Ok);
    let mut seen = std::collections::HashSet::new();
    fields.retain(|field| seen.insert(field.clone()));
    fields
}

fn access(env: &mut Environment) -> Access {
    let access = Access {
        token_use: env.choice(
            "TOKEN_USE",
            &[
                ("id", Some("id")),
                ("access", Some("access")),
                ("any", None),
            ],
            Some("id"),
        ),
        groups: env.list("ALLOWED_GROUPS", "", Ok),
        emails: env.list("ALLOWED_EMAILS", "", email_rule),
        anonymous: env.choice(
            "ALLOW_ANONYMOUS",
            &[("true", true), ("false", false)],
            false,
        ),
        identity_claims: env.list("IDENTITY_CLAIMS", "", identity_claim),
        tenant_claim: env.value("TENANT_CLAIM"),
    };
    let bound_to_a_caller =
        !access.groups.is_empty() || !access.emails.is_empty() || access.tenant_claim.is_some();
    if access.anonymous && bound_to_a_caller {
        env.problem(
            "ALLOW_ANONYMOUS=true allows callers without an identity, which ALLOWED_GROUPS, ALLOWED_EMAILS and \
             TENANT_CLAIM need: unset one or the other",
        );
    }
    access
}

/// Either both variables or neither: without an audience, tokens that were made for another app
/// would be accepted.
fn issuer(env: &mut Environment) -> Option<Issuer> {
    let audience = env.list("JWT_AUDIENCE", "", Ok);
    let Some(url) = env.value("JWT_ISSUER") else {
        if !audience.is_empty() {
            env.problem("JWT_AUDIENCE is set without JWT_ISSUER: give it the issuer, as it stands in the tokens' iss");
        }
        return None;
    };
    if !jws::is_https_or_loopback(&url) {
        env.problem(format!(
            "JWT_ISSUER: `{url}`: write the issuer's https:// URL (http:// for localhost alone)"
        ));
    }
    if audience.is_empty() {
        env.problem("JWT_ISSUER is set without JWT_AUDIENCE: give it the app client ids that tokens must be for");
    }
    let is_amazons = url.starts_with("https://cognito-idp.")
        && url
            .split('/')
            .nth(2)
            .is_some_and(|host| host.ends_with(".amazonaws.com"));
    let roots = if is_amazons {
        roots(env)
    } else {
        named_roots(env)
    };
    Some(Issuer {
        url,
        audience,
        roots,
    })
}

/// The trust anchors for Lambda's endpoint. AWS's own endpoints have certificates of Amazon, except
/// in partitions of their own; other endpoints may have any.
fn roots(env: &Environment) -> Roots {
    let is_apart = |region: String| {
        region.starts_with("cn-") || region.starts_with("eusc-") || region.contains("-iso")
    };
    let is_elsewhere = env.value("AWS_REGION").is_some_and(is_apart);
    let endpoint = env
        .value("AWS_ENDPOINT_URL_LAMBDA")
        .or_else(|| env.value("AWS_ENDPOINT_URL"));
    let is_anothers = endpoint.is_some_and(|url| !url.starts_with("http://"));
    let is_named = env
        .value("SSL_CERT_FILE")
        .or_else(|| env.value("SSL_CERT_DIR"))
        .is_some();
    if is_elsewhere || is_anothers || is_named {
        named_roots(env)
    } else {
        Roots::Amazon
    }
}

/// The trust anchors that the environment names, or the system's.
fn named_roots(env: &Environment) -> Roots {
    match (env.value("SSL_CERT_FILE"), env.value("SSL_CERT_DIR")) {
        (Some(file), None) => Roots::File(file.into()),
        _ => Roots::System,
    }
}

fn error_detail(env: &mut Environment) -> ErrorDetail {
    let words = [
        ("none", ErrorDetail::None),
        ("message", ErrorDetail::Message),
        ("full", ErrorDetail::Full),
    ];
    env.choice("ERROR_DETAIL", &words, ErrorDetail::Message)
}

fn cors(env: &mut Environment, methods: &[String]) -> Cors {
    let origins = env.list("ALLOWED_ORIGINS", "", |origin| OriginRule::parse(&origin));
    if origins.len() > 1 && origins.contains(&OriginRule::Any) {
        env.problem("ALLOWED_ORIGINS: `*` opens the answers to every origin: write it alone, or leave it out");
    }
    let headers = env.list("ALLOWED_HEADERS", "", header_name);
    Cors::new(origins, methods, &headers)
}

fn log(env: &mut Environment) -> LogFormat {
    use tracing::Level;
    let words = [
        ("TRACE", Level::TRACE),
        ("DEBUG", Level::DEBUG),
        ("INFO", Level::INFO),
        ("WARN", Level::WARN),
        ("ERROR", Level::ERROR),
        ("FATAL", Level::ERROR),
    ];
    let own = env.choice("LOG_LEVEL", &words, Level::INFO);
    LogFormat {
        level: env.choice("AWS_LAMBDA_LOG_LEVEL", &words, own),
        json: env.choice(
            "AWS_LAMBDA_LOG_FORMAT",
            &[("JSON", true), ("Text", false)],
            true,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let config = read(&[("TARGET_LAMBDA_NAME", "core")]).expect("a config");
        insta::assert_debug_snapshot!(config);
    }

    #[test]
    fn every_problem_is_reported_at_once_with_its_variable_its_value_and_the_fix() {
        let error = read(&[
            (
                "ALLOWED_ORIGINS",
                "https://a.example/,*.example.com,ftp://x",
            ),
            ("ALLOWED_METHODS", "POST,OPTIONS,BREW"),
            ("ALLOWED_HEADERS", "X Y"),
            ("ALLOWED_EMAILS", "nobody"),
            ("ALLOW_ANONYMOUS", "yes"),
            ("IDENTITY_CLAIMS", "sub,arn"),
            ("PAYLOAD", "wrapped"),
            ("CORE_TIMEOUT_MS", "3s"),
            ("JWT_ISSUER", "http://issuer.example"),
            ("RESPONSE", "trickle"),
            ("ROUTES", "inference"),
            ("LOG_LEVEL", "loud"),
        ])
        .expect_err("problems");
        insta::assert_snapshot!(error);
    }

    #[test]
    fn anonymous_callers_and_rules_about_callers_exclude_each_other() {
        for (name, value) in [
            ("ALLOWED_GROUPS", "staff"),
            ("ALLOWED_EMAILS", "*@example.edu"),
            ("TENANT_CLAIM", "custom:tenant"),
        ] {
            let pairs = [
                ("TARGET_LAMBDA_NAME", "core"),
                ("ALLOW_ANONYMOUS", "true"),
                (name, value),
            ];
            let error = read(&pairs).expect_err(name);
            assert!(
                error.to_string().starts_with("ALLOW_ANONYMOUS=true"),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn the_list_of_variables_is_what_is_read() {
        let read = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let _ = Config::read(|name| {
            read.borrow_mut().insert(name.to_owned());
            // An issuer makes the edge read where its keys come from.
            (name == "JWT_ISSUER").then(|| "https://issuer.example".to_owned())
        });
        let own = |name: &&String| !name.starts_with("AWS_") && *name != "SSL_CERT_DIR";
        let read = read.into_inner();
        let read: Vec<_> = read.iter().filter(own).map(String::as_str).collect();
        let mut listed = VARIABLES.to_vec();
        listed.sort_unstable();
        assert_eq!(read, listed);
    }

    #[test]
    fn an_empty_list_of_required_fields_requires_none() {
        let config =
            read(&[("TARGET_LAMBDA_NAME", "core"), ("REQUIRED_FIELDS", "")]).expect("a config");
        assert_eq!(config.settings.required_fields, [""; 0]);
    }

    #[test]
    fn lambdas_own_log_level_takes_precedence_over_log_level() {
        let pairs = [
            ("TARGET_LAMBDA_NAME", "core"),
            ("LOG_LEVEL", "debug"),
            ("AWS_LAMBDA_LOG_LEVEL", "WARN"),
        ];
        assert_eq!(
            read(&pairs).expect("a config").settings.log.level,
            tracing::Level::WARN
        );
    }
}

//! The functions of the stack and the permissions to invoke them, as the template configures them.

use std::time::Duration;

use super::StartError;
use super::description::Urls;
use super::hints::proxy_response_hint;
use super::template::{
    CORE, CORE_STREAM, CORE_TIMEOUT, EDGE, EDGE_OPEN, EDGE_STREAM, EDGE_TIMEOUT, MEMORY,
    STREAM_CORE_TIMEOUT, STREAM_EDGE_TIMEOUT,
};
use crate::arguments::StackArguments;
use crate::aws::{LAMBDA_STREAM_BURST, LAMBDA_STREAM_RATE, USER_POOL_CLIENT_ID};
use crate::credentials::{CredentialStore, Principal};
use crate::experiment_core::{SLEEPING_CORE, THROTTLED_CORE, THROWING_CORE};
use crate::lambda::{Function, InvokePermission, PermittedPrincipal};
use crate::throttle::Bandwidth;

/// The variable of the edge that its core function has too.
const SIGNING_KEY: &str = "IDENTITY_SIGNING_KEY";
/// The time-out of the core function that never answers, in seconds: how long its experiment takes.
const SLEEPING_CORE_TIMEOUT: u64 = 1;
/// The origins of development servers that are allowed by default: Vite's and Create React App's.
const DEVELOPMENT_ORIGINS: &str = "http://localhost:5173,http://localhost:3000";

/// The edge functions, of which the first is the API's, and the core functions.
pub(super) fn functions(
    arguments: &StackArguments,
    urls: &Urls,
    store: &CredentialStore,
) -> Result<Vec<Function>, StartError> {
    let program = std::env::current_exe()
        .map_err(|error| StartError::Other(format!("this program has no path: {error}")))?;
    let builder = FunctionBuilder {
        program: program.display().to_string(),
        arguments,
        urls,
        store,
    };
    let mut functions = vec![
        builder.edge(EDGE, &[("TARGET_LAMBDA_NAME", CORE)]),
        builder.edge(
            EDGE_OPEN,
            &[
                ("TARGET_LAMBDA_NAME", CORE),
                ("JWT_ISSUER", &urls.issuer()),
                ("JWT_AUDIENCE", USER_POOL_CLIENT_ID),
            ],
        ),
        builder.edge(
            EDGE_STREAM,
            &[
                ("TARGET_LAMBDA_NAME", CORE_STREAM),
                ("RESPONSE", "stream"),
                ("CORS", "platform"),
            ],
        ),
        builder.core(CORE, &[]),
        builder.core(CORE_STREAM, &[("RESPONSE", "stream")]),
    ];
    functions.extend(builder.experiment_cores());
    Ok(functions)
}

/// Builds functions from the options of the stack.
struct FunctionBuilder<'a> {
    program: String,
    arguments: &'a StackArguments,
    urls: &'a Urls,
    store: &'a CredentialStore,
}

impl FunctionBuilder<'_> {
    fn edge(&self, name: &str, variables: &[(&str, &str)]) -> Function {
        let pages = [Some(&self.urls.console), self.urls.web.as_ref()];
        let origins: Vec<&str> = pages
            .iter()
            .flatten()
            .map(|url| url.as_str())
            .chain(DEVELOPMENT_ORIGINS.split(','))
            .collect();
        let mut environment = self.role(name);
        environment.extend(pairs(&[
            ("ALLOWED_ORIGINS", &origins.join(",")),
            ("ALLOWED_METHODS", "GET,POST"),
        ]));
        environment.extend(pairs(&[("AWS_ENDPOINT_URL_LAMBDA", &self.urls.lambda)]));
        environment.extend(pairs(variables));
        environment.extend(self.arguments.environment.iter().cloned());
        let timeout = match name {
            EDGE_STREAM => STREAM_EDGE_TIMEOUT,
            _ => EDGE_TIMEOUT,
        };
        self.function(name, "edge", environment, timeout)
    }

    fn core(&self, name: &str, variables: &[(&str, &str)]) -> Function {
        let mut environment = self.role(name);
        environment.extend(pairs(variables));
        let timeout = match name {
            CORE_STREAM => STREAM_CORE_TIMEOUT,
            _ => CORE_TIMEOUT,
        };
        let mut core = self.function(name, "core", environment, timeout);
        core.reserved_concurrency = self.arguments.core_concurrency;
        let unwraps_proxy_responses = self
            .arguments
            .environment
            .iter()
            .any(|(name, value)| name == "CORE_REPLY" && value == "proxy");
        core.response_hint =
            (!unwraps_proxy_responses && !self.arguments.quiet).then_some(proxy_response_hint);
        if let Some(command) = &self.arguments.core {
            core.command.clone_from(&command.0);
            // It keeps the AWS credentials of the developer, because it may call other services.
            core.inherits_environment = true;
            core.environment.clear();
        }
        // Edge and core have the key in common: one signs with it, the other verifies.
        let signing_key = self.arguments.environment.iter();
        let signing_key = signing_key.filter(|(name, _)| name == SIGNING_KEY);
        core.environment.extend(signing_key.cloned());
        core
    }

    /// The functions that take core's place in the error lab. None of them runs before it is used.
    /// Only the one that never answers has a time-out of a second: the others must not meet it on a
    /// busy machine.
    fn experiment_cores(&self) -> [Function; 3] {
        let core = |name, timeout| self.function(name, name, Vec::new(), timeout);
        let mut throttled = core(THROTTLED_CORE, CORE_TIMEOUT);
        throttled.reserved_concurrency = Some(0);
        [
            core(THROWING_CORE, CORE_TIMEOUT),
            core(SLEEPING_CORE, SLEEPING_CORE_TIMEOUT),
            throttled,
        ]
    }

    fn function(
        &self,
        name: &str,
        kind: &str,
        environment: Vec<(String, String)>,
        timeout: u64,
    ) -> Function {
        Function {
            name: name.to_owned(),
            command: vec![self.program.clone(), "function".to_owned(), kind.to_owned()],
            environment,
            timeout: Duration::from_secs(timeout),
            memory: MEMORY,
            reserved_concurrency: None,
            inherits_environment: false,
            response_hint: None,
            echo_log: !self.arguments.quiet,
            stream_bandwidth: (!self.arguments.no_throttling).then_some(Bandwidth {
                burst: LAMBDA_STREAM_BURST,
                rate: LAMBDA_STREAM_RATE,
            }),
        }
    }

    /// The variables with the credentials of the function's execution role.
    fn role(&self, name: &str) -> Vec<(String, String)> {
        let role = self
            .store
            .issue_for_role(Principal::Function(name.to_owned()));
        pairs(&[
            ("AWS_ACCESS_KEY_ID", &role.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &role.secret_access_key),
            (
                "AWS_SESSION_TOKEN",
                role.session_token.as_deref().unwrap_or_default(),
            ),
        ])
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The value of a function's variable, which is the last one of its name; empty if there is none.
pub(super) fn variable(function: &Function, name: &str) -> String {
    let value = function
        .environment
        .iter()
        .rev()
        .find(|(known, _)| known == name);
    value.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// The permissions of the template's roles and resource policies: the APIs and signed-in users may
/// invoke the edge and its streaming variant, and each edge function its target.
pub(super) fn permissions(functions: &[Function]) -> Vec<InvokePermission> {
    let permission = |principal: PermittedPrincipal, function: &str| InvokePermission {
        principal,
        function: function.to_owned(),
    };
    let mut permissions = vec![
        permission(PermittedPrincipal::ApiGateway, EDGE),
        permission(PermittedPrincipal::ApiGateway, EDGE_STREAM),
        permission(PermittedPrincipal::SignedInUser, EDGE),
        permission(PermittedPrincipal::SignedInUser, EDGE_STREAM),
    ];
    for edge in functions
        .iter()
        .filter(|function| function.name.starts_with(EDGE))
    {
        let target = variable(edge, "TARGET_LAMBDA_NAME");
        let target = target
            .rsplit_once(":function:")
            .map_or(target.as_str(), |(_, name)| name);
        let target = target.split(':').next().unwrap_or_default();
        permissions.push(permission(
            PermittedPrincipal::Function(edge.name.clone()),
            target,
        ));
    }
    permissions
}

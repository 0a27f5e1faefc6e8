//! The functions of the stack and the permissions to invoke them, as the template configures them.

use std::time::Duration;

use serde::Deserialize;

use super::description::Urls;
use super::{
    CORE, CORE_STREAM, CORE_TIMEOUT, EDGE, EDGE_OPEN, EDGE_STREAM, EDGE_TIMEOUT, MEMORY,
    STREAM_CORE_TIMEOUT, STREAM_EDGE_TIMEOUT, StartError,
};
use crate::arguments::StackArguments;
use crate::aws::USER_POOL_CLIENT_ID;
use crate::credentials::{CredentialStore, Principal};
use crate::experiment_core::{SLEEPING_CORE, THROTTLED_CORE, THROWING_CORE};
use crate::lambda::{Function, InvokePermission, PermittedPrincipal};

/// The variable of the edge that its core function has too.
const SIGNING_KEY: &str = "IDENTITY_SIGNING_KEY";
/// The longest response that is examined for a hint, in bytes.
const MAX_EXAMINED_RESPONSE: usize = 64 * 1024;
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
    fn experiment_cores(&self) -> [Function; 3] {
        let second = Duration::from_secs(1);
        let core = |name: &str| {
            let mut core = self.function(name, name, Vec::new(), CORE_TIMEOUT);
            core.timeout = second;
            core
        };
        let mut throttled = core(THROTTLED_CORE);
        throttled.reserved_concurrency = Some(0);
        [core(THROWING_CORE), core(SLEEPING_CORE), throttled]
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

/// The hint about a core function that responds in the form of a proxy integration, which the edge
/// passes on unchanged by default.
fn proxy_response_hint(reply: &[u8]) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct ProxyResponse {
        #[serde(rename = "statusCode")]
        _status: u16,
    }
    let may_be_one = reply.first() == Some(&b'{') && reply.len() <= MAX_EXAMINED_RESPONSE;
    may_be_one.then(|| serde_json::from_slice::<ProxyResponse>(reply).ok()).flatten().map(|_| {
        "it answered with an object that has a statusCode, as a function behind API Gateway does. The caller gets this object as \
         it is; start the stack with --env CORE_REPLY=proxy for the edge to make a response of it."
    })
}

/// Warns of variables that the edge does not read, with the most similar one that it reads.
pub(super) fn warn_of_unknown_variables(environment: &[(String, String)]) {
    for (name, _) in environment {
        if let Some(warning) = unknown_variable_warning(name) {
            eprintln!("warning: {warning}");
        }
    }
}

fn unknown_variable_warning(name: &str) -> Option<String> {
    if edge::config::VARIABLES.contains(&name) || name.starts_with("AWS_") || name == "SSL_CERT_DIR"
    {
        return None;
    }
    let distance = |known: &&&str| strsim::damerau_levenshtein(&name.to_ascii_uppercase(), known);
    let nearest = edge::config::VARIABLES
        .iter()
        .min_by_key(distance)
        .filter(|known| distance(known) <= 4);
    let suggestion = nearest.map_or_else(
        || "docs/configuration.md lists those that it has".to_owned(),
        |known| format!("did you mean {known}?"),
    );
    Some(format!(
        "--env {name}: the edge does not read this variable: {suggestion}"
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_the_edge_does_not_have_is_named_with_the_nearest() {
        for (name, warning) in [
            ("PAYLOAD", None),
            ("AWS_ENDPOINT_URL_LAMBDA", None),
            ("payload", Some("did you mean PAYLOAD?")),
            ("ALLOWED_ORIGIN", Some("did you mean ALLOWED_ORIGINS?")),
            (
                "CORE_RESPONSE_SHAPE",
                Some("docs/configuration.md lists those that it has"),
            ),
        ] {
            let got = unknown_variable_warning(name);
            assert_eq!(got.is_some(), warning.is_some(), "{name}: {got:?}");
            assert!(
                got.unwrap_or_default()
                    .ends_with(warning.unwrap_or_default()),
                "{name}"
            );
        }
    }

    #[test]
    fn an_answer_that_was_written_for_api_gateway_gets_a_hint_and_no_other_does() {
        for (reply, is_one) in [
            (r#"{"statusCode":200,"body":"x"}"#, true),
            (r#"{"body":"x","statusCode":404}"#, true),
            (r#"{"statusCode":"soon"}"#, false),
            (r#"{"answer":"statusCode"}"#, false),
            (r#"["statusCode"]"#, false),
        ] {
            assert_eq!(
                proxy_response_hint(reply.as_bytes()).is_some(),
                is_one,
                "{reply}"
            );
        }
    }
}

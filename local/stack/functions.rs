//! The functions of the stack, as the template configures them.

use std::time::Duration;

use serde::Deserialize;

use super::description::Urls;
use super::{CORE, CORE_STREAM, CORE_TIMEOUT, EDGE, EDGE_OPEN, EDGE_STREAM, EDGE_TIMEOUT, MEMORY, StartError};
use crate::arguments::StackArguments;
use crate::aws::USER_POOL_CLIENT_ID;
use crate::credentials::{CredentialStore, Principal};
use crate::lambda::{Function, Grant, Grantee};

/// The longest answer that is looked at for a remark, in bytes.
const LONGEST_PROXY_REPLY: usize = 64 * 1024;
/// Origins that may read the API's answers where no option says otherwise: Vite's, and Create React App's.
const ORIGINS: &str = "http://localhost:5173,http://localhost:3000";

/// The edges, of which the first is the template's, then the cores.
pub fn functions(arguments: &StackArguments, urls: &Urls, store: &CredentialStore) -> Result<Vec<Function>, StartError> {
    let own = std::env::current_exe().map_err(|error| StartError::Other(format!("this program has no path: {error}")))?;
    let maker = Maker { own: own.display().to_string(), arguments, urls, store };
    let core_of_stream = if arguments.core.is_some() { CORE } else { CORE_STREAM };
    let mut functions = vec![
        maker.edge(EDGE, &[("TARGET_LAMBDA_NAME", CORE)]),
        maker.edge(
            EDGE_OPEN,
            &[("TARGET_LAMBDA_NAME", CORE), ("JWT_ISSUER", &urls.issuer()), ("JWT_AUDIENCE", USER_POOL_CLIENT_ID)],
        ),
        maker.edge(EDGE_STREAM, &[("TARGET_LAMBDA_NAME", core_of_stream), ("RESPONSE", "stream"), ("CORS", "platform")]),
        maker.core(CORE, &[]),
    ];
    if arguments.core.is_none() {
        functions.push(maker.core(CORE_STREAM, &[("RESPONSE", "stream")]));
    }
    Ok(functions)
}

/// What every function is made with.
struct Maker<'a> {
    own: String,
    arguments: &'a StackArguments,
    urls: &'a Urls,
    store: &'a CredentialStore,
}

impl Maker<'_> {
    fn edge(&self, name: &str, own: &[(&str, &str)]) -> Function {
        let pages = [Some(&self.urls.console), self.urls.web.as_ref()];
        let origins: Vec<&str> = pages.iter().flatten().map(|url| url.as_str()).chain(ORIGINS.split(',')).collect();
        let mut environment = self.role(name);
        environment.extend(pairs(&[("ALLOWED_ORIGINS", &origins.join(",")), ("ALLOWED_METHODS", "GET,POST")]));
        environment.extend(pairs(&[("AWS_ENDPOINT_URL_LAMBDA", &self.urls.lambda)]));
        environment.extend(pairs(own));
        environment.extend(self.arguments.environment.iter().cloned());
        self.function(name, "edge", environment, EDGE_TIMEOUT)
    }

    fn core(&self, name: &str, own: &[(&str, &str)]) -> Function {
        let mut environment = self.role(name);
        environment.extend(pairs(own));
        let mut core = self.function(name, "core", environment, CORE_TIMEOUT);
        core.reserved_concurrency = self.arguments.core_concurrency;
        let unwraps = self.arguments.environment.iter().any(|(name, value)| name == "CORE_REPLY" && value == "proxy");
        core.remark = (!unwraps && !self.arguments.quiet).then_some(proxy_reply_hint);
        if let Some(command) = &self.arguments.core {
            core.command.clone_from(&command.0);
            // It keeps the AWS credentials of whoever starts it: it may have other services to call.
            core.inherits_environment = true;
            core.environment.clear();
        }
        core
    }

    fn function(&self, name: &str, program: &str, environment: Vec<(String, String)>, timeout: u64) -> Function {
        Function {
            name: name.to_owned(),
            command: vec![self.own.clone(), "function".to_owned(), program.to_owned()],
            environment,
            timeout: Duration::from_secs(timeout),
            memory: MEMORY,
            reserved_concurrency: None,
            inherits_environment: false,
            remark: None,
            echo_log: !self.arguments.quiet,
        }
    }

    /// The credentials of the function's execution role.
    fn role(&self, name: &str) -> Vec<(String, String)> {
        let role = self.store.issue_own(Principal::Function(name.to_owned()));
        pairs(&[("AWS_ACCESS_KEY_ID", &role.access_key_id), ("AWS_SECRET_ACCESS_KEY", &role.secret_access_key)])
    }
}

/// What to say about an answer in the form that API Gateway expects of its functions, which the edge passes on as it is.
fn proxy_reply_hint(reply: &[u8]) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct ProxyReply {
        #[serde(rename = "statusCode")]
        _status: u16,
    }
    let may_be_one = reply.first() == Some(&b'{') && reply.len() <= LONGEST_PROXY_REPLY;
    may_be_one.then(|| serde_json::from_slice::<ProxyReply>(reply).ok()).flatten().map(|_| {
        "it answered with an object that has a statusCode, as a function behind API Gateway does. The caller gets this object as \
         it is; start the stack with --env CORE_REPLY=proxy for the edge to make a response of it."
    })
}

/// Warns of variables that the edge does not have, with the nearest that it has.
pub fn warn_of_unknown_variables(environment: &[(String, String)]) {
    for (name, _) in environment {
        if let Some(warning) = unknown_variable(name) {
            eprintln!("warning: {warning}");
        }
    }
}

fn unknown_variable(name: &str) -> Option<String> {
    if edge::config::VARIABLES.contains(&name) || name.starts_with("AWS_") || name == "SSL_CERT_DIR" {
        return None;
    }
    let distance = |known: &&&str| strsim::damerau_levenshtein(&name.to_ascii_uppercase(), known);
    let nearest = edge::config::VARIABLES.iter().min_by_key(distance).filter(|known| distance(known) <= 4);
    let mend = nearest
        .map_or_else(|| "docs/configuration.md lists those that it has".to_owned(), |known| format!("did you mean {known}?"));
    Some(format!("--env {name}: the edge does not read this variable: {mend}"))
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The last value that a function's variable was given.
pub fn variable(function: &Function, name: &str) -> String {
    let value = function.environment.iter().rev().find(|(known, _)| known == name);
    value.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Who may invoke what, as the template's roles and permissions say: the API and signed-in users the edge, signed-in users its
/// streaming twin, each edge its target.
pub fn grants(functions: &[Function]) -> Vec<Grant> {
    let grant = |to: Grantee, function: &str| Grant { to, function: function.to_owned() };
    let mut grants =
        vec![grant(Grantee::ApiGateway, EDGE), grant(Grantee::SignedIn, EDGE), grant(Grantee::SignedIn, EDGE_STREAM)];
    for edge in functions.iter().filter(|function| function.name.starts_with(EDGE)) {
        let target = variable(edge, "TARGET_LAMBDA_NAME");
        let target = target.rsplit_once(":function:").map_or(target.as_str(), |(_, name)| name);
        let target = target.split(':').next().unwrap_or_default();
        grants.push(grant(Grantee::Function(edge.name.clone()), target));
    }
    grants
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
            ("CORE_RESPONSE_SHAPE", Some("docs/configuration.md lists those that it has")),
        ] {
            let got = unknown_variable(name);
            assert_eq!(got.is_some(), warning.is_some(), "{name}: {got:?}");
            assert!(got.unwrap_or_default().ends_with(warning.unwrap_or_default()), "{name}");
        }
    }

    #[test]
    fn an_answer_that_was_written_for_api_gateway_is_remarked_on_and_no_other() {
        for (reply, is_one) in [
            (r#"{"statusCode":200,"body":"x"}"#, true),
            (r#"{"body":"x","statusCode":404}"#, true),
            (r#"{"statusCode":"soon"}"#, false),
            (r#"{"answer":"statusCode"}"#, false),
            (r#"["statusCode"]"#, false),
        ] {
            assert_eq!(proxy_reply_hint(reply.as_bytes()).is_some(), is_one, "{reply}");
        }
    }
}

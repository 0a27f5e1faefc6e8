//! The functions of the stack, as the template configures them.

use std::time::Duration;

use super::description::Urls;
use super::{CORE, CORE_STREAM, CORE_TIMEOUT, EDGE, EDGE_OPEN, EDGE_STREAM, EDGE_TIMEOUT, MEMORY, StartError};
use crate::arguments::StackArguments;
use crate::cognito_idp::CLIENT_ID;
use crate::credentials::{CredentialStore, Principal};
use crate::lambda::{Function, Grant, Grantee};

/// Origins that may read the API's answers where no option says otherwise: Vite's, and Create React App's.
const ORIGINS: &str = "http://localhost:5173,http://localhost:3000";

/// The edges, of which the first is the template's, then the cores.
pub fn functions(arguments: &StackArguments, urls: &Urls, store: &CredentialStore) -> Result<Vec<Function>, StartError> {
    let own = std::env::current_exe().map_err(|error| StartError::Other(format!("this program has no path: {error}")))?;
    let maker = Maker { own: own.display().to_string(), arguments, urls, store };
    let core_of_stream = if arguments.core.is_some() { CORE } else { CORE_STREAM };
    let mut functions = vec![
        maker.edge(EDGE, &[("TARGET_LAMBDA_NAME", CORE)]),
        maker.edge(EDGE_OPEN, &[("TARGET_LAMBDA_NAME", CORE), ("JWT_ISSUER", &urls.issuer()), ("JWT_AUDIENCE", CLIENT_ID)]),
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
            echo_log: !self.arguments.quiet,
        }
    }

    /// The credentials of the function's execution role.
    fn role(&self, name: &str) -> Vec<(String, String)> {
        let role = self.store.issue_own(Principal::Function(name.to_owned()));
        pairs(&[("AWS_ACCESS_KEY_ID", &role.access_key_id), ("AWS_SECRET_ACCESS_KEY", &role.secret_access_key)])
    }
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

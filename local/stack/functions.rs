//! The two functions of the stack, as the template configures them.

use std::time::Duration;

use super::{CORE, CORE_TIMEOUT, EDGE, EDGE_TIMEOUT, MEMORY, StartError};
use crate::arguments::StackArguments;
use crate::credentials::{CredentialStore, Principal};
use crate::lambda::{Function, Grant, Grantee};

/// Origins that may read the API's answers where no option says otherwise: Vite's, and Create React App's.
const ORIGINS: &str = "http://localhost:5173,http://localhost:3000";

/// The edge, then core.
pub fn functions(
    arguments: &StackArguments,
    own_pages: &[Option<&String>],
    lambda_url: &str,
    store: &CredentialStore,
) -> Result<Vec<Function>, StartError> {
    let own = std::env::current_exe().map_err(|error| StartError::Other(format!("this program has no path: {error}")))?;
    let own = |name: &str| vec![own.display().to_string(), "function".to_owned(), name.to_owned()];
    let role = |name: &str| {
        let credentials = store.issue_own(Principal::Function(name.to_owned()));
        [("AWS_ACCESS_KEY_ID", credentials.access_key_id), ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key)]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec()
    };
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
    let mut edge = role(EDGE);
    let origins: Vec<&str> = own_pages.iter().flatten().map(|url| url.as_str()).chain(ORIGINS.split(',')).collect();
    let origins = origins.join(",");
    edge.extend(pairs(&[("TARGET_LAMBDA_NAME", CORE), ("ALLOWED_ORIGINS", &origins), ("AWS_ENDPOINT_URL_LAMBDA", lambda_url)]));
    edge.extend(arguments.environment.iter().cloned());
    let function = |name: &str, command: Vec<String>, environment, timeout| Function {
        name: name.to_owned(),
        command,
        environment,
        timeout: Duration::from_secs(timeout),
        memory: MEMORY,
        reserved_concurrency: None,
        inherits_environment: false,
        echo_log: !arguments.quiet,
    };
    let mut core = function(CORE, own("core"), role(CORE), CORE_TIMEOUT);
    core.reserved_concurrency = arguments.core_concurrency;
    if let Some(command) = &arguments.core {
        core.command.clone_from(&command.0);
        // It keeps the AWS credentials of whoever starts it: it may have other services to call.
        core.inherits_environment = true;
        core.environment.clear();
    }
    Ok(vec![function(EDGE, own("edge"), edge, EDGE_TIMEOUT), core])
}

/// The last value that a function's variable was given.
pub fn variable(function: &Function, name: &str) -> String {
    let value = function.environment.iter().rev().find(|(known, _)| known == name);
    value.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Who may invoke what, as the template's roles and permissions say: the API and signed-in users the edge, the edge its target.
pub fn grants(target: &str) -> Vec<Grant> {
    let target = target.rsplit_once(":function:").map_or(target, |(_, name)| name);
    let target = target.split(':').next().unwrap_or_default().to_owned();
    vec![
        Grant { to: Grantee::ApiGateway, function: EDGE.to_owned() },
        Grant { to: Grantee::SignedIn, function: EDGE.to_owned() },
        Grant { to: Grantee::Function(EDGE.to_owned()), function: target },
    ]
}

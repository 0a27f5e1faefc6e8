//! The stack: starts the services, gives each the URLs of those that it calls, and stops them.
//! Together with its submodules it is the only part that knows all services.

mod description;
mod descriptors;
mod functions;
mod hints;
mod ports;
mod services;
mod start_error;
mod template;
mod users;
mod watch;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::arguments::StackArguments;
use crate::atomic_file;
use crate::cognito_idp::{UserDirectory, UserPool, UserPoolSettings};
use crate::console::{Console, Sender};
use crate::credentials::{CredentialStore, Principal};
use crate::http::HttpClient;
use crate::lambda::{AccessControl, ConcurrencyLimits, IamAuthorizer, Lambda};
use crate::recorder::Recorder;
use crate::signer::Signer;
use description::{Urls, describe, frontend_configuration, startup_message, without_secrets};
use functions::{functions, permissions, variable};
use hints::warn_of_unknown_variables;
use ports::Ports;
use services::Services;
pub use start_error::StartError;
use template::{CORE, EDGE};
pub use template::{
    CORE_TIMEOUT, CORS_ALLOW_HEADERS, CORS_EXPOSE_HEADERS, CORS_MAX_AGE, EDGE_TIMEOUT,
    GATEWAY_RESPONSE_HEADERS, MEMORY, ROUTE, STREAM_CORE_TIMEOUT, STREAM_EDGE_TIMEOUT,
    THROTTLING_BURST, THROTTLING_RATE, URL_ALLOW_HEADERS,
};
use users::users;
use watch::Watch;

/// A running stack, which ends when it is told to stop.
#[derive(Debug)]
pub struct Stack {
    urls: Urls,
    host: Option<IpAddr>,
    lambda: Lambda,
    description: Value,
    tasks: Vec<JoinHandle<()>>,
    _watch: Option<Watch>,
}

impl Stack {
    /// Starts all services and returns when all of them respond.
    /// If `stop` completes before, ends what was started and fails with [`StartError::Stopped`].
    pub async fn start(
        arguments: &StackArguments,
        stop: impl Future<Output = ()>,
    ) -> Result<Self, StartError> {
        let ports = Ports::take(arguments.port, arguments.host, arguments.web.is_some()).await?;
        let urls = Urls::new(&ports);
        let store = CredentialStore::default();
        let credentials = store.issue_long_term(Principal::Stack);
        let recorder = Recorder::default();
        if arguments.no_records {
            recorder.disable();
        }
        if !arguments.quiet {
            recorder.print_requests();
        }
        warn_of_unknown_variables(&arguments.environment);
        let functions = functions(arguments, &urls, &store)?;
        let origins = variable(&functions[0], "ALLOWED_ORIGINS");
        let authorizer = IamAuthorizer {
            credentials: store.clone(),
            permissions: permissions(&functions),
        };
        let access = AccessControl::Iam(authorizer);
        let lambda = Lambda::new(functions, recorder.clone(), access, limits(arguments));
        let (directory, users) = users(arguments)?;
        let pool = create_user_pool(
            &urls.user_pool,
            directory,
            user_pool_settings(arguments),
            recorder.clone(),
        );
        let made = tokio::select! { made = start_functions_and_user_pool(&lambda, pool) => made, () = stop => Err(StartError::Stopped) };
        let user_pool = match made {
            Ok(pool) => pool,
            Err(error) => {
                lambda.stop().await;
                return Err(error);
            }
        };
        let description = describe(&urls, &user_pool, &store, &credentials, &users);
        let configuration = frontend_configuration(&urls);
        let sender = Sender {
            urls: urls.entry_points(),
            signer: Signer::new(credentials),
            store: store.clone(),
            pool: user_pool.clone(),
            user: users.first().map(|user| user.username.clone()),
            recorder: recorder.clone(),
            http: HttpClient::new(),
        };
        let console = Console::new(
            &without_secrets(&description, arguments.host),
            configuration.clone(),
            recorder.clone(),
            sender,
        );
        let services = Services {
            configuration,
            lambda,
            user_pool,
            store,
            recorder,
            console,
            origins,
            is_throttled: !arguments.no_throttling,
        };
        let watch = arguments.watch.as_deref();
        let watch = watch.map(|folder| Watch::start(folder, services.lambda.clone()));
        let watch = match watch.transpose() {
            Ok(watch) => watch,
            Err(problem) => {
                services.lambda.stop().await;
                return Err(StartError::Other(problem));
            }
        };
        let tasks = services.start(ports, arguments.web.as_deref());
        Ok(Self {
            urls,
            host: arguments.host,
            lambda: services.lambda,
            description,
            tasks,
            _watch: watch,
        })
    }

    /// Writes the ready file, either completely or not at all. It holds secrets, so only its owner
    /// may read it.
    pub fn write_ready_file(&self, path: &Path) -> Result<(), StartError> {
        let failed = |source| StartError::ReadyFile {
            path: path.display().to_string(),
            source,
        };
        let content = format!("{:#}\n", self.description);
        atomic_file::write(path, content.as_bytes()).map_err(failed)
    }

    /// The message with all URLs that is printed after the start.
    pub fn startup_message(&self) -> String {
        startup_message(&self.urls, &self.description, self.host)
    }

    /// Stops every service and ends every process.
    pub async fn stop(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.lambda.stop().await;
    }
}

/// The limits of Lambda, by the options and by the descriptors that the system has for the stack.
fn limits(arguments: &StackArguments) -> ConcurrencyLimits {
    let possible = descriptors::max_environments(descriptors::raise_limit());
    if possible < arguments.concurrency {
        eprintln!(
            "warning: the system's limit of open files allows {possible} environments at once: raise it with `ulimit -n`"
        );
    }
    ConcurrencyLimits {
        environments: arguments.concurrency.min(possible),
        idle_timeout: Duration::from_secs(arguments.idle_timeout),
        ..ConcurrencyLimits::default()
    }
}

/// Waits until both functions have asked for their first invocation and the user pool has its keys.
async fn start_functions_and_user_pool(
    lambda: &Lambda,
    pool: impl Future<Output = Result<UserPool, StartError>>,
) -> Result<UserPool, StartError> {
    let (core, edge, pool) = tokio::join!(lambda.warm_up(CORE), lambda.warm_up(EDGE), pool);
    for (name, started) in [(CORE, core), (EDGE, edge)] {
        started.map_err(|failure| StartError::Function { name, failure })?;
    }
    pool
}

fn user_pool_settings(arguments: &StackArguments) -> UserPoolSettings {
    UserPoolSettings {
        state_folder: arguments.state.clone(),
        token_lifetime: arguments.token_lifetime,
        allows_user_password_auth: arguments.user_password_auth,
        rotates_refresh_tokens: arguments.rotate_refresh_tokens,
    }
}

/// Creates the user pool on a thread of its own: its two keys take a while, during which the
/// functions start.
async fn create_user_pool(
    url: &str,
    directory: UserDirectory,
    settings: UserPoolSettings,
    recorder: Recorder,
) -> Result<UserPool, StartError> {
    let url = url.to_owned();
    let made =
        tokio::task::spawn_blocking(move || UserPool::new(&url, directory, settings, recorder))
            .await;
    made.map_err(|error| StartError::Other(error.to_string()))?
        .map_err(StartError::Other)
}

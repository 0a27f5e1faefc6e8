//! The stack: starts the services, gives each the URLs of those that it calls, and stops them.
//! Together with its submodules it is the only part that knows all services.

mod description;
mod descriptors;
mod functions;
mod ports;
mod services;
mod watch;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::arguments::{NewUser, StackArguments};
use crate::atomic_file;
use crate::cognito_idp::{
    User, UserDirectory, UserFileEntry, UserPool, UserPoolSettings, UserStatus, read_users,
};
use crate::console::{Console, Sender};
use crate::credentials::{CredentialStore, Principal};
use crate::http::HttpClient;
use crate::lambda::{AccessControl, ConcurrencyLimits, IamAuthorizer, Lambda, StartFailure};
use crate::recorder::Recorder;
use crate::signer::Signer;
use description::{
    KnownUser, Urls, describe, frontend_configuration, startup_message, without_secrets,
};
use functions::{functions, permissions, variable, warn_of_unknown_variables};
use ports::Ports;
use services::Services;
use watch::Watch;

/// The name of the edge function.
pub(crate) const EDGE: &str = "edge";
/// The name of the edge function behind a function URL with the auth type `NONE`, which verifies
/// tokens itself.
pub(crate) const EDGE_OPEN: &str = "edge-open";
/// The name of the edge function behind a function URL with response streaming.
pub(crate) const EDGE_STREAM: &str = "edge-stream";
/// The name of the core function.
pub(crate) const CORE: &str = "core";
/// The name of the core function behind the edge that streams.
pub(crate) const CORE_STREAM: &str = "core-stream";
/// The route key of the API, as in the template.
pub const ROUTE: &str = "POST /inference";
/// The stage at which the REST API buffers the edge's responses.
pub(crate) const REST_STAGE: &str = "prod";
/// The stage at which the REST API streams the edge's responses.
pub(crate) const STREAM_STAGE: &str = "stream";
/// The headers of the errors that the REST API returns itself, as in the template's
/// `GatewayResponses`.
pub const GATEWAY_RESPONSE_HEADERS: [(&str, &str); 1] = [("Access-Control-Allow-Origin", "'*'")];
/// The time-out of the core function in seconds, as in the template.
pub const CORE_TIMEOUT: u64 = 25;
/// The time-out of the edge function in seconds, as in the template.
pub const EDGE_TIMEOUT: u64 = 29;
/// The time-out of the core function behind the edge that streams, in seconds, as in the template.
pub const STREAM_CORE_TIMEOUT: u64 = 295;
/// The time-out of the edge function that streams, in seconds, as in the template.
pub const STREAM_EDGE_TIMEOUT: u64 = 299;
/// The memory of each function in MB, as in the template.
pub const MEMORY: u32 = 256;
/// The allowed request headers of the API, as in the template's `CorsConfiguration`.
pub const CORS_ALLOW_HEADERS: &str = "content-type,authorization";
/// The allowed request headers of a function URL, as in the template's `Cors`: those of signed
/// requests.
pub const URL_ALLOW_HEADERS: &str =
    "content-type,authorization,x-amz-date,x-amz-security-token,x-amz-content-sha256";
/// The response headers that scripts may read, as in the template.
pub const CORS_EXPOSE_HEADERS: &str = "retry-after,server-timing,x-request-id";
/// How long a browser may cache the response to a preflight in seconds, as in the template.
pub const CORS_MAX_AGE: u32 = 600;
/// The requests a second that the API lets through, as in the template.
pub const THROTTLING_RATE: u32 = 50;
/// The requests at once that the API lets through, as in the template.
pub const THROTTLING_BURST: u32 = 100;
/// The explanation of `--core` in the error for a core function that does not start.
const CORE_HINT: &str = "\nA core is a program that asks the Lambda Runtime API (AWS_LAMBDA_RUNTIME_API) for work, in any language: \
    for example --core \"python3 -m awslambdaric app.handler\" (pip install awslambdaric).";
/// The e-mail address and the password of the user who exists if no option names others.
const DEFAULT_USER: (&str, &str) = ("ada@example.edu", "Analytical-Engine-1843");

/// A running stack.
#[derive(Debug)]
pub struct Stack {
    urls: Urls,
    host: Option<IpAddr>,
    lambda: Lambda,
    description: Value,
    tasks: Vec<JoinHandle<()>>,
    _watch: Option<Watch>,
}

/// The reason why the stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stack cannot listen on a port.
    #[error(
        "port {port} for {what} is in use at {address}, or may not be taken ({source}): give another with --port, or 0 for any"
    )]
    Port {
        /// The port's number.
        port: u16,
        /// The address on which listening failed.
        address: IpAddr,
        /// The service for which the port is.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// A function's process ended before it asked for its first invocation.
    #[error("the {name} function does not start: {failure}{}", if *name == CORE { CORE_HINT } else { "" })]
    Function {
        /// The name of the function.
        name: &'static str,
        /// How the process ended, and what it has written.
        failure: StartFailure,
    },
    /// The ready file cannot be written.
    #[error("{path} cannot be written ({source}): give another file with --ready-file")]
    ReadyFile {
        /// The path of the ready file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The stack received a stop signal while it was starting.
    #[error("stopped")]
    Stopped,
    /// Any other error. Holds the message.
    #[error("{0}")]
    Other(String),
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

/// The users of the user pool, from the options or else the default user, and what is known of
/// those who can sign in.
fn users(arguments: &StackArguments) -> Result<(UserDirectory, Vec<KnownUser>), StartError> {
    let mut users: Vec<User> = Vec::new();
    let mut passwords: Vec<(String, String)> = Vec::new();
    if let Some(path) = arguments
        .users_file
        .as_deref()
        .filter(|path| path.exists() || !arguments.save_users)
    {
        for UserFileEntry { user, password } in read_users(path).map_err(StartError::Other)? {
            passwords.extend(password.map(|password| (user.email.clone(), password)));
            users.push(user);
        }
    }
    for new_user in &arguments.users {
        passwords.push((new_user.email.clone(), new_user.password.clone()));
        // A user who was saved may have changed the password that the command line names.
        let user = confirmed(new_user);
        if !users.iter().any(|known| known.sub == user.sub) {
            users.push(user);
        }
    }
    let (email, password) = DEFAULT_USER;
    passwords.push((email.to_owned(), password.to_owned()));
    if users.is_empty() {
        let mut default_user = User::new(email, password, UserStatus::Confirmed);
        default_user.groups.push("students".to_owned());
        users.push(default_user);
    }
    let known_password = |user: &User| {
        let mut candidates = passwords
            .iter()
            .filter(|(email, _)| email.eq_ignore_ascii_case(&user.email));
        candidates
            .find(|(_, password)| user.has_password(password))
            .map(|(_, password)| password.clone())
    };
    let known_users = users
        .iter()
        .filter(|user| user.status == UserStatus::Confirmed)
        .map(|user| KnownUser {
            username: user.email.clone(),
            sub: user.sub.clone(),
            password: known_password(user),
        });
    let known_users = known_users.collect();
    let save_to = arguments
        .users_file
        .clone()
        .filter(|_| arguments.save_users);
    Ok((UserDirectory::new(users, save_to), known_users))
}

/// A user of the command line as the user pool holds it: confirmed, so that the user can sign in at
/// once.
fn confirmed(new_user: &NewUser) -> User {
    let mut user = User::new(&new_user.email, &new_user.password, UserStatus::Confirmed);
    user.groups.clone_from(&new_user.groups);
    user
}

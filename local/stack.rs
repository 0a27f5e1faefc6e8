//! Starts the rooms, hands each the URLs of those it asks, and stops them: the only file that knows all of them.

mod description;
mod functions;

use std::net::Ipv4Addr;
use std::path::Path;

use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_http::services::ServeDir;

use crate::apigatewayv2::{Configuration, CorsConfiguration, HttpApi, Route, Routes};
use crate::arguments::StackArguments;
use crate::cognito_identity::IdentityPool;
use crate::cognito_idp::{Account, CLIENT_ID, Directory, POOL_ID, Status, UserPool, read_users};
use crate::console::Console;
use crate::credentials::{CredentialStore, Principal};
use crate::http::{HttpClient, serve};
use crate::jwt::{JwtConfiguration, Verifier};
use crate::lambda::{Access, Guard, Lambda};
use crate::recorder::Recorder;
use crate::signer::Signer;
use description::{Urls, describe, welcome, without_secrets};
use functions::{functions, grants, variable};

/// The name of the edge function.
pub const EDGE: &str = "edge";
/// The name of the core function.
pub const CORE: &str = "core";
/// The route that the template has.
pub const ROUTE: &str = "POST /inference";
/// Seconds that core may take, as in the template.
pub const CORE_TIMEOUT: u64 = 25;
/// Seconds that the edge may take, as in the template.
pub const EDGE_TIMEOUT: u64 = 29;
/// MB of memory of either function, as in the template.
pub const MEMORY: u32 = 256;
/// What the template's `CorsConfiguration` allows and exposes.
pub const CORS_ALLOW_HEADERS: &str = "content-type,authorization";
/// Headers that scripts may read, as in the template.
pub const CORS_EXPOSE_HEADERS: &str = "retry-after,server-timing,x-request-id";
/// Seconds for which a preflight's answer may be kept, as in the template.
pub const CORS_MAX_AGE: u32 = 600;
/// The user who is there where no option names others.
const SEEDED_USER: (&str, &str) = ("ada@example.edu", "Analytical-Engine-1843");

/// A stack that runs.
#[derive(Debug)]
pub struct Stack {
    urls: Urls,
    lambda: Lambda,
    description: Value,
    tasks: Vec<JoinHandle<()>>,
}

/// Why the stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken.
    #[error("port {port} for {what} cannot be had ({source}): give another with --port, or 0 for any")]
    Port {
        /// Which.
        port: u16,
        /// For what.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A function ended before it asked for work.
    #[error("the {name} function does not start. It wrote:\n{log}")]
    Function {
        /// Which.
        name: &'static str,
        /// What it wrote before it ended.
        log: String,
    },
    /// The ready file cannot be written.
    #[error("{path} cannot be written ({source}): give another file with --ready-file")]
    ReadyFile {
        /// Where to.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It was told to stop before it ran.
    #[error("stopped")]
    Stopped,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Stack {
    /// Starts everything, and returns when everything answers.
    /// One that is told to `stop` meanwhile ends what it has started.
    pub async fn start(arguments: &StackArguments, stop: impl Future<Output = ()>) -> Result<Self, StartError> {
        let (console_listener, console_url) = listen(arguments.port, 0, "the console").await?;
        let (api_listener, api) = listen(arguments.port, 1, "the API").await?;
        let (pool_listener, pool_url) = listen(arguments.port, 2, "the user pool").await?;
        let (identity_listener, identity_pool_url) = listen(arguments.port, 3, "the identity pool").await?;
        let (lambda_listener, lambda_url) = listen(arguments.port, 4, "Lambda").await?;

        let web = match &arguments.web {
            Some(folder) => Some((folder, listen(arguments.port, 5, "the frontend").await?)),
            None => None,
        };
        let web_url = web.as_ref().map(|(_, (_, url))| url.clone());
        let store = CredentialStore::default();
        let credentials = store.issue_own(Principal::Stack);
        let functions = functions(arguments, &[Some(&console_url), web_url.as_ref()], &lambda_url, &store)?;
        let origins = variable(&functions[0], "ALLOWED_ORIGINS");
        let recorder = Recorder::default();
        let guard = Guard { credentials: store.clone(), grants: grants(&variable(&functions[0], "TARGET_LAMBDA_NAME")) };
        let lambda = Lambda::new(functions, recorder.clone(), Access::Checked(guard));
        let (directory, user) = users(arguments)?;
        let pool = make_pool(&pool_url, directory, arguments.token_life);
        let pool = match tokio::select! { made = start_both(&lambda, pool) => made, () = stop => Err(StartError::Stopped) } {
            Ok(pool) => pool,
            Err(error) => {
                lambda.stop().await;
                return Err(error);
            }
        };
        let jwt = JwtConfiguration { issuer: pool.issuer().to_owned(), audience: vec![CLIENT_ID.to_owned()] };
        let verifier = Verifier::new(jwt.clone(), HttpClient::new());
        let identity_pool = IdentityPool::new(verifier, pool.issuer(), POOL_ID, store.clone());
        let gateway = HttpApi::new(Configuration {
            routes: routes(),
            jwt,
            cors: cors(&origins),
            lambda: lambda_url.clone(),
            signer: Signer::new(&store.issue_own(Principal::ApiGateway)),
            access_log: !arguments.quiet,
            recorder: recorder.clone(),
        });
        let mut tasks = vec![
            spawn(api_listener, gateway.router()),
            spawn(pool_listener, pool.router()),
            spawn(identity_listener, identity_pool.router()),
            spawn(lambda_listener, lambda.router()),
        ];
        if let Some((folder, (listener, _))) = web {
            tasks.push(spawn(listener, Router::new().fallback_service(ServeDir::new(folder))));
        }
        let urls = Urls {
            web: web_url,
            console: console_url,
            api,
            user_pool: pool_url,
            identity_pool: identity_pool_url,
            lambda: lambda_url,
        };
        let description = describe(&urls, &pool, &credentials, user.as_ref());
        let console = Console::new(&without_secrets(&description), recorder);
        tasks.push(spawn(console_listener, console.router()));
        Ok(Self { urls, lambda, description, tasks })
    }

    /// Writes the description to a file, whole or not at all.
    pub fn write_ready_file(&self, path: &Path) -> Result<(), StartError> {
        let failed = |source| StartError::ReadyFile { path: path.display().to_string(), source };
        let partial = path.with_extension("partial");
        std::fs::write(&partial, format!("{:#}\n", self.description)).map_err(failed)?;
        std::fs::rename(&partial, path).map_err(failed)
    }

    /// What is printed for the person who started it.
    pub fn welcome(&self) -> String {
        welcome(&self.urls, &self.description)
    }

    /// Ends every process and every room.
    pub async fn stop(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.lambda.stop().await;
    }
}

/// Waits for both functions' first poll, and for the user pool's keys.
async fn start_both(lambda: &Lambda, pool: impl Future<Output = Result<UserPool, StartError>>) -> Result<UserPool, StartError> {
    let (core, edge, pool) = tokio::join!(lambda.warm(CORE), lambda.warm(EDGE), pool);
    for (name, started) in [(CORE, core), (EDGE, edge)] {
        started.map_err(|log| StartError::Function { name, log })?;
    }
    pool
}

async fn listen(first: u16, offset: u16, what: &'static str) -> Result<(TcpListener, String), StartError> {
    let port = if first == 0 { 0 } else { first.saturating_add(offset) };
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = bound.map_err(|source| StartError::Port { port, what, source })?;
    let port = listener.local_addr().map_err(|source| StartError::Port { port, what, source })?.port();
    Ok((listener, format!("http://localhost:{port}")))
}

fn spawn(listener: TcpListener, router: Router) -> JoinHandle<()> {
    tokio::spawn(serve(listener, router))
}

/// Two keys take the processor a while, which the other rooms can use to start.
async fn make_pool(url: &str, directory: Directory, token_life: u64) -> Result<UserPool, StartError> {
    let url = url.to_owned();
    let made = tokio::task::spawn_blocking(move || UserPool::new(&url, directory, token_life)).await;
    made.map_err(|error| StartError::Other(error.to_string()))?.map_err(StartError::Other)
}

/// The users of the options, or the seeded one, whose password may be told.
fn users(arguments: &StackArguments) -> Result<(Directory, Option<(String, String)>), StartError> {
    let mut accounts = Vec::new();
    if let Some(path) = arguments.users_file.as_deref().filter(|path| path.exists() || !arguments.save_users) {
        accounts = read_users(path).map_err(StartError::Other)?;
    }
    // A user who was saved has perhaps another password by now than the command line says.
    for account in &arguments.users {
        if !accounts.iter().any(|known: &Account| known.sub == account.sub) {
            accounts.push(account.clone());
        }
    }
    let save_to = arguments.users_file.clone().filter(|_| arguments.save_users);
    let (email, password) = SEEDED_USER;
    if accounts.is_empty() {
        let mut ada = Account::new(email, password, Status::Confirmed);
        ada.groups.push("students".to_owned());
        accounts.push(ada);
    }
    let is_there = accounts.iter().any(|account| account.email == email && account.has_password(password));
    let told = is_there.then(|| (email.to_owned(), password.to_owned()));
    Ok((Directory::new(accounts, save_to), told))
}

fn routes() -> Routes {
    Routes::new(vec![Route { key: ROUTE.to_owned(), function: EDGE.to_owned(), authorization: Some(Vec::new()) }])
}

/// As the template configures the API's CORS.
fn cors(origins: &str) -> CorsConfiguration {
    let list = |text: &str| text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
    CorsConfiguration {
        allow_origins: list(origins),
        allow_methods: list("POST"),
        allow_headers: list(CORS_ALLOW_HEADERS),
        expose_headers: list(CORS_EXPOSE_HEADERS),
        max_age: CORS_MAX_AGE,
    }
}

//! The command line of the program: its options, their checks, and the messages for values that are
//! not accepted.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::terminal::LogFormat;

/// How many consecutive ports the stack listens on, from `--port` on.
pub(crate) const PORT_COUNT: u16 = 10;

/// Runs the whole stack on this machine: user pool, API with JWT authorizer, Lambda, the edge and a
/// core function.
#[derive(Debug, Parser)]
#[command(
    name = "inference-edge",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Arguments {
    /// The subcommand; `None` runs the stack.
    #[command(subcommand)]
    pub command: Option<Subcommands>,
    /// The options of the local stack.
    #[command(flatten)]
    pub stack: StackArguments,
}

/// The subcommands of the program.
#[derive(Debug, Subcommand)]
pub enum Subcommands {
    /// Runs one function as a Runtime API client, as the stack starts its own functions
    #[command(hide = true)]
    Function {
        /// The function to run
        name: FunctionKind,
    },
    /// Lists the last requests of a running stack, or shows one of them with every hop
    Requests(RequestsArguments),
    /// Sends a recorded request again, and shows what became of it
    Replay(ReplayArguments),
}

/// Where the running stack is.
#[derive(Debug, clap::Args)]
pub struct RunningStack {
    /// The first port of the running stack
    #[arg(long, default_value_t = 4000, value_name = "PORT")]
    pub port: u16,
    /// The file that the stack has written with --ready-file; its console is asked then
    #[arg(long, value_name = "FILE", conflicts_with = "port")]
    pub ready_file: Option<PathBuf>,
}

/// The arguments of `requests`.
#[derive(Debug, clap::Args)]
pub struct RequestsArguments {
    /// The number of one request, or a request id of the API or of Lambda
    pub id: Option<String>,
    /// Prints JSON, as GET /records gives it
    #[arg(long)]
    pub json: bool,
    /// Only requests with this status, such as 404, 4xx, stopped or passed
    #[arg(long)]
    pub status: Option<String>,
    /// Only requests through this entry point
    #[arg(long, value_parser = ["http-api", "rest-api", "function-url", "invoke"])]
    pub entry_point: Option<String>,
    /// Only requests with this text in the path, a body or the reason of a refusal
    #[arg(long)]
    pub text: Option<String>,
    /// Where the stack is
    #[command(flatten)]
    pub stack: RunningStack,
}

/// The arguments of `replay`.
#[derive(Debug, clap::Args)]
pub struct ReplayArguments {
    /// The number of the request
    pub id: u64,
    /// Prints JSON, as GET /records/ID gives it
    #[arg(long)]
    pub json: bool,
    /// Where the stack is
    #[command(flatten)]
    pub stack: RunningStack,
}

/// The functions that the program contains.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FunctionKind {
    /// The edge function
    Edge,
    /// The sample core function
    Core,
    /// The core function of the error lab that throws
    CoreThrows,
    /// The core function of the error lab that never answers
    CoreSleeps,
}

/// The options of the local stack.
#[derive(Debug, clap::Args)]
pub struct StackArguments {
    /// The first of ten consecutive ports: console, API, user pool, identity pool, Lambda,
    /// frontend, three function URLs, REST API; 0 takes any free ports
    #[arg(long, default_value_t = 4000, value_name = "PORT", value_parser = parse_port)]
    pub port: u16,
    /// A further address to listen on, beside the loopback addresses: 0.0.0.0 for all of IPv4, so
    /// that containers and other machines can reach the stack
    #[arg(long, value_name = "ADDRESS", value_parser = parse_host)]
    pub host: Option<IpAddr>,
    /// A built frontend to serve, e.g. web/dist; its origin is added to the allowed origins
    #[arg(long, value_name = "FOLDER", value_parser = parse_frontend_folder)]
    pub web: Option<PathBuf>,
    /// A core function of your own: a command that talks to the Runtime API, e.g. "python3 -m
    /// awslambdaric app.handler"
    #[arg(long, value_name = "COMMAND", value_parser = parse_command_line)]
    pub core: Option<CommandLine>,
    /// Starts core anew when a file in the folder changes, e.g. --watch .
    #[arg(long, value_name = "FOLDER", requires = "core")]
    pub watch: Option<PathBuf>,
    /// How many environments of core may run at once; beyond that Lambda throttles
    #[arg(long, value_name = "N")]
    pub core_concurrency: Option<usize>,
    /// How many environments of all other functions may run at once, as the concurrency of an
    /// account; beyond that Lambda throttles
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub concurrency: usize,
    /// After how many seconds without a request an environment ends
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub idle_timeout: u64,
    /// Lets any number of requests through the APIs, which otherwise throttle them as in the
    /// template, and streams as fast as they come
    #[arg(long)]
    pub no_throttling: bool,
    /// A variable for the edge function; may be given more than once
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = parse_variable)]
    pub environment: Vec<(String, String)>,
    /// A user who may sign in, with groups separated by commas; may be given more than once
    #[arg(long = "user", value_name = "EMAIL:PASSWORD[:GROUPS]", value_parser = parse_user)]
    pub users: Vec<NewUser>,
    /// A JSON file of users: an array of {"email", "password", "groups": []}
    #[arg(long = "users", value_name = "FILE")]
    pub users_file: Option<PathBuf>,
    /// Saves every change of a user to the file of --users, which need not exist yet
    #[arg(long, requires = "users_file")]
    pub save_users: bool,
    /// Keeps the user pool's keys and sessions in a folder for later runs, so that nobody has to
    /// sign in again
    #[arg(long, value_name = "FOLDER", value_parser = parse_state_folder)]
    pub state: Option<PathBuf>,
    /// The lifetime of ID and access tokens
    #[arg(long = "token-life", default_value_t = 3600, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub token_lifetime: u64,
    /// Also allows the sign-in flow USER_PASSWORD_AUTH, which the template's app client does not,
    /// so that curl and scripts can sign in
    #[arg(long)]
    pub user_password_auth: bool,
    /// Replaces a refresh token whenever it is used, as an app client with RefreshTokenRotation
    #[arg(long)]
    pub rotate_refresh_tokens: bool,
    /// Prints nothing but errors
    #[arg(long)]
    pub quiet: bool,
    /// The form of the printed lines; by default text in a terminal, JSON in a file or a pipe
    #[arg(long, value_name = "FORMAT")]
    pub log: Option<LogFormat>,
    /// Records no requests, to measure what recording costs
    #[arg(long, hide = true)]
    pub no_records: bool,
    /// Writes every URL, id and secret that a script needs to a JSON file, once all services
    /// answer
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

/// A command: a program and its arguments, split as a shell splits them. It is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine(pub Vec<String>);

fn parse_command_line(command: &str) -> Result<CommandLine, String> {
    match shlex::split(command) {
        Some(command_line) if !command_line.is_empty() => Ok(CommandLine(command_line)),
        Some(_) => Err("it is empty: give a program and its arguments".to_owned()),
        None => Err("its quotes do not match".to_owned()),
    }
}

/// A user that an option adds to the user pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The e-mail address, with which the user signs in.
    pub email: String,
    /// The password in plain text.
    pub password: String,
    /// The names of the user's groups.
    pub groups: Vec<String>,
}

fn parse_user(text: &str) -> Result<NewUser, String> {
    let mut parts = text.splitn(3, ':');
    let (email, password) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    if !email.contains('@') || password.is_empty() {
        return Err("write EMAIL:PASSWORD or EMAIL:PASSWORD:GROUP,GROUP".to_owned());
    }
    let groups = parts
        .next()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|group| !group.is_empty());
    Ok(NewUser {
        email: email.to_owned(),
        password: password.to_owned(),
        groups: groups.map(str::to_owned).collect(),
    })
}

/// Parses the first port. Ports below 1024 are refused, because they belong to the system's
/// services.
fn parse_port(text: &str) -> Result<u16, String> {
    let (first, last) = (1024, u16::MAX - PORT_COUNT + 1);
    match text.parse() {
        Ok(port) if port == 0 || (first..=last).contains(&port) => Ok(port),
        _ => Err(format!(
            "give 0, or a number from {first} to {last}: {PORT_COUNT} ports in a row are taken from it on"
        )),
    }
}

fn parse_host(text: &str) -> Result<IpAddr, String> {
    match text.parse() {
        Ok(IpAddr::V6(address)) if address.is_unspecified() => {
            Err("give 0.0.0.0, or one IPv6 address of this machine".to_owned())
        }
        Ok(address) => Ok(address),
        Err(_) => Err("give an IP address of this machine, or 0.0.0.0 for all of IPv4".to_owned()),
    }
}

fn parse_frontend_folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.join("index.html").is_file() {
        return Ok(path);
    }
    Err("it has no index.html: build the frontend first (npm run build)".to_owned())
}

fn parse_state_folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() {
        return Ok(path);
    }
    Err("it is no folder: make it first, readable by yourself only (mkdir -m 700)".to_owned())
}

fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

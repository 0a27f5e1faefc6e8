//! One execution environment: a process, the Runtime API that it alone talks to, and the invocations it is working on.

use std::collections::HashMap;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;

use super::function::{Function, REGION};
use super::invocation::{Delivery, Invocation, MAX_RESPONSE, Outcome, PlatformError};
use super::log::{Log, Mark};
use super::pool::{Poll, Pool};
use super::runtime_api;

/// A running environment.
#[derive(Debug)]
pub struct Environment {
    pool: Arc<Pool>,
    log: Arc<Log>,
    in_flight: Mutex<HashMap<String, InFlight>>,
    init_error: Mutex<Option<Bytes>>,
    is_ready: AtomicBool,
    stop: Notify,
    pid: Mutex<Option<u32>>,
    phase: watch::Sender<Phase>,
    created: Instant,
    init: Mutex<Option<Duration>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Ready,
    Ended,
}

#[derive(Debug)]
struct InFlight {
    done: oneshot::Sender<Outcome>,
    mark: Option<Mark>,
    start: Instant,
    deadline: AbortHandle,
}

/// Why an answer to an invocation was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// No invocation of that id is in flight.
    InvalidRequestId,
    /// The answer is larger than Lambda takes.
    TooLarge,
}

impl Environment {
    /// Starts an environment of a pool's function, in the background.
    pub fn start(pool: Arc<Pool>) -> Arc<Self> {
        let environment = Arc::new(Self {
            log: Arc::new(Log::new(&pool.function.name, pool.function.echo_log)),
            pool,
            in_flight: Mutex::default(),
            init_error: Mutex::default(),
            is_ready: AtomicBool::new(false),
            stop: Notify::new(),
            pid: Mutex::default(),
            phase: watch::Sender::new(Phase::Starting),
            created: Instant::now(),
            init: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&environment).run());
        environment
    }

    /// Waits for the first poll; an environment that ends before it gives what it wrote.
    pub async fn started(&self) -> Result<(), String> {
        let mut phase = self.phase.subscribe();
        let reached = phase.wait_for(|phase| *phase != Phase::Starting).await.map(|phase| *phase);
        if matches!(reached, Ok(Phase::Ready)) { Ok(()) } else { Err(self.log.all()) }
    }

    /// Ends the environment.
    pub fn stop(&self) {
        self.stop.notify_one();
    }

    /// How many invocations it is working on.
    pub fn is_busy(&self) -> bool {
        self.in_flight.lock().len() >= self.pool.function.concurrency()
    }

    /// Waits for the next invocation.
    pub async fn next(self: &Arc<Self>) -> Option<Delivery> {
        if !self.is_ready.swap(true, Ordering::SeqCst) {
            *self.init.lock() = Some(self.created.elapsed());
            self.phase.send_replace(Phase::Ready);
            self.pool.environment_ready();
        }
        let invocation = match self.pool.poll() {
            Poll::Ready(invocation) => *invocation,
            Poll::Wait(receiver) => receiver.await.ok()?,
        };
        Some(self.begin(invocation))
    }

    fn begin(self: &Arc<Self>, invocation: Invocation) -> Delivery {
        let mark = invocation.wants_log.then(|| {
            let mark = self.log.mark();
            self.log.platform(&format!("START RequestId: {} Version: $LATEST", invocation.request_id));
            mark
        });
        let (done, delivery) = invocation.deliver(self.pool.function.timeout);
        let deadline = tokio::spawn(Arc::clone(self).watch_deadline(delivery.request_id.clone())).abort_handle();
        let in_flight = InFlight { done, mark, start: Instant::now(), deadline };
        self.in_flight.lock().insert(delivery.request_id.clone(), in_flight);
        delivery
    }

    async fn watch_deadline(self: Arc<Self>, request_id: String) {
        let timeout = self.pool.function.timeout;
        tokio::time::sleep(timeout).await;
        let Some(in_flight) = self.in_flight.lock().remove(&request_id) else { return };
        let error = PlatformError::TimedOut { seconds: timeout.as_secs_f64() };
        self.finish(in_flight, &request_id, error.payload(&request_id), true);
        if self.pool.function.concurrency() == 1 {
            self.stop();
        }
    }

    /// The function has answered an invocation.
    pub fn complete(&self, request_id: &str, payload: Bytes, is_function_error: bool) -> Result<(), NotTaken> {
        let in_flight = self.in_flight.lock().remove(request_id).ok_or(NotTaken::InvalidRequestId)?;
        if payload.len() > MAX_RESPONSE {
            let error = PlatformError::ResponseTooLarge.payload(request_id);
            self.finish(in_flight, request_id, error, true);
            return Err(NotTaken::TooLarge);
        }
        self.finish(in_flight, request_id, payload, is_function_error);
        Ok(())
    }

    /// The function says that it cannot start.
    pub fn fail_init(&self, payload: Bytes) {
        *self.init_error.lock() = Some(payload);
        self.stop();
    }

    fn finish(&self, in_flight: InFlight, request_id: &str, payload: Bytes, is_function_error: bool) {
        let log_tail = in_flight.mark.map(|mark| {
            self.log.platform(&format!("END RequestId: {request_id}"));
            self.log.platform(&self.report(request_id, in_flight.start.elapsed()));
            self.log.tail(mark)
        });
        in_flight.deadline.abort();
        // An `Err` says that nobody waits any longer.
        let _ = in_flight.done.send(Outcome { payload, is_function_error, log_tail });
    }

    fn report(&self, request_id: &str, duration: Duration) -> String {
        let millis = duration.as_secs_f64() * 1e3;
        let used = self.pid.lock().map(peak_memory_mb).unwrap_or_default();
        let init = self.init.lock().take().map(|init| format!("\tInit Duration: {:.2} ms", init.as_secs_f64() * 1e3));
        format!(
            "REPORT RequestId: {request_id}\tDuration: {millis:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB\t\
             Max Memory Used: {used} MB{}\t",
            millis.ceil(),
            self.pool.function.memory,
            init.unwrap_or_default(),
        )
    }

    async fn run(self: Arc<Self>) {
        let status = match TcpListener::bind(("127.0.0.1", 0)).await {
            Ok(listener) => self.run_process(listener).await,
            Err(error) => Err(format!("the Runtime API has no port: {error}")),
        };
        let status = status.unwrap_or_else(|problem| {
            self.log.platform(&problem);
            Some("exit status 127".to_owned())
        });
        self.phase.send_replace(Phase::Ended);
        let error = PlatformError::Exited { status };
        let lost: Vec<_> = self.in_flight.lock().drain().collect();
        for (request_id, in_flight) in lost {
            self.finish(in_flight, &request_id, error.payload(&request_id), true);
        }
        let was_ready = self.is_ready.load(Ordering::SeqCst);
        if let Some(stranded) = self.pool.environment_ended(&self, was_ready) {
            let payload = self.init_error.lock().clone().unwrap_or_else(|| error.payload(&stranded.request_id));
            let _ = stranded.done.send(Outcome { payload, is_function_error: true, log_tail: Some(self.log.all()) });
        }
    }

    async fn run_process(self: &Arc<Self>, listener: TcpListener) -> Result<Option<String>, String> {
        let address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
        let mut child = command(&self.pool.function, &address)?.spawn().map_err(|error| self.cannot_start(&error))?;
        *self.pid.lock() = child.id();
        let server = tokio::spawn(runtime_api::serve(listener, Arc::clone(self)));
        let stdout = child.stdout.take().map(|stream| tokio::spawn(follow(Arc::clone(&self.log), stream)));
        let stderr = child.stderr.take().map(|stream| tokio::spawn(follow(Arc::clone(&self.log), stream)));
        let status = tokio::select! {
            status = child.wait() => status,
            () = self.stop.notified() => kill(&mut child).await,
        };
        server.abort();
        kill_group(*self.pid.lock());
        for task in [stdout, stderr].into_iter().flatten() {
            // A grandchild may hold the stream open for ever.
            let _ = tokio::time::timeout(Duration::from_millis(200), task).await;
        }
        Ok(status.ok().and_then(describe))
    }

    fn cannot_start(&self, error: &std::io::Error) -> String {
        format!("`{}` cannot be started: {error}", self.pool.function.command.join(" "))
    }
}

async fn follow(log: Arc<Log>, stream: impl tokio::io::AsyncRead + Unpin) {
    log.follow(stream).await;
}

/// The process, with the environment that Lambda gives.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
fn command(function: &Function, runtime_api: &str) -> Result<Command, String> {
    let (program, arguments) = function.command.split_first().ok_or("the command is empty")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // A group of its own: Ctrl-C is the stack's to handle, and what the process starts ends with it.
    command.process_group(0);
    if !function.inherits_environment {
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| KEPT.iter().any(|kept| name == kept)));
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    let memory = function.memory.to_string();
    let log_group = format!("/aws/lambda/{}", function.name);
    command
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
        .env("AWS_LAMBDA_LOG_GROUP_NAME", log_group)
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "local/[$LATEST]")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023")
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("TZ", ":UTC")
        .envs(function.environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// What a function with an environment of its own keeps of the stack's.
const KEPT: [&str; 6] = ["PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR"];

async fn kill(child: &mut Child) -> std::io::Result<ExitStatus> {
    kill_group(child.id());
    child.wait().await
}

/// Ends the process and whatever it started.
fn kill_group(pid: Option<u32>) {
    let group = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // An `Err` says that none of it is left.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// The status as Lambda words it; `None` for an exit with 0.
fn describe(status: ExitStatus) -> Option<String> {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("exit status {code}")),
        (None, Some(9)) => Some("signal: killed".to_owned()),
        (None, signal) => Some(format!("signal: {}", signal.unwrap_or_default())),
    }
}

/// The most memory that a process has used, in MB.
fn peak_memory_mb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}

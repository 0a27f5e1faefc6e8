//! One execution environment: a function's process, its own Runtime API and the invocations that it
//! works on.

mod idle;
mod lifecycle;
mod response;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;

use super::concurrency::EnvironmentPermit;
use super::error::LambdaError;
use super::invocation::{
    ConcurrencyPermit, FunctionResponse, Invocation, NextInvocation, PlatformError, StreamEnd,
};
use super::log::{Log, LogPosition};
use super::output::Output;
use super::platform_log::LogFormat;
use super::pool::{Poll, Pool};
use crate::recorder::InvocationHandle;
use crate::throttle::Bandwidth;
pub(super) use response::ResponseRejected;

/// An execution environment of a function.
#[derive(Debug)]
pub(super) struct Environment {
    pool: Arc<Pool>,
    log: Arc<Log>,
    log_format: LogFormat,
    /// What the process writes, once it has started.
    output: OnceLock<Arc<Output>>,
    active: Mutex<ActiveInvocations>,
    init_error: Mutex<Option<Bytes>>,
    is_ready: AtomicBool,
    /// Whether it ends as soon as it has no invocation.
    is_retired: AtomicBool,
    stop: Notify,
    pid: Mutex<Option<u32>>,
    phase: watch::Sender<Phase>,
    /// Since when the environment has had no invocation; `None` while it starts or works.
    idle_since: Mutex<Option<Instant>>,
    permit: Mutex<Option<EnvironmentPermit>>,
    exit_description: Mutex<String>,
    created: Instant,
    init: Mutex<Option<Duration>>,
    /// The most memory that the process has used, in MB, and when that was read.
    memory_used: Mutex<Option<(Instant, u64)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Starting,
    Ready,
    /// The environment takes no more invocations.
    Ending,
    Ended,
}

/// The invocations that an environment works on. One that is ending starts no more.
#[derive(Debug, Default)]
struct ActiveInvocations {
    in_flight: HashMap<String, ActiveInvocation>,
    is_ending: bool,
}

#[derive(Debug)]
struct ActiveInvocation {
    responder: Responder,
    permit: Option<ConcurrencyPermit>,
    position: Option<LogPosition>,
    start: Instant,
    deadline: AbortHandle,
    /// The time of the initialization, if this is the first invocation.
    init: Option<Duration>,
    recording: InvocationHandle,
}

/// The channel to the caller of an invocation.
#[derive(Debug)]
enum Responder {
    /// The caller waits for the response.
    Response(oneshot::Sender<Result<FunctionResponse, LambdaError>>),
    /// The caller has the beginning of a streamed response and waits for its end.
    End(oneshot::Sender<StreamEnd>),
}

/// The reason why a function did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFailure {
    /// How the process ended, for example ``…` ended with exit status 3 before it asked for work`.
    pub exit_description: String,
    /// What the process has written to its standard output and standard error.
    pub log: String,
}

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.log.trim_end() {
            "" => write!(f, "{}. It wrote nothing.", self.exit_description),
            log => write!(f, "{}. It wrote:\n{log}", self.exit_description),
        }
    }
}

impl Environment {
    /// Starts an environment of the pool's function in the background.
    pub(super) fn start(pool: Arc<Pool>, permit: EnvironmentPermit) -> Arc<Self> {
        let environment = Arc::new(Self {
            log: Arc::new(Log::new(
                &pool.function.name,
                pool.function.echo_log,
                pool.function.concurrency(),
            )),
            log_format: pool.function.log_format(),
            pool,
            output: OnceLock::new(),
            active: Mutex::default(),
            init_error: Mutex::default(),
            is_ready: AtomicBool::new(false),
            is_retired: AtomicBool::new(false),
            stop: Notify::new(),
            pid: Mutex::default(),
            phase: watch::Sender::new(Phase::Starting),
            idle_since: Mutex::default(),
            permit: Mutex::new(Some(permit)),
            exit_description: Mutex::default(),
            created: Instant::now(),
            init: Mutex::default(),
            memory_used: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&environment).run());
        environment
    }

    /// Waits until the function has asked for its first invocation; fails if the process ends
    /// before.
    pub(super) async fn started(&self) -> Result<(), StartFailure> {
        let mut phase = self.phase.subscribe();
        let reached = phase
            .wait_for(|phase| *phase != Phase::Starting)
            .await
            .map(|phase| *phase);
        if matches!(reached, Ok(Phase::Ready)) {
            return Ok(());
        }
        let _ = phase.wait_for(|phase| *phase == Phase::Ended).await;
        Err(StartFailure {
            exit_description: self.exit_description.lock().clone(),
            log: self.log.full_text(),
        })
    }

    /// Ends the process and the environment.
    pub(super) fn stop(&self) {
        self.stop.notify_one();
    }

    /// The limits of the bandwidth of its streamed responses.
    pub(super) fn stream_bandwidth(&self) -> Option<Bandwidth> {
        self.pool.function.stream_bandwidth
    }

    /// Whether it works on as many invocations as it may at the same time.
    pub(super) fn is_busy(&self) -> bool {
        self.active.lock().in_flight.len() >= self.pool.function.concurrency()
    }

    /// Waits for the next invocation. Where the environment is ending there is none: its process is
    /// ended while it waits.
    pub(super) async fn next(self: &Arc<Self>) -> NextInvocation {
        match self.try_next().await {
            Some(next) => next,
            None => std::future::pending().await,
        }
    }

    async fn try_next(self: &Arc<Self>) -> Option<NextInvocation> {
        if !self.is_ready.swap(true, Ordering::SeqCst) {
            *self.init.lock() = Some(self.created.elapsed());
            self.phase.send_replace(Phase::Ready);
        }
        let is_retired = self.is_retired.load(Ordering::SeqCst) && self.end_if_idle();
        if is_retired || self.active.lock().is_ending {
            return None;
        }
        let invocation = match self.pool.poll() {
            Poll::Ready(invocation) => *invocation,
            Poll::Wait(receiver) => self.wait_for_invocation(receiver).await?,
        };
        self.begin(invocation)
    }

    fn begin(self: &Arc<Self>, invocation: Invocation) -> Option<NextInvocation> {
        // What the process has written before it asked belongs to the invocations before.
        self.catch_up_with_lines();
        let mut active = self.active.lock();
        if active.is_ending {
            drop(active);
            self.pool.resubmit(invocation);
            return None;
        }
        *self.idle_since.lock() = None;
        let position = invocation.wants_log.then(|| {
            let position = self.log.position();
            self.log
                .append_platform_line(&self.log_format.start(&invocation.request_id));
            position
        });
        let init = self.init.lock().take();
        let recording = invocation.recording.clone();
        recording.began(init, self.pool.function.memory);
        self.log
            .begin_invocation(&invocation.request_id, &recording);
        let (done, permit, next) = invocation.into_next(self.pool.function.timeout);
        let deadline =
            tokio::spawn(Arc::clone(self).watch_deadline(next.request_id.clone())).abort_handle();
        let in_flight = ActiveInvocation {
            responder: Responder::Response(done),
            permit,
            position,
            start: Instant::now(),
            deadline,
            init,
            recording,
        };
        active.in_flight.insert(next.request_id.clone(), in_flight);
        Some(next)
    }

    fn catch_up_with_lines(&self) {
        if let Some(output) = self.output.get() {
            output.catch_up_with_lines();
        }
    }

    async fn watch_deadline(self: Arc<Self>, request_id: String) {
        let timeout = self.pool.function.timeout;
        tokio::time::sleep(timeout).await;
        let is_single_concurrency = self.pool.function.concurrency() == 1;
        let in_flight = {
            let mut active = self.active.lock();
            let Some(in_flight) = active.in_flight.remove(&request_id) else {
                return;
            };
            active.is_ending |= is_single_concurrency;
            in_flight
        };
        self.fail(in_flight, &request_id, &PlatformError::TimedOut { timeout });
        if is_single_concurrency {
            self.stop();
        }
    }
}

//! One execution environment: a function's process, its own Runtime API and the invocations that it
//! works on.

mod lifecycle;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::invocation::{
    ConcurrencyPermit, FunctionResponse, Invocation, NextInvocation, Outcome, PlatformError,
    StreamEnd, StreamedResponse,
};
use super::log::{Log, LogPosition};
use super::pool::{Poll, Pool};
use super::process::peak_memory_mb;
use crate::aws::LAMBDA_MAX_RESPONSE;
use crate::recorder::InvocationHandle;

/// An execution environment of a function.
#[derive(Debug)]
pub(super) struct Environment {
    pool: Arc<Pool>,
    log: Arc<Log>,
    active: Mutex<ActiveInvocations>,
    init_error: Mutex<Option<Bytes>>,
    is_ready: AtomicBool,
    stop: Notify,
    pid: Mutex<Option<u32>>,
    phase: watch::Sender<Phase>,
    exit_description: Mutex<String>,
    created: Instant,
    init: Mutex<Option<Duration>>,
    /// The most memory that the process has used, in MB, and when that was read.
    memory_used: Mutex<Option<(Instant, u64)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Ready,
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
    Response(oneshot::Sender<FunctionResponse>),
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

/// The reason why the Runtime API rejects a response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ResponseRejected {
    /// No invocation with this id is in flight.
    InvalidRequestId,
    /// The response exceeds Lambda's limit.
    TooLarge,
}

impl Environment {
    /// Starts an environment of the pool's function in the background.
    pub(super) fn start(pool: Arc<Pool>) -> Arc<Self> {
        let environment = Arc::new(Self {
            log: Arc::new(Log::new(&pool.function.name, pool.function.echo_log)),
            pool,
            active: Mutex::default(),
            init_error: Mutex::default(),
            is_ready: AtomicBool::new(false),
            stop: Notify::new(),
            pid: Mutex::default(),
            phase: watch::Sender::new(Phase::Starting),
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
        Err(StartFailure {
            exit_description: self.exit_description.lock().clone(),
            log: self.log.full_text(),
        })
    }

    /// Ends the process and the environment.
    pub(super) fn stop(&self) {
        self.stop.notify_one();
    }

    /// Whether it works on as many invocations as it may at the same time.
    pub(super) fn is_busy(&self) -> bool {
        self.active.lock().in_flight.len() >= self.pool.function.concurrency()
    }

    /// Waits for the next invocation; `None` if the environment is ending.
    pub(super) async fn next(self: &Arc<Self>) -> Option<NextInvocation> {
        if !self.is_ready.swap(true, Ordering::SeqCst) {
            *self.init.lock() = Some(self.created.elapsed());
            self.phase.send_replace(Phase::Ready);
            self.pool.environment_ready();
        }
        if self.active.lock().is_ending {
            return None;
        }
        let invocation = match self.pool.poll() {
            Poll::Ready(invocation) => *invocation,
            Poll::Wait(receiver) => receiver.await.ok()?,
        };
        self.begin(invocation)
    }

    fn begin(self: &Arc<Self>, invocation: Invocation) -> Option<NextInvocation> {
        let mut active = self.active.lock();
        if active.is_ending {
            drop(active);
            self.pool.resubmit(invocation);
            return None;
        }
        let position = invocation.wants_log.then(|| {
            let position = self.log.position();
            self.log.append_platform_line(&format!(
                "START RequestId: {} Version: $LATEST",
                invocation.request_id
            ));
            position
        });
        let init = self.init.lock().take();
        let recording = invocation.recording.clone();
        recording.began(init, self.pool.function.memory);
        self.log.follow_invocation(&recording);
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
        let error = PlatformError::TimedOut {
            seconds: timeout.as_secs_f64(),
        };
        self.finish(in_flight, &request_id, error.payload(&request_id), true);
        if is_single_concurrency {
            self.stop();
        }
    }

    /// Handles the function's response to an invocation.
    pub(super) fn complete(
        &self,
        request_id: &str,
        payload: Bytes,
        is_function_error: bool,
    ) -> Result<(), ResponseRejected> {
        let in_flight = {
            let mut active = self.active.lock();
            // A buffered response does not end a streamed one that has begun; an error does.
            let is_streaming = active
                .in_flight
                .get(request_id)
                .is_some_and(|known| matches!(known.responder, Responder::End(_)));
            let completed = if is_streaming && !is_function_error {
                None
            } else {
                active.in_flight.remove(request_id)
            };
            completed.ok_or(ResponseRejected::InvalidRequestId)?
        };
        if payload.len() > LAMBDA_MAX_RESPONSE {
            let error = PlatformError::ResponseTooLarge.payload(request_id);
            self.finish(in_flight, request_id, error, true);
            return Err(ResponseRejected::TooLarge);
        }
        if !is_function_error {
            self.pool.print_response_hint(&payload);
        }
        self.finish(in_flight, request_id, payload, is_function_error);
        Ok(())
    }

    /// Starts a streamed response and returns the channel for its chunks.
    pub(super) fn begin_stream(
        &self,
        request_id: &str,
        content_type: String,
    ) -> Result<mpsc::Sender<Bytes>, ResponseRejected> {
        let mut active = self.active.lock();
        let in_flight = active
            .in_flight
            .get_mut(request_id)
            .ok_or(ResponseRejected::InvalidRequestId)?;
        let (ended, end) = oneshot::channel();
        let done = match std::mem::replace(&mut in_flight.responder, Responder::End(ended)) {
            Responder::Response(done) => done,
            // The response is being streamed already, and goes on.
            streaming @ Responder::End(_) => {
                in_flight.responder = streaming;
                return Err(ResponseRejected::InvalidRequestId);
            }
        };
        let (sender, chunks) = mpsc::channel(1);
        // An `Err` means that the caller is gone: the chunks are dropped.
        let _ = done.send(FunctionResponse::Streaming(StreamedResponse {
            content_type,
            chunks,
            end,
        }));
        Ok(sender)
    }

    /// Whether an invocation is in flight, streamed ones included.
    pub(super) fn is_in_flight(&self, request_id: &str) -> bool {
        self.active.lock().in_flight.contains_key(request_id)
    }

    /// Ends a streamed response, with an error payload if it is incomplete.
    pub(super) fn end_stream(&self, request_id: &str, error: Option<Bytes>) {
        let in_flight = self.active.lock().in_flight.remove(request_id);
        if let Some(in_flight) = in_flight {
            let is_error = error.is_some();
            self.finish(in_flight, request_id, error.unwrap_or_default(), is_error);
        }
    }

    /// Handles the function's report of an initialization error.
    pub(super) fn fail_init(&self, payload: Bytes) {
        *self.init_error.lock() = Some(payload);
        self.stop();
    }

    fn finish(
        &self,
        in_flight: ActiveInvocation,
        request_id: &str,
        payload: Bytes,
        is_function_error: bool,
    ) {
        let log_tail = in_flight.position.map(|position| {
            self.log
                .append_platform_line(&format!("END RequestId: {request_id}"));
            self.log
                .append_platform_line(&self.report(request_id, &in_flight));
            self.log.tail(position)
        });
        in_flight.deadline.abort();
        in_flight
            .recording
            .finished(&payload, is_function_error, self.memory_used());
        // Before the caller is notified, so that its next invocation finds the permit released.
        drop(in_flight.permit);
        // An `Err` means that the caller is gone.
        match in_flight.responder {
            Responder::Response(done) => drop(done.send(FunctionResponse::Whole(Outcome {
                payload,
                is_function_error,
                log_tail,
            }))),
            Responder::End(ended) => drop(ended.send(StreamEnd {
                error: is_function_error.then_some(payload),
                log_tail,
            })),
        }
    }

    /// The most memory that the process has used, in MB. It is read twice a second at most.
    fn memory_used(&self) -> u64 {
        let mut known = self.memory_used.lock();
        let is_fresh = |(at, _): &(Instant, u64)| at.elapsed() < Duration::from_millis(500);
        if let Some((_, used)) = known.filter(is_fresh) {
            return used;
        }
        let used = self.pid.lock().map(peak_memory_mb).unwrap_or_default();
        *known = Some((Instant::now(), used));
        used
    }

    fn report(&self, request_id: &str, in_flight: &ActiveInvocation) -> String {
        let millis = in_flight.start.elapsed().as_secs_f64() * 1e3;
        let used = self.pid.lock().map(peak_memory_mb).unwrap_or_default();
        let init = in_flight
            .init
            .map(|init| format!("\tInit Duration: {:.2} ms", init.as_secs_f64() * 1e3));
        format!(
            "REPORT RequestId: {request_id}\tDuration: {millis:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB\t\
             Max Memory Used: {used} MB{}\t",
            millis.ceil(),
            self.pool.function.memory,
            init.unwrap_or_default(),
        )
    }

    /// Notes a piece of a streamed response in the record of its invocation.
    pub(super) fn record_piece(&self, request_id: &str, piece: &[u8]) {
        if let Some(in_flight) = self.active.lock().in_flight.get(request_id) {
            in_flight.recording.piece(piece);
        }
    }
}

//! One execution environment: a process, the Runtime API that it alone talks to, and the invocations it is working on.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::invocation::{Answered, Delivery, Invocation, MAX_RESPONSE, Outcome, PlatformError, Slot, StreamEnd, Streamed};
use super::log::{Log, Mark};
use super::pool::{Poll, Pool};
use super::process::{command, describe, kill_group, peak_memory_mb};
use super::runtime_api;

/// How long a function may take until it asks for work for the first time, beside the time that an invocation may take.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib>
const INIT: Duration = Duration::from_secs(10);

/// A running environment.
#[derive(Debug)]
pub struct Environment {
    pool: Arc<Pool>,
    log: Arc<Log>,
    work: Mutex<Work>,
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

/// What an environment is working on; one that ends begins nothing more.
#[derive(Debug, Default)]
struct Work {
    in_flight: HashMap<String, InFlight>,
    is_ending: bool,
}

#[derive(Debug)]
struct InFlight {
    waiting: Waiting,
    slot: Option<Slot>,
    mark: Option<Mark>,
    start: Instant,
    deadline: AbortHandle,
}

/// Who waits for an invocation.
#[derive(Debug)]
enum Waiting {
    /// For the answer.
    Answer(oneshot::Sender<Answered>),
    /// For the end of one that has begun.
    End(oneshot::Sender<StreamEnd>),
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
            work: Mutex::default(),
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
        self.work.lock().in_flight.len() >= self.pool.function.concurrency()
    }

    /// Waits for the next invocation.
    pub async fn next(self: &Arc<Self>) -> Option<Delivery> {
        if !self.is_ready.swap(true, Ordering::SeqCst) {
            *self.init.lock() = Some(self.created.elapsed());
            self.phase.send_replace(Phase::Ready);
            self.pool.environment_ready();
        }
        if self.work.lock().is_ending {
            return None;
        }
        let invocation = match self.pool.poll() {
            Poll::Ready(invocation) => *invocation,
            Poll::Wait(receiver) => receiver.await.ok()?,
        };
        self.begin(invocation)
    }

    fn begin(self: &Arc<Self>, invocation: Invocation) -> Option<Delivery> {
        let mut work = self.work.lock();
        if work.is_ending {
            drop(work);
            self.pool.take_back(invocation);
            return None;
        }
        let mark = invocation.wants_log.then(|| {
            let mark = self.log.mark();
            self.log.platform(&format!("START RequestId: {} Version: $LATEST", invocation.request_id));
            mark
        });
        let (done, slot, delivery) = invocation.deliver(self.pool.function.timeout);
        let deadline = tokio::spawn(Arc::clone(self).watch_deadline(delivery.request_id.clone())).abort_handle();
        let in_flight = InFlight { waiting: Waiting::Answer(done), slot, mark, start: Instant::now(), deadline };
        work.in_flight.insert(delivery.request_id.clone(), in_flight);
        Some(delivery)
    }

    async fn watch_deadline(self: Arc<Self>, request_id: String) {
        let timeout = self.pool.function.timeout;
        tokio::time::sleep(timeout).await;
        let is_alone = self.pool.function.concurrency() == 1;
        let in_flight = {
            let mut work = self.work.lock();
            let Some(in_flight) = work.in_flight.remove(&request_id) else { return };
            work.is_ending |= is_alone;
            in_flight
        };
        let error = PlatformError::TimedOut { seconds: timeout.as_secs_f64() };
        self.finish(in_flight, &request_id, error.payload(&request_id), true);
        if is_alone {
            self.stop();
        }
    }

    /// The function has answered an invocation.
    pub fn complete(&self, request_id: &str, payload: Bytes, is_function_error: bool) -> Result<(), NotTaken> {
        let in_flight = {
            let mut work = self.work.lock();
            // A whole answer does not end one that has begun in pieces; an error does.
            let streams = work.in_flight.get(request_id).is_some_and(|known| matches!(known.waiting, Waiting::End(_)));
            let taken = if streams && !is_function_error { None } else { work.in_flight.remove(request_id) };
            taken.ok_or(NotTaken::InvalidRequestId)?
        };
        if payload.len() > MAX_RESPONSE {
            let error = PlatformError::ResponseTooLarge.payload(request_id);
            self.finish(in_flight, request_id, error, true);
            return Err(NotTaken::TooLarge);
        }
        self.finish(in_flight, request_id, payload, is_function_error);
        Ok(())
    }

    /// The function begins to answer an invocation in pieces, for which it is given a place.
    pub fn begin_stream(&self, request_id: &str, content_type: String) -> Result<mpsc::Sender<Bytes>, NotTaken> {
        let mut work = self.work.lock();
        let in_flight = work.in_flight.get_mut(request_id).ok_or(NotTaken::InvalidRequestId)?;
        if matches!(in_flight.waiting, Waiting::End(_)) {
            return Err(NotTaken::InvalidRequestId);
        }
        let (ended, end) = oneshot::channel();
        let Waiting::Answer(done) = std::mem::replace(&mut in_flight.waiting, Waiting::End(ended)) else {
            return Err(NotTaken::InvalidRequestId);
        };
        let (sender, pieces) = mpsc::channel(1);
        // An `Err` says that nobody waits any longer: the pieces go nowhere.
        let _ = done.send(Answered::Streaming(Streamed { content_type, pieces, end }));
        Ok(sender)
    }

    /// Whether an invocation still waits for its answer, or for the rest of it.
    pub fn is_in_flight(&self, request_id: &str) -> bool {
        self.work.lock().in_flight.contains_key(request_id)
    }

    /// The function has sent the last piece, or has broken off with an error payload.
    pub fn end_stream(&self, request_id: &str, error: Option<Bytes>) {
        let in_flight = self.work.lock().in_flight.remove(request_id);
        if let Some(in_flight) = in_flight {
            let is_error = error.is_some();
            self.finish(in_flight, request_id, error.unwrap_or_default(), is_error);
        }
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
        // Before the caller knows: its next invocation finds the place free.
        drop(in_flight.slot);
        // An `Err` says that nobody waits any longer.
        match in_flight.waiting {
            Waiting::Answer(done) => drop(done.send(Answered::Whole(Outcome { payload, is_function_error, log_tail }))),
            Waiting::End(ended) => drop(ended.send(StreamEnd { error: is_function_error.then_some(payload), log_tail })),
        }
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
        let lost: Vec<_> = {
            let mut work = self.work.lock();
            work.is_ending = true;
            work.in_flight.drain().collect()
        };
        for (request_id, in_flight) in lost {
            self.finish(in_flight, &request_id, error.payload(&request_id), true);
        }
        let was_ready = self.is_ready.load(Ordering::SeqCst);
        if let Some(stranded) = self.pool.environment_ended(&self, was_ready) {
            let payload = self.init_error.lock().clone().unwrap_or_else(|| error.payload(&stranded.request_id));
            let outcome = Outcome { payload, is_function_error: true, log_tail: Some(self.log.all()) };
            let _ = stranded.done.send(Answered::Whole(outcome));
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
            () = self.stop.notified() => end(&mut child).await,
            () = self.init_is_over() => {
                let command = self.pool.function.command.join(" ");
                self.log.platform(&format!("`{command}` runs and has not asked the Runtime API for work: is it a Lambda function?"));
                end(&mut child).await
            }
        };
        server.abort();
        kill_group(*self.pid.lock());
        for task in [stdout, stderr].into_iter().flatten() {
            // A grandchild may hold the stream open for ever.
            let _ = tokio::time::timeout(Duration::from_millis(200), task).await;
        }
        Ok(status.ok().and_then(describe))
    }

    /// Comes true when the function had time enough to ask for work and did not.
    async fn init_is_over(&self) {
        tokio::time::sleep(INIT + self.pool.function.timeout).await;
        if self.is_ready.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }

    fn cannot_start(&self, error: &std::io::Error) -> String {
        format!("`{}` cannot be started: {error}", self.pool.function.command.join(" "))
    }
}

async fn end(child: &mut tokio::process::Child) -> std::io::Result<std::process::ExitStatus> {
    kill_group(child.id());
    child.wait().await
}

async fn follow(log: Arc<Log>, stream: impl tokio::io::AsyncRead + Unpin) {
    log.follow(stream).await;
}

//! The environments of one function, or of one tenant of a function, and the queue of invocations
//! for them.
//!
//! An invocation is passed to an environment that polls for one. If none polls, another environment
//! is started and the invocation is queued; the first environment that polls gets it. If no further
//! environment may be started, it is queued, or throttled if the function has a reserved
//! concurrency.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::environment::{Environment, StartFailure};
use super::error::LambdaError;
use super::function::Function;
use super::invocation::{ConcurrencyPermit, Invocation};
use crate::terminal::print_from;

/// The most environments of a function that has no reserved concurrency.
const MAX_ENVIRONMENTS: usize = 32;

#[derive(Debug)]
pub(super) struct Pool {
    pub function: Function,
    state: Mutex<State>,
    /// The number of invocations that environments work on.
    in_flight: Arc<AtomicUsize>,
    ended: Notify,
    /// Whether the hint about a response was printed.
    has_printed_hint: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Invocation>,
    pollers: Vec<oneshot::Sender<Invocation>>,
    environments: Vec<Arc<Environment>>,
    /// The number of environments that have not polled yet.
    starting: usize,
    is_stopped: bool,
}

/// The result of an environment's poll.
#[derive(Debug)]
pub(super) enum Poll {
    /// An invocation that was queued.
    Ready(Box<Invocation>),
    /// There is none yet. The channel receives the next one.
    Wait(oneshot::Receiver<Invocation>),
}

impl Pool {
    pub(super) fn new(function: Function) -> Arc<Self> {
        Arc::new(Self {
            function,
            state: Mutex::default(),
            in_flight: Arc::default(),
            ended: Notify::new(),
            has_printed_hint: AtomicBool::new(false),
        })
    }

    /// Passes an invocation to an environment, or queues it.
    pub(super) fn submit(self: &Arc<Self>, invocation: Invocation) -> Result<(), LambdaError> {
        if self.max_environments() == 0 {
            return Err(LambdaError::TooManyRequests);
        }
        let mut state = self.state.lock();
        if state.is_stopped {
            return Err(LambdaError::TooManyRequests);
        }
        let Some(invocation) = state.dispatch(invocation, &self.in_flight) else {
            return Ok(());
        };
        // An environment that has just responded, or is starting, will poll soon.
        let slots = state.environments.len() * self.function.concurrency();
        let will_be_served = slots > self.in_flight.load(Ordering::SeqCst) + state.waiting.len();
        if !will_be_served {
            if state.environments.len() < self.max_environments() {
                self.start_environment(&mut state);
            } else if self.function.reserved_concurrency.is_some() {
                return Err(LambdaError::TooManyRequests);
            }
        }
        state.waiting.push_back(invocation);
        Ok(())
    }

    /// Starts an environment before the first invocation and waits until it is ready; fails if its
    /// process ends before.
    pub(super) async fn warm_up(self: &Arc<Self>) -> Result<(), StartFailure> {
        if self.max_environments() == 0 {
            return Ok(());
        }
        let environment = {
            let mut state = self.state.lock();
            self.start_environment(&mut state)
        };
        environment.started().await
    }

    /// Prints the function's hint about a response, the first time that there is one.
    pub(super) fn print_response_hint(&self, answer: &[u8]) {
        let Some(response_hint) = self
            .function
            .response_hint
            .filter(|_| !self.has_printed_hint.load(Ordering::Relaxed))
        else {
            return;
        };
        if let Some(text) = response_hint(answer)
            && !self.has_printed_hint.swap(true, Ordering::Relaxed)
        {
            print_from(&self.function.name, text);
        }
    }

    /// Handles an environment's poll for its next invocation.
    pub(super) fn poll(&self) -> Poll {
        let mut state = self.state.lock();
        while let Some(mut invocation) = state.waiting.pop_front() {
            if !invocation.done.is_closed() {
                invocation.permit = Some(ConcurrencyPermit::acquire(&self.in_flight));
                return Poll::Ready(Box::new(invocation));
            }
        }
        let (sender, receiver) = oneshot::channel();
        state.pollers.push(sender);
        Poll::Wait(receiver)
    }

    /// Queues an invocation again that its environment could not start.
    pub(super) fn resubmit(self: &Arc<Self>, mut invocation: Invocation) {
        invocation.permit = None;
        // On an error the channel to the caller is dropped, which the caller handles.
        let _ = self.submit(invocation);
    }

    /// Handles the first poll of an environment.
    pub(super) fn environment_ready(&self) {
        let mut state = self.state.lock();
        state.starting = state.starting.saturating_sub(1);
    }

    /// Removes an environment that has ended. If it never was ready, returns the invocation for
    /// which it was started.
    pub(super) fn environment_ended(
        self: &Arc<Self>,
        environment: &Arc<Environment>,
        was_ready: bool,
    ) -> Option<Invocation> {
        let mut state = self.state.lock();
        state
            .environments
            .retain(|known| !Arc::ptr_eq(known, environment));
        let undelivered = if was_ready {
            None
        } else {
            state.waiting.pop_front()
        };
        if !was_ready {
            state.starting = state.starting.saturating_sub(1);
        }
        let slots = state.environments.len() * self.function.concurrency();
        let is_short = slots < self.in_flight.load(Ordering::SeqCst) + state.waiting.len();
        let may_start = !state.is_stopped && state.environments.len() < self.max_environments();
        if is_short && may_start && !state.waiting.is_empty() {
            self.start_environment(&mut state);
        }
        self.ended.notify_waiters();
        undelivered
    }

    /// Ends every environment and waits for the end of their processes.
    pub(super) async fn stop(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            {
                let mut state = self.state.lock();
                state.is_stopped = true;
                state.waiting.clear();
                if state.environments.is_empty() {
                    return;
                }
                state
                    .environments
                    .iter()
                    .for_each(|environment| environment.stop());
            }
            ended.await;
        }
    }

    fn start_environment(self: &Arc<Self>, state: &mut State) -> Arc<Environment> {
        let environment = Environment::start(Arc::clone(self));
        state.environments.push(Arc::clone(&environment));
        state.starting += 1;
        environment
    }

    fn max_environments(&self) -> usize {
        self.function
            .reserved_concurrency
            .unwrap_or(MAX_ENVIRONMENTS)
    }
}

impl State {
    /// Passes the invocation to the environment that polled last, whose caches are the warmest;
    /// returns it if none polls.
    fn dispatch(
        &mut self,
        mut invocation: Invocation,
        in_flight: &Arc<AtomicUsize>,
    ) -> Option<Invocation> {
        while let Some(poller) = self.pollers.pop() {
            invocation.permit = Some(ConcurrencyPermit::acquire(in_flight));
            match poller.send(invocation) {
                Ok(()) => return None,
                Err(back) => invocation = back,
            }
        }
        invocation.permit = None;
        Some(invocation)
    }
}

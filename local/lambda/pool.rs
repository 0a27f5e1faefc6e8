//! The environments of one function, or of one tenant of a function, and the invocations for them.
//!
//! An invocation is passed to an environment that polls for one. If none polls, another environment
//! is started; the first environment that polls gets the invocation. If no further environment may
//! be started, an event is queued, and every other invocation is throttled.

mod event_queue;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::concurrency::ConcurrencyLimit;
use super::environment::{Environment, StartFailure};
use super::error::LambdaError;
use super::function::Function;
use super::invocation::{ConcurrencyPermit, Invocation};
use crate::terminal::print_from;
use event_queue::EventQueue;

#[derive(Debug)]
pub(super) struct Pool {
    pub function: Function,
    pub limit: Arc<ConcurrencyLimit>,
    /// How long an environment without an invocation is kept.
    pub idle_timeout: Duration,
    state: Mutex<State>,
    /// The number of invocations that environments work on.
    in_flight: Arc<AtomicUsize>,
    ended: Notify,
    /// Whether the hint about a response was printed.
    has_printed_hint: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// The invocations for which an environment is starting or will poll soon.
    waiting: VecDeque<Invocation>,
    /// The events beyond the concurrency.
    events: EventQueue,
    pollers: Vec<oneshot::Sender<Invocation>>,
    environments: Vec<Arc<Environment>>,
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
    pub(super) fn new(
        function: Function,
        limit: Arc<ConcurrencyLimit>,
        idle_timeout: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            function,
            limit,
            idle_timeout,
            state: Mutex::default(),
            in_flight: Arc::default(),
            ended: Notify::new(),
            has_printed_hint: AtomicBool::new(false),
        })
    }

    /// Passes an invocation to an environment, or queues it; fails if it is throttled.
    pub(super) fn submit(self: &Arc<Self>, invocation: Invocation) -> Result<(), LambdaError> {
        self.try_submit(invocation).map_err(|(error, _)| error)
    }

    fn try_submit(
        self: &Arc<Self>,
        invocation: Invocation,
    ) -> Result<(), (LambdaError, Box<Invocation>)> {
        let mut state = self.state.lock();
        if state.is_stopped {
            return Err((self.limit.throttled(), Box::new(invocation)));
        }
        let Some(invocation) = state.dispatch(invocation, &self.in_flight) else {
            return Ok(());
        };
        // An environment that has just responded, or is starting, will poll soon.
        let has_free_slot = self.slots(&state) > self.demand(&state);
        if has_free_slot || self.start_environment(&mut state).is_some() {
            state.waiting.push_back(invocation);
            return Ok(());
        }
        if !invocation.is_event {
            return Err((self.limit.throttled(), Box::new(invocation)));
        }
        state
            .events
            .push(invocation)
            .map_err(|invocation| (self.limit.throttled(), invocation))?;
        if state.events.begin_serving() {
            tokio::spawn(Arc::clone(self).serve_events());
        }
        Ok(())
    }

    /// Starts environments for the queued events whenever the limit allows it, until there are no
    /// more events. Environments that poll take events by themselves.
    async fn serve_events(self: Arc<Self>) {
        loop {
            let changed = self.limit.changed();
            tokio::pin!(changed);
            {
                let mut state = self.state.lock();
                if state.is_stopped || state.events.is_empty() {
                    state.events.end_serving();
                    return;
                }
                while self.slots(&state) < self.demand(&state) + state.events.len()
                    && self.start_environment(&mut state).is_some()
                {}
            }
            changed.await;
        }
    }

    /// Starts an environment before the first invocation and waits until it is ready; fails if its
    /// process ends before.
    pub(super) async fn warm_up(self: &Arc<Self>) -> Result<(), StartFailure> {
        let environment = self.start_environment(&mut self.state.lock());
        match environment {
            Some(environment) => environment.started().await,
            // The concurrency may be 0, so that every invocation is throttled.
            None => Ok(()),
        }
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
        while let Some(mut invocation) = state.next() {
            if invocation.is_event || !invocation.done.is_closed() {
                invocation.permit = Some(ConcurrencyPermit::acquire(&self.in_flight));
                return Poll::Ready(Box::new(invocation));
            }
        }
        let (sender, receiver) = oneshot::channel();
        state.pollers.retain(|poller| !poller.is_closed());
        state.pollers.push(sender);
        Poll::Wait(receiver)
    }

    /// Queues an invocation again that its environment could not start.
    pub(super) fn resubmit(self: &Arc<Self>, mut invocation: Invocation) {
        invocation.permit = None;
        if let Err((error, invocation)) = self.try_submit(invocation) {
            // An `Err` means that the caller is gone.
            let _ = invocation.done.send(Err(error));
        }
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
        let undelivered = if was_ready { None } else { state.next() };
        while !state.is_stopped
            && !state.waiting.is_empty()
            && self.slots(&state) < self.demand(&state)
        {
            if self.start_environment(&mut state).is_none() {
                // Another function has taken its place: nothing would ever take the invocation.
                if let Some(invocation) = state.waiting.pop_back() {
                    let _ = invocation.done.send(Err(self.limit.throttled()));
                }
            }
        }
        self.ended.notify_waiters();
        undelivered
    }

    /// Ends every environment as soon as it has responded to what it works on.
    pub(super) fn retire(&self) {
        let environments = self.state.lock().environments.clone();
        environments
            .iter()
            .for_each(|environment| environment.retire());
    }

    /// Ends every environment and waits for the end of their processes.
    pub(super) async fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.end_environments().await;
    }

    async fn end_environments(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            {
                let mut state = self.state.lock();
                state.waiting.clear();
                state.events.clear();
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

    fn start_environment(self: &Arc<Self>, state: &mut State) -> Option<Arc<Environment>> {
        let permit = self.limit.acquire()?;
        let environment = Environment::start(Arc::clone(self), permit);
        self.limit.add(&environment);
        state.environments.push(Arc::clone(&environment));
        Some(environment)
    }

    /// How many invocations the environments can work on at the same time.
    fn slots(&self, state: &State) -> usize {
        state.environments.len() * self.function.concurrency()
    }

    /// How many invocations they work on or will get as soon as they poll.
    fn demand(&self, state: &State) -> usize {
        self.in_flight.load(Ordering::SeqCst) + state.waiting.len()
    }
}

impl State {
    /// The next invocation for an environment: events come after those whose callers wait.
    fn next(&mut self) -> Option<Invocation> {
        self.waiting.pop_front().or_else(|| self.events.pop())
    }

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

//! The end of an environment that has nothing to do: after a while, or when another environment
//! needs its place.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::oneshot;

use super::super::invocation::Invocation;
use super::{Environment, Phase};

impl Environment {
    /// Since when the environment could be ended without harm to an invocation; `None` if it
    /// cannot.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let active = self.active.lock();
        if active.is_ending || !active.in_flight.is_empty() {
            return None;
        }
        *self.idle_since.lock()
    }

    /// Ends the environment unless it works on an invocation, and releases its permit; returns
    /// whether it ends.
    pub(crate) fn end_if_idle(&self) -> bool {
        {
            let mut active = self.active.lock();
            if active.is_ending || !active.in_flight.is_empty() {
                return false;
            }
            active.is_ending = true;
        }
        self.phase.send_replace(Phase::Ending);
        drop(self.permit.lock().take());
        self.stop();
        true
    }

    /// Ends the environment as soon as it has no invocation: at once, or when it polls again.
    pub(crate) fn retire(&self) {
        self.is_retired.store(true, Ordering::SeqCst);
        // One that starts ends when it polls for the first time, so that it fails no invocation.
        if self.is_ready.load(Ordering::SeqCst) {
            self.end_if_idle();
        }
    }

    /// Waits for an invocation; `None` if the environment ends, for example because it has been
    /// idle for too long. An invocation that arrives at that moment goes to another environment.
    pub(super) async fn wait_for_invocation(
        self: &Arc<Self>,
        mut receiver: oneshot::Receiver<Invocation>,
    ) -> Option<Invocation> {
        if self.active.lock().in_flight.is_empty() {
            *self.idle_since.lock() = Some(Instant::now());
            self.pool.limit.environment_is_idle();
        }
        let mut phase = self.phase.subscribe();
        loop {
            tokio::select! {
                biased;
                invocation = &mut receiver => return invocation.ok(),
                _ = phase.wait_for(|phase| *phase >= Phase::Ending) => break,
                () = tokio::time::sleep(self.pool.idle_timeout) => {
                    if self.end_if_idle() {
                        break;
                    }
                }
            }
        }
        receiver.close();
        if let Ok(invocation) = receiver.try_recv() {
            self.pool.resubmit(invocation);
        }
        None
    }
}

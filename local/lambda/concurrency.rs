//! How many environments may exist at the same time: those of functions without a reserved
//! concurrency together, those of a function with one by themselves.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html>
//!
//! No function takes more than half of the common limit, because the edge waits for the core that
//! it invokes: at AWS, the edge may take everything, and every request fails.
//!
//! Where a limit is reached, the environment that has been idle for longest makes place for a new
//! one. Where none is idle, the caller is throttled.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::environment::Environment;
use super::error::{LambdaError, ThrottleReason};

/// The limits of the service for all functions.
#[derive(Debug, Clone, Copy)]
pub struct ConcurrencyLimits {
    /// The most environments of all functions without a reserved concurrency together, as the
    /// concurrency of an account.
    pub environments: usize,
    /// How long an environment without an invocation is kept.
    pub idle_timeout: Duration,
    /// How long an event that has failed waits before its second and before its third attempt.
    pub event_retry_waits: [Duration; 2],
}

impl Default for ConcurrencyLimits {
    fn default() -> Self {
        Self {
            environments: 200,
            idle_timeout: Duration::from_secs(300),
            event_retry_waits: [Duration::from_secs(60), Duration::from_secs(120)],
        }
    }
}

/// A limit with the environments that it counts.
#[derive(Debug)]
pub(super) struct ConcurrencyLimit {
    /// The limit of all functions together, which counts too.
    common: Option<Arc<ConcurrencyLimit>>,
    limit: usize,
    reason: ThrottleReason,
    used: AtomicUsize,
    environments: Mutex<Vec<Weak<Environment>>>,
    /// Signals that an environment has ended or has become idle.
    changed: Notify,
}

/// Counts an environment until it is dropped.
#[derive(Debug)]
pub(super) struct EnvironmentPermit {
    _own: CountedPermit,
    _common: Option<CountedPermit>,
}

/// Counts an environment for one limit.
#[derive(Debug)]
struct CountedPermit(Arc<ConcurrencyLimit>);

impl ConcurrencyLimit {
    /// The limit of all functions without a reserved concurrency together.
    pub(super) fn of_account(limit: usize) -> Arc<Self> {
        Self::new(limit, ThrottleReason::Unreserved, None)
    }

    /// The share of a function without a reserved concurrency.
    pub(super) fn share_of(common: &Arc<Self>) -> Arc<Self> {
        let half = common.limit.div_ceil(2);
        Self::new(half, ThrottleReason::Unreserved, Some(Arc::clone(common)))
    }

    /// The limit of a function with a reserved concurrency.
    pub(super) fn reserved(limit: usize) -> Arc<Self> {
        Self::new(limit, ThrottleReason::Reserved, None)
    }

    fn new(limit: usize, reason: ThrottleReason, common: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self {
            common,
            limit,
            reason,
            used: AtomicUsize::new(0),
            environments: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// The permit for one more environment; `None` if the limit is reached and no environment is
    /// idle.
    pub(super) fn acquire(self: &Arc<Self>) -> Option<EnvironmentPermit> {
        let own = self.count()?;
        let common = match &self.common {
            Some(common) => Some(common.count()?),
            None => None,
        };
        Some(EnvironmentPermit {
            _own: own,
            _common: common,
        })
    }

    fn count(self: &Arc<Self>) -> Option<CountedPermit> {
        loop {
            let below = |used: usize| (used < self.limit).then_some(used + 1);
            let acquired = self
                .used
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, below);
            if acquired.is_ok() {
                return Some(CountedPermit(Arc::clone(self)));
            }
            // Its permit is released at once, while its process may take a moment to end.
            self.longest_idle()?.end_if_idle();
        }
    }

    /// Adds an environment to those that may have to make place for another one.
    pub(super) fn add(&self, environment: &Arc<Environment>) {
        let mut environments = self.environments.lock();
        environments.retain(|known| known.strong_count() > 0);
        environments.push(Arc::downgrade(environment));
        drop(environments);
        if let Some(common) = &self.common {
            common.add(environment);
        }
    }

    fn longest_idle(&self) -> Option<Arc<Environment>> {
        let environments: Vec<_> = self
            .environments
            .lock()
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        let idle = environments
            .into_iter()
            .filter_map(|environment| Some((environment.idle_since()?, environment)));
        idle.min_by_key(|(since, _)| *since)
            .map(|(_, environment)| environment)
    }

    /// Waits until an environment has ended or has become idle.
    pub(super) fn changed(&self) -> impl Future<Output = ()> {
        // What changes for one limit changes for the common one.
        self.common.as_deref().unwrap_or(self).changed.notified()
    }

    /// Signals that an environment has become idle.
    pub(super) fn environment_is_idle(&self) {
        self.common
            .as_deref()
            .unwrap_or(self)
            .changed
            .notify_waiters();
    }

    /// The error for a caller when the limit is reached.
    pub(super) fn throttled(&self) -> LambdaError {
        LambdaError::TooManyRequests(self.reason)
    }
}

impl Drop for CountedPermit {
    fn drop(&mut self) {
        self.0.used.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

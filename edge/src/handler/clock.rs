//! Times a request, and core within it.

use std::time::{Duration, Instant};

/// When a request came, and how long core has taken of the time since.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    core: Option<Duration>,
    edge: Option<Duration>,
}

impl Clock {
    /// From now on.
    pub fn start() -> Self {
        Self { start: Instant::now(), core: None, edge: None }
    }

    /// Waits for core; several waits add up.
    pub async fn time_core<T>(&mut self, call: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let result = call.await;
        self.core = Some(self.core.unwrap_or_default() + start.elapsed());
        result
    }

    /// The edge's own work is done: what still passes is the time that the caller takes to read.
    pub fn stop_edge(&mut self) {
        self.edge = Some(self.edge());
    }

    /// How long core took; `None` when it was not called.
    pub fn core(&self) -> Option<Duration> {
        self.core
    }

    /// How long the edge itself took.
    pub fn edge(&self) -> Duration {
        self.edge.unwrap_or_else(|| self.start.elapsed().saturating_sub(self.core.unwrap_or_default()))
    }
}

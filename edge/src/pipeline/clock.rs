//! Measures the time of a request, and the time of core within it.

use std::time::{Duration, Instant};

/// The start of a request, and the time that core has taken since.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    core: Option<Duration>,
    edge: Option<Duration>,
}

impl Clock {
    /// Starts to measure a request.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            core: None,
            edge: None,
        }
    }

    /// Waits for core, and adds the time to core's.
    pub async fn time_core<T>(&mut self, call: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let result = call.await;
        self.core = Some(self.core.unwrap_or_default() + start.elapsed());
        result
    }

    /// Stops the edge's own time: from now on the caller reads.
    pub fn stop_edge(&mut self) {
        self.edge = Some(self.edge());
    }

    /// The time that core took; `None` when it was not invoked.
    pub fn core(&self) -> Option<Duration> {
        self.core
    }

    /// The time that the edge itself took.
    pub fn edge(&self) -> Duration {
        self.edge.unwrap_or_else(|| {
            self.start
                .elapsed()
                .saturating_sub(self.core.unwrap_or_default())
        })
    }
}

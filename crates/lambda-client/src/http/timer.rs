//! A timer for the connection pool whose present is the wall clock's.

use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;

/// Counts from its creation by the wall clock. Where the wall clock was set back, no time has
/// passed.
#[derive(Debug, Clone)]
pub struct WallClockTimer {
    instant: Instant,
    time: SystemTime,
    sleep: TokioTimer,
}

impl Default for WallClockTimer {
    fn default() -> Self {
        Self {
            instant: Instant::now(),
            time: SystemTime::now(),
            sleep: TokioTimer::new(),
        }
    }
}

impl Timer for WallClockTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep
            .sleep(deadline.saturating_duration_since(self.now()))
    }

    fn now(&self) -> Instant {
        self.instant + self.time.elapsed().unwrap_or_default()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        *sleep = self.sleep_until(new_deadline);
    }
}

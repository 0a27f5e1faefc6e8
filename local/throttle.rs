//! The throttling of APIs and the bandwidth of streams: a bucket of as many tokens as the burst
//! limit, which is filled at the rate limit. Each request takes one, and each byte of a stream.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>

mod bandwidth;

use std::time::Instant;

pub use bandwidth::Bandwidth;
pub(crate) use bandwidth::Pacer;

use parking_lot::Mutex;

/// The limits, as `DefaultRouteSettings` in a template.
#[derive(Debug, Clone, Copy)]
pub struct ThrottlingLimits {
    /// `ThrottlingRateLimit`, in requests a second.
    pub rate: f64,
    /// `ThrottlingBurstLimit`, in requests.
    pub burst: f64,
}

/// The requests that may still be let through, of which `rate` are added each second.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    limits: ThrottlingLimits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    filled: Instant,
}

impl TokenBucket {
    /// Creates a full bucket.
    pub(crate) fn new(limits: ThrottlingLimits) -> Self {
        Self {
            limits,
            state: Mutex::new(State {
                tokens: limits.burst,
                filled: Instant::now(),
            }),
        }
    }

    /// Takes a token; returns `false` if there is none.
    pub(crate) fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        let seconds = now.saturating_duration_since(state.filled).as_secs_f64();
        state.tokens = (state.tokens + seconds * self.limits.rate).min(self.limits.burst);
        state.filled = now;
        if state.tokens < 1.0 {
            return false;
        }
        state.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_as_many_as_the_rate_allows() {
        let limits = ThrottlingLimits {
            rate: 50.0,
            burst: 100.0,
        };
        let bucket = TokenBucket::new(limits);
        let start = Instant::now();
        let passed = |at: Duration| (0..200).filter(|_| bucket.take_at(start + at)).count();
        assert_eq!(passed(Duration::ZERO), 100);
        assert_eq!(passed(Duration::from_millis(10)), 0);
        assert_eq!(passed(Duration::from_millis(500)), 25);
        assert_eq!(passed(Duration::from_secs(60)), 100);
    }
}

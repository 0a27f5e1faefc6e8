//! The bandwidth of a streamed response: a part of it passes as fast as it comes, the rest at a rate.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The limits of a stream's bandwidth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// How much passes without a limit, in bytes.
    pub burst: u32,
    /// The bytes a second that pass after that.
    pub rate: u32,
}

/// Paces one stream.
#[derive(Debug)]
pub(crate) struct Pacer {
    bandwidth: Option<Bandwidth>,
    /// The bytes that may pass at once. Below zero, so many have passed too early.
    available: f64,
    filled: Instant,
}

impl Pacer {
    /// Paces a stream that begins now; without a bandwidth it passes as fast as it comes.
    pub(crate) fn new(bandwidth: Option<Bandwidth>) -> Self {
        Self {
            bandwidth,
            available: bandwidth.map_or(0.0, |bandwidth| f64::from(bandwidth.burst)),
            filled: Instant::now(),
        }
    }

    /// Waits until so many bytes may pass.
    pub(crate) async fn pass(&mut self, bytes: usize) {
        let delay = self.take(bytes, Instant::now());
        if !delay.is_zero() {
            sleep(delay).await;
        }
    }

    /// Takes bytes from those that may pass; returns how long to wait before they do.
    fn take(&mut self, bytes: usize, now: Instant) -> Duration {
        let Some(Bandwidth { burst, rate }) = self.bandwidth else {
            return Duration::ZERO;
        };
        let (burst, rate) = (f64::from(burst), f64::from(rate));
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        // More than 2^53 bytes do not come at once.
        #[expect(clippy::cast_precision_loss, reason = "of a chunk's size")]
        let bytes = bytes as f64;
        self.available = (self.available + seconds * rate).min(burst) - bytes;
        self.filled = now;
        Duration::from_secs_f64((-self.available / rate).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;
    const BANDWIDTH: Bandwidth = Bandwidth {
        burst: 6 * 1024 * 1024,
        rate: 2 * 1024 * 1024,
    };

    #[test]
    fn the_burst_passes_at_once_and_the_rest_at_the_rate() {
        for (name, bandwidth, megabytes, seconds) in [
            ("the burst", Some(BANDWIDTH), 6, 0),
            ("two megabytes more", Some(BANDWIDTH), 8, 1),
            ("a large response", Some(BANDWIDTH), 100, 47),
            ("no limit", None, 100, 0),
        ] {
            let mut pacer = Pacer::new(bandwidth);
            let start = pacer.filled;
            let mut now = start;
            for _ in 0..megabytes * 16 {
                now += pacer.take(MIB / 16, now);
            }
            // Each delay is rounded to a nanosecond.
            let milliseconds = (now - start + Duration::from_micros(1)).as_millis();
            assert_eq!(milliseconds, seconds * 1000, "{name}");
        }
    }

    #[test]
    fn a_stream_that_pauses_gains_no_more_than_the_burst() {
        let mut pacer = Pacer::new(Some(BANDWIDTH));
        let start = pacer.filled;
        assert_eq!(pacer.take(8 * MIB, start), Duration::from_secs(1));
        let later = start + Duration::from_secs(2);
        assert_eq!(pacer.take(2 * MIB, later), Duration::ZERO);
        let much_later = later + Duration::from_secs(600);
        assert_eq!(pacer.take(7 * MIB, much_later), Duration::from_millis(500));
    }
}

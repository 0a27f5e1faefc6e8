//! Which failed attempts are made again: only those that cannot have started the function, which
//! may not be idempotent.

use std::time::Duration;

use hyper::http::response::Parts;

use crate::error::{InvokeError, error_type};
use crate::http::HttpError;

/// The longest waits before the second and the third attempt; each wait is a random part of it, as
/// with the AWS SDKs.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];

/// What may follow a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Nothing: the function may have run, or another attempt would fail in the same way.
    Never,
    /// Another attempt after a wait: the function was not started.
    AfterBackoff,
    /// One more attempt at once: Lambda refused the signature's time, and the clock has been
    /// corrected since.
    ClockCorrected,
}

/// A failed attempt, and whether another one may follow.
#[derive(Debug)]
pub struct Failure {
    pub error: InvokeError,
    pub retry: Retry,
}

/// A failure after which nothing is tried again.
impl From<InvokeError> for Failure {
    fn from(error: InvokeError) -> Self {
        Self {
            error,
            retry: Retry::Never,
        }
    }
}

/// A request that was refused a connection or was never written can be sent again.
impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let retry = if error.was_refused() || error.was_not_written() {
            Retry::AfterBackoff
        } else {
            Retry::Never
        };
        Self {
            error: error.into(),
            retry,
        }
    }
}

/// Whether Lambda answers that it did not start the function: 429, or an error named
/// `…NotReadyException`.
pub fn is_retryable(answer: &Parts) -> bool {
    answer.status == 429
        || error_type(&answer.headers).is_some_and(|name| name.ends_with("NotReadyException"))
}

/// Makes attempts until one succeeds, may have started the function, or is the last.
pub async fn at_most_once<T, A>(mut attempt: impl FnMut() -> A) -> Result<T, InvokeError>
where
    A: Future<Output = Result<T, Failure>>,
{
    let mut backoff = BACKOFF.into_iter();
    let mut clock_may_be_corrected = true;
    loop {
        let Failure { error, retry } = match attempt().await {
            Ok(output) => return Ok(output),
            Err(failure) => failure,
        };
        match retry {
            Retry::ClockCorrected if clock_may_be_corrected => clock_may_be_corrected = false,
            Retry::Never | Retry::ClockCorrected => return Err(error),
            Retry::AfterBackoff => match backoff.next() {
                Some(longest) => tokio::time::sleep(longest.mul_f64(fastrand::f64())).await,
                None => return Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::Retry::{AfterBackoff, ClockCorrected, Never};
    use super::*;

    async fn attempts(failures: &[Retry]) -> (usize, bool) {
        let made = Cell::new(0);
        let result = at_most_once(|| {
            let failure = failures.get(made.replace(made.get() + 1)).copied();
            let result = failure.map_or(Ok(()), |retry| {
                Err(Failure {
                    error: InvokeError::unreachable("no answer"),
                    retry,
                })
            });
            std::future::ready(result)
        });
        let is_ok = result.await.is_ok();
        (made.get(), is_ok)
    }

    #[tokio::test(start_paused = true)]
    async fn three_attempts_are_made_where_the_function_was_not_started_and_one_where_it_may_have_been()
     {
        for (failures, expected) in [
            (&[][..], (1, true)),
            (&[AfterBackoff, AfterBackoff], (3, true)),
            (&[AfterBackoff, AfterBackoff, AfterBackoff], (3, false)),
            (&[Never], (1, false)),
            (&[AfterBackoff, Never], (2, false)),
            (&[ClockCorrected], (2, true)),
            (&[ClockCorrected, ClockCorrected], (2, false)),
            (&[ClockCorrected, AfterBackoff, AfterBackoff], (4, true)),
        ] {
            assert_eq!(attempts(failures).await, expected, "{failures:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_waits_are_random_parts_of_100_and_200_milliseconds() {
        for seed in 0..10 {
            fastrand::seed(seed);
            let parts = [fastrand::f64(), fastrand::f64()];
            let expected = parts[0] * 100.0 + parts[1] * 200.0;
            fastrand::seed(seed);
            let start = tokio::time::Instant::now();
            attempts(&[AfterBackoff, AfterBackoff, AfterBackoff]).await;
            let waited = start.elapsed().as_secs_f64() * 1000.0;
            // The clock of the runtime counts whole milliseconds.
            assert!((waited - expected).abs() <= 3.0, "{waited} {expected}");
        }
    }
}

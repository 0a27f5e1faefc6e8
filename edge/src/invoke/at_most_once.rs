//! Which failed attempts may be made again: those alone that cannot have reached core, which may not be idempotent.
//!
//! The SDK would retry cut connections and 5xx answers too, and did run core three times on a connection that broke.

use std::time::Duration;

use hyper::http::response::Parts;

use crate::error::EdgeError;

/// The longest waits before the second and the third attempt; the wait is a random part of it, as it is with the AWS SDKs.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];

/// An attempt that failed.
#[derive(Debug)]
pub enum Failed {
    /// Core was not started: nobody listened, or Lambda said so.
    BeforeCore(EdgeError),
    /// Core may have run.
    Final(EdgeError),
}

/// Makes attempts until one succeeds, may have run core, or is the last.
pub async fn at_most_once<T, A: Future<Output = Result<T, Failed>>>(mut attempt: impl FnMut() -> A) -> Result<T, EdgeError> {
    for pause in PAUSES {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Failed::Final(error)) => return Err(error),
            Err(Failed::BeforeCore(_)) => tokio::time::sleep(pause.mul_f64(fastrand::f64())).await,
        }
    }
    attempt().await.map_err(|failed| match failed {
        Failed::BeforeCore(error) | Failed::Final(error) => error,
    })
}

/// Lambda itself answered that the function was not started: 429, or an error named `…NotReadyException`.
pub fn was_turned_away(answer: &Parts) -> bool {
    let error_type = answer.headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let name = error_type.split(':').next().unwrap_or_default();
    answer.status == 429 || name.ends_with("NotReadyException")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn attempts(failures: &[fn(EdgeError) -> Failed]) -> (usize, bool) {
        let made = Cell::new(0);
        let result = at_most_once(|| {
            let failure = failures.get(made.replace(made.get() + 1));
            std::future::ready(failure.map_or(Ok(()), |failed| Err(failed(EdgeError::CoreUnreachable(String::new())))))
        });
        let is_ok = result.await.is_ok();
        (made.get(), is_ok)
    }

    #[tokio::test(start_paused = true)]
    async fn what_did_not_reach_core_is_tried_three_times_and_what_did_once() {
        let before: fn(EdgeError) -> Failed = Failed::BeforeCore;
        let reached: fn(EdgeError) -> Failed = Failed::Final;
        assert_eq!(attempts(&[]).await, (1, true));
        assert_eq!(attempts(&[before, before]).await, (3, true));
        assert_eq!(attempts(&[before, before, before]).await, (3, false));
        assert_eq!(attempts(&[reached]).await, (1, false));
        assert_eq!(attempts(&[before, reached]).await, (2, false));
    }
}

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

//! Events: invocations whose callers have their answer before the function runs. One that fails is
//! attempted twice more, after one minute and after two; one that could not be started, for up to six
//! hours, with pauses that double from a second to five minutes.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;

use crate::lambda::Lambda;
use crate::lambda::error::LambdaError;
use crate::lambda::invocation::FunctionResponse;
use crate::lambda::invoke_request::InvokeRequest;
use crate::terminal::print_from;

/// How long an event is kept.
const MAX_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// The first and the longest pause before an event that could not be started.
const START_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// The most memory that events take which wait for another attempt, in KiB.
const MAX_MEMORY: usize = 64 * 1024;

/// The channel on which the result of an attempt comes.
type Attempt = oneshot::Receiver<Result<FunctionResponse, LambdaError>>;

/// What the events share that wait for another attempt.
#[derive(Debug)]
pub(in crate::lambda) struct EventRetries {
    /// How long an event that failed waits before its second and before its third attempt.
    waits: [Duration; 2],
    /// The memory that is free, in KiB.
    memory: Arc<Semaphore>,
}

/// The result of an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Succeeded,
    /// The function has failed.
    Failed,
    /// The function was not started.
    NotStarted,
}

impl EventRetries {
    pub(in crate::lambda) fn new(waits: [Duration; 2]) -> Self {
        Self {
            waits,
            memory: Arc::new(Semaphore::new(MAX_MEMORY)),
        }
    }

    fn reserve(&self, payload: usize) -> Option<OwnedSemaphorePermit> {
        let size = u32::try_from(payload / 1024 + 1).ok()?;
        Arc::clone(&self.memory).try_acquire_many_owned(size).ok()
    }
}

/// Passes an event to an environment, or queues it, and attempts it again when it fails.
pub(super) fn submit(request: InvokeRequest, lambda: &Lambda) -> Result<(), LambdaError> {
    let first = request.clone().submit(lambda, true)?;
    tokio::spawn(follow(request, lambda.clone(), first));
    Ok(())
}

async fn follow(mut request: InvokeRequest, lambda: Lambda, first: Attempt) {
    let start = Instant::now();
    let retries = &lambda.event_retries;
    let mut waits = retries.waits.iter();
    let mut pause = START_PAUSES.0;
    let mut attempt = Ok(first);
    loop {
        let outcome = outcome(attempt).await;
        let wait = match outcome {
            Outcome::Succeeded => return,
            Outcome::Failed => waits.next().copied(),
            Outcome::NotStarted => {
                let wait = pause;
                pause = (pause * 2).min(START_PAUSES.1);
                Some(wait)
            }
        };
        let wait = wait.filter(|wait| start.elapsed() + *wait <= MAX_AGE);
        let next = wait.and_then(|wait| Some((wait, retries.reserve(request.payload.len())?)));
        let (name, id) = (&request.name.name, &request.request_id);
        let Some((wait, reserved)) = next else {
            print_from(
                name,
                format_args!("the event {id} has failed and is discarded"),
            );
            return;
        };
        if outcome == Outcome::Failed && lambda.echoes_log(name) {
            let seconds = wait.as_secs();
            let text =
                format_args!("the event {id} has failed and is attempted again in {seconds} s");
            print_from(name, text);
        }
        tokio::time::sleep(wait).await;
        drop(reserved);
        if outcome == Outcome::Failed {
            request.recording = request.recording.next_attempt();
        }
        attempt = request.clone().submit(&lambda, true);
    }
}

async fn outcome(attempt: Result<Attempt, LambdaError>) -> Outcome {
    let Ok(attempt) = attempt else {
        return Outcome::NotStarted;
    };
    match attempt.await {
        Ok(Ok(response)) => {
            if response.whole().await.is_function_error {
                Outcome::Failed
            } else {
                Outcome::Succeeded
            }
        }
        // Throttled, or the environment has ended before it began to work on the event.
        Ok(Err(_)) | Err(_) => Outcome::NotStarted,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::*;
    use crate::lambda::error::ThrottleReason;
    use crate::lambda::invocation::Outcome as Response;

    fn response(is_function_error: bool) -> Result<FunctionResponse, LambdaError> {
        Ok(FunctionResponse::Whole(Response {
            payload: Bytes::new(),
            is_function_error,
            log_tail: None,
        }))
    }

    #[tokio::test]
    async fn an_attempt_fails_by_the_function_or_does_not_start() {
        let throttled = || LambdaError::TooManyRequests(ThrottleReason::Unreserved);
        for (name, result, expected) in [
            ("a result", Some(response(false)), Outcome::Succeeded),
            ("an error", Some(response(true)), Outcome::Failed),
            ("throttled", Some(Err(throttled())), Outcome::NotStarted),
            ("the environment has ended", None, Outcome::NotStarted),
        ] {
            let (sender, receiver) = oneshot::channel();
            match result {
                Some(result) => drop(sender.send(result)),
                None => drop(sender),
            }
            assert_eq!(outcome(Ok(receiver)).await, expected, "{name}");
        }
        assert_eq!(outcome(Err(throttled())).await, Outcome::NotStarted);
    }

    #[test]
    fn the_memory_of_events_that_wait_is_bounded() {
        let retries = EventRetries::new([Duration::ZERO; 2]);
        let reserved: Vec<_> = (0..63).map(|_| retries.reserve(1024 * 1024)).collect();
        assert!(reserved.iter().all(Option::is_some));
        assert!(retries.reserve(1024 * 1024).is_none(), "64 MB are taken");
        drop(reserved);
        assert!(retries.reserve(1024 * 1024).is_some());
    }
}

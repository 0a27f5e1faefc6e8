//! Decides which failed attempts may be tried again: only those that cannot have reached core, which may not be idempotent.
//!
//! The SDK would retry cut connections and 5xx answers too, and did run core three times on a connection that broke.

use std::error::Error;
use std::io;

use aws_sdk_lambda::config::interceptors::InterceptorContext;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};

/// Forbids the retry of whatever may have run core.
#[derive(Debug)]
pub struct AtMostOnce;

impl ClassifyRetry for AtMostOnce {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            None | Some(Ok(_)) => RetryAction::NoActionIndicated,
            Some(Err(_)) if was_turned_away(context) => RetryAction::throttling_error(),
            Some(Err(error)) => match error.as_connector_error() {
                Some(connector) if was_refused(connector) => RetryAction::transient_error(),
                _ => RetryAction::RetryForbidden,
            },
        }
    }

    fn name(&self) -> &'static str {
        "at most one execution"
    }

    /// Before all others: what is forbidden here is not asked further.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_before(RetryClassifierPriority::http_status_code_classifier())
    }
}

/// Lambda itself answered that the function was not started: 429, or an error named `…NotReadyException`.
fn was_turned_away(context: &InterceptorContext) -> bool {
    let Some(response) = context.response() else { return false };
    let error_type = response.headers().get("x-amzn-errortype").unwrap_or_default();
    let name = error_type.split(':').next().unwrap_or_default();
    response.status().as_u16() == 429 || name.ends_with("NotReadyException")
}

/// Nobody listened, so that nothing was sent.
fn was_refused(connector: &ConnectorError) -> bool {
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    causes(connector).any(|cause| cause.downcast_ref().is_some_and(refused))
}

/// An error, what caused it, and so on.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    })
}

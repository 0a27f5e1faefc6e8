//! The limits that the edge keeps: Lambda's own, and its bounds for what core may send.

use std::time::Duration;

/// Lambda's limit for the payload of a synchronous invocation, in bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// The largest response that Lambda accepts from a function, in bytes: 6 MiB and 100. Lambda's
/// error `Function.ResponseSizeTooLarge` names the figure.
pub const MAX_ANSWER: usize = 6_291_556;

/// The most header values that an answer of core may have, cookies included. API Gateway allows
/// 10,240 bytes of headers.
pub const MAX_HEADERS: usize = 500;

/// The most parameters that a query string may have. API Gateway allows 10,240 bytes of headers and
/// request line.
pub const MAX_QUERY_PARAMETERS: usize = 10_000;

/// The longest prelude of a streamed answer of core, in bytes. What has not shown itself as
/// something else by then is passed on as it is.
pub const MAX_PRELUDE: usize = 64 * 1024;

/// The longest time-out that a function may have.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(15 * 60);

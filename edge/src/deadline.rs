//! The time until the deadline of an invocation.

use std::time::{Duration, SystemTime};

/// The longest time-out that a function may have.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LONGEST_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The time until a deadline; `None` once it has passed. Lambda gives a point in time; `cargo
/// lambda watch` gives ten minutes as a duration, in the same header, which read as a point in time
/// is ten minutes after the start of 1970.
pub fn remaining(deadline: SystemTime) -> Option<Duration> {
    match deadline.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(duration) if !duration.is_zero() && duration <= LONGEST_TIMEOUT => Some(duration),
        _ => deadline.duration_since(SystemTime::now()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_is_a_duration_is_taken_for_one() {
        let after_1970 = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(remaining(after_1970(600)), Some(Duration::from_secs(600)));
        assert_eq!(remaining(after_1970(901)), None);
        assert_eq!(remaining(SystemTime::UNIX_EPOCH), None);
        let left = remaining(SystemTime::now() + Duration::from_secs(10)).expect("time");
        assert!(
            left <= Duration::from_secs(10) && left > Duration::from_secs(9),
            "{left:?}"
        );
    }
}

//! The time until the deadline of an invocation, and how much of it core gets.

use std::time::{Duration, SystemTime};

use crate::limits::LONGEST_TIMEOUT;

/// The time before the edge's own deadline that is kept for its response.
const RESERVE: Duration = Duration::from_millis(500);

/// How long to wait for core: the time until the deadline less the reserve, or `limit` if that is
/// shorter; `None` when no time is left.
pub fn time_for_core(deadline: SystemTime, limit: Option<Duration>) -> Option<Duration> {
    let left = remaining(deadline)?.checked_sub(RESERVE)?;
    Some(limit.map_or(left, |limit| limit.min(left))).filter(|time| !time.is_zero())
}

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

    #[test]
    fn core_gets_what_is_left_less_the_reserve_and_never_more_than_the_limit() {
        let in_ms = |ms| SystemTime::now() + Duration::from_millis(ms);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let whole = time_for_core(in_ms(10_000), None).expect("time");
        assert!(
            whole <= Duration::from_millis(9_500) && whole > Duration::from_millis(9_000),
            "{whole:?}"
        );
        assert_eq!(time_for_core(in_ms(10_000), seconds(1)), seconds(1));
        let limited = time_for_core(in_ms(10_000), seconds(60)).expect("time");
        assert!(limited <= Duration::from_millis(9_500), "{limited:?}");
        assert_eq!(time_for_core(in_ms(400), None), None);
        assert_eq!(time_for_core(SystemTime::UNIX_EPOCH, None), None);
    }
}

//! Wrong passwords: after five of them a user cannot sign in for a second, and for twice as long
//! after each further one, up to 15 minutes.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html>

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::json_protocol::ServiceError;

/// The wrong password after which the user is locked out for the first time.
const FIRST_LOCKOUT: u32 = 5;
/// The longest lockout, and how long after it everything is forgotten.
const MAX_LOCKOUT: Duration = Duration::from_secs(15 * 60);
/// How many users are remembered before those are dropped whose time is over.
const MAX_USERS: usize = 10_000;

/// The wrong passwords by user, also by one who does not exist.
#[derive(Debug, Default)]
pub(super) struct SignInAttempts(Mutex<HashMap<String, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    locked_until: Instant,
}

impl SignInAttempts {
    /// Fails while the user is locked out.
    pub(super) fn check(&self, sub: &str) -> Result<(), ServiceError> {
        self.check_at(sub, Instant::now())
    }

    /// Counts a wrong password.
    pub(super) fn failed(&self, sub: &str) {
        self.failed_at(sub, Instant::now());
    }

    /// Forgets the user's wrong passwords after the right one.
    pub(super) fn succeeded(&self, sub: &str) {
        self.0.lock().remove(sub);
    }

    fn check_at(&self, sub: &str, now: Instant) -> Result<(), ServiceError> {
        match self.0.lock().get(sub) {
            Some(failures) if failures.locked_until > now => {
                Err(ServiceError::not_authorized("Password attempts exceeded"))
            }
            _ => Ok(()),
        }
    }

    fn failed_at(&self, sub: &str, now: Instant) {
        let mut users = self.0.lock();
        if users.len() >= MAX_USERS {
            users.retain(|_, failures| !failures.are_over(now));
        }
        let known = users
            .get(sub)
            .copied()
            .filter(|failures| !failures.are_over(now));
        let count = known.map_or(0, |failures| failures.count).saturating_add(1);
        let locked_until = now + lockout(count);
        users.insert(
            sub.to_owned(),
            Failures {
                count,
                locked_until,
            },
        );
    }
}

impl Failures {
    fn are_over(&self, now: Instant) -> bool {
        self.locked_until + MAX_LOCKOUT <= now
    }
}

/// How long the user is locked out after this many wrong passwords.
fn lockout(count: u32) -> Duration {
    match count.checked_sub(FIRST_LOCKOUT) {
        None => Duration::ZERO,
        Some(further) => Duration::from_secs(1 << further.min(10)).min(MAX_LOCKOUT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lockout_begins_with_the_fifth_wrong_password_and_doubles() {
        let attempts = SignInAttempts::default();
        let mut now = Instant::now();
        for (count, seconds) in [(1, 0), (4, 0), (5, 1), (6, 2), (7, 4), (14, 512), (30, 900)] {
            assert_eq!(lockout(count), Duration::from_secs(seconds), "{count}");
        }
        for _ in 0..6 {
            attempts.failed_at("ada", now);
        }
        assert!(attempts.check_at("ada", now).is_err());
        assert!(attempts.check_at("grace", now).is_ok());
        now += Duration::from_secs(2);
        assert!(attempts.check_at("ada", now).is_ok());
        attempts.failed_at("ada", now);
        now += Duration::from_secs(3);
        assert!(attempts.check_at("ada", now).is_err(), "the seventh");
    }

    #[test]
    fn a_right_password_and_time_make_wrong_ones_forgotten() {
        let attempts = SignInAttempts::default();
        let mut now = Instant::now();
        (0..5).for_each(|_| attempts.failed_at("ada", now));
        attempts.succeeded("ada");
        assert!(attempts.check_at("ada", now).is_ok());
        (0..5).for_each(|_| attempts.failed_at("ada", now));
        now += Duration::from_secs(16 * 60);
        attempts.failed_at("ada", now);
        assert!(attempts.check_at("ada", now).is_ok());
    }
}

//! The number of file descriptors that the system lets the stack have: raised at the start, and
//! divided between environments and connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The number of descriptors that suffices for every use. macOS allows no more to a process unless
/// it is configured otherwise, although its limit may say so.
const SUFFICIENT: u64 = 10_240;
/// The descriptors of the services' ports and of the program itself.
const RESERVED: u64 = 80;
/// The descriptors of an environment: the Runtime API's port, two connections to it, the pipe of
/// the output, and what watches the process.
const PER_ENVIRONMENT: u64 = 5;

/// Raises the limit as far as is useful and allowed, and returns it.
pub(super) fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(SUFFICIENT);
    if current >= wanted {
        return current;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(_) => current,
    }
}

/// How many environments there may be with this number of descriptors, so that half of the
/// descriptors stay for connections.
pub(super) fn max_environments(limit: u64) -> usize {
    let environments = limit.saturating_sub(RESERVED) / 2 / PER_ENVIRONMENT;
    usize::try_from(environments).unwrap_or(usize::MAX).max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_descriptors_are_for_environments() {
        for (limit, environments) in [(64, 2), (256, 17), (1024, 94), (10_240, 1016)] {
            assert_eq!(max_environments(limit), environments, "{limit}");
        }
    }
}

//! What the tests of several packages need, and no deployed package uses: servers on loopback that
//! behave as a script says, an issuer of tokens, the Runtime API, and the named events with the
//! answers that are expected.
//!
//! It knows none of the packages that it tests. A part that fails panics, as a test does.

#![expect(
    clippy::missing_panics_doc,
    reason = "every function panics where a test is to fail"
)]

pub mod aws;
pub mod blocking;
pub mod endpoint;
pub mod event_files;
pub mod event_stream;
pub mod http;
pub mod issuer;
pub mod output;
pub mod runtime_api;
pub mod tls;

/// The time after which a test fails that waits for something.
const TEST_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

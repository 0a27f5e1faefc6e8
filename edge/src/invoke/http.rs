//! The HTTP client of the edge: TLS by ring, and the certificate authorities that it trusts.
//!
//! AWS's own endpoints are Amazon's to certify: five roots are parsed in a tenth of the time that the system's 140 take,
//! which is milliseconds of every cold start. Any other endpoint, and whatever `SSL_CERT_FILE` or `SSL_CERT_DIR` says, is
//! checked against the system's.

use std::time::Duration;

use aws_sdk_lambda::config::SharedHttpClient;
use aws_smithy_http_client::{Connector, tls};

/// Amazon's roots, as they stand at <https://www.amazontrust.com/repository/>.
const AMAZON: &[u8] = include_bytes!("amazon-roots.pem");
/// For how long an unused connection is kept: Lambda may close it while the environment is frozen, and a request that is
/// written to a closed connection cannot be tried again.
const IDLE: Duration = Duration::from_secs(20);

/// Whose word is taken for who a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roots {
    /// Amazon's, for AWS's own endpoints.
    Amazon,
    /// The system's, or those that `SSL_CERT_FILE` names.
    System,
}

/// TLS by ring, not aws-lc: the latter spends 30 to 45 ms of CPU on entropy at the first handshake.
fn provider() -> tls::Provider {
    tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)
}

// The roots are a part of the program, whose tests parse them.
fn context(roots: Roots) -> tls::TlsContext {
    let store = match roots {
        Roots::Amazon => tls::TrustStore::empty().with_pem_certificate(AMAZON),
        Roots::System => tls::TrustStore::default(),
    };
    tls::TlsContext::builder().with_trust_store(store).build().expect("a TLS context")
}

/// What the SDK sends its requests with.
pub fn client(roots: Roots) -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .pool_idle_timeout(IDLE)
        .tls_provider(provider())
        .tls_context(context(roots))
        .build_https()
}

/// The same for requests that are no AWS operation.
pub fn connector(roots: Roots) -> Connector {
    Connector::builder().tls_provider(provider()).tls_context(context(roots)).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_roots_are_certificates() {
        assert_eq!(AMAZON.windows(27).filter(|window| *window == b"-----BEGIN CERTIFICATE-----").count(), 5);
        // A certificate that cannot be parsed is a panic here, not in Lambda.
        let _ = (client(Roots::Amazon), connector(Roots::Amazon));
    }
}

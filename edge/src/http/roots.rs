//! The certificate authorities that are trusted.
//!
//! AWS's own endpoints are Amazon's to certify: five roots are read in a thirtieth of the time that the system's 140 take.
//! Any other endpoint is checked against those of `SSL_CERT_FILE`, or the system's.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

/// Amazon's roots, as they stand at <https://www.amazontrust.com/repository/>.
const AMAZON: &str = include_str!("amazon-roots.pem");

/// Whose word is taken for who a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Amazon's, for AWS's own endpoints.
    Amazon,
    /// Those in a file, in PEM.
    File(PathBuf),
    /// The system's.
    System,
}

/// Reads them; what cannot be read is passed over, if there is something else.
pub fn store(roots: &Roots) -> Result<RootCertStore, String> {
    let certificates = match roots {
        Roots::Amazon => in_pem(AMAZON),
        Roots::File(path) => in_pem(&read(path)?),
        Roots::System => systems()?,
    };
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates);
    match (store.is_empty(), roots) {
        (false, _) => Ok(store),
        (true, Roots::File(path)) => Err(format!("SSL_CERT_FILE: {} holds no certificate authority in PEM", path.display())),
        (true, _) => Err("the system has no certificate authorities: name a file of them in SSL_CERT_FILE".to_owned()),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("SSL_CERT_FILE: {}: {error}", path.display()))?;
    // Wildcard certificates anything may stand.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The certificates of a PEM file. Certificates are no secret: what usually reads PEM takes thirty times as long, for it
/// lets no key be guessed from the time that it takes.
fn in_pem(text: &str) -> Vec<CertificateDer<'static>> {
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1).filter_map(|rest| rest.split("-----END").next());
    let unwrapped = blocks.map(|block| block.lines().map(str::trim).collect::<String>());
    unwrapped.filter_map(|base64| STANDARD.decode(base64).ok()).map(CertificateDer::from).collect()
}

fn systems() -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    match found.errors.first() {
        Some(error) if found.certs.is_empty() => Err(format!("the system's certificate authorities: {error}")),
        _ => Ok(found.certs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_roots_are_five_certificates() {
        assert_eq!(store(&Roots::Amazon).expect("roots").len(), 5);
    }

    #[test]
    fn a_file_without_certificates_is_told_by_its_name() {
        let missing = store(&Roots::File("/nowhere/roots.pem".into())).expect_err("no file");
        assert!(missing.starts_with("SSL_CERT_FILE: /nowhere/roots.pem: "), "{missing}");
        let other = store(&Roots::File(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into())).expect_err("no certificate");
        assert!(other.ends_with("Cargo.toml holds no certificate authority in PEM"), "{other}");
    }
}

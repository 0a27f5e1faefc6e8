//! Trust anchors: the certificate authorities that may certify a server.
//!
//! AWS's own endpoints are certified by Amazon's roots; to read five of them takes a thirtieth of
//! the time that the system's 140 take. Any other endpoint is checked against those of a file, or
//! the system's.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// The certificates at <https://www.amazontrust.com/repository/>.
const AMAZON: [&[u8]; 5] = [
    include_bytes!("amazon-roots/amazon-root-ca-1.der"),
    include_bytes!("amazon-roots/amazon-root-ca-2.der"),
    include_bytes!("amazon-roots/amazon-root-ca-3.der"),
    include_bytes!("amazon-roots/amazon-root-ca-4.der"),
    include_bytes!("amazon-roots/starfield.der"),
];

/// Which certificate authorities are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Amazon's, for AWS's own endpoints.
    Amazon,
    /// Those in a file in PEM, named by `SSL_CERT_FILE`.
    File(PathBuf),
    /// Those that the operating system trusts.
    System,
}

impl Roots {
    /// Reads the certificates. Those that cannot be read are left out; it is an error if none is
    /// left.
    pub(crate) fn store(&self) -> Result<RootCertStore, String> {
        let certificates = match self {
            Self::Amazon => AMAZON.into_iter().map(CertificateDer::from).collect(),
            Self::File(path) => from_file(path)?,
            Self::System => from_system()?,
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates);
        match self {
            _ if !store.is_empty() => Ok(store),
            Self::File(path) => Err(format!(
                "SSL_CERT_FILE: {} holds no certificate authority in PEM",
                path.display()
            )),
            _ => Err(
                "the system has no certificate authorities: name a file of them in SSL_CERT_FILE"
                    .to_owned(),
            ),
        }
    }
}

fn from_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = std::fs::read(path)
        .map_err(|error| format!("SSL_CERT_FILE: {}: {error}", path.display()))?;
    Ok(CertificateDer::pem_slice_iter(&bytes)
        .filter_map(Result::ok)
        .collect())
}

fn from_system() -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    match found.errors.first() {
        Some(error) if found.certs.is_empty() => {
            Err(format!("the system's certificate authorities: {error}"))
        }
        _ => Ok(found.certs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_five_roots_of_amazon() {
        assert_eq!(Roots::Amazon.store().expect("roots").len(), 5);
    }

    #[test]
    fn a_file_without_certificates_is_an_error_that_names_it() {
        let missing = Roots::File("/nowhere/roots.pem".into())
            .store()
            .expect_err("no file");
        assert!(
            missing.starts_with("SSL_CERT_FILE: /nowhere/roots.pem: "),
            "{missing}"
        );
        let other = Roots::File(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into())
            .store()
            .expect_err("no certificate");
        assert!(
            other.ends_with("Cargo.toml holds no certificate authority in PEM"),
            "{other}"
        );
    }

    #[test]
    fn text_and_damaged_blocks_between_the_certificates_of_a_file_are_left_out() {
        let authority = |name: &str| {
            let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("parameters");
            params
                .self_signed(&rcgen::KeyPair::generate().expect("a key"))
                .expect("a certificate")
                .pem()
        };
        let damaged = "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n";
        let file =
            std::env::temp_dir().join(format!("lambda-client-roots-{}.pem", std::process::id()));
        std::fs::write(
            &file,
            format!(
                "# one\n{}{damaged}# two\n{}",
                authority("a.example"),
                authority("b.example")
            ),
        )
        .expect("a file");
        let store = Roots::File(file.clone()).store();
        let _ = std::fs::remove_file(file);
        assert_eq!(store.expect("roots").len(), 2);
    }
}

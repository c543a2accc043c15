//! The files of TLS, and what is wrong with them.

use std::path::Path;

use callgate_terminal::read_file;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::settings::TlsFiles;

/// Why TLS cannot be spoken: which key of `tls` is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TlsError {
    /// The key below `tls`.
    pub key: &'static str,
    /// What is wrong with it.
    pub message: String,
}

pub(super) fn wrong<T>(key: &'static str, message: impl Into<String>) -> Result<T, TlsError> {
    Err(TlsError { key, message: message.into() })
}

/// What the files hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) client_ca: Option<Vec<u8>>,
}

/// Maximum size of a file with certificates or a key, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Contents {
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = |key, path: &Path| match read_file(path, FILE_BYTES_MAX) {
            Ok(bytes) => Ok(bytes),
            Err(error) => wrong(key, format!("{} cannot be read ({error})", path.display())),
        };
        Ok(Self {
            certificate: read("certificate", &files.certificate)?,
            key: read("key", &files.key)?,
            client_ca: files.client_ca.as_deref().map(|path| read("client_ca", path)).transpose()?,
        })
    }

    /// The certificates, the server's own first.
    pub(super) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates("certificate", &self.certificate)
    }
}

/// The certificates of a file, in its order.
pub(super) fn certificates(key: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => {
            wrong(key, "contains no certificate: a PEM file begins with -----BEGIN CERTIFICATE-----")
        }
        Ok(found) => Ok(found),
        Err(error) => wrong(key, format!("is no valid PEM ({error})")),
    }
}

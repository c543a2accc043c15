//! Certificates of authorities that a source trusts.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::lookup::SourceError;

/// Reads the certificates of a PEM file.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn certificates(pem: &str) -> Result<RootCertStore, SourceError> {
    let wrong = |what: &dyn std::fmt::Display| SourceError(format!("`ca_file` {what}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| wrong(&format_args!("is not PEM: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(&format_args!("has a certificate that cannot be used: {error}")))?;
    }
    match roots.is_empty() {
        true => Err(wrong(&"has no certificate: name the PEM file of the authority that signed the source's")),
        false => Ok(roots),
    }
}

//! Certificates of authorities, from a file that the settings name.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::file::Section;

/// Maximum size of the file, in bytes. A bundle of all public authorities takes a quarter of it.
const CA_BYTES_MAX: u64 = 1 << 20;

/// Certificates of authorities that can be used.
pub(super) struct Authorities {
    /// As they are in the file.
    pub(super) pem: String,
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// The contents of `ca_file`. The file is read here, with the settings, so that a reload notices what has changed in
/// it.
pub(super) fn read(section: &mut Section<'_, '_>) -> Option<Authorities> {
    let path = section.text("ca_file")?;
    let file = section.file();
    let read = file.read_text(&path.key, &file.beside(path.value), CA_BYTES_MAX);
    let pem = read.map_err(|error| section.report("ca_file", format!("cannot be read: {error}"))).ok()?;
    match certificates(&pem) {
        Ok(certificates) => Some(Authorities { pem, certificates }),
        Err(what) => {
            section.report("ca_file", what);
            None
        }
    }
}

/// # Errors
/// What is wrong with the file, worded to follow its key.
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let (mut certificates, mut roots) = (Vec::new(), RootCertStore::empty());
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("is not PEM: {error}"))?;
        certificates.push(certificate.clone());
        roots.add(certificate).map_err(|error| format!("has a certificate that cannot be used: {error}"))?;
    }
    match certificates.is_empty() {
        true => Err("has no certificate: name the PEM file of the authority that signed the server's".to_owned()),
        false => Ok(certificates),
    }
}

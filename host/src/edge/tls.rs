//! TLS: the certificate of a listener, checked when it is read, and read again when its files change.

mod files;
mod own;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ParsedCertificate, ProducesTickets, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, RootCertStore, ServerConfig};

use crate::settings::TlsFiles;

pub use files::TlsError;
pub use own::trusting;

use files::{Contents, certificates, wrong};

/// The TLS of one listener.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    /// What the files held when they were last read.
    contents: Mutex<Contents>,
    config: ArcSwap<ServerConfig>,
    /// Keys of the tickets with which clients resume. A new certificate does not end them.
    tickets: Arc<dyn ProducesTickets>,
}

impl Tls {
    /// Reads and checks the files.
    ///
    /// # Errors
    /// If they cannot be read, or do not belong together.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let contents = Contents::read(files)?;
        let tickets = match ring::Ticketer::new() {
            Ok(tickets) => tickets,
            Err(error) => return wrong("certificate", format!("no random numbers for session tickets: {error}")),
        };
        let config = config(&contents, Arc::clone(&tickets))?;
        Ok(Self {
            files: files.clone(),
            contents: Mutex::new(contents),
            config: ArcSwap::from_pointee(config),
            tickets,
        })
    }

    /// Reads the files again, and uses what they hold for connections that come from now on, if it has changed. Returns
    /// whether it has.
    ///
    /// # Errors
    /// As [`Tls::load`]: what was in use still is.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let contents = Contents::read(&self.files)?;
        let mut before = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        if *before == contents {
            return Ok(false);
        }
        // Resumed sessions do not verify the client's certificate again: when the roots for clients change, no session
        // may be resumed.
        let tickets = if before.client_ca == contents.client_ca {
            Arc::clone(&self.tickets)
        } else {
            ring::Ticketer::new().unwrap_or_else(|_| Arc::clone(&self.tickets))
        };
        self.config.store(Arc::new(config(&contents, tickets)?));
        *before = contents;
        Ok(true)
    }

    /// What the certificate lacks, now: it has expired, or its chain has a gap. Clients that check it will refuse it.
    #[must_use]
    pub fn warnings(&self) -> Vec<TlsError> {
        let contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner).clone();
        contents.chain().map_or_else(|error| vec![error], |chain| doubts(&chain, SystemTime::now()))
    }

    /// What a connection that comes now is served with.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }
}

fn config(contents: &Contents, tickets: Arc<dyn ProducesTickets>) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let certified = certified(contents.chain()?, &contents.key, &provider)?;
    let versions = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .or_else(|error| wrong("certificate", error.to_string()))?;
    let clients = match &contents.client_ca {
        None => versions.with_no_client_auth(),
        Some(roots) => {
            let roots = Arc::new(roots_of(roots)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            versions.with_client_cert_verifier(verifier.or_else(|error| wrong("client_ca", error.to_string()))?)
        }
    };
    let mut config = clients.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = tickets;
    Ok(config)
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca", pem)? {
        roots
            .add(certificate)
            .or_else(|error| wrong("client_ca", format!("contains no root certificate ({error})")))?;
    }
    Ok(roots)
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let key = match PrivateKeyDer::from_pem_slice(key) {
        Ok(key) => key,
        Err(_) => {
            let text = "holds no private key in PEM that is not encrypted: it begins with -----BEGIN PRIVATE KEY-----, \
                        -----BEGIN RSA PRIVATE KEY----- or -----BEGIN EC PRIVATE KEY-----";
            return wrong("key", text);
        }
    };
    let signing = match provider.key_provider.load_private_key(key) {
        Ok(signing) => signing,
        Err(error) => return wrong("key", format!("has an unsupported type ({error}): use ECDSA P-256 or RSA")),
    };
    let matches =
        |chain: Vec<CertificateDer<'static>>| CertifiedKey::new(chain, Arc::clone(&signing)).keys_match().is_ok();
    if matches(chain.clone()) {
        return Ok(CertifiedKey::new(chain, signing));
    }
    if let Some(number) = chain.iter().position(|certificate| matches(vec![certificate.clone()])) {
        let number = number + 1;
        let text = format!(
            "is in the wrong order: the key belongs to certificate {number} of the file, which must be the first; the \
             certificate that signed it follows, and so on"
        );
        return wrong("certificate", text);
    }
    wrong("key", "does not belong to the certificate: give the key that the certificate was requested with")
}

/// What clients that check the certificate will dislike.
fn doubts(chain: &[CertificateDer<'static>], now: SystemTime) -> Vec<TlsError> {
    let mut doubts = Vec::new();
    let [first, between @ ..] = chain else { return doubts };
    let mut doubt = |message: &str| doubts.push(TlsError { key: "certificate", message: message.to_owned() });
    let Ok(parsed) = ParsedCertificate::try_from(first) else {
        doubt("cannot be parsed as X.509: clients will refuse it");
        return doubts;
    };
    let mut roots = RootCertStore::empty();
    let _ = roots.add(between.last().unwrap_or(first).clone());
    let now = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    match verify_server_cert_signed_by_trust_anchor(&parsed, &roots, between, now, algorithms) {
        Err(rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
            doubt(
                "has expired: clients that verify it refuse to connect. Renew it; the file is reloaded automatically",
            );
        }
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => doubt("is not valid yet: compare its dates with the clock of this machine"),
        Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) if !between.is_empty() => {
            doubt(
                "is followed by certificates that did not sign it, or are in the wrong order: each must be signed by the next one",
            );
        }
        _ => {}
    }
    doubts
}

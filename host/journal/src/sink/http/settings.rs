//! The settings of the sink `http`.

use std::time::Duration;

use http::Uri;
use http::uri::Authority;
use rustls::pki_types::CertificateDer;

use super::secret::SigningSecret;

/// The keys of `kind = "http"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// The receiver.
    pub url: SinkUrl,
    /// What requests are signed with: one, or two while one replaces the other.
    pub secrets: Vec<SigningSecret>,
    /// Maximum time for one request, from connecting to the end of the response.
    pub within: Duration,
    /// Maximum number of requests at the same time, each for another key.
    pub in_flight_max: usize,
    /// Certificates of the authorities that may have signed the receiver's certificate, instead of the usual ones.
    pub ca: Option<Vec<CertificateDer<'static>>>,
    /// After this many attempts a record is dropped; `None`: never.
    pub attempts_max: Option<u32>,
}

/// A URL of which only scheme, host and port are ever shown: the rest may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SinkUrl {
    uri: Uri,
}

impl SinkUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// If it is not a URL, is relative, has a scheme other than `https` and `http`, or contains a user and password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "must be a complete URL, such as \"https://example.org/hooks\"";
        let uri: Uri = text.parse().map_err(|_| SHAPE)?;
        if !matches!(uri.scheme_str(), Some("https" | "http")) || uri.host().is_none_or(str::is_empty) {
            return Err(SHAPE);
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("must not contain a user and password: receivers verify the signature");
        }
        Ok(Self { uri })
    }

    /// Whether requests to it are encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// The URL, to be requested and not to be shown.
    #[must_use]
    pub fn reveal(&self) -> &Uri {
        &self.uri
    }
}

impl std::fmt::Display for SinkUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let authority = self.uri.authority().map(Authority::as_str).unwrap_or_default();
        write!(f, "{}://{authority}/…", self.uri.scheme_str().unwrap_or_default())
    }
}

impl std::fmt::Debug for SinkUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

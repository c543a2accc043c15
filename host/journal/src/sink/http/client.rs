//! Sends records to a receiver.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use super::answer::{Outcome, outcome};
use super::settings::HttpSettings;
use super::sign::signatures;
use crate::envelope::{MEDIA_TYPE, cloud_event};
use crate::record::Record;

/// The client of one sink. It keeps connections open between requests.
pub(super) struct Client {
    client: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    settings: HttpSettings,
}

/// A connection without a request is closed after this time: receivers close theirs after a minute or so.
const IDLE: Duration = Duration::from_secs(30);

/// How much of a response is read, in bytes, so that its connection can be used again; beyond it the connection is
/// closed.
const RESPONSE_BYTES_MAX: usize = 64 << 10;

impl Client {
    /// A client for this receiver. Must be used in one runtime.
    pub(super) fn new(settings: HttpSettings) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        // With TLS on top, the connector sees URLs in https.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.within));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls(&settings)?);
        let https = match settings.url.is_https() {
            true => https.https_only(),
            false => https.https_or_http(),
        };
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(settings.in_flight_max)
            .build(https.enable_http1().wrap_connector(tcp));
        Ok(Self { client, settings })
    }

    /// Sends a record, and waits for the answer as long as the settings say.
    pub(super) async fn deliver(&self, record: &Record) -> Outcome {
        let now = SystemTime::now();
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let body = cloud_event(&record.event());
        let request = Request::post(self.settings.url.reveal())
            .header(header::CONTENT_TYPE, MEDIA_TYPE)
            .header(header::USER_AGENT, concat!("callgate/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &record.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signatures(&self.settings.secrets, &record.id, seconds, &body))
            .body(Full::new(Bytes::from(body)));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Outcome::Slow(format!("the request cannot be made: {error}"), Duration::ZERO),
        };
        let exchange = async {
            let response = self.client.request(request).await?;
            let (head, body) = response.into_parts();
            // What it says does not matter, and neither does an end that is missing: the status was read.
            let _ = Limited::new(body, RESPONSE_BYTES_MAX).collect().await;
            Ok::<_, legacy::Error>(outcome(head.status, &head.headers, now))
        };
        match timeout(self.settings.within, exchange).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                Outcome::Slow(format!("the receiver cannot be reached: {}", causes(&error)), Duration::ZERO)
            }
            Err(_) => {
                let within_ms = self.settings.within.as_millis();
                Outcome::Slow(format!("the receiver does not answer within {within_ms} ms"), Duration::ZERO)
            }
        }
    }
}

/// How TLS is spoken with this receiver.
pub(super) fn tls(settings: &HttpSettings) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let config = match &settings.ca {
        None => config.with_webpki_roots(),
        Some(certificates) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                let unusable = |error| format!("has a certificate that cannot be used: {error}");
                roots.add(certificate.clone()).map_err(unusable)?;
            }
            config.with_root_certificates(roots)
        }
    };
    Ok(config.with_no_client_auth())
}

/// An error with its causes.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

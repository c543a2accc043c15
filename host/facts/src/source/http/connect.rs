//! Connections to a web service: only to addresses that the operator allows.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use ipnet::IpNet;
use rustls::RootCertStore;
use tower_service::Service;

use crate::lookup::SourceError;
use crate::settings;

/// Connects with or without TLS.
pub(super) type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// Resolves a host name, without the addresses that the operator does not allow.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    private_networks: Vec<IpNet>,
}

/// A connector for this service.
///
/// # Errors
/// If its certificates cannot be used, or its address is not allowed.
pub(super) fn connector(settings: &settings::Http) -> Result<Connector, SourceError> {
    let resolver = Resolver { private_networks: settings.private_networks.clone() };
    // IP addresses do not go through the resolver.
    let uri: Option<hyper::Uri> = settings.url.replace("{key}", "k").parse().ok();
    let host = uri.as_ref().and_then(|uri| uri.host()).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse::<IpAddr>() {
        resolver.check(address).map_err(|error| SourceError(format!("`url`: {error}")))?;
    }
    let mut http = HttpConnector::new_with_resolver(resolver);
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(settings.remote.question_within()));
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| SourceError(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots(settings)?)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions();
    Ok(connector.wrap_connector(http))
}

fn roots(settings: &settings::Http) -> Result<RootCertStore, SourceError> {
    let Some(certificates) = &settings.ca else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let wrong = |error| SourceError(format!("`ca_file` has a certificate that cannot be used: {error}"));
        roots.add(certificate.clone()).map_err(wrong)?;
    }
    Ok(roots)
}

impl Resolver {
    fn check(&self, address: IpAddr) -> Result<(), String> {
        let address = address.to_canonical();
        if !is_private(address) || self.private_networks.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        Err(format!("{address} is a private address: if it is meant, add its network to `private_networks`"))
    }
}

/// Whether an address is not publicly routable.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || is_shared
                || a == 0
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut refused = None;
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| match resolver.check(address.ip()) {
                    Ok(()) => true,
                    Err(why) => {
                        refused = Some(why);
                        false
                    }
                })
                .collect();
            match (allowed.is_empty(), refused) {
                (true, Some(why)) => Err(io::Error::new(io::ErrorKind::PermissionDenied, why)),
                _ => Ok(allowed.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_private_networks_are_connected_to() {
        let resolver = |networks: &[&str]| Resolver {
            private_networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
        };
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(resolver(&[]).check(private.parse().unwrap()).is_err(), "{private}");
        }
        for public in ["1.1.1.1", "100.128.0.1", "2606:4700::1111"] {
            assert_eq!(resolver(&[]).check(public.parse().unwrap()), Ok(()));
        }
        assert_eq!(resolver(&["10.1.0.0/16"]).check("10.1.2.3".parse().unwrap()), Ok(()));
        assert_eq!(resolver(&["10.1.0.0/16"]).check("::ffff:10.1.2.3".parse().unwrap()), Ok(()));
        assert!(resolver(&["10.1.0.0/16"]).check("10.2.2.3".parse().unwrap()).is_err());
    }
}

//! TLS on real connections: certificates, their files, clients with certificates of their own, resumption.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use callgate::Settings;
use callgate::edge::{self, Readiness, Stop, Tls};
use callgate::settings::TlsFiles;
use harness::{TestHost, setup};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority, and what it has signed.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate and its key, as PEM.
    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(["callgate.example".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

/// Files in a folder of their own.
struct Files(TempDir);

impl Files {
    fn new(certificate: &str, key: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write(certificate, key);
        files
    }

    fn write(&self, certificate: &str, key: &str) {
        std::fs::write(self.0.path().join("cert.pem"), certificate).unwrap();
        std::fs::write(self.0.path().join("key.pem"), key).unwrap();
    }

    fn settings(&self) -> TlsFiles {
        let at = |name: &str| self.0.path().join(name);
        let client_ca = Some(at("ca.pem")).filter(|path| path.exists());
        TlsFiles { certificate: at("cert.pem"), key: at("key.pem"), client_ca }
    }
}

/// A host that speaks TLS.
struct Secure {
    host: TestHost,
    address: SocketAddr,
    tls: Arc<Tls>,
}

async fn serve(files: &Files, server: &str) -> Secure {
    let host = setup().start();
    let tls = Arc::new(Tls::load(&files.settings()).unwrap());
    let (listener, address) = harness::listener();
    let toml = format!("[server]\n{server}\n[[platform]]\nkind = \"openim\"\n");
    let settings = Settings::parse(Path::new("host.toml"), &toml).unwrap().server;
    let (app, listener) = (host.host().clone(), listener.with_tls(Arc::clone(&tls)));
    tokio::spawn(async move {
        edge::serve(listener, app, &settings, Readiness::default(), std::future::pending::<Stop>()).await;
    });
    Secure { host, address, tls }
}

/// A client that trusts this authority.
fn client(roots: RootCertStore, own: Option<(&str, &str)>) -> Arc<ClientConfig> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match own {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect();
            config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    })
}

impl Secure {
    async fn connect(&self, config: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("callgate.example").unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await
    }

    /// Connections whose handshake begins and does not go on.
    async fn stall(&self, count: usize) -> Vec<TcpStream> {
        let mut stalled = Vec::new();
        for _ in 0..count {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(b"\x16\x03\x01").await.unwrap();
            stalled.push(stream);
        }
        stalled
    }

    /// The answer to a callback, and how hands were shaken for it.
    async fn post(&self, config: &Arc<ClientConfig>) -> std::io::Result<(String, HandshakeKind)> {
        let mut stream = self.connect(config).await?;
        let head = "POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\nConnection: close";
        stream.write_all(format!("{head}\r\nContent-Length: 2\r\n\r\n{{}}").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok((answer, stream.get_ref().1.handshake_kind().unwrap()))
    }

    async fn answers(&self, config: &Arc<ClientConfig>) -> HandshakeKind {
        let (answer, kind) = self.post(config).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\"nextCode\":0}"), "{answer}");
        kind
    }
}

#[tokio::test]
async fn callbacks_are_answered_over_tls_and_clients_resume() {
    let authority = Authority::new("root");
    let (certificate, key) = authority.sign(|_| {});
    let secure = serve(&Files::new(&certificate, &key), "").await;
    let config = client(authority.roots(), None);
    assert_eq!(secure.answers(&config).await, HandshakeKind::Full);
    assert_eq!(secure.answers(&config).await, HandshakeKind::Resumed);
    let stranger = client(Authority::new("another").roots(), None);
    assert!(secure.post(&stranger).await.is_err());
}

#[tokio::test]
async fn only_http_1_is_agreed_on() {
    let authority = Authority::new("root");
    let (certificate, key) = authority.sign(|_| {});
    let secure = serve(&Files::new(&certificate, &key), "").await;
    let offering = |protocols: &[&str]| {
        let mut config = Arc::unwrap_or_clone(client(authority.roots(), None));
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    };
    let agreed = secure.connect(&offering(&["h2", "http/1.1"])).await.unwrap();
    assert_eq!(agreed.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(secure.connect(&offering(&["h2"])).await.is_err());
}

#[tokio::test]
async fn a_new_certificate_is_used_as_soon_as_its_files_are_read_again_and_a_wrong_one_is_not() {
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    let (certificate, key) = before.sign(|_| {});
    let files = Files::new(&certificate, &key);
    let secure = serve(&files, "").await;
    let (old, new) = (client(before.roots(), None), client(after.roots(), None));
    secure.answers(&old).await;
    assert!(!secure.tls.reload().unwrap());
    // A key that does not fit yet, because the files are replaced one after the other.
    let (next_certificate, next_key) = after.sign(|_| {});
    files.write(&next_certificate, &key);
    assert_eq!(secure.tls.reload().unwrap_err().key, "key");
    secure.answers(&client(before.roots(), None)).await;
    files.write(&next_certificate, &next_key);
    assert!(secure.tls.reload().unwrap());
    assert_eq!(secure.answers(&new).await, HandshakeKind::Full);
    assert!(secure.post(&client(before.roots(), None)).await.is_err());
    assert_eq!(secure.answers(&old).await, HandshakeKind::Resumed, "sessions go on");
}

#[tokio::test]
async fn clients_show_a_certificate_where_one_is_asked_for() {
    let (authority, clients) = (Authority::new("root"), Authority::new("clients"));
    let (certificate, key) = authority.sign(|_| {});
    let files = Files::new(&certificate, &key);
    std::fs::write(files.0.path().join("ca.pem"), clients.pem()).unwrap();
    let secure = serve(&files, "").await;
    let (own, own_key) = clients.sign(|params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    let (foreign, foreign_key) = authority.sign(|_| {});
    let config = client(authority.roots(), Some((&own, &own_key)));
    assert_eq!(secure.answers(&config).await, HandshakeKind::Full);
    assert_eq!(secure.answers(&config).await, HandshakeKind::Resumed);
    assert!(secure.post(&client(authority.roots(), None)).await.is_err());
    assert!(secure.post(&client(authority.roots(), Some((&foreign, &foreign_key)))).await.is_err());
    let failed = "cause=\"tls_handshake_failed\"";
    while secure.host.metric("callgate_connections_closed_total", &[failed]) < 2.0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn plain_http_is_told_to_use_https() {
    let authority = Authority::new("root");
    let (certificate, key) = authority.sign(|_| {});
    let secure = serve(&Files::new(&certificate, &key), "").await;
    let mut stream = TcpStream::connect(secure.address).await.unwrap();
    stream.write_all(b"POST /openim HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n") && answer.contains("https://"), "{answer}");
    assert_eq!(secure.host.metric("callgate_refusals_total", &["reason=\"not_tls\""]), 1.0);
}

#[tokio::test]
async fn a_handshake_that_stalls_ends_in_time_and_does_not_keep_others_out() {
    let authority = Authority::new("root");
    let (certificate, key) = authority.sign(|_| {});
    let limits = "tls_handshake_within_ms = 300\ntls_handshakes_max = 1";
    let secure = serve(&Files::new(&certificate, &key), limits).await;
    let mut stalled = secure.stall(1).await.remove(0);
    // It waits for the only permit, for as long as the first one stalls.
    let config = client(authority.roots(), None);
    let answered = secure.post(&config).await;
    assert_eq!(stalled.read(&mut [0; 1]).await.unwrap_or(0), 0, "it is closed");
    let slow = "cause=\"tls_handshake_within_ms\"";
    assert!(secure.host.metric("callgate_connections_closed_total", &[slow]) >= 1.0);
    if answered.is_err() {
        secure.answers(&config).await;
    }
}

#[tokio::test(start_paused = true)]
async fn handshakes_that_stall_in_a_burst_make_room_long_before_their_time_is_over() {
    let authority = Authority::new("root");
    let (certificate, key) = authority.sign(|_| {});
    let limits = "tls_handshake_within_ms = 60_000\ntls_handshakes_max = 8";
    let secure = serve(&Files::new(&certificate, &key), limits).await;
    // Twice as many as there may be at a time: half of them wait, and come before the client.
    let _stalled = secure.stall(16).await;
    let began = tokio::time::Instant::now();
    secure.answers(&client(authority.roots(), None)).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    let closed =
        |cause: &str| secure.host.metric("callgate_connections_closed_total", &[&format!("cause=\"{cause}\"")]);
    assert!(closed("tls_handshakes_max") >= 9.0);
    assert_eq!((closed("connections_max"), closed("tls_handshake_within_ms")), (0.0, 0.0));
}

#[tokio::test(start_paused = true)]
async fn the_time_for_a_handshake_begins_when_it_is_its_turn() {
    let authority = Authority::new("root");
    let (certificate, key) = authority.sign(|_| {});
    // Too little time for handshakes to be closed because others wait.
    let limits = "tls_handshake_within_ms = 900\ntls_handshakes_max = 1";
    let secure = serve(&Files::new(&certificate, &key), limits).await;
    let _stalled = secure.stall(3).await;
    // It waits for three times 900 ms, and is answered.
    secure.answers(&client(authority.roots(), None)).await;
    let slow = "cause=\"tls_handshake_within_ms\"";
    assert_eq!(secure.host.metric("callgate_connections_closed_total", &[slow]), 3.0);
}

#[test]
fn files_that_do_not_fit_are_explained() {
    let (authority, between) = (Authority::new("root"), Authority::new("between"));
    let (certificate, key) = between.sign(|_| {});
    let other = KeyPair::generate().unwrap().serialize_pem();
    let chain = format!("{certificate}{}", between.pem());
    let turned = format!("{}{certificate}", between.pem());
    for (certificate, key, at, message) in [
        (&chain, &other, "key", "does not belong to the certificate"),
        (&turned, &key, "certificate", "is in the wrong order: the key belongs to certificate 2"),
        (&String::new(), &key, "certificate", "contains no certificate"),
        (&chain, &chain, "key", "holds no private key"),
        (
            &"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_owned(),
            &key,
            "certificate",
            "is no valid PEM",
        ),
    ] {
        let error = Tls::load(&Files::new(certificate, key).settings()).unwrap_err();
        assert!(error.key == at && error.to_string().contains(message), "{error:?}");
    }
    let missing = TlsFiles { key: "/nowhere/key.pem".into(), ..Files::new(&chain, &key).settings() };
    assert!(Tls::load(&missing).unwrap_err().to_string().contains("cannot be read"));
    // What clients dislike is said, and served.
    let warnings = |certificate: &str, key: &str| {
        let tls = Tls::load(&Files::new(certificate, key).settings()).unwrap();
        tls.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(warnings(&chain, &key), [""; 0]);
    let strange = warnings(&format!("{certificate}{}", authority.pem()), &key);
    assert!(strange[0].contains("did not sign it"), "{strange:?}");
    let at = |from: i32, to: i32| {
        authority.sign(|params| {
            (params.not_before, params.not_after) = (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(to, 1, 1));
        })
    };
    for ((certificate, key), message) in [(at(2001, 2002), "has expired"), (at(4000, 4001), "is not valid yet")] {
        let found = warnings(&format!("{certificate}{}", authority.pem()), &key);
        assert!(found[0].contains(message), "{found:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_any_more_shows_in_reloads_and_metrics_and_readiness() {
    let authority = Authority::new("root");
    let (certificate, key) = authority.sign(|_| {});
    let tables = "[server]\ntls = { certificate = \"cert.pem\", key = \"key.pem\" }";
    let host = setup().tables(tables).file("cert.pem", certificate).file("key.pem", key.as_str()).start();
    assert!(host.reload().unwrap().certificates.is_empty());
    host.write("key.pem", authority.sign(|_| {}).1);
    let report = host.reload().unwrap();
    let problems: Vec<String> = report.certificates.iter().map(ToString::to_string).collect();
    assert!(problems.len() == 1 && problems[0].contains("`server.tls.key`"), "{problems:?}");
    assert_eq!(host.metric("callgate_reload_refused", &[]), 1.0);
    let request = axum::http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
    let routes = callgate::admin::routes(host.host().clone(), Readiness::default());
    let ready = tower::ServiceExt::oneshot(routes, request).await.unwrap().into_body();
    let ready = http_body_util::BodyExt::collect(ready).await.unwrap().to_bytes();
    let ready = String::from_utf8_lossy(&ready);
    assert!(ready.contains("a certificate cannot be used, and the previous one stays in use"), "{ready}");
    host.write("key.pem", key);
    assert!(host.reload().unwrap().certificates.is_empty());
    assert_eq!(host.metric("callgate_reload_refused", &[]), 0.0);
}

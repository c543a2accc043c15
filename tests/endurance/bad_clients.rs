//! Clients that are slow, broken or hostile: each of them ends within its limit, and those that behave hardly notice.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callgate::Settings;
use callgate::edge::{self, Readiness, Stop, Tls};
use callgate::settings::TlsFiles;
use harness::{TestHost, setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

const PATH: &str = "/openim/callbackBeforeAddFriendCommand";

#[test]
fn bad_clients_end_within_their_limits() {
    run(&Scale { each: 4, idle: 100, calls: 200, ratio_max: None });
}

#[test]
#[ignore = "takes minutes, and its figures want a quiet machine"]
fn bad_clients() {
    // As many as descriptors allow: two for each, since both sides are here.
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let idle = 10_000.min(usize::try_from(descriptors / 2).unwrap_or(usize::MAX).saturating_sub(1000));
    if idle < 10_000 {
        println!("SKIPPED: 10 000 idle connections; {idle} are what `ulimit -n` allows");
    }
    run(&Scale { each: 64, idle, calls: 20_000, ratio_max: Some(2.0) });
}

/// How much of everything.
struct Scale {
    /// Clients of each kind at the same time.
    each: usize,
    idle: usize,
    /// Callbacks of the well-behaved.
    calls: usize,
    ratio_max: Option<f64>,
}

/// Limits that end everything soon. The time for a body is the platform's.
const LIMITS: &str = "head_within_ms = 1000\nbody_bytes_max = 65_536\nbody_bytes_per_second_min = 10_000\n\
                      tls_handshake_within_ms = 1000\nconnections_max = 20_000\n";

fn run(scale: &Scale) {
    let host =
        setup().platform("kind = \"openim\"\nanswer_within_ms = 4500").tables(&format!("[server]\n{LIMITS}")).start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (address, secure) = (serve(&host, None).await, serve(&host, Some(certificate())).await);
        let alone = well_behaved(address, scale.calls).await;
        println!("alone: p50 {:?}, p99 {:?}", alone.0, alone.1);
        let mut idle = Vec::new();
        for _ in 0..scale.idle {
            let mut connection = connect(address).await;
            exchange(&mut connection, "").await.expect("an answer");
            idle.push(connection);
        }
        println!("{} idle connections", idle.len());
        let bad: Vec<_> = (0..scale.each).map(|_| tokio::spawn(all_kinds(address, secure))).collect();
        let among = well_behaved(address, scale.calls).await;
        for client in bad {
            client.await.expect("each kind is treated as it should be");
        }
        println!("among {} of each kind: p50 {:?}, p99 {:?}", scale.each, among.0, among.1);
        for connection in &mut idle {
            exchange(connection, "").await.expect("an idle connection is still there");
        }
        let ratio = among.1.as_secs_f64() / alone.1.as_secs_f64();
        println!("p99 is {ratio:.2} times what it is alone");
        assert!(scale.ratio_max.is_none_or(|max| ratio <= max), "{ratio}");
    });
}

async fn serve(host: &TestHost, tls: Option<Arc<Tls>>) -> SocketAddr {
    let (mut listener, address) = harness::listener();
    let toml = format!("[server]\n{LIMITS}\n[[platform]]\nkind = \"openim\"\n");
    let settings = Settings::parse(Path::new("host.toml"), &toml).expect("right settings").server;
    if let Some(tls) = tls {
        listener = listener.with_tls(tls);
    }
    let app = host.host().clone();
    tokio::spawn(async move {
        edge::serve(listener, app, &settings, Readiness::default(), std::future::pending::<Stop>()).await;
    });
    address
}

fn certificate() -> Arc<Tls> {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["callgate.example".to_owned()]).expect("a certificate");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    Arc::new(Tls::load(&TlsFiles { certificate, key, client_ca: None }).expect("it fits"))
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("it listens")
}

/// A good request on this connection, and its status.
async fn exchange(connection: &mut TcpStream, headers: &str) -> std::io::Result<u16> {
    let request = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: 2\r\n\r\n{{}}");
    connection.write_all(request.as_bytes()).await?;
    let mut bytes = vec![0; 4096];
    let read = connection.read(&mut bytes).await?;
    status(&bytes[..read]).ok_or(std::io::ErrorKind::UnexpectedEof.into())
}

fn status(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

/// Median and 99th percentile of callbacks of a client that behaves, one after the other.
async fn well_behaved(address: SocketAddr, calls: usize) -> (Duration, Duration) {
    let mut connection = connect(address).await;
    let mut took = Vec::new();
    for _ in 0..calls {
        let began = Instant::now();
        assert_eq!(exchange(&mut connection, "").await.expect("an answer"), 200);
        took.push(began.elapsed());
        sleep(Duration::from_micros(500)).await;
    }
    took.sort_unstable();
    (took[calls / 2], took[calls * 99 / 100])
}

/// Longer than any of the limits; a client that is not ended by then never is.
const ENDED_WITHIN: Duration = Duration::from_secs(60);

/// What is answered until the connection ends.
async fn to_end(connection: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let read = timeout(ENDED_WITHIN, connection.read_to_end(&mut answer)).await;
    if let Err(error) = read.expect("it is ended within its limit") {
        println!("{error} after {} bytes", answer.len());
    }
    answer
}

async fn all_kinds(address: SocketAddr, secure: SocketAddr) {
    tokio::join!(
        slow_head(address),
        slow_body(address),
        half_closed(address),
        pipelined(address),
        endless_chunks(address),
        smuggled(address),
        bomb(address),
        flood_of_headers(address),
        vanished(address),
        stalled_handshake(secure),
    );
}

async fn slow_head(address: SocketAddr) {
    let mut connection = connect(address).await;
    for byte in b"POST / HTTP/1.1\r\nHost: h\r\nX: ".iter().cycle() {
        if connection.write_all(&[*byte]).await.is_err() {
            break;
        }
        match timeout(Duration::from_millis(100), connection.readable()).await {
            Ok(_) => break,
            Err(_) => continue,
        }
    }
    let answer = to_end(&mut connection).await;
    assert!(answer.is_empty() || status(&answer) == Some(408), "{}", String::from_utf8_lossy(&answer));
}

async fn slow_body(address: SocketAddr) {
    let mut connection = connect(address).await;
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
    connection.write_all(head.as_bytes()).await.expect("it listens");
    while timeout(Duration::from_millis(100), connection.readable()).await.is_err() {
        if connection.write_all(b" ").await.is_err() {
            break;
        }
    }
    assert_eq!(status(&to_end(&mut connection).await), Some(408));
}

async fn half_closed(address: SocketAddr) {
    let mut connection = connect(address).await;
    let request = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{{}}");
    connection.write_all(request.as_bytes()).await.expect("it listens");
    connection.shutdown().await.expect("a connection");
    let answer = to_end(&mut connection).await;
    let answer = answer.strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&answer);
    assert_eq!(status(answer), Some(200));
}

async fn pipelined(address: SocketAddr) {
    const REQUESTS: usize = 100;
    let mut connection = connect(address).await;
    let request = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{{}}").repeat(REQUESTS);
    connection.write_all(request.as_bytes()).await.expect("it listens");
    connection.shutdown().await.expect("a connection");
    let answers = String::from_utf8(to_end(&mut connection).await).expect("text");
    let found = answers.matches("HTTP/1.1 200 OK").count();
    assert_eq!(found, REQUESTS, "{}", answers.get(..1000).unwrap_or(&answers));
}

async fn endless_chunks(address: SocketAddr) {
    let mut connection = connect(address).await;
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.write_all(head.as_bytes()).await.expect("it listens");
    let (mut reader, mut writer) = connection.split();
    let mut answer = Vec::new();
    let write = async {
        let chunks = b"1\r\na\r\n".repeat(1000);
        while writer.write_all(&chunks).await.is_ok() {}
    };
    let read = async {
        let _ = reader.read_to_end(&mut answer).await;
    };
    timeout(ENDED_WITHIN, async { tokio::join!(write, read) }).await.expect("it is ended within its limit");
    // Where this client gets little of the machine, it is too slow before it is too long.
    let is_refused = matches!(status(&answer), None | Some(413 | 408));
    assert!(is_refused, "{}", String::from_utf8_lossy(&answer));
}

async fn smuggled(address: SocketAddr) {
    for headers in ["Transfer-Encoding: chunked\r\n", "Content-Length: 3\r\n", "Host: other\r\n", "A: b\nC: d\r\n"] {
        let mut connection = connect(address).await;
        assert_eq!(exchange(&mut connection, headers).await.expect("an answer"), 400, "{headers:?}");
        to_end(&mut connection).await;
    }
}

async fn bomb(address: SocketAddr) {
    let mut connection = connect(address).await;
    assert_eq!(exchange(&mut connection, "Content-Encoding: gzip\r\n").await.expect("an answer"), 415);
}

async fn flood_of_headers(address: SocketAddr) {
    let mut connection = connect(address).await;
    let (mut reader, mut writer) = connection.split();
    let mut answer = Vec::new();
    let write = async {
        let _ = writer.write_all(b"POST / HTTP/1.1\r\nHost: h\r\n").await;
        while writer.write_all(b"X-Header: value\r\n").await.is_ok() {}
    };
    let read = async {
        let _ = reader.read_to_end(&mut answer).await;
    };
    timeout(ENDED_WITHIN, async { tokio::join!(write, read) }).await.expect("it is ended within its limit");
    assert!(answer.is_empty() || status(&answer) == Some(431), "{}", String::from_utf8_lossy(&answer));
}

async fn vanished(address: SocketAddr) {
    for part in [0, 10, 60] {
        let mut connection = connect(address).await;
        let request = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n");
        connection.write_all(&request.as_bytes()[..part]).await.expect("it listens");
    }
}

async fn stalled_handshake(address: SocketAddr) {
    let mut connection = connect(address).await;
    connection.write_all(b"\x16\x03\x01\x02\x00").await.expect("it listens");
    assert_eq!(to_end(&mut connection).await, b"");
}

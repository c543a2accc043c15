//! The service on real connections: kept alive, bounded, and stopped without losing a callback. Only here are sockets.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use callgate::admin;
use callgate::edge::{self, Readiness, Stop};
use callgate::{Host, Settings};
use harness::guests::{PROVOKE, SPARE};
use harness::{Setup, guests, setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const PATH: &str = "/openim/callbackBeforeAddFriendCommand";
const ALLOWED: &str = r#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0}"#;

/// A host that is being served.
struct Service {
    address: SocketAddr,
    host: Host,
    ready: Readiness,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    // Records go there.
    _harness: harness::TestHost,
}

/// Serves what `setup` describes, with these lines under `[server]`.
async fn serve(setup: Setup, server: &str) -> Service {
    let harness = setup.start();
    let host = harness.host().clone();
    let drain = if server.contains("drain_delay_ms") { "" } else { "drain_delay_ms = 0" };
    let toml = format!("[server]\n{server}\n{drain}\n[[platform]]\nkind = \"openim\"\n");
    let settings = Settings::parse(Path::new("host.toml"), &toml).unwrap().server;
    let (listener, address) = harness::listener();
    let (stop, stopped) = oneshot::channel();
    let (app, ready) = (host.clone(), Readiness::default());
    let serving = ready.clone();
    let served = tokio::spawn(async move {
        let stop = async {
            drop(stopped.await);
            Stop::Drain
        };
        edge::serve(listener, app, &settings, serving, stop).await;
    });
    Service { address, host, ready, stop, served, _harness: harness }
}

impl Service {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Waits until so many callbacks are being answered.
    async fn in_flight(&self, callbacks: u32) {
        let line = format!("callgate_in_flight {callbacks}");
        while !self.host.metrics().lines().any(|found| found == line) {
            tokio::task::yield_now().await;
        }
    }

    /// What the operators' listener answers.
    async fn admin(&self, path: &str) -> (u16, String) {
        admin(&self.host, &self.ready, path).await
    }
}

async fn admin(host: &Host, ready: &Readiness, path: &str) -> (u16, String) {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let admin = admin::routes(host.clone(), ready.clone());
    let answer = admin.oneshot(http::Request::get(path).body(axum::body::Body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.into()).unwrap())
}

fn request(body: &str) -> String {
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one answer: its head, and its body by its length.
async fn answer(connection: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let mut byte = [0; 1024];
        let read = connection.read(&mut byte).await.unwrap();
        assert_ne!(read, 0, "the connection ended in the middle of an answer: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&byte[..read]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    if head.starts_with("http/1.1 100 ") {
        assert_eq!(end, bytes.len(), "an interim answer, and more");
        return Box::pin(answer(connection)).await;
    }
    let len: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = bytes[end..].to_vec();
    let mut rest = vec![0; len - body.len()];
    connection.read_exact(&mut rest).await.unwrap();
    body.extend(rest);
    (head, String::from_utf8(body).unwrap())
}

/// Whether the other side has closed the connection.
async fn is_closed(connection: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await.map_or(true, |_| rest.is_empty())
}

/// A plugin that takes half a second when it is provoked, whatever the machine.
fn slow() -> Setup {
    setup().limits("fuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 500").plugin(
        "spins",
        guests::text("spins"),
        "*",
        "on_fault = \"allow\"",
    )
}

#[tokio::test]
async fn a_connection_is_used_again_and_again() {
    let service = serve(slow(), "").await;
    let mut connection = service.connect().await;
    for _ in 0..3 {
        connection.write_all(request(SPARE).as_bytes()).await.unwrap();
        let (head, body) = answer(&mut connection).await;
        assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
        assert!(!head.contains("connection: close"), "{head}");
        assert_eq!(body, ALLOWED);
    }
}

#[tokio::test]
async fn a_connection_is_kept_after_a_refusal() {
    let service = serve(slow(), "").await;
    let mut connection = service.connect().await;
    connection.write_all(request("no JSON").as_bytes()).await.unwrap();
    assert!(answer(&mut connection).await.0.starts_with("http/1.1 400 "));
    connection.write_all(request(SPARE).as_bytes()).await.unwrap();
    assert_eq!(answer(&mut connection).await.1, ALLOWED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_finishes_what_is_running_and_then_closes() {
    let service = serve(slow(), "").await;
    let mut running = service.connect().await;
    let mut idle = service.connect().await;
    idle.write_all(request(SPARE).as_bytes()).await.unwrap();
    answer(&mut idle).await;
    running.write_all(request(PROVOKE).as_bytes()).await.unwrap();
    service.in_flight(1).await;
    assert_eq!(service.admin("/readyz").await, (200, "ready\n".to_owned()));

    service.stop.send(()).unwrap();
    let (head, body) = answer(&mut running).await;
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert_eq!(body, ALLOWED);
    assert!(is_closed(&mut running).await);
    assert!(is_closed(&mut idle).await);
    service.served.await.unwrap();
    assert!(TcpStream::connect(service.address).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_it_stops_to_accept_each_answer_says_that_it_is_the_last() {
    let service = serve(slow(), "drain_delay_ms = 2000").await;
    let mut kept = service.connect().await;
    kept.write_all(request(SPARE).as_bytes()).await.unwrap();
    assert!(!answer(&mut kept).await.0.contains("connection: close"));
    let Service { address, host, ready, stop, served, .. } = service;
    stop.send(()).unwrap();
    while ready.is_ready() {
        tokio::task::yield_now().await;
    }
    assert_eq!(admin(&host, &ready, "/readyz").await.0, 503);
    let mut new = TcpStream::connect(address).await.unwrap();
    for connection in [&mut kept, &mut new] {
        connection.write_all(request(SPARE).as_bytes()).await.unwrap();
        let (head, body) = answer(connection).await;
        assert!(head.contains("connection: close") && body == ALLOWED, "{head}");
        assert!(is_closed(connection).await);
    }
    served.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_never_ends_does_not_delay_a_stop_to_its_bound() {
    let service = serve(slow(), "shutdown_within_ms = 3600000\nhead_within_ms = 3600000").await;
    let mut half = service.connect().await;
    half.write_all(b"POST ").await.unwrap();
    let mut silent = service.connect().await;
    // Both are accepted before this one is.
    let mut used = service.connect().await;
    used.write_all(request(SPARE).as_bytes()).await.unwrap();
    answer(&mut used).await;
    service.stop.send(()).unwrap();
    service.served.await.unwrap();
    assert!(answer(&mut half).await.0.starts_with("http/1.1 408 "));
    assert!(is_closed(&mut silent).await && is_closed(&mut used).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_has_sent_all_and_says_so_gets_its_answer() {
    let service = serve(slow(), "").await;
    for body in [SPARE, PROVOKE] {
        let mut connection = service.connect().await;
        connection.write_all(request(body).as_bytes()).await.unwrap();
        connection.shutdown().await.unwrap();
        let (head, body) = answer(&mut connection).await;
        assert!(head.starts_with("http/1.1 200 ") && body == ALLOWED, "{head}");
        assert!(is_closed(&mut connection).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_is_noticed_before_its_answer() {
    let slowly = setup().limits("fuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 4000").plugin(
        "spins",
        guests::text("spins"),
        "*",
        "on_fault = \"allow\"",
    );
    let service = serve(slowly, "").await;
    let mut connection = service.connect().await;
    connection.write_all(request(PROVOKE).as_bytes()).await.unwrap();
    service.in_flight(1).await;
    drop(connection);
    service.in_flight(0).await;
    let answered = service.host.metrics().lines().any(|line| line.starts_with("callgate_callbacks_total{"));
    assert!(!answered, "it was answered first:\n{}", service.host.metrics());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_were_only_refused_make_room_for_others() {
    let service = serve(slow(), "connections_max = 4").await;
    let mut strangers = Vec::new();
    for _ in 0..4 {
        let mut stranger = service.connect().await;
        stranger.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        assert!(answer(&mut stranger).await.0.starts_with("http/1.1 404 "));
        strangers.push(stranger);
    }
    for number in 1..=4 {
        let mut connection = service.connect().await;
        connection.write_all(request(SPARE).as_bytes()).await.unwrap();
        assert_eq!(answer(&mut connection).await.1, ALLOWED, "connection {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_wait_on_a_connection_are_answered_while_others_make_room() {
    let service = serve(slow(), "connections_max = 3").await;
    // All at once, and no more after that.
    let mut waiting = service.connect().await;
    waiting.write_all(request(PROVOKE).repeat(3).as_bytes()).await.unwrap();
    waiting.shutdown().await.unwrap();
    service.in_flight(1).await;
    let mut refused = Vec::new();
    for _ in 0..2 {
        let mut stranger = service.connect().await;
        stranger.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        assert!(answer(&mut stranger).await.0.starts_with("http/1.1 404 "));
        refused.push(stranger);
    }
    let mut welcome = Vec::new();
    for _ in 0..2 {
        let mut connection = service.connect().await;
        connection.write_all(request(SPARE).as_bytes()).await.unwrap();
        assert_eq!(answer(&mut connection).await.1, ALLOWED);
        welcome.push(connection);
    }
    let mut answers = String::new();
    waiting.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    for stranger in &mut refused {
        assert!(is_closed(stranger).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_not_lost_where_more_was_sent_than_is_read() {
    let service = serve(slow(), "").await;
    let mut connection = service.connect().await;
    let last = request(PROVOKE).replace("Host: h\r\n", "Host: h\r\nConnection: close\r\n");
    connection.write_all(last.as_bytes()).await.unwrap();
    service.in_flight(1).await;
    connection.write_all(request(&" ".repeat(60_000)).as_bytes()).await.unwrap();
    // A reset instead of a normal close would have discarded what the client had not read yet.
    let mut answers = String::new();
    connection.read_to_string(&mut answers).await.unwrap();
    assert!(answers.starts_with("HTTP/1.1 200 OK") && answers.ends_with(ALLOWED), "{answers}");
}

#[tokio::test]
async fn one_address_has_as_many_connections_as_it_may() {
    let service = serve(slow(), "connections_per_address_max = 1").await;
    let mut first = service.connect().await;
    first.write_all(request(SPARE).as_bytes()).await.unwrap();
    answer(&mut first).await;
    assert!(is_closed(&mut service.connect().await).await);
    let line = "callgate_connections_closed_total{cause=\"connections_per_address_max\"} 1";
    assert!(service.host.metrics().lines().any(|found| found == line), "{}", service.host.metrics());
    first.write_all(request(SPARE).as_bytes()).await.unwrap();
    assert_eq!(answer(&mut first).await.1, ALLOWED);
}

#[tokio::test]
async fn operators_see_that_the_service_stops() {
    let service = serve(slow(), "").await;
    assert_eq!(service.admin("/readyz").await, (200, "ready\n".to_owned()));
    let Service { host, ready, stop, served, .. } = service;
    stop.send(()).unwrap();
    served.await.unwrap();
    assert_eq!(admin(&host, &ready, "/readyz").await, (503, "stopping\n".to_owned()));
    assert_eq!(admin(&host, &ready, "/healthz").await, (200, "ok\n".to_owned()), "it is well, it just stops");
}

#[tokio::test]
async fn operators_see_health_and_counters_and_nothing_else() {
    let service = serve(slow(), "").await;
    let mut connection = service.connect().await;
    connection.write_all(request(SPARE).as_bytes()).await.unwrap();
    answer(&mut connection).await;
    assert_eq!(service.admin("/healthz").await, (200, "ok\n".to_owned()));
    let (status, metrics) = service.admin("/metrics").await;
    assert_eq!(status, 200);
    for line in [
        r#"callgate_callbacks_total{platform="openim",command="callbackBeforeAddFriendCommand",verdict="allow"} 1"#,
        r#"callgate_plugin_calls_total{plugin="spins"} 1"#,
        "callgate_in_flight 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"));
    // A histogram's last bucket holds all, by this name.
    assert!(metrics.lines().any(|found| found.contains("callgate_answer_seconds_bucket{le=\"+Inf\"")), "{metrics}");
    assert_eq!(service.admin(PATH).await.0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_longer_than_it_may() {
    let service = serve(slow(), "shutdown_within_ms = 0").await;
    let mut running = service.connect().await;
    running.write_all(request(PROVOKE).as_bytes()).await.unwrap();
    service.in_flight(1).await;
    service.stop.send(()).unwrap();
    service.served.await.unwrap();
    // The callback still runs: the service did not wait for it.
    assert!(service.host.metrics().lines().any(|line| line == "callgate_in_flight 1"));
}

#[tokio::test]
async fn a_body_may_come_in_pieces_and_is_bounded_there_too() {
    let service = serve(setup().tables("[server]\nbody_bytes_max = 100"), "").await;
    let chunked = |pieces: &[&str]| {
        let head = format!("POST {PATH} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        let pieces: String = pieces.iter().map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect();
        format!("{head}{pieces}0\r\n\r\n")
    };
    let mut connection = service.connect().await;
    connection.write_all(chunked(&["{\"fill\":\"", "aaa", "\"}"]).as_bytes()).await.unwrap();
    assert_eq!(answer(&mut connection).await.1, ALLOWED);
    let ninety = "a".repeat(90);
    connection.write_all(chunked(&["{\"fill\":\"", &ninety, "\"}"]).as_bytes()).await.unwrap();
    let (head, body) = answer(&mut connection).await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    assert!(body.contains("longer than 100 bytes"), "{body}");
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_answered() {
    let setup = setup().platform("kind = \"openim\"\nanswer_within_ms = 20");
    let service = serve(setup, "").await;
    let mut connection = service.connect().await;
    let whole = request(r#"{"remark":"a"}"#);
    connection.write_all(&whole.as_bytes()[..whole.len() - 5]).await.unwrap();
    let (head, body) = answer(&mut connection).await;
    assert!(head.starts_with("http/1.1 408 "), "{head}");
    let refused =
        r#"{"actionCode":0,"errCode":5408,"errMsg":"the body did not arrive whole","errDlt":"","nextCode":1}"#;
    assert_eq!(body, refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_for_a_head_does_not_run_while_another_request_is_answered() {
    let service = serve(slow(), "head_within_ms = 100").await;
    let mut connection = service.connect().await;
    let next = request(SPARE);
    let (half, rest) = next.split_at(50);
    connection.write_all(format!("{}{half}", request(PROVOKE)).as_bytes()).await.unwrap();
    assert_eq!(answer(&mut connection).await.1, ALLOWED);
    connection.write_all(rest.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut connection).await.1, ALLOWED);
}

#[tokio::test]
async fn a_caller_that_goes_away_harms_nobody() {
    let service = serve(slow(), "").await;
    for part in [0, 10, 60, request(PROVOKE).len() - 1] {
        let mut connection = service.connect().await;
        connection.write_all(&request(PROVOKE).as_bytes()[..part]).await.unwrap();
        drop(connection);
    }
    let mut connection = service.connect().await;
    connection.write_all(request(SPARE).as_bytes()).await.unwrap();
    assert_eq!(answer(&mut connection).await.1, ALLOWED);
}

#[tokio::test]
async fn what_is_not_http_is_closed() {
    let service = serve(slow(), "").await;
    let mut connection = service.connect().await;
    connection.write_all(b"\x16\x03\x01\x02\x00\x01\x00 a TLS hello\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest).await;
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 400 "), "{rest}");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_until_one_is_closed() {
    let service = serve(slow(), "connections_max = 1").await;
    let mut first = service.connect().await;
    first.write_all(request(SPARE).as_bytes()).await.unwrap();
    answer(&mut first).await;
    let mut second = service.connect().await;
    second.write_all(request(SPARE).as_bytes()).await.unwrap();
    // The second one has no answer, although the first one gets several.
    for _ in 0..50 {
        first.write_all(request(SPARE).as_bytes()).await.unwrap();
        answer(&mut first).await;
    }
    assert_eq!(second.try_read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(first);
    let answered = tokio::time::timeout(Duration::from_secs(30), answer(&mut second)).await;
    assert_eq!(answered.unwrap().1, ALLOWED);
}

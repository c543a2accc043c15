//! Listeners other than plain TCP for callbacks: Unix sockets, and what operators have to show.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use callgate::Settings;
use callgate::admin::Operators;
use callgate::edge::{self, Listener, Readiness, Stop};
use callgate::settings::Address;
use harness::{Setup, TestHost, setup};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> (u16, String) {
    let (line, rest) = request.split_once("\r\n").unwrap_or((request, ""));
    let request = format!("{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n{rest}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

#[tokio::test]
async fn callbacks_come_through_a_unix_socket_whose_file_is_there_for_as_long_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let (host, folder) = (setup().start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("callgate.sock");
    let address = Address::Unix(path.clone());
    // One that a process left behind which was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let listener = Listener::bind(&address, 0o640).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    let taken = Listener::bind(&address, 0o640).unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
    let settings = host.host().settings().server.clone();
    let (stop, stopped) = oneshot::channel();
    let app = host.host().clone();
    let served = tokio::spawn(async move {
        let stop = async { stopped.await.unwrap_or(Stop::Now) };
        edge::serve(listener, app, &settings, Readiness::default(), stop).await;
    });
    let (status, answer) = ask(UnixStream::connect(&path).await.unwrap(), "POST /openim").await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer.contains("\"errCode\":5400"), "{answer}");
    stop.send(Stop::Now).unwrap();
    served.await.unwrap();
    assert!(!path.exists());
    std::fs::write(&path, "mine").unwrap();
    assert!(Listener::bind(&address, 0o640).unwrap_err().to_string().contains("not a socket"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

/// Clients that connect at the same time and send several packets each, before the first of them is accepted.
#[tokio::test]
async fn a_burst_of_clients_waits_to_be_accepted() {
    const CLIENTS: usize = 200;
    let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
    if somaxconn.trim().parse().is_ok_and(|max: usize| max < CLIENTS) {
        return println!("SKIPPED: a burst of {CLIENTS} clients; net.core.somaxconn is {somaxconn}");
    }
    let soon = |connecting| tokio::time::timeout(Duration::from_secs(30), connecting);
    let (host, (listener, address)) = (setup().start(), harness::listener());
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = soon(TcpStream::connect(address)).await.expect("there is room to wait").unwrap();
        client.write_all(b"POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\n").await.unwrap();
        client.write_all(b"Connection: close\r\nContent-Length: 2\r\n\r\n").await.unwrap();
        client.write_all(b"{}").await.unwrap();
        client.shutdown().await.unwrap();
        clients.push(client);
    }
    let (app, settings) = (host.host().clone(), host.host().settings().server.clone());
    tokio::spawn(async move {
        edge::serve(listener, app, &settings, Readiness::default(), std::future::pending::<Stop>()).await;
    });
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
}

/// A host whose admin listener has these settings.
fn admin(toml: &str) -> Setup {
    setup().file("token", "t0k3n\n").tables(&format!("[admin]\n{toml}"))
}

/// Its admin listener.
async fn operators(toml: &str) -> (TestHost, SocketAddr) {
    let host = admin(toml).start();
    let app = Operators::new(host.host().clone(), Readiness::default());
    let (listener, address) = harness::listener();
    let server = host.host().settings().server.clone();
    tokio::spawn(async move {
        edge::serve(listener, app, &server, Readiness::default(), std::future::pending::<Stop>()).await;
    });
    (host, address)
}

#[tokio::test]
async fn operators_show_their_token_and_probes_need_none() {
    let (_host, address) = operators("token = { file = \"token\" }").await;
    let ask = async |request: &str| ask(TcpStream::connect(address).await.unwrap(), request).await;
    for (request, status) in [
        ("GET /healthz", 200),
        ("GET /readyz", 200),
        ("GET /metrics", 401),
        ("POST /api/v1/reload", 401),
        ("GET /nowhere", 401),
        ("GET /metrics\r\nAuthorization: Bearer t0k3n\r\n", 200),
        ("GET /metrics\r\nauthorization: bearer t0k3n \r\n", 200),
        ("GET /metrics\r\nAuthorization: Bearer t0k3\r\n", 401),
        ("GET /metrics\r\nAuthorization: Bearer t0k3n2\r\n", 401),
        ("GET /metrics\r\nAuthorization: t0k3n\r\n", 401),
        ("GET /metrics\r\nAuthorization: Bearer x\r\nAuthorization: Bearer t0k3n\r\n", 401),
    ] {
        let (found, answer) = ask(request).await;
        assert_eq!(found, status, "{request}: {answer}");
        assert_eq!(answer.to_lowercase().contains("www-authenticate: bearer\r\n"), status == 401, "{answer}");
        assert!(!answer.contains("t0k3n"));
    }
}

#[tokio::test]
async fn operators_come_from_these_networks() {
    let (_host, address) = operators("allow_networks = [\"192.0.2.0/24\"]").await;
    assert_eq!(ask(TcpStream::connect(address).await.unwrap(), "GET /healthz").await.0, 403);
    let (_host, address) = operators("allow_networks = [\"127.0.0.0/8\"]").await;
    assert_eq!(ask(TcpStream::connect(address).await.unwrap(), "GET /metrics").await.0, 200);
}

#[tokio::test]
async fn a_reload_changes_who_may_use_the_admin_listener_and_not_where_it_is() {
    let (host, address) = operators("token = { file = \"token\" }").await;
    let may = async |token: &str| {
        let request = format!("GET /metrics\r\nAuthorization: Bearer {token}\r\n");
        ask(TcpStream::connect(address).await.unwrap(), &request).await.0 == 200
    };
    host.write("token", "n3w\n");
    let report = host.reload().unwrap();
    assert_eq!(
        (report.difference.keys.as_slice(), report.restart.len()),
        (&["admin.token (its file)".to_owned()][..], 0)
    );
    assert!(may("n3w").await && !may("t0k3n").await);
    // A changed listener requires a restart, and so do its access rules: the oldest token stays invalid.
    for other in ["listen = \"127.0.0.1:9\"", "off = true"] {
        host.write("host.toml", admin(other).toml());
        assert_eq!(host.reload().unwrap().restart, ["admin"], "{other}");
        assert!(may("n3w").await && !may("t0k3n").await && !may("").await, "{other}");
    }
    host.write("host.toml", admin("allow_networks = [\"192.0.2.0/24\"]").toml());
    assert!(host.reload().unwrap().restart.is_empty());
    assert!(!may("n3w").await);
}

#[test]
fn an_admin_listener_that_others_reach_needs_a_token() {
    let problems = |admin: &str| {
        let toml = format!("[admin]\n{admin}\n[[platform]]\nkind = \"openim\"\n");
        let found = Settings::parse(Path::new("host.toml"), &toml).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    for open in ["listen = \":8081\"", "listen = \"192.0.2.1:8081\"", "listen = \"[::]:8081\""] {
        assert!(problems(open).contains("`admin.listen`: can be reached from other machines"), "{}", problems(open));
    }
    for fine in ["listen = \":8081\"\noff = true", "listen = \"[::1]:8081\"", "listen = \"unix:/run/admin.sock\""] {
        assert_eq!(problems(fine), "");
    }
    assert!(problems("token = \"plain\"").contains("secrets are never part of this file"));
}

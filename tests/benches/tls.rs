//! What TLS costs: handshakes per second and the CPU time of each, full and resumed, beside nginx where it is
//! installed; and a callback over TLS beside a plain one.
//!
//! ```sh
//! cargo bench --bench tls -- --handshakes 4000
//! ```

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callgate::edge::{self, Readiness, Stop, Tls};
use callgate::settings::TlsFiles;
use harness::setup;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use tempfile::TempDir;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NAME: &str = "callgate.example";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--serve") {
        return serve(Path::new(&arguments[at + 1]));
    }
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(default, |at| arguments[at + 1].parse().expect("a number"))
    };
    let handshakes = number("--handshakes", 1000);
    let folder = certificate();
    let mut servers = vec![callgate(folder.path())];
    servers.extend(nginx(folder.path()));
    for server in &mut servers {
        for (kind, config) in [("full", client(folder.path(), false)), ("resumed", client(folder.path(), true))] {
            // The first one has no ticket.
            server.request(&config);
            let (before, began) = (server.cpu(), Instant::now());
            for _ in 0..handshakes {
                let found = server.request(&config);
                let is_resumed = found == HandshakeKind::Resumed;
                assert_eq!(is_resumed, kind == "resumed", "{}: {found:?}", server.name);
            }
            let (took, cpu) = (began.elapsed(), server.cpu() - before);
            println!(
                "{:9} {kind:8} {:6.0} connections/s on one at a time, {:4.0} us CPU of the server for each, with one request",
                server.name,
                handshakes as f64 / took.as_secs_f64(),
                cpu.as_secs_f64() * 1e6 / handshakes as f64
            );
        }
        let config = client(folder.path(), true);
        let mut stream = server.connect(&config);
        let before = server.cpu();
        for _ in 0..handshakes * 10 {
            exchange(&mut stream, false);
        }
        let cpu = (server.cpu() - before).as_secs_f64() * 1e6 / (handshakes * 10) as f64;
        println!(
            "{:9} {:8} {cpu:4.1} us CPU of the server for a request on a connection that is open",
            server.name, "kept"
        );
    }
}

/// A key and a certificate for [`NAME`], ECDSA P-256.
fn certificate() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
    std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("written");
    std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).expect("written");
    folder
}

fn client(folder: &Path, resumes: bool) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("cert.pem")).expect("a certificate")).expect("a root");
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    if !resumes {
        config.resumption = Resumption::disabled();
    }
    Arc::new(config)
}

/// A server in a process of its own.
struct Server {
    name: &'static str,
    process: Child,
    /// Those that work.
    processes: Vec<u32>,
    address: SocketAddr,
}

impl Server {
    fn connect(&self, config: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
        let session = ClientConnection::new(Arc::clone(config), ServerName::try_from(NAME).expect("a name"));
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        StreamOwned::new(session.expect("a session"), stream)
    }

    fn request(&self, config: &Arc<ClientConfig>) -> HandshakeKind {
        let mut stream = self.connect(config);
        exchange(&mut stream, true);
        stream.conn.handshake_kind().expect("hands were shaken")
    }

    /// CPU time so far.
    fn cpu(&self) -> Duration {
        let of = |process: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
            let fields: Vec<u64> = stat
                .rsplit(')')
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .filter_map(|field| field.parse().ok())
                .collect();
            // After the state: ppid, pgrp, session, tty, tpgid, flags, four of faults, utime, stime.
            fields[10] + fields[11]
        };
        let ticks: u64 = self.processes.iter().map(of).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn exchange(stream: &mut StreamOwned<ClientConnection, TcpStream>, is_last: bool) {
    let close = if is_last { "Connection: close\r\n" } else { "" };
    let path = "/openim/callbackBeforeAddFriendCommand";
    let request = format!("POST {path} HTTP/1.1\r\nHost: {NAME}\r\n{close}Content-Length: 2\r\n\r\n{{}}");
    stream.write_all(request.as_bytes()).expect("written");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).expect("an answer");
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&bytes[..read]);
    }
}

fn callgate(folder: &Path) -> Server {
    let program = std::env::current_exe().expect("this program");
    let mut process = Command::new(program)
        .arg("--serve")
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let address = line.trim().parse().expect("an address");
    Server { name: "callgate", processes: vec![process.id()], process, address }
}

/// Serves until the input ends: also when the parent was killed.
fn serve(folder: &Path) {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let host = setup().start();
    let at = |name: &str| folder.join(name);
    let files = TlsFiles { certificate: at("cert.pem"), key: at("key.pem"), client_ca: None };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (listener, address) = harness::listener();
        println!("{address}");
        let listener = listener.with_tls(Arc::new(Tls::load(&files).expect("they fit")));
        let settings = host.host().settings().server.clone();
        let app = host.host().clone();
        edge::serve(listener, app, &settings, Readiness::default(), std::future::pending::<Stop>()).await;
    });
}

/// nginx with one worker and the same certificate, which returns a fixed answer; `None` if it is not installed.
fn nginx(folder: &Path) -> Option<Server> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).ok()?.port();
    let text = format!(
        "daemon off; master_process off; pid {0}/nginx.pid; error_log stderr crit;\nevents {{}}\nhttp {{ access_log off; \
         server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem; \
         keepalive_requests 10000000; location / {{ default_type application/json; return 200 '{{\"actionCode\":0}}'; }} }} }}\n",
        folder.display()
    );
    std::fs::write(folder.join("nginx.conf"), text).ok()?;
    let Ok(process) = Command::new("nginx").arg("-c").arg(folder.join("nginx.conf")).arg("-p").arg(folder).spawn()
    else {
        println!("SKIPPED: nginx, because it is not installed");
        return None;
    };
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    while TcpStream::connect(address).is_err() {
        std::thread::yield_now();
    }
    Some(Server { name: "nginx", processes: vec![process.id()], process, address })
}

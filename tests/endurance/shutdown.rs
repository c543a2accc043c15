//! A service is stopped again and again while clients send: no request is left without an answer, but those on
//! connections that were opened after the stop began.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callgate::Settings;
use callgate::edge::{self, Readiness, Stop};
use harness::{TestHost, setup};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

const PATH: &str = "/openim/callbackBeforeAddFriendCommand";

#[test]
fn no_callback_is_lost_when_the_service_stops() {
    let figures = Figures::default();
    for _ in 0..3 {
        stop_once(&figures, &[]);
    }
    figures.print("hyper");
    assert_eq!(figures.lost(), 0, "{figures:?}");
    assert!(figures.answered.load(Ordering::Relaxed) > 100, "{figures:?}");
}

#[test]
#[ignore = "takes minutes"]
fn shutdown() {
    let figures = Figures::default();
    let others = [go(), python()].into_iter().flatten().collect::<Vec<_>>();
    let names: Vec<&str> = others.iter().map(|client| client.name).collect();
    for stop in 0..100 {
        stop_once(&figures, &others);
        if stop % 10 == 9 {
            println!("after {} stops", stop + 1);
            figures.print(&format!("hyper {}", names.join(" ")));
        }
    }
    assert_eq!(figures.lost(), 0, "{figures:?}");
}

/// What the clients have seen.
#[derive(Debug, Default)]
struct Figures {
    answered: AtomicU64,
    /// On connections that were opened before the stop.
    lost: AtomicU64,
    /// On those that were opened later.
    late: AtomicU64,
}

impl Figures {
    fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn print(&self, clients: &str) {
        let [answered, lost, late] =
            [&self.answered, &self.lost, &self.late].map(|count| count.load(Ordering::Relaxed));
        println!("{clients}: {answered} answered, {lost} lost, {late} lost on connections opened after the stop");
    }
}

/// A program that sends callbacks until nothing listens any more, and then prints on one line how many were answered,
/// and of each that was not, when its connection was opened, in Unix milliseconds.
struct Client {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<PathBuf>,
}

impl Client {
    fn start(&self, address: SocketAddr) -> Child {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(format!("http://{address}{PATH}"));
        command.stdout(Stdio::piped()).spawn().expect("the client starts")
    }
}

/// Connections of each client.
const CONNECTIONS: usize = 64;

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

fn stop_once(figures: &Figures, others: &[Client]) {
    let host = setup().start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (address, stop, served) = serve(&host).await;
        let stopping = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| tokio::spawn(call(address, Arc::clone(&stopping)))).collect();
        let children: Vec<Child> = others.iter().map(|client| client.start(address)).collect();
        // Until all of them are busy.
        tokio::time::sleep(Duration::from_millis(if others.is_empty() { 100 } else { 500 })).await;
        let stopped_at = unix_ms();
        stopping.store(true, Ordering::SeqCst);
        stop.send(Stop::Drain).expect("it serves");
        served.await.expect("it ends");
        for client in clients {
            let (answered, lost) = client.await.expect("the client ends");
            figures.add(answered, &lost, stopped_at);
        }
        for (child, client) in children.into_iter().zip(others) {
            let output = child.wait_with_output().expect("the client ends");
            let numbers = String::from_utf8_lossy(&output.stdout);
            let mut numbers = numbers.split_whitespace().map(|number| number.parse::<u64>().expect("a number"));
            let answered = numbers.next().unwrap_or_else(|| panic!("{} says nothing", client.name));
            figures.add(answered, &numbers.collect::<Vec<_>>(), stopped_at);
        }
    });
}

impl Figures {
    fn add(&self, answered: u64, lost: &[u64], stopped_at: u64) {
        let late = lost.iter().filter(|opened| **opened >= stopped_at).count() as u64;
        self.answered.fetch_add(answered, Ordering::Relaxed);
        self.late.fetch_add(late, Ordering::Relaxed);
        self.lost.fetch_add(lost.len() as u64 - late, Ordering::Relaxed);
    }
}

async fn serve(host: &TestHost) -> (SocketAddr, oneshot::Sender<Stop>, tokio::task::JoinHandle<()>) {
    let toml = "[server]\ndrain_delay_ms = 300\n[[platform]]\nkind = \"openim\"\n";
    let settings = Settings::parse(Path::new("host.toml"), toml).expect("right settings").server;
    let (listener, address) = harness::listener();
    let (stop, stopped) = oneshot::channel();
    let app = host.host().clone();
    let served = tokio::spawn(async move {
        let stop = async { stopped.await.unwrap_or(Stop::Now) };
        edge::serve(listener, app, &settings, Readiness::default(), stop).await;
    });
    (address, stop, served)
}

/// Sends callbacks on one connection after the other, each for as long as it is open.
async fn call(address: SocketAddr, stopping: Arc<AtomicBool>) -> (u64, Vec<u64>) {
    let (mut answered, mut lost) = (0, Vec::new());
    loop {
        let opened = unix_ms();
        let Ok(stream) = TcpStream::connect(address).await else {
            assert!(stopping.load(Ordering::SeqCst), "it does not listen any more");
            return (answered, lost);
        };
        let Ok((mut sender, connection)) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await else {
            continue;
        };
        tokio::spawn(connection);
        while sender.ready().await.is_ok() {
            let request = hyper::Request::post(PATH).header("host", "h").body(Full::new(Bytes::from("{}"))).unwrap();
            let answer = async { sender.send_request(request).await?.into_body().collect().await };
            match answer.await {
                Ok(_) => answered += 1,
                Err(error) => {
                    // Closed before anything was sent: the request was not on its way.
                    if !error.is_canceled() {
                        lost.push(opened);
                    }
                    break;
                }
            }
        }
    }
}

/// Go's client, as OpenIM uses it; `None` without `go`.
fn go() -> Option<Client> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shutdown-client");
    std::fs::create_dir_all(&folder).ok()?;
    std::fs::write(folder.join("main.go"), include_str!("shutdown/client.go")).ok()?;
    let program = folder.join("client");
    let built = Command::new("go").arg("build").arg("-o").arg(&program).arg("main.go").current_dir(&folder).status();
    if !built.is_ok_and(|status| status.success()) {
        println!("SKIPPED: Go's client, because `go build` does not work here");
        return None;
    }
    Some(Client { name: "Go", program, arguments: Vec::new() })
}

/// Python's client; `None` without `python3`.
fn python() -> Option<Client> {
    let script = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shutdown-client.py");
    std::fs::write(&script, include_str!("shutdown/client.py")).ok()?;
    if !Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("SKIPPED: Python's client, because there is no python3 here");
        return None;
    }
    Some(Client { name: "Python", program: "python3".into(), arguments: vec![script] })
}

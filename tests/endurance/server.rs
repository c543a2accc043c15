//! The host in a process of its own: this very program, started again.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::body::Body;
use callgate::edge::{self, Closed, EndedEarly, HeadRefusal, Peer, Readiness, Respond};
use callgate::{Host, Settings};
use harness::Setup;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Where the started program finds its settings.
const SETTINGS: &str = "CALLGATE_ENDURANCE_SETTINGS";

/// Environment variable: the program reports when it answers.
const SAYS_WHEN: &str = "CALLGATE_ENDURANCE_SAYS_WHEN";

/// The header with the time at which an answer was passed to its connection, which writes it at once: in nanoseconds of
/// the clock that all processes share ([`now`]).
pub const WRITTEN: &str = "x-written-at-ns";

/// What it says before its address.
const LISTENS: &str = "endurance listens: ";

/// A running host; it ends with this value.
pub struct Server {
    child: Child,
    address: SocketAddr,
    admin: SocketAddr,
    _settings: tempfile::NamedTempFile,
}

/// What a process has used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// CPU time of all threads.
    pub cpu: Duration,
    /// Resident memory, in KiB.
    pub resident_kib: u64,
}

impl Server {
    /// Starts a host with these settings, on free ports.
    pub fn start(setup: &Setup) -> Self {
        Self::start_with(setup, &[])
    }

    /// The same; each answer has the time of writing in the header [`WRITTEN`].
    pub fn start_that_says_when(setup: &Setup) -> Self {
        Self::start_with(setup, &[(SAYS_WHEN, "1")])
    }

    fn start_with(setup: &Setup, environment: &[(&str, &str)]) -> Self {
        let settings = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(settings.path(), setup.toml()).expect("the settings are written");
        let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
            .args(["server::serves_for_other_tests", "--exact", "--ignored", "--nocapture"])
            .env(SETTINGS, settings.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output is ours"));
        let addresses = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once(LISTENS)?.1.to_owned()))
            .expect("the server says where it listens");
        // After a minute the test harness prints that the test is still running; the process would end if nothing read
        // that.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let (address, admin) = addresses.split_once(' ').expect("two addresses");
        Self {
            child,
            address: address.parse().expect("an address"),
            admin: admin.parse().expect("an address"),
            _settings: settings,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has used so far.
    pub fn used(&self) -> Used {
        used(&self.child.id().to_string())
    }

    /// The sum of all series of a metric whose labels contain each of `labels`, as written.
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = super::client::get(self.admin, "/metrics");
        let series = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }
}

impl Server {
    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What a process has used so far: `self`, or its number.
pub fn used(process: &str) -> Used {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}")).expect("the process runs");
    let stat = read("stat");
    // The second field, a name in parentheses, may hold spaces; utime and stime are fields 14 and 15, in hundredths.
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("a name in parentheses").1.split(' ').collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|ticks| ticks.parse::<u32>().ok()).expect("a number");
    let status = read("status");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    Used { cpu: Duration::from_millis(10) * (ticks(14) + ticks(15)), resident_kib: resident.unwrap_or(0) }
}

/// Not a test: the server, which [`Server::start`] starts.
#[test]
#[ignore = "serves for other tests"]
fn serves_for_other_tests() {
    let Some(path) = std::env::var_os(SETTINGS) else { return };
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let toml = std::fs::read_to_string(&path).expect("the settings can be read");
    let settings = Settings::parse(std::path::Path::new(&path), &toml)
        .unwrap_or_else(|problems| panic!("the settings have mistakes: {problems:?}"));
    let server = settings.server.clone();
    let host = Host::start(settings, &mut ()).unwrap_or_else(|error| panic!("the host does not start: {error}"));
    host.open_journal(callgate_journal::Clock::system()).unwrap_or_else(|error| panic!("no journal: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        host.work_off_entries().await;
        let (callbacks, address) = harness::listener();
        let operators = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{LISTENS}{address} {}", operators.local_addr().expect("it has an address"));
        let metrics = answer_operators(operators, host.clone());
        let host = SaysWhen { host, says: std::env::var_os(SAYS_WHEN).is_some() };
        let callbacks = edge::serve(callbacks, host, &server, Readiness::default(), std::future::pending());
        tokio::join!(metrics, callbacks);
    });
}

/// The current time, on a clock that all processes of this machine share.
pub fn now() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::Monotonic).try_into().expect("it began at zero")
}

/// A host that may report when it answers.
#[derive(Clone)]
struct SaysWhen {
    host: Host,
    says: bool,
}

impl Respond for SaysWhen {
    async fn respond(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let mut response = self.host.respond(request, peer).await;
        if self.says {
            let now = u64::try_from(now().as_nanos()).expect("it fits");
            response.headers_mut().insert(WRITTEN, now.into());
        }
        response
    }

    fn refuse_head(&self, refusal: HeadRefusal) -> Option<Vec<u8>> {
        self.host.refuse_head(refusal)
    }

    fn closed(&self, why: Closed, connections: usize) {
        self.host.closed(why, connections);
    }

    fn ended_early(&self, cause: EndedEarly) {
        self.host.ended_early(cause);
    }
}

/// Shows the metrics to whoever asks for anything.
async fn answer_operators(listener: TcpListener, host: Host) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut asked = [0; 1024];
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(host.metrics().as_bytes()).await;
    }
}

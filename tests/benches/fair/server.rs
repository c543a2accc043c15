//! The host with a calm plugin and hostile ones, in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use callgate::edge::{self, Readiness};
use callgate::{Host, Settings};
use harness::guests;

/// What hostile clients ask for: a name, and the path that is posted to.
pub const HOSTILE: [(&str, &str); 4] = [
    ("touches pages", "/openim/callbackBeforeAddFriendCommand"),
    ("costs everything", "/openim/callbackBeforeAddBlackCommand"),
    ("many records", "/openim/callbackBeforeSetFriendRemarkCommand"),
    ("batches", "/tencent-chat?SdkAppid=1400000000&CallbackCommand=Push.OfflinePush"),
];

/// What the calm client asks for. Its plugin denies, so that a decision that is not its own is seen.
pub const CALM: &str = "/openim/callbackBeforeCreateGroupCommand";

/// The code of the calm plugin.
pub const CALM_CODE: &str = "\"errCode\":5007";

/// A running server; it ends with this value.
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts this very program again, as a server with so many threads for connections.
    pub fn start(workers: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.arg("--serve").env("TOKIO_WORKER_THREADS", workers).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output is ours")).read_line(&mut line).expect("it speaks");
        Self { child, address: line.trim().parse().expect("the server says where it listens") }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Serves on a free port of the loopback device until the input ends.
pub fn serve() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let settings = settings();
    let server = settings.server.clone();
    let host = Host::start(settings, &mut ()).unwrap_or_else(|error| panic!("the host does not start: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (listener, address) = harness::listener();
        println!("{address}");
        edge::serve(listener, host, &server, Readiness::default(), std::future::pending()).await;
    });
}

fn settings() -> Settings {
    let calm = guests::replies("calm", r#"{"verdict":"deny","code":5007,"message":"no"}"#);
    let pages = guests::text("touches-pages");
    let plugins: [(&str, PathBuf, &str); 5] = [
        ("calm", calm, "callbackBeforeCreateGroupCommand"),
        ("pages", pages.clone(), "callbackBeforeAddFriendCommand"),
        ("costs", guests::text("costs-everything"), "callbackBeforeAddBlackCommand"),
        ("records", guests::replies("records", &many_records()), "callbackBeforeSetFriendRemarkCommand"),
        ("batches", pages, "Push.*"),
    ];
    // The harness pins this key unless it is mentioned; here the host is to measure it, as a service does.
    // A plugin that fails is asked again and again: suspended, it would cost nothing.
    let setup = harness::setup().limits("breaker_faults_max = 0\n# fuel_per_ms is left out");
    let setup = plugins.iter().fold(setup, |setup, (name, module, commands)| setup.plugin(name, module, commands, ""));
    Settings::parse(std::path::Path::new("bench.toml"), &setup.toml())
        .unwrap_or_else(|problems| panic!("the benchmark's own settings have mistakes: {problems:?}"))
}

/// A reply of about 1 MiB that is nothing but records.
fn many_records() -> String {
    format!(r#"{{"verdict":"allow","records":[0{}]}}"#, ",0".repeat(524_000))
}

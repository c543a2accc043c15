//! What tests and benchmarks stand on: the real host, in memory, behind its front door.
//!
//! A test that cannot go on should stop with a message, so this crate panics where a service would not.

pub mod go;
pub mod guests;
pub mod hostile;
pub mod judge;
pub mod kept;
pub mod log;
pub mod nets;
pub mod receiver;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use callgate::edge::Listener;
use callgate::settings::Address;
use callgate::{Ask, Crates, Host, Mode, Report, Settings, StartError};
use callgate_dialects::Table;
use callgate_dialects::table::CHAT_SERVERS;
use callgate_sandbox::Loading;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;

/// What the clock of a [`TestHost`] shows at the start: 2023-11-14, in Unix milliseconds.
pub const NOW_UNIX_MS: u64 = 1_700_000_000_000;

/// The listener that the service uses, on a free port of this machine, and its address. Tokio's default has a backlog
/// of only 128 connections. Must be called in a runtime.
#[must_use]
pub fn listener() -> (Listener, SocketAddr) {
    let any = Address::Tcp((Ipv4Addr::LOCALHOST, 0).into());
    let listener = Listener::bind(&any, 0o600).expect("a free port");
    let address = listener.address().expect("it has an address");
    (listener, address)
}

/// A host that is reached through its real connections, but without sockets, and a clock that only the test moves.
pub struct TestHost {
    host: Host,
    folder: TempDir,
    clock: Arc<AtomicU64>,
    journal_clock: callgate_journal::Clock,
}

/// An answer, read whole.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

/// Settings under construction: TOML, with what a test cares about added piece by piece.
#[derive(Default)]
pub struct Setup {
    whole: Option<String>,
    chat_servers: Option<&'static Table>,
    files: Vec<(String, Vec<u8>)>,
    clock_unix_ms: Option<u64>,
    top: String,
    limits: String,
    platforms: String,
    plugins: String,
}

/// A host with one platform of each kind, under `/openim` and `/tencent-chat` (application 1400000000), no plugins,
/// and limits that do not depend on the machine.
pub fn setup() -> Setup {
    Setup::default()
}

/// A host with what `host/host.example.toml` says: its platforms and these of our own plugins, each with the settings
/// that it has there. Only the places differ, and the speed of the machine is pinned.
pub fn example(plugins: &[&str]) -> Setup {
    let host = guests::repository().join("host");
    let example = std::fs::read_to_string(host.join("host.example.toml")).expect("the example is there");
    let mut blocks = example.split("[[plugin]]\n");
    let mut wanted = blocks.next().expect("the example begins with other settings").to_owned();
    for name in plugins {
        let named = format!("name = \"{name}\"\n");
        let block = blocks.clone().find(|block| block.contains(&named));
        wanted.push_str("[[plugin]]\n");
        wanted.push_str(block.unwrap_or_else(|| panic!("{name} is not in the example")));
    }
    let mut whole = String::new();
    for line in wanted.lines() {
        match line.split_once('=').map(|(key, value)| (key.trim(), value.trim().trim_matches('"'))) {
            // Excludes sources of facts.
            Some(("source", path)) if path.starts_with("../") => {
                let name = path.rsplit('/').next().unwrap_or(path);
                whole.push_str(&format!("wasm = \"{}\"", guests::shipped(name).display()));
            }
            Some(("# fuel_per_ms", _)) => whole.push_str(FUEL_PER_MS),
            _ if line == "[cache]" => whole.push_str(NO_CACHE),
            Some(("keep", "5")) => whole.push_str("keep = 0"),
            _ if line == "[journal]" => whole.push_str(NO_JOURNAL),
            // Once is enough.
            Some(("bytes_max" | "off", _)) => {}
            _ => whole.push_str(&line.replace("\"../", &format!("\"{}/../", host.display()))),
        }
        whole.push('\n');
    }
    Setup { whole: Some(whole), ..Setup::default() }
}

/// What may be on its way through a connection in memory, in bytes.
const PIPE_BYTES: usize = 64 * 1024;

/// So much fuel in a millisecond that time never cuts it: what a test sees does not depend on the machine.
const FUEL_PER_MS: &str = "fuel_per_ms = 1_000_000_000_000";

/// A test leaves nothing in the folder of whoever runs it, and finds nothing there. What is about the cache says so in
/// [`Setup::tables`].
const NO_CACHE: &str = "[cache]\nbytes_max = 0\n";

/// The same for what is kept for a rollback.
const NO_KEEP: &str = "[reload]\nkeep = 0\n";
/// A thread and a file for each of thousands of hosts would cost more than what they show: what is about the journal
/// says so in [`Setup::tables`]. Without it, records are in their file when the answer comes.
const NO_JOURNAL: &str = "[journal]\noff = true\n";

impl Setup {
    /// Writes a file beside the settings.
    #[must_use]
    pub fn file(mut self, name: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), contents.into()));
        self
    }

    /// Takes these chat servers instead of those that the host comes with.
    #[must_use]
    pub fn chat_servers(mut self, table: &'static Table) -> Self {
        self.chat_servers = Some(table);
        self
    }

    /// Starts the clock at another moment, in Unix milliseconds.
    #[must_use]
    pub fn clock_at(mut self, unix_ms: u64) -> Self {
        self.clock_unix_ms = Some(unix_ms);
        self
    }

    /// Adds lines at the top of the settings, before `[limits]`: whole tables.
    #[must_use]
    pub fn tables(mut self, toml: &str) -> Self {
        self.top.push_str(toml);
        self.top.push('\n');
        self
    }

    /// Adds lines to `[limits]`.
    #[must_use]
    pub fn limits(mut self, toml: &str) -> Self {
        self.limits.push_str(toml);
        self.limits.push('\n');
        self
    }

    /// Replaces the two usual platforms; may be called several times.
    #[must_use]
    pub fn platform(mut self, toml: &str) -> Self {
        self.platforms.push_str("[[platform]]\n");
        self.platforms.push_str(toml);
        self.platforms.push('\n');
        self
    }

    /// Adds a plugin: its module, the pattern of its commands, and further lines of its table.
    #[must_use]
    pub fn plugin(mut self, name: &str, module: impl AsRef<Path>, commands: &str, toml: &str) -> Self {
        let module = module.as_ref().display();
        self.plugins.push_str(&format!(
            "[[plugin]]\nname = \"{name}\"\nwasm = \"{module}\"\ncommands = [\"{commands}\"]\n{toml}\n"
        ));
        self
    }

    /// The settings as TOML.
    pub fn toml(&self) -> String {
        if let Some(whole) = &self.whole {
            return whole.clone();
        }
        let platforms = if self.platforms.is_empty() {
            "[[platform]]\nkind = \"openim\"\n[[platform]]\nkind = \"tencent-chat\"\n[[platform.app]]\nid = 1400000000\n"
        } else {
            &self.platforms
        };
        let per_ms = if self.limits.contains("fuel_per_ms") { "" } else { FUEL_PER_MS };
        let cache = if self.top.contains("[cache]") { "" } else { NO_CACHE };
        let keep = if self.top.contains("[reload]") { "" } else { NO_KEEP };
        let journal = if self.top.contains("[journal]") { "" } else { NO_JOURNAL };
        format!("{}{cache}{keep}{journal}[limits]\n{per_ms}\n{}\n{platforms}{}", self.top, self.limits, self.plugins)
    }

    /// Starts the host.
    pub fn start(&self) -> TestHost {
        self.try_start().unwrap_or_else(|error| panic!("the host does not start: {error}"))
    }

    /// Starts the host, or says why it cannot.
    pub fn try_start(&self) -> Result<TestHost, StartError> {
        let clock = Arc::new(AtomicU64::new(self.clock_unix_ms.unwrap_or(NOW_UNIX_MS)));
        self.start_in(tempfile::tempdir().expect("a temporary folder"), clock)
    }

    /// Starts the host, with modules prepared as `loading` says. Its clock is the system's.
    pub fn start_loading(&self, loading: Loading) -> TestHost {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let host = Host::start_loading(self.settings_in(&folder), &mut (), loading);
        let host = host.unwrap_or_else(|error| panic!("the host does not start: {error}"));
        TestHost { host, folder, clock: Arc::default(), journal_clock: callgate_journal::Clock::system() }
    }

    /// Starts the host with its files in this folder.
    fn start_in(&self, folder: TempDir, clock: Arc<AtomicU64>) -> Result<TestHost, StartError> {
        let shown = Arc::clone(&clock);
        let clock_of_host = Arc::new(move || shown.load(Ordering::Relaxed));
        let host = Host::start_with_clock(self.settings_in(&folder), &mut (), clock_of_host)?;
        Ok(TestHost { host, folder, clock, journal_clock: callgate_journal::Clock::system() })
    }

    /// Writes all files into this folder, and reads the settings.
    fn settings_in(&self, folder: &TempDir) -> Settings {
        log::start();
        for (name, contents) in &self.files {
            std::fs::write(folder.path().join(name), contents).expect("the file is written");
        }
        let (chat_servers, path) = (self.chat_servers.unwrap_or(CHAT_SERVERS), folder.path().join("host.toml"));
        // A reload reads it again.
        std::fs::write(&path, self.toml()).expect("the settings are written");
        let settings = Settings::parse_for(chat_servers, &path, &self.toml());
        settings.unwrap_or_else(|problems| {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            panic!("the settings have mistakes:\n{}\n{}", lines.join("\n"), self.toml())
        })
    }

    /// Starts the host with its journal open, and has it process entries. The journal's clock is moved by the test.
    pub async fn start_with_journal(&self) -> TestHost {
        let mut started = self.start();
        started.open_journal().await;
        started
    }
}

impl TestHost {
    /// The host itself.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Writes a file beside the settings, or the settings themselves: `host.toml`.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).expect("the file is written");
    }

    /// A path beside the settings.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Reads the settings again, and puts them into service if nothing is wrong.
    pub fn reload(&self) -> Result<Report, Vec<String>> {
        let ask = Ask { mode: Mode::Replace, crates: Crates::BuildNew };
        self.host.reload(ask).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    /// Posts JSON text, as a chat server would.
    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json; charset=utf-8");
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// Posts a JSON value to `/openim/{command}`.
    pub async fn openim(&self, command: &str, body: &Value) -> Value {
        let answer = self.post(&format!("/openim/{command}"), body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        answer.body
    }

    /// Posts a JSON value to `/tencent-chat`, as application 1400000000.
    pub async fn tencent(&self, command: &str, body: &Value) -> Value {
        let path = format!(
            "/tencent-chat?SdkAppid=1400000000&CallbackCommand={command}&contenttype=json&ClientIP=127.0.0.1&OptPlatform=Web"
        );
        let answer = self.post(&path, body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        answer.body
    }

    /// Sends any request through a connection of its own.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.exchange(request).await;
        let status = response.status();
        let body = serde_json::from_str(response.body())
            .unwrap_or_else(|error| panic!("the answer is no JSON ({error}): {}", response.body()));
        Answer { status, body }
    }

    /// As [`TestHost::send`], with the answer's headers and its body as text.
    pub async fn exchange(&self, mut request: Request<Body>) -> Response<String> {
        // As every client in HTTP/1.1 does.
        request.headers_mut().entry(header::HOST).or_insert(http::HeaderValue::from_static("callgate.example"));
        let (client, server) = tokio::io::duplex(PIPE_BYTES);
        let (host, settings) = (self.host.clone(), self.host.settings().server.clone());
        let served = tokio::spawn(async move {
            callgate::edge::converse(server, host, &settings, callgate::edge::Peer::default()).await
        });
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(client)).await.expect("a connection");
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.expect("there is always an answer");
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.expect("the answer is whole").to_bytes();
        drop(sender);
        let _ = connection.await;
        served.await.expect("the connection ends");
        Response::from_parts(head, String::from_utf8(bytes.into()).expect("the answer is text"))
    }

    /// Moves the clock that signatures and plugins see.
    pub fn advance_clock_ms(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// Opens the journal at the time that the clock shows, and processes its entries.
    pub async fn open_journal(&mut self) {
        let now = i64::try_from(self.clock.load(Ordering::Relaxed)).expect("a time");
        self.journal_clock = callgate_journal::Clock::manual(now);
        self.host.open_journal(self.journal_clock.clone()).expect("the journal opens");
        self.host.work_off_entries().await;
    }

    /// Stops this host as `serve` does, and starts another one with the same files.
    pub async fn restart(self, setup: &Setup) -> Self {
        self.host.begin_no_entries();
        self.host.close_journal(std::time::Duration::from_secs(60)).await;
        let Self { host, folder, clock, .. } = self;
        drop(host);
        let mut started = setup.start_in(folder, clock).unwrap_or_else(|error| panic!("no host starts: {error}"));
        started.open_journal().await;
        started
    }

    /// Waits until the numbers of the journal are as wanted: each look is one commit.
    pub async fn until(&self, wanted: impl Fn(&callgate_journal::Numbers) -> bool) -> callgate_journal::Numbers {
        for _ in 0..100_000 {
            self.host.settle_journal().await;
            let numbers = self.host.journal_numbers();
            if wanted(&numbers) {
                return numbers;
            }
            tokio::task::yield_now().await;
        }
        panic!("the journal does not come there: {:?}", self.host.journal_numbers());
    }

    /// Moves the journal's clock, and has it look.
    pub fn advance_journal_ms(&self, ms: i64) {
        self.journal_clock.advance_ms(ms);
        self.host.tick_journal();
    }

    /// What the journal has on disk.
    pub fn journal(&self) -> callgate_journal::Reader {
        callgate_journal::Reader::open(&self.folder.path().join("journal")).expect("the journal is there")
    }

    /// The folder of the settings file.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The records written so far.
    pub fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("records.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a record is one line of JSON")).collect()
    }

    /// The value of a counter: the sum over all series whose labels contain each of `labels`, as written
    /// (`plugin="spins"`).
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let metrics = self.host.metrics();
        let series = metrics.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).fold(0.0, |sum, value| sum + value)
    }
}

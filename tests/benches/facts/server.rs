//! The servers of this benchmark, each in its own process.

use std::io::Read as _;

use callgate::edge::{self, Readiness};
use callgate::{Host, Settings};
use harness::{Setup, guests};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

pub use crate::common::Server;
use crate::common::message::MESSAGE_COMMAND;
use crate::native;

/// The window in milliseconds, so short that some messages are allowed at full speed.
pub const WINDOW_MS: u64 = 10;
pub const MESSAGES_MAX: usize = 20;

/// The server under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contestant {
    Limit,
    LimitNative,
    Cached,
    Plain,
    Redis,
    RedisNative,
}

impl Contestant {
    const ALL: [Self; 6] = [Self::Limit, Self::LimitNative, Self::Cached, Self::Plain, Self::Redis, Self::RedisNative];

    pub fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit-rate",
            Self::LimitNative => "native window",
            Self::Cached => "with a cached fact",
            Self::Plain => "without facts",
            Self::Redis => "ban-users",
            Self::RedisNative => "native lookup",
        }
    }
}

/// Starts this contestant.
pub fn start(contestant: Contestant, redis_port: u16) -> Server {
    Server::start(&["--serve", contestant.name(), &redis_port.to_string()], None)
}

/// Serves on a free port until the input ends.
pub fn serve(contestant: &str, redis_port: u16) {
    let contestant = Contestant::ALL.into_iter().find(|it| it.name() == contestant).expect("a contestant");
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    // As `callgate serve` has it.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        if let Contestant::LimitNative | Contestant::RedisNative = contestant {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            println!("{}", listener.local_addr().expect("it has an address"));
            return match contestant {
                Contestant::LimitNative => native::serve_limit(listener).await,
                _ => native::serve_redis(listener, redis_port).await,
            };
        }
        let setup = match contestant {
            Contestant::Limit => limit(),
            Contestant::Cached => asks(source().await, r#","facts":["known"]"#, r#"(export "needs")"#),
            Contestant::Redis => bans(redis_port),
            _ => asks(String::new(), "", ""),
        };
        let settings = Settings::parse(std::path::Path::new("bench.toml"), &setup.toml());
        let settings = settings.unwrap_or_else(|problems| panic!("the settings have mistakes: {problems:?}"));
        let server = settings.server.clone();
        let host = Host::start(settings, &mut ()).unwrap_or_else(|error| panic!("the host does not start: {error}"));
        let (listener, address) = harness::listener();
        println!("{address}");
        edge::serve(listener, host, &server, Readiness::default(), std::future::pending()).await;
    });
}

/// The harness pins this key unless it is mentioned; here the host is to measure it, as a service does.
fn setup() -> Setup {
    harness::setup().limits("# fuel_per_ms is left out")
}

fn limit() -> Setup {
    let fact =
        format!("[[fact]]\nname = \"sent\"\nsource = \"counter\"\nwindow_ms = {WINDOW_MS}\ncount = \"callbacks\"");
    let settings = format!("settings = {{ count_max = {MESSAGES_MAX} }}");
    setup().tables(&fact).plugin("limit-rate", guests::shipped("limit-rate"), MESSAGE_COMMAND, &settings)
}

fn bans(redis_port: u16) -> Setup {
    let fact = format!(
        "[[fact]]\nname = \"ban\"\nsource = \"redis\"\nurl = \"redis://127.0.0.1:{redis_port}\"\nget = \"ban:{{key}}\""
    );
    setup().tables(&fact).plugin("ban-users", guests::shipped("ban-users"), MESSAGE_COMMAND, "")
}

/// A plugin that allows everything, with or without asking for a fact before.
fn asks(fact: String, facts: &str, export: &str) -> Setup {
    let manifest = format!(r#"{{"abi":1,"name":"asks","version":"0","commands":[]{facts}}}"#);
    let needs = r#"[{"fact":"known","key":"u_alice"}]"#;
    let source = format!(
        r#"(module
            (@custom "callgate.plugin" "{manifest}")
            (memory (export "memory") 2)
            (data (i32.const 2048) "{{\"verdict\":\"allow\"}}")
            (data (i32.const 3072) "{needs_text}")
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            {{accepts}}
            (func {export} (param i32 i32) (result i64) (i64.const {needed}))
            (func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0x800_0000_0013)))"#,
        manifest = guests::escaped(manifest.as_bytes()),
        needs_text = guests::escaped(needs.as_bytes()),
        needed = (3072_u64 << 32) | needs.len() as u64,
    );
    setup().tables(&fact).plugin("asks", guests::assemble("asks", &source), MESSAGE_COMMAND, "")
}

/// A web service with one constant answer, and the fact that queries it.
async fn source() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\ntrue";
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    format!(
        "[[fact]]\nname = \"known\"\nsource = \"http\"\nurl = \"http://{address}/{{key}}\"\nallow_http = true\n\
         private_networks = [\"127.0.0.0/8\"]\ncache_ms = 3_600_000"
    )
}

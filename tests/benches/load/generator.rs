//! Posts the same callback over many connections and notes how long each answer takes.
//!
//! It is one thread that speaks just enough HTTP/1.1 (keep-alive, answers with a content length), because what it uses
//! is taken from the server on a small machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::Server;

/// What is done to a server.
pub struct Load<'a> {
    pub server: &'a Server,
    pub callback: &'a Callback,
    pub connections: usize,
    pub window: Duration,
    pub pace: Pace,
}

/// What is posted. `{connection}` in the body is the number of the connection.
pub struct Callback {
    pub command: &'static str,
    pub body: String,
}

/// When a connection posts again.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// As soon as it has its answer.
    AsFastAsPossible,
    /// When it is its turn at so many requests a second, spread over all connections.
    PerSecond(f64),
}

/// What was seen of a server for a while.
pub struct Window {
    /// From the first byte written to the last byte read, ascending.
    pub latencies_ns: Vec<u32>,
    elapsed: Duration,
    cpu: Duration,
}

impl Window {
    pub fn per_second(&self) -> f64 {
        self.latencies_ns.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// CPU time of the server for each request.
    pub fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.latencies_ns.len() as f64
    }
}

/// Connections and caches settle before anything is counted.
const WARM_UP: Duration = Duration::from_millis(200);

/// Most requests of one connection, so that the program ends whatever the clock does.
const REQUESTS_MAX: usize = 10_000_000;

/// Loads a server for a while.
pub fn run(load: &Load<'_>) -> Window {
    runtime().block_on(async {
        let from = Instant::now() + WARM_UP;
        let until = from + load.window;
        let interval = match load.pace {
            Pace::AsFastAsPossible => Duration::ZERO,
            Pace::PerSecond(rate) => Duration::from_secs_f64(load.connections as f64 / rate),
        };
        let connections: Vec<_> = (0..load.connections)
            .map(|number| {
                let first = Instant::now() + interval.mul_f64(number as f64 / load.connections as f64);
                let schedule = Schedule { first, interval, from, until };
                let request: Arc<[u8]> = request(load.callback, number).into();
                tokio::spawn(connection(load.server.address(), request, schedule))
            })
            .collect();
        tokio::time::sleep_until(from.into()).await;
        let cpu_before = load.server.cpu();
        tokio::time::sleep_until(until.into()).await;
        let cpu = load.server.cpu() - cpu_before;
        let elapsed = from.elapsed();
        let mut latencies_ns = Vec::new();
        for connection in connections {
            latencies_ns.extend(connection.await.expect("a connection's task ends"));
        }
        latencies_ns.sort_unstable();
        Window { latencies_ns, elapsed, cpu }
    })
}

/// Posts one callback and gives the body of the answer.
pub fn ask(server: &Server, callback: &Callback) -> String {
    runtime().block_on(async {
        let mut connection = Connection::open(server.address()).await;
        connection.post(&request(callback, 0)).await;
        let answer = String::from_utf8_lossy(&connection.read);
        answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// As OpenIM writes it, on the connection with this number.
fn request(callback: &Callback, connection: usize) -> Vec<u8> {
    let Callback { command, body } = callback;
    let body = body.replace("{connection}", &connection.to_string());
    format!(
        "POST /openim/{command} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Go-http-client/1.1\r\n\
         Content-Length: {}\r\nContent-Type: application/json; charset=utf-8\r\nOperationid: op-1700000000000\r\n\
         Accept-Encoding: gzip\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

struct Schedule {
    first: Instant,
    interval: Duration,
    from: Instant,
    until: Instant,
}

async fn connection(address: std::net::SocketAddr, request: Arc<[u8]>, schedule: Schedule) -> Vec<u32> {
    let mut connection = Connection::open(address).await;
    let mut latencies_ns = Vec::with_capacity(1 << 16);
    let mut due = schedule.first;
    for _ in 0..REQUESTS_MAX {
        if !schedule.interval.is_zero() {
            tokio::time::sleep_until(due.into()).await;
            due += schedule.interval;
        }
        let posted = Instant::now();
        if posted >= schedule.until {
            break;
        }
        connection.post(&request).await;
        let answered = Instant::now();
        if answered >= schedule.from && answered < schedule.until {
            latencies_ns.push(u32::try_from((answered - posted).as_nanos()).unwrap_or(u32::MAX));
        }
    }
    latencies_ns
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    async fn open(address: std::net::SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server accepts");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, read: Vec::with_capacity(4096) }
    }

    /// Posts a request and reads the answer whole; it stays in `read`.
    async fn post(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.expect("the server reads");
        self.read.clear();
        while !is_whole(&self.read) {
            let read = self.stream.read_buf(&mut self.read).await.expect("the server writes");
            assert!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(&self.read));
        }
        assert!(self.read.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.read));
    }
}

/// Whether an answer's head has come, and as much of its body as the head says.
fn is_whole(answer: &[u8]) -> bool {
    const LENGTH: &[u8] = b"content-length: ";
    let Some(head) = find(answer, b"\r\n\r\n") else { return false };
    let digits = find(answer, LENGTH).and_then(|at| answer.get(at + LENGTH.len()..head)).unwrap_or_default();
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    answer.len() >= head + 4 + length
}

fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    text.windows(piece.len()).position(|window| window == piece)
}

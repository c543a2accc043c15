//! A client that posts over many connections, and notes when it has its answers.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{CALM, CALM_CODE, HOSTILE};

/// How long OpenIM waits for an answer by default.
const OPENIM_WAITS: Duration = Duration::from_secs(5);

/// How long Tencent waits.
const TENCENT_WAITS: Duration = Duration::from_secs(2);

/// Callbacks in one request of a batch.
const BATCH: usize = 100;

/// A client on a thread of its own.
pub struct Client(JoinHandle<Seen>);

/// What it has seen.
#[derive(Default)]
pub struct Seen {
    /// From the first byte written to the last byte read, ascending.
    pub latencies: Vec<Duration>,
    /// Answers after which the chat server would have gone.
    pub late: usize,
    /// Answers that are not the plugin's own.
    pub wrong: usize,
}

impl Seen {
    /// By nearest rank; zero if nothing was seen.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.latencies.len() * percent).div_ceil(100).saturating_sub(1);
        self.latencies.get(rank).copied().unwrap_or_default()
    }
}

#[derive(Clone)]
struct Plan {
    address: SocketAddr,
    request: Vec<u8>,
    waits: Duration,
    /// What each answer must contain.
    expected: &'static str,
    /// Time from one request of a connection to the next; zero: as soon as there is an answer.
    interval: Duration,
    window: Duration,
}

impl Client {
    /// A client of a hostile plugin: each connection posts as soon as it has its answer.
    pub fn hostile(address: SocketAddr, plugin: &str, connections: usize, window: Duration) -> Self {
        let (_, path) = HOSTILE.iter().find(|(name, _)| *name == plugin).expect("a hostile plugin");
        let is_batch = path.contains("Push.");
        let body = match is_batch {
            true => format!(r#"{{"Events":[{}]}}"#, vec![r#"{"x":1}"#; BATCH].join(",")),
            false => r#"{"x":1}"#.to_owned(),
        };
        let waits = if is_batch { TENCENT_WAITS } else { OPENIM_WAITS };
        // A batch is a hundred calls, so two connections do.
        let connections = if is_batch { 2 } else { connections };
        let plan =
            Plan { address, request: request(path, &body), waits, expected: "", interval: Duration::ZERO, window };
        Self::start(plan, connections)
    }

    /// The calm client: its connections post so often in all, one after the other.
    pub fn calm(address: SocketAddr, connections: usize, per_second: f64, window: Duration) -> Self {
        let interval = Duration::from_secs_f64(connections as f64 / per_second);
        let request = request(CALM, r#"{"x":0}"#);
        Self::start(Plan { address, request, waits: OPENIM_WAITS, expected: CALM_CODE, interval, window }, connections)
    }

    fn start(plan: Plan, connections: usize) -> Self {
        Self(std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let tasks: Vec<_> = (0..connections)
                    .map(|number| {
                        let delay = plan.interval.mul_f64(number as f64 / connections as f64);
                        tokio::spawn(connection(plan.clone(), delay))
                    })
                    .collect();
                let mut all = Seen::default();
                for task in tasks {
                    let seen = task.await.expect("a connection's task ends");
                    all.latencies.extend(seen.latencies);
                    all.late += seen.late;
                    all.wrong += seen.wrong;
                }
                all.latencies.sort_unstable();
                all
            })
        }))
    }

    /// Waits for its end.
    pub fn join(self) -> Seen {
        self.0.join().expect("the client ends")
    }
}

fn request(path: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len}\r\nContent-Type: application/json\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn connection(plan: Plan, delay: Duration) -> Seen {
    let mut seen = Seen::default();
    let mut stream = TcpStream::connect(plan.address).await.expect("the server accepts");
    stream.set_nodelay(true).expect("no delay");
    let until = Instant::now() + plan.window;
    let mut due = Instant::now() + delay;
    while Instant::now() < until {
        if !plan.interval.is_zero() {
            tokio::time::sleep_until(due.into()).await;
            due += plan.interval;
        }
        let posted = Instant::now();
        stream.write_all(&plan.request).await.expect("the server reads");
        let answer = read(&mut stream).await;
        let took = posted.elapsed();
        seen.latencies.push(took);
        seen.late += usize::from(took > plan.waits);
        seen.wrong += usize::from(!answer.contains(plan.expected));
    }
    seen
}

/// One answer, whole, as text.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::with_capacity(512);
    loop {
        let read = stream.read_buf(&mut bytes).await.expect("the server writes");
        let text = String::from_utf8_lossy(&bytes);
        assert!(read > 0, "the server closed the connection: {text}");
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= len.expect("answers have a length") {
            return text.into_owned();
        }
    }
}

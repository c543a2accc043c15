//! Clients that post over many connections, each client on a thread of its own.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server;

/// Something that is posted.
pub struct Request {
    pub body: String,
    bytes: Vec<u8>,
}

impl Request {
    pub fn new(path: impl Into<String>, body: impl Into<String>) -> Self {
        let (path, body) = (path.into(), body.into());
        let len = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len}\r\nContent-Type: application/json\r\n\r\n"
        );
        let bytes = [head.as_bytes(), body.as_bytes()].concat();
        Self { body, bytes }
    }
}

/// What a client does.
#[derive(Clone)]
pub struct Plan {
    pub address: SocketAddr,
    pub connections: usize,
    /// What is posted: a random one each time.
    pub requests: Arc<[Request]>,
    /// Time from one request of a connection to the next; zero: as soon as there is an answer.
    pub interval: Duration,
    /// For how long it goes on.
    pub window: Duration,
    /// Most requests of all connections together.
    pub requests_max: usize,
    /// Says what an answer is.
    pub judge: Arc<Judge>,
}

/// Says what an answer is, from the number of its request, its status and its body.
pub type Judge = dyn Fn(usize, u16, &[u8]) -> Verdict + Send + Sync;

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The plugin's own.
    Good,
    /// The host had no time.
    Refused,
    /// Anything else that is well-formed.
    Other,
    /// Neither.
    Wrong,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// When it came, since the client began.
    pub at: Duration,
    /// From the first byte written to the last byte read.
    pub took: Duration,
    /// From the first byte written until the host wrote the answer, if the answer says when. Excludes the time that
    /// this client waited for a CPU to read it.
    pub written: Option<Duration>,
    pub request: u32,
    pub verdict: Verdict,
}

/// A running client.
pub struct Client(JoinHandle<Vec<Answer>>);

impl Client {
    pub fn start(plan: Plan) -> Self {
        Self(std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let began = Instant::now();
                let tasks: Vec<_> =
                    (0..plan.connections).map(|number| tokio::spawn(connection(plan.clone(), number, began))).collect();
                let mut all = Vec::new();
                for task in tasks {
                    all.extend(task.await.expect("a connection's task ends"));
                }
                all
            })
        }))
    }

    /// Waits for its end, and gives all answers.
    pub fn join(self) -> Vec<Answer> {
        self.0.join().expect("the client ends")
    }
}

/// By nearest rank; zero if there are no answers.
pub fn percentile<'a>(answers: impl Iterator<Item = &'a Answer>, percent: f64) -> Duration {
    let mut took: Vec<Duration> = answers.map(|answer| answer.took).collect();
    took.sort_unstable();
    let rank = ((took.len() as f64 * percent / 100.0).ceil() as usize).saturating_sub(1);
    took.get(rank).copied().unwrap_or_default()
}

pub fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Reads what an operators' path shows.
pub fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).expect("the server accepts");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server writes text");
    answer
}

async fn connection(plan: Plan, number: usize, began: Instant) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut stream = connect(plan.address).await;
    let mut due = began + plan.interval.mul_f64(number as f64 / plan.connections as f64);
    let mut random = number as u64 + 1;
    let mut bytes = Vec::with_capacity(4096);
    for _ in 0..plan.requests_max.div_ceil(plan.connections) {
        if !plan.interval.is_zero() {
            tokio::time::sleep_until(due.into()).await;
            // A connection that waits for its answer misses its turns: they are not made up for.
            due = (due + plan.interval).max(Instant::now());
        }
        if began.elapsed() >= plan.window {
            break;
        }
        // xorshift64: the same in each run.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let request = (random % plan.requests.len() as u64) as usize;
        let (posted, posted_at) = (Instant::now(), server::now());
        stream.write_all(&plan.requests[request].bytes).await.expect("the server reads");
        let (status, body) = read(&mut stream, &mut bytes).await;
        let written = written_at(&bytes[..body]).map(|at| at.saturating_sub(posted_at));
        let verdict = (plan.judge)(request, status, &bytes[body..]);
        let request = u32::try_from(request).expect("few requests");
        answers.push(Answer { at: began.elapsed(), took: posted.elapsed(), written, request, verdict });
    }
    answers
}

async fn connect(address: SocketAddr) -> TcpStream {
    // Bursts of connections may meet a full backlog.
    for _ in 0..100 {
        if let Ok(stream) = TcpStream::connect(address).await {
            stream.set_nodelay(true).expect("no delay");
            return stream;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the server does not accept");
}

/// Reads an answer; its status, and where its body begins.
async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> (u16, usize) {
    bytes.clear();
    loop {
        if let Some(whole) = whole(bytes) {
            return whole;
        }
        let read = stream.read_buf(bytes).await.expect("the server writes");
        assert!(read > 0, "the connection was closed after {:?}", String::from_utf8_lossy(bytes));
    }
}

fn whole(bytes: &[u8]) -> Option<(u16, usize)> {
    let body = find(bytes, b"\r\n\r\n")? + 4;
    let len = usize::try_from(number(bytes.get(..body)?, "content-length")?).ok()?;
    let status = std::str::from_utf8(bytes.get(9..12)?).ok()?.parse().ok()?;
    (bytes.len() >= body + len).then_some((status, body))
}

/// The time at which the host wrote the answer, if the head contains it.
fn written_at(head: &[u8]) -> Option<Duration> {
    number(head, server::WRITTEN).map(Duration::from_nanos)
}

/// The number in a header.
fn number(head: &[u8], name: &str) -> Option<u64> {
    let name = format!("\r\n{name}: ");
    let digits = head.get(find(head, name.as_bytes())? + name.len()..)?;
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

fn find(bytes: &[u8], piece: &[u8]) -> Option<usize> {
    bytes.windows(piece.len()).position(|window| window == piece)
}

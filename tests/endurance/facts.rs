//! Facts: counts equal to an exact reference, sources that fail in every way, decisions that can be replayed.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use callgate::decisions::Document;
use callgate::replay::{Case, Outcome};
use callgate_journal::{DecisionFilter, Page};
use harness::{Setup, TestHost, guests, setup};
use http::Request as HttpRequest;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::{Client, Plan, Request, Verdict, ms, percentile};
use crate::random::Random;
use crate::server::Server;

const SEND: &str = "callbackBeforeSendSingleMsgCommand";

/// The window of the counter, in milliseconds, and how many messages fit into it.
const WINDOW_MS: u64 = 60_000;
const MESSAGES_MAX: usize = 20;

fn limited(toml: &str) -> Setup {
    let counter = "[[fact]]\nname = \"sent\"\nsource = \"counter\"\nwindow_ms = 60_000\ncount = \"callbacks\"\n";
    let limit = guests::shipped("limit-rate");
    setup().tables(&format!("{counter}{toml}")).plugin("limit-rate", limit, SEND, "")
}

fn message(user: usize, number: usize) -> String {
    let content = json!({ "content": "hello" }).to_string();
    json!({ "sendID": format!("u{user}"), "recvID": "r", "contentType": 101, "content": content,
        "clientMsgID": number.to_string() })
    .to_string()
}

/// The code of the answer to a message: 0 if it is allowed.
async fn send(host: &TestHost, body: String) -> i64 {
    let request = HttpRequest::post(format!("/openim/{SEND}")).header("content-type", "application/json");
    let answer = host.host().receive(request.body(Body::from(body)).expect("a request")).await;
    let bytes = answer.into_body().collect().await.expect("the answer is whole").to_bytes();
    let answer: Value = serde_json::from_slice(&bytes).expect("the answer is JSON");
    answer["errCode"].as_i64().expect("a code")
}

/// Random users send messages, some of them often, while the clock advances at random, sometimes exactly to the end of
/// a window.
async fn model(callbacks: usize, users: usize) {
    let host = limited("").start();
    let (mut random, mut now, mut denied) = (Random(7), 0_u64, 0_usize);
    let mut reference: HashMap<usize, VecDeque<u64>> = HashMap::new();
    for number in 0..callbacks {
        // A few of the users send nine tenths of all messages.
        let user = match random.below(10) {
            0 => random.below(users as u64) as usize,
            _ => random.below((users as u64 / 1000).max(1)) as usize,
        };
        let sent = reference.entry(user).or_default();
        let step = match random.below(2000) {
            // The millisecond at which the oldest message of this user expires, or the one before.
            0 => sent.front().map_or(0, |oldest| (oldest + WINDOW_MS).saturating_sub(now)),
            1 => sent.front().map_or(0, |oldest| (oldest + WINDOW_MS).saturating_sub(now + 1)),
            2..50 => random.below(500),
            _ => random.below(3),
        };
        now += step;
        host.advance_clock_ms(step);
        while sent.front().is_some_and(|oldest| oldest + WINDOW_MS <= now) {
            sent.pop_front();
        }
        sent.push_back(now);
        let expected = if sent.len() > MESSAGES_MAX { 5006 } else { 0 };
        denied += usize::from(expected != 0);
        assert_eq!(send(&host, message(user, number)).await, expected, "message {number} of user {user} at {now}");
    }
    println!("{callbacks} messages of {users} users, {denied} denied: as the reference says");
    assert!(denied > callbacks / 20 && denied < callbacks);
}

#[tokio::test]
async fn verdicts_are_those_of_an_exact_reference() {
    model(5_000, 500).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn facts_model() {
    model(1_000_000, 10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_connections_of_one_user_lose_no_count() {
    let host = Arc::new(limited("").start());
    let tasks = [0, 1].map(|half| {
        let host = Arc::clone(&host);
        tokio::spawn(async move {
            let mut allowed = 0;
            for number in 0..MESSAGES_MAX {
                allowed += usize::from(send(&host, message(1, half * 1000 + number)).await == 0);
            }
            allowed
        })
    });
    let mut allowed = 0;
    for task in tasks {
        allowed += task.await.expect("it ends");
    }
    assert_eq!(allowed, MESSAGES_MAX);
}

/// Decisions with facts are stored; the same build without any source decides the same.
async fn replayed(callbacks: usize) {
    let toml = "[journal]\n[journal.decisions]\nkeep = \"all\"\npayloads = true\nbytes_max = 4294967296";
    let host = limited(toml).start_with_journal().await;
    let mut random = Random(3);
    for number in 0..callbacks {
        host.advance_clock_ms(random.below(300));
        send(&host, message(random.below(20) as usize, number)).await;
        // Waits, so that no decision is dropped because the queue is full.
        if number % 500 == 0 {
            host.host().settle_journal().await;
        }
    }
    host.host().settle_journal().await;
    let other = limited("").start();
    let (mut reader, mut after, mut verdicts, mut differ) = (host.journal(), None, [0, 0], 0);
    loop {
        let page = Page { after, limit: 1000, newest_first: false };
        let listed = reader.decisions(&DecisionFilter::default(), page).expect("they can be read");
        let Some(last) = listed.last() else { break };
        after = Some(last.id.0);
        for id in listed.iter().map(|decision| decision.id) {
            let found = reader.decision(id).expect("it can be read").decision;
            let document = Document::from_json(&found.document).expect("a document");
            let before = Outcome::of_document(&document).expect("an outcome");
            let facts: Vec<_> = document.facts.iter().map(|fact| fact.found()).collect();
            assert_eq!(facts.len(), 1);
            let (head, body) = (document.head.clone().expect("payloads"), found.body.expect("payloads"));
            let case = Case { platform: document.platform.clone(), head, body, facts, kept: None };
            let outcome = other.host().replay(&case).expect("it is replayed");
            verdicts[usize::from(outcome.verdict == "deny")] += 1;
            let difference = before.differs(&outcome);
            differ += usize::from(difference.is_visible() || difference.fuel);
        }
    }
    println!(
        "{} replayed with their facts, {} of them denied: {differ} differ",
        verdicts[0] + verdicts[1],
        verdicts[1]
    );
    assert_eq!((verdicts[0] + verdicts[1], differ), (callbacks, 0));
    assert!(verdicts.iter().all(|count| *count > callbacks / 20), "{verdicts:?}");
}

#[tokio::test]
async fn a_replay_with_the_same_facts_differs_in_nothing() {
    replayed(1_000).await;
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn facts_replay() {
    replayed(10_000).await;
}

/// A Redis server that is stopped and started again; it is stopped on drop.
struct Redis {
    port: u16,
    child: Option<Child>,
}

impl Redis {
    /// `None`, with a message, if it is not installed.
    fn start() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let mut redis = Self { port, child: None };
        match redis.begin() {
            Ok(()) => Some(redis),
            Err(error) => {
                let why = format!("SKIPPED: redis-server cannot be started ({error}): apt-get install redis-server");
                assert!(std::env::var_os("CALLGATE_REQUIRE_GUESTS").is_none(), "{why}");
                eprintln!("{why}");
                None
            }
        }
    }

    fn begin(&mut self) -> std::io::Result<()> {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
        Ok(())
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.end();
    }
}

/// A judge that answers each request differently, and mostly wrong. Returns its address.
fn judge(questions: Arc<AtomicUsize>) -> SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            sender.send(listener.local_addr().expect("an address")).expect("it is waited for");
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let questions = Arc::clone(&questions);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    // One connection, with sequential requests.
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        let number = questions.fetch_add(1, Ordering::Relaxed);
                        let ok = |body: &str| {
                            let (len, kind) = (body.len(), "Content-Type: application/json");
                            format!("HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {len}\r\n\r\n{body}")
                        };
                        let answer = match number % 9 {
                            0 | 1 => ok(r#"{"score":0.1}"#),
                            2 => ok("<html>no</html>"),
                            3 => ok(r#"{"score":{"deep":[1,2]}}"#),
                            4 => "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".to_owned(),
                            // 100 MiB are promised.
                            5 => format!("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n{}", "x".repeat(200_000)),
                            6 => "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"
                                .to_owned(),
                            // It closes.
                            7 => return,
                            // It hangs.
                            _ => return std::future::pending().await,
                        };
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
    });
    receiver.recv().expect("it listens")
}

/// Sources that fail in every way, and a plugin that needs none of them. `None`: Redis is not installed.
fn chaos(callbacks: usize) -> Option<()> {
    let mut redis = Redis::start()?;
    let questions = Arc::new(AtomicUsize::new(0));
    let judge = judge(Arc::clone(&questions));
    let facts = format!(
        "[[fact]]\nname = \"ban\"\nsource = \"redis\"\nurl = \"redis://127.0.0.1:{}\"\nget = \"ban:{{key}}\"\n\
         [[fact]]\nname = \"verdict\"\nsource = \"http\"\nurl = \"http://{judge}/?of={{key}}\"\nallow_http = true\n\
         private_networks = [\"127.0.0.0/8\"]\npointer = \"/score\"\nwithin_ms = 300\n",
        redis.port
    );
    let picture = "callbackBeforeSendGroupMsgCommand";
    let setup = limited(&format!("[journal]\noff = true\n{facts}"))
        .plugin("ban-users", guests::shipped("ban-users"), "callbackBeforeAddFriendCommand", "")
        .plugin("judge-media", guests::shipped("judge-media"), picture, "");
    let server = Server::start(&setup);
    let patience = Duration::from_millis(4500);
    let request = |command: &str, body: String| Request::new(format!("/openim/{command}"), body);
    let media = |number: usize| {
        let source = json!({ "url": format!("https://media.example.com/{number}.png") });
        let content = json!({ "sourcePicture": source, "bigPicture": source, "snapshotPicture": source }).to_string();
        json!({ "sendID": "u1", "groupID": "g", "contentType": 102, "content": content }).to_string()
    };
    let failing = (0..200)
        .map(|number| {
            request(
                "callbackBeforeAddFriendCommand",
                json!({ "fromUserID": format!("u{number}"), "toUserID": "x" }).to_string(),
            )
        })
        .chain((0..200).map(|number| request(picture, media(number))));
    let failing: Arc<[Request]> = failing.collect();
    let calm: Arc<[Request]> = (0..5_000).map(|user| request(SEND, message(user, 0))).collect();
    let plan = |requests: Arc<[Request]>, connections, requests_max, interval| Plan {
        address: server.address(),
        connections,
        requests,
        interval,
        window: Duration::from_secs(24 * 3600),
        requests_max,
        judge: Arc::new(|_, status, answer| match serde_json::from_slice::<Value>(answer) {
            Ok(answer) if status == 200 && answer["nextCode"] == 0 => Verdict::Good,
            // Well-behaved users may exceed the rate limit.
            Ok(answer) if status == 200 && answer["errCode"] == 5006 => Verdict::Refused,
            Ok(_) => Verdict::Wrong,
            Err(_) => Verdict::Other,
        }),
    };
    let alone = Client::start(plan(Arc::clone(&calm), 2, callbacks / 50, Duration::from_millis(1))).join();
    let is_over = Arc::new(AtomicBool::new(false));
    let stops = {
        let is_over = Arc::clone(&is_over);
        // Redis runs for a while and is stopped for a while.
        std::thread::spawn(move || {
            let mut stops = 0;
            while !is_over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(400));
                redis.end();
                std::thread::sleep(Duration::from_millis(400));
                redis.begin().expect("it starts again");
                stops += 1;
            }
            stops
        })
    };
    let hostile = Client::start(plan(failing, 30, callbacks, Duration::ZERO));
    let beside = Client::start(plan(calm, 2, callbacks / 50, Duration::from_millis(1)));
    let (beside, hostile) = (beside.join(), hostile.join());
    is_over.store(true, Ordering::Relaxed);
    let stops = stops.join().expect("it ends");
    let all = || hostile.iter().chain(&beside);
    let count = |verdict| all().filter(|answer| answer.verdict == verdict).count();
    let late = all().filter(|answer| answer.took > patience).count();
    let fact = |name: &str, result: &str| {
        server.metric("callgate_facts_total", &[&format!("fact=\"{name}\""), &format!("result=\"{result}\"")])
    };
    println!(
        "{} callbacks, Redis stopped {stops} times, the judge asked {} times",
        hostile.len(),
        questions.load(Ordering::Relaxed)
    );
    for name in ["ban", "verdict"] {
        let [known, absent, late, failed] = ["known", "absent", "late", "failed"].map(|result| fact(name, result));
        println!("  {name}: known {known}, absent {absent}, late {late}, failed {failed}");
        assert!(failed > 0.0, "{name} never failed: it was no chaos");
    }
    println!("  late answers {late}, longest {}", ms(percentile(all(), 100.0)));
    println!(
        "  another plugin: p99 {} alone, {} beside",
        ms(percentile(alone.iter(), 99.0)),
        ms(percentile(beside.iter(), 99.0))
    );
    assert_eq!((late, count(Verdict::Wrong), count(Verdict::Other)), (0, 0, 0), "late, wrong, malformed");
    Some(())
}

#[test]
fn sources_that_fail_delay_no_answer() {
    chaos(1_000);
}

#[test]
#[ignore = "takes minutes"]
fn facts_chaos() {
    chaos(200_000).expect("redis-server is installed");
}

//! A candidate changes no byte of any answer, costs the thread that answers next to nothing, and is reported exactly.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use axum::body::Body;
use callgate::edge::Readiness;
use callgate_dialects::table::CHAT_SERVERS;
use callgate_sandbox::cpu::{self, Spending};
use harness::{TestHost, guests, setup};
use http::Request;
use http_body_util::BodyExt as _;
use plugin_sdk::catalogue::Command;
use plugin_sdk::wire::Phase;
use serde_json::Value;
use tower::ServiceExt as _;

/// What the plugin in service looks for, and what the candidate does.
const PRESENT: &str = "qzq";
const CANDIDATE: &str = "qxq";

/// A fixed sequence of numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// A text in which both words occur now and then.
    fn text(&mut self) -> String {
        let length = 8 + self.below(40);
        (0..length).map(|_| ['q', 'q', 'z', 'x', 'é'][self.below(5)]).collect()
    }
}

/// A request, and what a reference says of each callback in it.
struct Sent {
    path: String,
    body: String,
    command: &'static Command,
    expected: Vec<&'static str>,
}

/// How the candidate's outcome must differ for this text of a callback.
fn expected(command: &Command, text: &str) -> &'static str {
    if command.phase == Phase::After || command.answers.deny.is_none() {
        return "same";
    }
    match (text.contains(PRESENT), text.contains(CANDIDATE)) {
        (false, false) => "same",
        // Both deny with the same code, and with their own words.
        (true, true) => "text",
        _ => "verdict",
    }
}

/// A callback of any command, with a body of its own.
fn random(numbers: &mut Numbers) -> Sent {
    let commands: Vec<(&'static str, &'static Command)> = CHAT_SERVERS
        .iter()
        .flat_map(|server| server.protocol().commands.iter().map(|command| (server.protocol().name, *command)))
        .collect();
    let (platform, command) = commands[numbers.below(commands.len())];
    let path = match platform {
        "openim" => format!("/openim/{}", command.name),
        _ => format!("/tencent-chat?SdkAppid=1400000000&CallbackCommand={}&contenttype=json", command.name),
    };
    let one = |numbers: &mut Numbers| {
        let text = numbers.text();
        (format!(r#"{{"fromUserID":"u{}","text":"{text}"}}"#, numbers.below(50)), expected(command, &text))
    };
    let (body, expected) = match command.batch {
        None => {
            let (body, expected) = one(numbers);
            (body, vec![expected])
        }
        Some(list) => {
            let (bodies, expected): (Vec<_>, Vec<_>) = (0..numbers.below(5)).map(|_| one(numbers)).unzip();
            (format!(r#"{{"{list}":[{}]}}"#, bodies.join(",")), expected)
        }
    };
    Sent { path, body, command, expected }
}

fn host(tables: &str) -> TestHost {
    let present = guests::denies_on("present", PRESENT);
    let deny = "on_fault = \"deny\"";
    setup().tables(tables).limits("records_per_second_max = 0").plugin("words", present, "*", deny).start()
}

fn candidate(more: &str) -> String {
    let candidate = guests::denies_on("candidate", CANDIDATE);
    format!("[[shadow]]\nname = \"s\"\nreplace = \"words\"\nwasm = \"{}\"\n{more}\n", candidate.display())
}

/// More than is sent before it is looked whether all was compared.
const ROOMY: &str = "queue_max = 1_000_000\nqueue_bytes_max = 1_073_741_824";

fn request(sent: &Sent) -> Request<Body> {
    let request = Request::post(&sent.path).header("content-type", "application/json").header("operationID", "op");
    request.body(Body::from(sent.body.clone())).unwrap()
}

async fn report(host: &TestHost) -> Value {
    host.host().compared().await;
    let app = callgate::admin::routes(host.host().clone(), Readiness::default());
    let response = app.oneshot(Request::get("/api/v1/shadows").body(Body::empty()).unwrap()).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice::<Value>(&body).unwrap()["shadows"][0].clone()
}

/// Sends callbacks to a host with a candidate and to one without, and compares answers and report with the reference.
async fn answers_are_the_same_and_differences_are_reported_exactly(callbacks: usize) {
    let (with, without) = (host(&candidate(ROOMY)), host(""));
    let mut numbers = Numbers(0x5eed);
    let mut reference: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for number in 0..callbacks {
        let sent = random(&mut numbers);
        let (mut one, mut other) = (with.exchange(request(&sent)).await, without.exchange(request(&sent)).await);
        // The second may be another one by now.
        for answer in [&mut one, &mut other] {
            answer.headers_mut().remove("date");
        }
        assert_eq!(one.status(), other.status());
        assert_eq!(one.headers(), other.headers(), "{} {}", sent.path, sent.body);
        assert_eq!(one.body(), other.body(), "{} {}", sent.path, sent.body);
        for outcome in &sent.expected {
            *reference.entry((sent.command.name.to_owned(), outcome)).or_default() += 1;
        }
        if number % 10_000 == 9_999 {
            with.host().compared().await;
        }
    }
    let report = report(&with).await;
    let mut reported: BTreeMap<(String, &str), u64> = BTreeMap::new();
    let (mut compared, mut left) = (0, 0);
    for command in report["commands"].as_array().unwrap() {
        compared += command["compared"].as_u64().unwrap();
        left += command["dropped"].as_u64().unwrap() + command["no_time"].as_u64().unwrap();
        for (outcome, count) in command["outcomes"].as_object().unwrap() {
            let count = count.as_u64().unwrap();
            if count > 0 {
                let outcome = ["same", "text", "verdict"].into_iter().find(|known| known == outcome);
                let outcome = outcome.unwrap_or_else(|| panic!("no such outcome is expected: {command}"));
                *reported.entry((command["command"].as_str().unwrap().to_owned(), outcome)).or_default() += count;
            }
        }
    }
    assert_eq!(reported, reference);
    let total = |outcome: &str| reported.iter().filter(|((_, of), _)| *of == outcome).map(|(_, n)| n).sum::<u64>();
    println!(
        "{callbacks} requests of all commands: every answer is the same, byte for byte; {compared} callbacks compared, {left} \
         not: {} same, {} differ in the verdict, {} in the text, as a reference says",
        total("same"),
        total("verdict"),
        total("text")
    );
    assert_eq!(left, 0);
    assert!(total("verdict") > 0 && total("text") > 0, "both differences come up");
}

/// Sends more than a queue of 8 holds to a candidate that is slow.
async fn what_does_not_fit_is_dropped_and_counted(callbacks: u64) {
    let slow = guests::text("spins");
    let candidate =
        format!("[[shadow]]\nname = \"s\"\nreplace = \"words\"\nwasm = \"{}\"\nqueue_max = 8\n", slow.display());
    let host = host(&candidate);
    for _ in 0..callbacks {
        host.post("/openim/callbackBeforeAddFriendCommand", guests::PROVOKE).await;
    }
    let report = report(&host).await;
    let of = |key: &str| report["commands"][0][key].as_u64().unwrap();
    let (compared, no_time, dropped) = (of("compared"), of("no_time"), of("dropped"));
    println!(
        "{callbacks} callbacks, a queue of 8, a slow candidate: {compared} compared, {no_time} without time, {dropped} dropped"
    );
    assert_eq!(compared + no_time + dropped, callbacks);
    assert!(dropped > 0 && compared > 0);
    assert_eq!(report["waiting"], 0);
}

/// A host with one thread for connections and plugins, and one connection to it.
struct Served {
    host: TestHost,
    /// CPU time of its thread.
    spending: Spending,
    client: TcpStream,
}

impl Served {
    fn start(host: TestHost) -> Self {
        let (app, settings) = (host.host().clone(), host.host().settings().server.clone());
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (listener, address) = harness::listener();
                tell.send((address, Spending::begin())).expect("it is waited for");
                callgate::edge::serve(listener, app, &settings, Readiness::default(), std::future::pending()).await;
            });
        });
        let (address, spending) = told.recv().expect("it starts");
        let client = TcpStream::connect(address).expect("it accepts");
        client.set_nodelay(true).expect("no delay");
        Self { host, spending, client }
    }

    /// CPU time of the thread that answers, for each callback over HTTP.
    fn cpu_for_each(&mut self, body: &str, callbacks: u32) -> Duration {
        let request = format!(
            "POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\noperationID: op\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (before, mut answer) = (self.spending.so_far(), [0; 4096]);
        for _ in 0..callbacks {
            self.client.write_all(request.as_bytes()).expect("it reads");
            // An answer is short, and written at once.
            let read = self.client.read(&mut answer).expect("it writes");
            assert!(answer[..read].ends_with(b"}"), "{}", String::from_utf8_lossy(&answer[..read]));
        }
        (self.spending.so_far() - before) / callbacks
    }
}

/// CPU time of the thread that answers, for each callback in memory.
async fn cpu_in_memory(host: &TestHost, body: &str, callbacks: u32) -> Duration {
    let request = || {
        let request = Request::post("/openim/callbackBeforeAddFriendCommand").header("operationID", "op");
        request.header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()
    };
    let before = cpu::of_this_thread();
    for _ in 0..callbacks {
        // Read and dropped as a connection does.
        let answer = host.host().receive(request()).await;
        answer.into_body().collect().await.unwrap();
    }
    (cpu::of_this_thread() - before) / callbacks
}

/// Prints what a candidate costs the thread that answers: with one and without, by turns.
async fn cpu_of_the_answering_path(rounds: usize, callbacks: u32) {
    // The bounds that there are by default.
    let mut hosts = ["", &candidate("")].map(|tables| Served::start(host(tables)));
    for (bytes, over_http) in [(300, true), (4096, true), (300, false), (4096, false)] {
        let body = format!(r#"{{"fromUserID":"mei","text":"{}"}}"#, "a".repeat(bytes));
        let mut ratios = Vec::new();
        let mut sums = [Duration::ZERO; 2];
        for round in 0..rounds + 1 {
            let turns = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            let mut each = [Duration::ZERO; 2];
            for turn in turns {
                each[turn] = match over_http {
                    true => hosts[turn].cpu_for_each(&body, callbacks),
                    false => cpu_in_memory(&hosts[turn].host, &body, callbacks).await,
                };
            }
            // The first round warms up.
            if round > 0 {
                ratios.push(each[1].as_secs_f64() / each[0].as_secs_f64());
                sums.iter_mut().zip(each).for_each(|(sum, each)| *sum += each);
            }
        }
        ratios.sort_by(f64::total_cmp);
        let of = |sum: Duration| sum.as_secs_f64() * 1e6 / rounds as f64;
        println!(
            "{bytes} bytes {}, {rounds} rounds of {callbacks} callbacks each, alternating: {:.2} us without, {:.2} us with a candidate; \
             the median of the ratios is {:.3} (goal: 1.02 over HTTP), from {:.3} to {:.3}",
            if over_http { "over HTTP" } else { "in memory" },
            of(sums[0]),
            of(sums[1]),
            ratios[ratios.len() / 2],
            ratios[0],
            ratios[ratios.len() - 1]
        );
        let report = report(&hosts[1].host).await;
        println!(
            "  so far: {} compared, {} dropped",
            report["commands"][0]["compared"], report["commands"][0]["dropped"]
        );
    }
}

#[tokio::test]
async fn shadow_in_short() {
    answers_are_the_same_and_differences_are_reported_exactly(600).await;
    what_does_not_fit_is_dropped_and_counted(60).await;
}

#[tokio::test]
#[ignore = "takes minutes; the figures are those of a release build"]
async fn shadow() {
    answers_are_the_same_and_differences_are_reported_exactly(200_000).await;
    what_does_not_fit_is_dropped_and_counted(2000).await;
}

#[tokio::test]
#[ignore = "takes a minute; the figures are those of a release build"]
async fn shadow_and_the_cpu_of_the_answering_path() {
    cpu_of_the_answering_path(20, 10_000).await;
}

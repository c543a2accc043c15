//! What facts cost: `cargo bench --bench facts`. It takes about a minute and a half, and writes 160 MB below the folder
//! for temporary files.
//!
//! - limit-rate with a counter over HTTP against a bare axum handler with a sharded sliding window;
//! - a plugin that asks for one fact, which is cached, against the same plugin without facts;
//! - a lookup in Redis against the same lookup written by hand with the same client (where redis-server is installed);
//! - the memory of ten million keys in a file.

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "this benchmark has no fixed rate")]
#[path = "../load/generator.rs"]
mod generator;
mod native;
mod redis_server;
mod server;

use std::io::Write as _;
use std::time::Duration;

use callgate_facts::settings::{BadFile, Fact, File, Format, OnFailure, SourceSettings};
use callgate_facts::{Facts, Purpose, Wanted};
use common::message::{MESSAGE_COMMAND, message_body};
use common::{goal, median, print_goals, print_machine, print_table, resident_mib};
use generator::{Callback, Load, Pace, Window};
use redis_server::RedisServer;
use server::{Contestant, Server};

const CONNECTIONS: usize = 32;
const TURNS: usize = 5;
const WINDOW: Duration = Duration::from_millis(1000);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, contestant, port] = &arguments[..]
        && serve == "--serve"
    {
        return server::serve(contestant, port.parse().expect("a port"));
    }
    if !common::is_wanted() {
        return;
    }
    print_machine();
    let mut goals = vec![keys_of_a_file()];
    let (host, native) = compare("limit-rate with a counter", Contestant::Limit, Contestant::LimitNative, 0);
    goals.push(goal("limit-rate against native, CPU", host / native, 1.5, " x"));
    let (with, without) = compare("one cached fact", Contestant::Cached, Contestant::Plain, 0);
    goals.push(goal("a cached fact adds, CPU", with - without, 2.5, " us"));
    if let Some(redis) = RedisServer::start() {
        let (host, native) = compare("a lookup in Redis", Contestant::Redis, Contestant::RedisNative, redis.port());
        goals.push(goal("a lookup in Redis against native, CPU", host / native, 1.3, " x"));
    }
    print_goals(&goals);
}

/// CPU time per request of two servers, in microseconds, measured alternately.
fn compare(title: &str, one: Contestant, other: Contestant, redis_port: u16) -> (f64, f64) {
    let servers = [one, other].map(|contestant| (contestant, server::start(contestant, redis_port)));
    let callback =
        Callback { command: MESSAGE_COMMAND, body: message_body("hello").replace("u_alice", "u_{connection}") };
    for (_, server) in &servers {
        generator::ask(server, &callback);
    }
    let measure = |server: &Server| {
        let pace = Pace::AsFastAsPossible;
        generator::run(&Load { server, callback: &callback, connections: CONNECTIONS, window: WINDOW, pace })
    };
    let (mut cpu, mut rates) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for turn in 0..TURNS {
        // The order changes each round, so that a trend on the machine affects both equally.
        for number in [turn % 2, 1 - turn % 2] {
            let window: Window = measure(&servers[number].1);
            cpu[number].push(window.cpu_us());
            rates[number].push(window.per_second());
        }
    }
    let [one_cpu, other_cpu] = cpu.map(median);
    let [one_rate, other_rate] = rates.map(median);
    let row = |name: &str, cpu: f64, rate: f64| vec![name.to_owned(), format!("{cpu:.2}"), format!("{rate:.0}")];
    let rows = [row(servers[0].0.name(), one_cpu, one_rate), row(servers[1].0.name(), other_cpu, other_rate)];
    print_table(title, &["", "CPU us", "requests/s"], &rows);
    (one_cpu, other_cpu)
}

/// Ten million keys of a file, in memory.
fn keys_of_a_file() -> Vec<String> {
    const KEYS: u64 = 10_000_000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("keys.txt");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    (0..KEYS).for_each(|key| writeln!(file, "user-{key:09}").expect("it is written"));
    file.flush().expect("it is written");
    let source = SourceSettings::File(File::new(path, Format::Lines));
    let fact = Fact { name: "f".to_owned(), source, on_failure: OnFailure::Absent, plugins: Vec::new() };
    let (before, began) = (resident_mib(), std::time::Instant::now());
    let facts = Facts::open(&[fact], &Facts::default(), BadFile::IsRefused).expect("the file can be read");
    let took = began.elapsed();
    // The allocator returns freed memory with a delay, while it is used.
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(100));
        drop(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
    let bytes = (resident_mib() - before) * 1024.0 * 1024.0 / KEYS as f64;
    let look = |key: String| {
        let answers = facts.look_up(&[Wanted { fact: 0, key: &key }], Purpose::Try, 0).at_hand().expect("a file");
        answers.first().is_some_and(|answer| answer.value.is_ok())
    };
    assert!((0..KEYS).step_by(1000).all(|key| look(format!("user-{key:09}"))));
    assert!(!(KEYS..KEYS + 10_000).any(|key| look(format!("user-{key:09}"))));
    println!("\n{KEYS} keys of a file are read in {took:.1?}");
    goal("a key of a file, resident memory", bytes, 16.0, " B")
}

//! More callbacks than the host can answer: what it can answer it does, what it cannot it says at once, and who does
//! not take part in the flood does not notice it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use callgate_sandbox::{Engine, Plugin};
use harness::{Setup, guests};

use crate::bare;
use crate::client::{Answer, Client, Plan, Request, Verdict, ms, percentile};
use crate::server::{Server, Used, used};

/// The platform of the flood, which has a second for each answer, and one beside it.
const PLATFORMS: [(&str, &str); 2] = [("/openim", "kind = \"openim\"\nanswer_within_ms = 1000"), ("/other", BESIDE)];

const BESIDE: &str = "kind = \"openim\"\nname = \"other\"\npath = \"/other\"";

/// The commands of the plugin that takes a millisecond, and of a cheap one.
const BUSY: &str = "callbackBeforeCreateGroupCommand";
const CHEAP: &str = "callbackBeforeAddFriendCommand";

/// How large the load is.
struct Scale {
    window: Duration,
    /// Connections of the flood.
    connections: usize,
    /// How many times what the host can do the flood asks for.
    times: f64,
    /// What a call of the plugin takes.
    busy: Duration,
    /// Lines of `[limits]`.
    limits: &'static str,
}

/// How long a full run lasts, in seconds: `CALLGATE_ENDURANCE_SECONDS` in the environment, or this.
fn seconds(default: u64) -> u64 {
    std::env::var("CALLGATE_ENDURANCE_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(default)
}

/// What a run has shown.
struct Report {
    goodput_max: f64,
    goodput: f64,
    /// Numbers of answers that the host wrote too late, and that the client read too late.
    late: [usize; 2],
    wrong: usize,
    good: usize,
    refused: usize,
    recovery: Duration,
    /// p99 alone and next to the flood: of the cheap plugin, of the busy one on the other platform, and of a bare
    /// server.
    calm: [[Duration; 2]; 3],
}

#[test]
fn a_flood_is_refused_in_time_and_others_are_answered() {
    // More connections than such calls fit into the time that there is, one after the other.
    let scale = Scale {
        window: Duration::from_secs(2),
        // Not more connections, because a host that is built without optimisation, next to other tests, spends much
        // time on each.
        connections: 150,
        times: f64::INFINITY,
        busy: Duration::from_millis(20),
        // The plugin burns fuel faster than the calibration loop that determines `fuel_per_ms`.
        limits: "calls_at_once_max = 1\ncall_within_ms = 1000\nfuel_per_ms = 100_000_000",
    };
    let report = flood(&scale);
    // Next to other tests, this client may read an answer late. That is not the host's fault, so only late writes are
    // checked.
    assert_eq!((report.late[0], report.wrong), (0, 0));
    assert!(report.refused > 0, "it was no overload");
    assert!(report.good > 0, "nothing was answered");
}

#[test]
#[ignore = "takes two minutes"]
fn overload() {
    let report = flood(&Scale {
        window: Duration::from_secs(seconds(60)),
        connections: 4000,
        times: 10.0,
        busy: Duration::from_millis(1),
        limits: "",
    });
    assert_eq!((report.late, report.wrong), ([0, 0], 0));
    assert!(report.goodput >= 0.8 * report.goodput_max, "goodput");
    assert!(report.recovery <= Duration::from_secs(1), "recovery {:?}", report.recovery);
    // A client next to thousands of others on the same cores waits for a core, whatever it is that answers. What a bare
    // server makes it wait is the machine's part.
    let [calm @ .., [_, machine]] = report.calm;
    assert!(machine <= Duration::from_millis(50), "a bare server makes it wait for {machine:?}: that measures nothing");
    for [alone, beside] in calm {
        let own = beside.saturating_sub(machine);
        assert!(
            own <= 3 * alone,
            "p99 of a client beside it: {alone:?} alone, {beside:?}, {machine:?} of a bare server"
        );
    }
}

#[test]
fn a_cheap_plugin_takes_what_connections_bring() {
    cheap(300, Duration::from_secs(1));
}

#[test]
#[ignore = "takes half a minute, and 6000 connections on each side"]
fn overload_of_a_cheap_plugin() {
    cheap(6000, Duration::from_secs(seconds(20)));
}

/// A plugin that takes a millisecond is asked for more than the host can do.
fn flood(scale: &Scale) -> Report {
    let busy = busy_for(scale.busy);
    let cheap = guests::replies("cheap", r#"{"verdict":"deny","code":5007,"message":"cheap"}"#);
    let mut setup = harness::setup()
        .tables("[server]\nconnections_max = 8192")
        .limits("# fuel_per_ms is left out")
        .limits("fuel_per_call = 1_000_000_000")
        .limits(scale.limits);
    for (_, platform) in PLATFORMS {
        setup = setup.platform(platform);
    }
    let server =
        Server::start_that_says_when(&setup.plugin("busy", &busy, BUSY, "").plugin("cheap", &cheap, CHEAP, ""));
    let phase = (scale.window / 4).min(Duration::from_secs(10));
    let ask = |path: &str, command: &str| Ask {
        address: server.address(),
        path: format!("{path}/{command}"),
        code: code(command),
    };
    let bare = bare::serve(&format!(r#"{{"nextCode":1,"errCode":{}}}"#, code(CHEAP)));

    let alone = ask("/openim", BUSY).start(16, Duration::ZERO, phase).join();
    let goodput_max = per_second(&alone, phase);
    let beside = |number: usize, window| match number {
        0 => ask("/other", CHEAP).start(2, Duration::from_millis(20), window),
        2 => Ask { address: bare, ..ask("", CHEAP) }.start(2, Duration::from_millis(20), window),
        _ => ask("/other", BUSY).start(2, Duration::from_millis(100), window),
    };
    let p99 = |client: Client| percentile(client.join().iter(), 99.0);
    let calm_alone = [0, 1, 2].map(|number| p99(beside(number, phase)));

    let (before, own_before) = (server.used(), used("self"));
    assert!(goodput_max > 0.0, "the plugin gives no verdict");
    let interval = Duration::from_secs_f64(scale.connections as f64 / (goodput_max * scale.times));
    let flood = ask("/openim", BUSY).start(scale.connections, interval, scale.window);
    let calm = [0, 1, 2].map(|number| beside(number, scale.window));
    let probe = probe(ask("/openim", BUSY), scale.window);
    let flood = flood.join();
    let (after, own_after) = (server.used(), used("self"));
    let calm = calm.map(Client::join);
    let recovery = recovery(
        &probe.join().expect("the probe ends"),
        20 * percentile(alone.iter(), 50.0).max(Duration::from_millis(1)),
    );

    let all = || flood.iter().chain(calm.iter().flatten());
    let late = |time: fn(&Answer) -> Option<Duration>| {
        // An answer without its time of writing counts as late.
        flood.iter().filter(|answer| time(answer).is_none_or(|time| time > Duration::from_secs(1))).count()
    };
    let count = |verdict| flood.iter().filter(|answer| answer.verdict == verdict).count();
    let report = Report {
        goodput_max,
        goodput: per_second(&flood, scale.window),
        late: [late(|answer| answer.written), late(|answer| Some(answer.took))],
        wrong: all().filter(|answer| matches!(answer.verdict, Verdict::Wrong | Verdict::Other)).count(),
        good: count(Verdict::Good),
        refused: count(Verdict::Refused),
        recovery,
        calm: [0, 1, 2].map(|number| [calm_alone[number], percentile(calm[number].iter(), 99.0)]),
    };
    println!("a plugin of {}, {:.0} s, {} connections", ms(scale.busy), scale.window.as_secs_f64(), scale.connections);
    println!("  at most {goodput_max:.0} a second (16 connections), p99 {}", ms(percentile(alone.iter(), 99.0)));
    let offered = flood.len() as f64 / scale.window.as_secs_f64();
    println!("  offered {offered:.0} a second: {:.1} times as many", offered / goodput_max);
    println!("  goodput {:.0} a second: {:.0} %", report.goodput, 100.0 * report.goodput / goodput_max);
    let good = flood.iter().filter(|answer| answer.verdict == Verdict::Good);
    let refused = flood.iter().filter(|answer| answer.verdict == Verdict::Refused);
    println!("  answered: p50 {}, p99 {}", ms(percentile(good.clone(), 50.0)), ms(percentile(good, 99.0)));
    println!(
        "  refused: {}, p50 {}, p99 {}",
        report.refused,
        ms(percentile(refused.clone(), 50.0)),
        ms(percentile(refused, 99.0))
    );
    let longest = flood.iter().filter_map(|answer| answer.written).max().unwrap_or_default();
    let [late, late_read] = report.late;
    println!("  late {late}, wrong {}, longest {}", report.wrong, ms(longest));
    println!("  as the client read them: late {late_read}, longest {}", ms(percentile(flood.iter(), 100.0)));
    println!("  as before again after {}", ms(report.recovery));
    let refused_beside = calm.iter().flatten().filter(|answer| answer.verdict == Verdict::Refused).count();
    println!("  of those beside it {refused_beside} are refused");
    let names = ["another plugin", "the same plugin on another platform", "a bare server"];
    for (name, [alone, beside]) in names.iter().zip(report.calm) {
        println!("  2 connections for {name}: p99 {} alone, {} beside it", ms(alone), ms(beside));
    }
    print_used(before, after, own_before, own_after, flood.len());
    report
}

/// Many connections post as fast as they can to a plugin that takes next to nothing.
fn cheap(connections: usize, window: Duration) {
    let module = guests::replies("cheap", r#"{"verdict":"deny","code":5007,"message":"cheap"}"#);
    let setup = harness::setup().tables("[server]\nconnections_max = 8192").limits("# fuel_per_ms is left out");
    let server = Server::start(&setup.plugin("cheap", &module, CHEAP, ""));
    let ask = Ask { address: server.address(), path: format!("/openim/{CHEAP}"), code: code(CHEAP) };
    let few = ask.start(32, Duration::ZERO, window / 4).join();
    let (before, own_before) = (server.used(), used("self"));
    let client = ask.start(connections, Duration::ZERO, window);
    std::thread::sleep(window.mul_f64(0.9));
    let during = server.used();
    let answers = client.join();
    let own_after = used("self");
    let late = answers.iter().filter(|answer| answer.took > Duration::from_millis(4500)).count();
    let bad = answers.iter().filter(|answer| answer.verdict != Verdict::Good).count();
    println!("a cheap plugin, {connections} connections for {:.0} s", window.as_secs_f64());
    println!("  {:.0} a second; with 32 connections {:.0}", per_second(&answers, window), per_second(&few, window / 4));
    println!(
        "  p50 {}, p99 {}, longest {}, late {late}, not its verdict {bad}",
        ms(percentile(answers.iter(), 50.0)),
        ms(percentile(answers.iter(), 99.0)),
        ms(percentile(answers.iter(), 100.0))
    );
    print_used(before, during, own_before, own_after, answers.len());
    println!(
        "  {:.1} KiB for each connection",
        (during.resident_kib as f64 - before.resident_kib as f64) / connections as f64
    );
    assert_eq!((late, bad), (0, 0));
}

struct Ask {
    address: SocketAddr,
    path: String,
    code: i64,
}

impl Ask {
    fn start(&self, connections: usize, interval: Duration, window: Duration) -> Client {
        let (code, told) = (self.code, Once::new());
        let judge = move |_: usize, status: u16, bytes: &[u8]| {
            let body: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
            let verdict = match body["errCode"].as_i64() {
                _ if status != 200 || body["nextCode"] != 1 => Verdict::Wrong,
                Some(found) if found == code => Verdict::Good,
                Some(_) if body["errMsg"].as_str().is_some_and(|text| text.contains("busy")) => Verdict::Refused,
                _ => Verdict::Other,
            };
            if matches!(verdict, Verdict::Wrong | Verdict::Other) {
                told.call_once(|| println!("  unexpected answer: {status} {}", String::from_utf8_lossy(bytes)));
            }
            verdict
        };
        Client::start(Plan {
            address: self.address,
            connections,
            requests: [Request::new(self.path.clone(), r#"{"x":0}"#)].into(),
            interval,
            window,
            requests_max: usize::MAX / 2,
            judge: Arc::new(judge),
        })
    }
}

fn code(command: &str) -> i64 {
    if command == BUSY { 5008 } else { 5007 }
}

/// Posts now and again, from the moment at which the flood ends.
fn probe(ask: Ask, after: Duration) -> std::thread::JoinHandle<Vec<Answer>> {
    std::thread::spawn(move || {
        std::thread::sleep(after);
        let Ask { address, path, code } = ask;
        let judge = move |_: usize, _: u16, body: &[u8]| {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            if body["errCode"] == code { Verdict::Good } else { Verdict::Refused }
        };
        Client::start(Plan {
            address,
            connections: 10,
            requests: [Request::new(path, r#"{"x":0}"#)].into(),
            interval: Duration::from_millis(200),
            window: Duration::from_secs(3),
            requests_max: usize::MAX / 2,
            judge: Arc::new(judge),
        })
        .join()
    })
}

/// When the last request was posted that was refused, or took longer than this.
fn recovery(answers: &[Answer], most: Duration) -> Duration {
    let bad = answers.iter().filter(|answer| answer.verdict != Verdict::Good || answer.took > most);
    bad.map(|answer| answer.at - answer.took).max().unwrap_or_default()
}

fn per_second(answers: &[Answer], window: Duration) -> f64 {
    let good = answers.iter().filter(|answer| answer.verdict == Verdict::Good && answer.at <= window);
    good.count() as f64 / window.as_secs_f64()
}

fn print_used(before: Used, after: Used, own_before: Used, own_after: Used, answers: usize) {
    let us = |after: Used, before: Used| (after.cpu - before.cpu).as_secs_f64() * 1e6 / answers.max(1) as f64;
    println!(
        "  CPU for each answer: host {:.1} us, clients {:.1} us; host's memory {} to {} KiB",
        us(after, before),
        us(own_after, own_before),
        before.resident_kib,
        after.resident_kib
    );
}

/// A plugin that denies with the code 5008 after so much CPU time on this machine.
fn busy_for(time: Duration) -> PathBuf {
    const TRIAL: u32 = 2_000_000;
    let toml = Setup::default().limits("# fuel_per_ms is left out").toml();
    let settings = callgate::Settings::parse(Path::new("trial.toml"), &toml).expect("the settings are right");
    let engine = Engine::new(&settings.limits.engine).expect("an engine");
    let module = std::fs::read(busy(TRIAL)).expect("the guest is there");
    let limits = &settings.limits.plugin;
    let plugin = Plugin::load(&engine, "trial", &module, None, "{}", limits).expect("the guest can be loaded");
    let call = || {
        let began = Instant::now();
        let budget = plugin.budget(&engine, Duration::from_secs(1));
        plugin.call(&["{}"], budget, |_| ()).0.expect("it replies");
        began.elapsed()
    };
    // The fastest of some: what others do on this machine is not the guest's.
    let fastest = (0..20).map(|_| call()).min().unwrap_or_default();
    busy((f64::from(TRIAL) * time.as_secs_f64() / fastest.as_secs_f64()) as u32)
}

/// A plugin that counts so far before it denies.
fn busy(rounds: u32) -> PathBuf {
    let reply = r#"{"verdict":"deny","code":5008,"message":"busy"}"#;
    let source = format!(
        r#"(module {{manifest}}
            (memory (export "memory") 2)
            (global (export "last_words") i32 (i32.const 0))
            (data (i32.const 1024) "{{\"accepted\":true}}")
            (data (i32.const 2048) "{}")
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
            (func (export "handle_callback") (param i32 i32) (result i64) (local $round i32)
                (loop $next
                    (local.set $round (i32.add (local.get $round) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $round) (i32.const {rounds}))))
                (i64.const {})))"#,
        guests::escaped(reply.as_bytes()),
        (2048_u64 << 32) | reply.len() as u64,
    );
    guests::assemble("busy", &source)
}

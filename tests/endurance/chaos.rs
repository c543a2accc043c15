//! Plugins of which a quarter loop, grow, recurse, trap, lie or return rubbish at random: whatever they do costs only
//! them.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use callgate_dialects::explain::Outcome;
use callgate_dialects::{ChatServer, table};
use harness::guests;
use plugin_sdk::catalogue::Command;
use plugin_sdk::wire::Phase;

use crate::client::{Answer, Client, Plan, Request, Verdict, ms, percentile};
use crate::server::{Server, used};

/// Connections of the client.
const CONNECTIONS: usize = 32;

/// Of so many plugins one is hostile.
const ONE_IN: usize = 4;

/// Users whose callbacks come in turns: enough for a breaker to believe them.
const USERS: usize = 50;

#[test]
fn chaos_costs_only_itself() {
    let chaos = run(4_000, "breaker_faults_max = 0");
    assert_eq!((chaos.late, chaos.malformed, chaos.wrong), (0, 0, 0), "late, malformed, wrong");
}

#[test]
#[ignore = "takes some minutes"]
fn chaos() {
    for limits in ["", "breaker_faults_max = 0"] {
        let callbacks = std::env::var("CALLBACKS").ok().and_then(|number| number.parse().ok()).unwrap_or(1_000_000);
        let chaos = run(callbacks, limits);
        assert_eq!((chaos.late, chaos.malformed, chaos.wrong), (0, 0, 0), "late, malformed, wrong");
        assert!(chaos.p99 <= 3 * chaos.p99_alone, "p99 of the well-behaved: {:?}, {:?}", chaos.p99_alone, chaos.p99);
        assert!(chaos.grown_kib < 64 * 1024, "memory has grown by {} KiB", chaos.grown_kib);
    }
}

struct Chaos {
    late: usize,
    malformed: usize,
    wrong: usize,
    p99_alone: Duration,
    p99: Duration,
    /// From a tenth of the run to its end.
    grown_kib: i64,
}

fn run(callbacks: usize, limits: &str) -> Chaos {
    let plugins = plugins();
    let setup = harness::setup().limits("# fuel_per_ms is left out").limits(limits);
    let setup = plugins.iter().fold(setup, |setup, plugin| {
        setup.plugin(&plugin.name, &plugin.module, plugin.command.name, "on_fault = \"deny\"\n")
    });
    let server = Server::start(&setup);
    let well_behaved: Vec<usize> = (0..plugins.len()).filter(|number| plugins[*number].message.is_some()).collect();
    let judge = Arc::new(Judge::new(&plugins));

    let client = |asked: &[usize], requests_max: usize| {
        let requests: Vec<Request> = asked.iter().flat_map(|number| plugins[*number].requests()).collect();
        let owners: Vec<usize> = asked.iter().flat_map(|number| [*number; USERS]).collect();
        let (judge, of_request) = (Arc::clone(&judge), owners.clone());
        let bodies: Vec<String> = requests.iter().map(|request| request.body.clone()).collect();
        let plan = Plan {
            address: server.address(),
            connections: CONNECTIONS,
            requests: requests.into(),
            interval: Duration::ZERO,
            window: Duration::from_secs(24 * 3600),
            requests_max,
            judge: Arc::new(move |number, status, answer| {
                judge.judge(of_request[number], &bodies[number], status, answer)
            }),
        };
        (Client::start(plan), owners)
    };
    let p99 = |answers: &[Answer], owners: &[usize]| {
        let well_behaved = answers.iter().filter(|answer| plugins[owners[answer.request as usize]].message.is_some());
        percentile(well_behaved, 99.0)
    };

    let (alone, owners) = client(&well_behaved, (callbacks / 10).max(1000));
    let p99_alone = p99(&alone.join(), &owners);
    let all: Vec<usize> = (0..plugins.len()).collect();
    // The first tenth fills the pools.
    client(&all, callbacks / 10).0.join();
    let (before, own_before, began) = (server.used(), used("self"), Instant::now());
    let (chaos, owners) = client(&all, callbacks);
    let answers = chaos.join();
    let (after, own_after, took) = (server.used(), used("self"), began.elapsed());

    let waits = |answer: &&Answer| {
        let limit = plugins[owners[answer.request as usize]].server.patience().default;
        answer.took > limit
    };
    let count = |verdict| answers.iter().filter(|answer| answer.verdict == verdict).count();
    let chaos = Chaos {
        late: answers.iter().filter(waits).count(),
        malformed: count(Verdict::Other),
        wrong: count(Verdict::Wrong),
        p99_alone,
        p99: p99(&answers, &owners),
        grown_kib: after.resident_kib as i64 - before.resident_kib as i64,
    };
    let hostile = plugins.len() - well_behaved.len();
    println!(
        "{} callbacks over {CONNECTIONS} connections, {} plugins of which {hostile} are hostile; {}",
        answers.len(),
        plugins.len(),
        if limits.is_empty() { "defaults" } else { limits }
    );
    println!("  {:.0} s, {:.0} a second", took.as_secs_f64(), answers.len() as f64 / took.as_secs_f64());
    println!("  late {}, malformed {}, wrong {}", chaos.late, chaos.malformed, chaos.wrong);
    println!("  well-behaved: p99 {} alone, {} among the others", ms(p99_alone), ms(chaos.p99));
    println!("  all: longest {}, refused {}", ms(percentile(answers.iter(), 100.0)), count(Verdict::Refused));
    println!("  memory {} KiB, then {} KiB", before.resident_kib, after.resident_kib);
    let cpu = |after: Duration, before: Duration| (after - before).as_secs_f64();
    println!("  CPU: host {:.0} s, client {:.0} s", cpu(after.cpu, before.cpu), cpu(own_after.cpu, own_before.cpu));
    let faults = server.metric("callgate_plugin_faults_total", &[]);
    println!("  {faults:.0} faults, {:.0} suspensions", server.metric("callgate_plugin_suspensions_total", &[]));
    assert!(faults > 0.0, "there were no faults: it was no chaos");
    chaos
}

/// A plugin, which alone gets one command of one chat server.
struct Subject {
    name: String,
    module: PathBuf,
    server: &'static dyn ChatServer,
    command: &'static Command,
    /// What it says when it denies, if it is well-behaved.
    message: Option<String>,
}

impl Subject {
    /// A callback of each user; half of them provoke a hostile plugin.
    fn requests(&self) -> Vec<Request> {
        let name = self.command.name;
        let path = match self.server.protocol().name {
            "openim" => format!("/openim/{name}"),
            _ => format!("/tencent-chat?SdkAppid=1400000000&CallbackCommand={name}"),
        };
        let request = |user: usize| {
            let provokes = user % 2;
            let body = format!(
                r#"{{"sendID":"user{user}","userID":"user{user}","From_Account":"user{user}","x":{provokes}}}"#
            );
            Request::new(path.clone(), body)
        };
        (0..USERS).map(request).collect()
    }
}

/// One plugin for each command that can be denied and needs nothing of the body for that.
fn plugins() -> Vec<Subject> {
    let servers = table::CHAT_SERVERS.iter().copied();
    let commands =
        servers.flat_map(|server| server.protocol().commands.iter().copied().map(move |command| (server, command)));
    let hostile = hostile();
    let subject = |(number, (server, command)): (usize, (&'static dyn ChatServer, &'static Command))| {
        let is_hostile = number % ONE_IN == 0;
        // Each has its own, so that a verdict of another's is seen.
        let message = format!("no, says {number}");
        let reply = format!(r#"{{"verdict":"deny","message":"{message}"}}"#);
        let (name, module) = match is_hostile {
            true => hostile[number / ONE_IN % hostile.len()].clone(),
            false => ("calm".to_owned(), guests::replies("calm", &reply)),
        };
        Subject { name: format!("{name}-{number}"), module, server, command, message: (!is_hostile).then_some(message) }
    };
    let can_be_denied = commands.filter(|(_, command)| {
        command.phase == Phase::Before && command.answers.deny.is_some() && command.answers.per_user.is_none()
    });
    can_be_denied.enumerate().map(subject).collect()
}

/// What loops, grows, recurses, traps, lies, or returns rubbish when it is provoked.
fn hostile() -> Vec<(String, PathBuf)> {
    let names = [
        "spins",
        "touches-pages",
        "grows",
        "recurses",
        "divides-by-zero",
        "lies-about-last-words",
        "reply-of-4-gib",
        "costs-everything",
        "recurses-in-memory",
        "panics",
        "reply-over-the-end",
        "fills-memory",
    ];
    let mut hostile: Vec<_> = names.iter().map(|name| ((*name).to_owned(), guests::text(name))).collect();
    let rubbish: [(&str, &[u8]); 4] = [
        ("no-utf8", b"\xff\xfe{}"),
        ("no-json", b"{\"verdict\":"),
        ("no-reply", b"[1,2,3]"),
        ("absurd", br#"{"verdict":"deny","code":-2147483648,"message":"\u0000","records":[0,0,0]}"#),
    ];
    hostile.extend(rubbish.map(|(name, reply)| (name.to_owned(), guests::replies_when_provoked(name, reply))));
    hostile
}

/// Reads answers as the chat servers do.
struct Judge {
    of_plugins: Vec<(&'static dyn ChatServer, &'static Command, Option<String>)>,
    /// Answers that were found well-formed, by plugin: most are the same.
    known: Mutex<HashSet<(usize, u16, Vec<u8>)>>,
}

impl Judge {
    fn new(plugins: &[Subject]) -> Self {
        let of_plugins = plugins.iter().map(|plugin| (plugin.server, plugin.command, plugin.message.clone())).collect();
        Self { of_plugins, known: Mutex::default() }
    }

    fn judge(&self, plugin: usize, request: &str, status: u16, answer: &[u8]) -> Verdict {
        let key = (plugin, status, answer.to_vec());
        let (server, command, ref wanted) = self.of_plugins[plugin];
        let mut known = self.known.lock().expect("no test has failed");
        if known.contains(&key) {
            return Verdict::Good;
        }
        let explanation = server.explain(command, request, status, answer);
        match (explanation.outcome, wanted) {
            (Outcome::Broken { .. } | Outcome::Dropped | Outcome::AlreadyDone, _) => Verdict::Other,
            (Outcome::Denied { message, .. }, Some(wanted)) if message == *wanted => {
                known.insert(key);
                Verdict::Good
            }
            // The host had no time: that says nothing that the plugin did not say.
            (Outcome::Denied { message, .. }, Some(_)) if message.contains("busy") => Verdict::Refused,
            (outcome, Some(wanted)) => {
                println!("{}: {outcome:?} instead of a denial with {wanted}", command.name);
                Verdict::Wrong
            }
            (Outcome::GoesOn | Outcome::Denied { .. }, None) => {
                known.insert(key);
                Verdict::Good
            }
        }
    }
}

//! The host against bare axum handlers with the decisions of guard-profile and filter-messages written by hand:
//! requests per second, latency and CPU time of the server for each request, over loopback, in turns. Then the host
//! with two threads for connections against the host with one (`scaling.rs`).
//!
//! `cargo bench --bench load`; after `--` may stand `--connections N`, `--turns N`, `--window-ms N`, `--workers N`
//! (threads of each server; as many as there are cores without it), and `--only host` or `--only native` with
//! `--window-ms`, to look at one server with a profiler.

#[path = "../common/mod.rs"]
mod common;
mod generator;
mod native;
mod scaling;
mod server;

use std::time::Duration;

use common::message::{MESSAGE_COMMAND, SEARCHED_WHOLE, message_body, words};
use common::profile::{GUARDED_COMMAND, profile_body};
use common::{goal, median, percentile, print_goals, print_machine, print_table};
use generator::{Callback, Load, Pace, Window};
use server::{Contestant, Server, WORDS};

/// Lengths of the bodies that are posted. The first is about what OpenIM sends.
const BODY_BYTES: [usize; 3] = [300, 4 * 1024, 64 * 1024];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(contestant) = value(&arguments, "--serve").and_then(Contestant::from_name) {
        return server::serve(contestant);
    }
    if !common::is_wanted() {
        return;
    }
    let number = |name: &str, default: usize| match value(&arguments, name) {
        Some(text) => text.parse().unwrap_or_else(|_| panic!("{name} needs a number, not {text}")),
        None => default,
    };
    let plan = Plan {
        connections: number("--connections", 32),
        turns: number("--turns", 5),
        window: Duration::from_millis(number("--window-ms", 1000) as u64),
        workers: value(&arguments, "--workers"),
    };
    print_machine();
    match value(&arguments, "--only").map(|name| (Contestant::from_name(name), name)) {
        Some((Some(contestant), _)) => plan.watch(contestant),
        Some((None, name)) => panic!("--only needs host or native, not {name}"),
        None => plan.compare(),
    }
}

fn value<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(String::as_str)
}

struct Plan<'a> {
    connections: usize,
    turns: usize,
    window: Duration,
    workers: Option<&'a str>,
}

/// What both servers did in one turn.
struct Turn {
    host: Window,
    native: Window,
}

impl Plan<'_> {
    fn compare(&self) {
        let host = server::start(Contestant::Host, self.workers);
        let native = server::start(Contestant::Native, self.workers);
        check_same_answers(&host, &native);
        println!("{} connections, {} turns of {:?} for each server", self.connections, self.turns, self.window);

        let mut goals = Vec::new();
        let mut rate_max = f64::INFINITY;
        for bytes in BODY_BYTES {
            let turns = self.turns(&host, &native, &profile(bytes), Pace::AsFastAsPossible);
            print_turns(&format!("bodies of {bytes} bytes, as fast as possible"), &turns);
            let cpu = ratio(&turns, Window::cpu_us);
            if bytes == BODY_BYTES[0] {
                rate_max = median(turns.iter().map(|turn| turn.host.per_second()).collect());
                goals.push(goal("CPU for each request against native (corridor)", cpu, 2.2, " x"));
            }
            goals.push(goal(&format!("CPU for each request against native, {bytes} bytes (speed)"), cpu, 1.5, " x"));
        }
        let turns = self.turns(&host, &native, &message(SEARCHED_WHOLE), Pace::AsFastAsPossible);
        print_turns(&format!("messages searched for {WORDS} words, as fast as possible"), &turns);
        let cpu = ratio(&turns, Window::cpu_us);
        goals.push(goal(&format!("CPU for each request against native, {WORDS} words"), cpu, 1.6, " x"));
        // The same rate for both, set by the slower one.
        let rate = rate_max / 2.0;
        let turns = self.turns(&host, &native, &profile(BODY_BYTES[0]), Pace::PerSecond(rate));
        print_turns(&format!("bodies of {} bytes, {rate:.0} requests/s", BODY_BYTES[0]), &turns);
        goals.push(goal("p99 at half of the host's maximum against native", ratio(&turns, p99_us), 2.0, " x"));
        drop((host, native));
        goals.extend(scaling::compare(self));
        print_goals(&goals);
    }

    fn turns(&self, host: &Server, native: &Server, callback: &Callback, pace: Pace) -> Vec<Turn> {
        let measure = |server: &Server| self.measure(server, callback, pace);
        // Who begins changes from turn to turn, so that a trend on the machine hits both alike.
        let turn = |number| match number % 2 {
            0 => Turn { host: measure(host), native: measure(native) },
            _ => {
                let native = measure(native);
                Turn { host: measure(host), native }
            }
        };
        (0..self.turns).map(turn).collect()
    }

    fn measure(&self, server: &Server, callback: &Callback, pace: Pace) -> Window {
        generator::run(&Load { server, callback, connections: self.connections, window: self.window, pace })
    }

    /// Loads one server, while somebody looks at it.
    fn watch(&self, contestant: Contestant) {
        let server = server::start(contestant, self.workers);
        println!("{} is process {}", contestant.name(), server.process_id());
        for bytes in BODY_BYTES {
            let window = self.measure(&server, &profile(bytes), Pace::AsFastAsPossible);
            println!("{bytes} bytes: {:.0} requests/s, {:.1} us of CPU each", window.per_second(), window.cpu_us());
        }
    }
}

/// A change of a profile, with a body of so many bytes.
fn profile(bytes: usize) -> Callback {
    Callback { command: GUARDED_COMMAND, body: profile_body(bytes) }
}

/// A message from one user to another.
fn message(text: &str) -> Callback {
    Callback { command: MESSAGE_COMMAND, body: message_body(text) }
}

/// Ratios mean something only if both do the same work.
fn check_same_answers(host: &Server, native: &Server) {
    let names =
        ["John Doe", "  John   Doe ", "s u p p o r t", "Badminton Bob", "0fficial ＳＵＰＰＯＲＴ", "\u{200b}", ""];
    let addresses = ["http://example.com/a.png", "HTTPS://example.com/a.png", ""];
    let mut callbacks: Vec<_> = BODY_BYTES.map(profile).into();
    for (name, address) in names.iter().flat_map(|name| addresses.iter().map(move |address| (name, address))) {
        let body = serde_json::json!({ "userID": "u1", "nickName": name, "faceURL": address }).to_string();
        callbacks.push(Callback { command: GUARDED_COMMAND, body });
    }
    let listed = words(WORDS).pop().expect("there are words");
    let texts = [SEARCHED_WHOLE, "", &listed, &format!("A {} B", listed.to_uppercase()), &format!("un{listed}")];
    callbacks.extend(texts.map(message));
    for callback in &callbacks {
        let [one, other] = [host, native].map(|server| generator::ask(server, callback));
        assert_eq!(one, other, "host and native handler answer {} differently", callback.body);
    }
}

fn p50_us(window: &Window) -> f64 {
    percentile(&window.latencies_ns, 0.5) / 1000.0
}

fn p99_us(window: &Window) -> f64 {
    percentile(&window.latencies_ns, 0.99) / 1000.0
}

/// The median of the turns' own ratios.
fn ratio(turns: &[Turn], figure: impl Fn(&Window) -> f64) -> f64 {
    median(turns.iter().map(|turn| figure(&turn.host) / figure(&turn.native)).collect())
}

fn print_turns(title: &str, turns: &[Turn]) {
    let figures: [fn(&Window) -> f64; 4] = [Window::per_second, p50_us, p99_us, Window::cpu_us];
    let row = |name: &str, window: fn(&Turn) -> &Window| {
        let medians = figures.map(|figure| median(turns.iter().map(|turn| figure(window(turn))).collect()));
        let [per_second, p50, p99, cpu] = medians;
        vec![name.to_owned(), format!("{per_second:.0}"), format!("{p50:.0}"), format!("{p99:.0}"), format!("{cpu:.1}")]
    };
    let ratios = figures.map(|figure| format!("{:.2}", ratio(turns, figure)));
    let rows = [
        row("host", |turn| &turn.host),
        row("native", |turn| &turn.native),
        std::iter::once("host / native".to_owned()).chain(ratios).collect(),
    ];
    print_table(title, &["", "requests/s", "p50 us", "p99 us", "CPU us/request"], &rows);
}

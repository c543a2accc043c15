//! What a callback costs over HTTP: CPU time of each contestant's server for a request, from the first byte read to the
//! last byte written.

use std::time::Duration;

use contestant::Task;

use crate::BODY_BYTES;
use crate::common::profile::{GUARDED_COMMAND, profile_body};
use crate::common::{goal, median, percentile, print_table};
use crate::generator::{self, Callback, Load, Pace, Window};
use crate::programs::Program;
use crate::server::Server;

/// How much is measured.
pub struct Plan<'a> {
    pub connections: usize,
    pub turns: usize,
    pub window: Duration,
    pub workers: Option<&'a str>,
}

/// Prints a table for each length of the body, and gives rows for the goals.
pub fn compare(programs: &[Program], plan: &Plan<'_>) -> Vec<Vec<String>> {
    let servers: Vec<_> =
        programs.iter().map(|program| Server::spawn(program.command(Task::Serve), plan.workers)).collect();
    check_same_answers(programs, &servers);
    let Plan { connections, turns, window, .. } = plan;
    println!("\nrequests: {connections} connections, {turns} turns of {window:?} for each server");
    let mut goals = Vec::new();
    for bytes in BODY_BYTES {
        let windows = plan.turns(&servers, &profile(profile_body(bytes)));
        print_windows(&format!("requests, bodies of {bytes} bytes, as fast as possible"), programs, &windows);
        goals.extend(programs.iter().zip(&windows).filter_map(|(program, of_it)| {
            let measure = format!("CPU for each request, callgate / {}, {bytes} bytes", program.name);
            Some(goal(&measure, ratio(windows.first()?, of_it, Window::cpu_us), program.most?, " x"))
        }));
    }
    goals
}

impl Plan<'_> {
    /// For each server its windows, one a turn.
    fn turns(&self, servers: &[Server], callback: &Callback) -> Vec<Vec<Window>> {
        let mut windows: Vec<Vec<Window>> = servers.iter().map(|_| Vec::with_capacity(self.turns)).collect();
        for turn in 0..self.turns {
            // Who begins changes from turn to turn, so that a trend on the machine hits all alike.
            for at in (0..servers.len()).map(|number| (number + turn) % servers.len()) {
                let (Some(server), Some(windows)) = (servers.get(at), windows.get_mut(at)) else { continue };
                let (connections, window) = (self.connections, self.window);
                let load = Load { server, callback, connections, window, pace: Pace::AsFastAsPossible };
                windows.push(generator::run(&load));
            }
        }
        windows
    }
}

/// A change of a profile.
fn profile(body: String) -> Callback {
    Callback { command: GUARDED_COMMAND, body }
}

/// Ratios mean something only if all do the same work.
fn check_same_answers(programs: &[Program], servers: &[Server]) {
    let names =
        ["John Doe", "  John   Doe ", "s u p p o r t", "Badminton Bob", "0fficial ＳＵＰＰＯＲＴ", "\u{200b}", ""];
    let addresses = ["http://example.com/a.png", "HTTPS://example.com/a.png", ""];
    let mut callbacks: Vec<_> = BODY_BYTES.map(|bytes| profile(profile_body(bytes))).into();
    for (name, address) in names.iter().flat_map(|name| addresses.iter().map(move |address| (name, address))) {
        let body = serde_json::json!({ "userID": "u1", "nickName": name, "faceURL": address });
        callbacks.push(profile(body.to_string()));
    }
    for callback in &callbacks {
        let answers: Vec<_> = servers.iter().map(|server| generator::ask(server, callback)).collect();
        for (program, answer) in programs.iter().zip(&answers) {
            assert_eq!(Some(answer), answers.first(), "{} answers {} differently", program.name, callback.body);
        }
    }
}

/// The median of the turns' own ratios.
fn ratio(one: &[Window], other: &[Window], figure: impl Fn(&Window) -> f64) -> f64 {
    median(one.iter().zip(other).map(|(one, other)| figure(one) / figure(other)).collect())
}

fn print_windows(title: &str, programs: &[Program], windows: &[Vec<Window>]) {
    let latency_us = |share| move |window: &Window| percentile(&window.latencies_ns, share) / 1000.0;
    let rows: Vec<_> = programs
        .iter()
        .zip(windows)
        .map(|(program, of_it)| {
            let middle = |figure: &dyn Fn(&Window) -> f64| median(of_it.iter().map(figure).collect());
            let callgate = windows.first().map_or(&[][..], Vec::as_slice);
            vec![
                program.name.to_owned(),
                format!("{:.0}", middle(&Window::per_second)),
                format!("{:.0}", middle(&latency_us(0.5))),
                format!("{:.0}", middle(&latency_us(0.99))),
                format!("{:.1}", middle(&Window::cpu_us)),
                format!("{:.3}", ratio(callgate, of_it, Window::cpu_us)),
            ]
        })
        .collect();
    print_table(title, &["", "requests/s", "p50 us", "p99 us", "CPU us/request", "callgate / it"], &rows);
}

//! What a calm client waits for while others do their worst: its answers beside those to hostile plugins, each alone
//! and all together, with two threads for connections and with one. All that counts is seen from the client's side.
//!
//! `cargo bench --bench fair`; after `--` may stand `--seconds N` for each row.

mod client;
#[path = "../common/mod.rs"]
mod common;
mod server;

use std::time::Duration;

use client::{Client, Seen};
use common::{goal, print_goals, print_machine, print_table};
use server::Server;

/// Connections to hostile plugins.
const HOSTILE_CONNECTIONS: usize = 64;

/// Connections of the calm client, and how often each of them asks.
const CALM_CONNECTIONS: usize = 8;
const CALM_PER_SECOND: f64 = 400.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--serve") {
        return server::serve();
    }
    if !common::is_wanted() {
        return;
    }
    let at = arguments.iter().position(|argument| argument == "--seconds");
    let seconds = at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(10);
    print_machine();
    let mut goals = Vec::new();
    for workers in ["2", "1"] {
        compare(workers, Duration::from_secs(seconds), &mut goals);
    }
    print_goals(&goals);
}

/// What the hostile clients do in one row.
struct Row {
    name: String,
    hostile: Vec<&'static str>,
    /// Connections to each of them.
    connections: usize,
}

fn rows() -> Vec<Row> {
    let row = |name: &str, hostile: &[&'static str], connections| Row {
        name: name.to_owned(),
        hostile: hostile.to_vec(),
        connections,
    };
    let all = server::HOSTILE.map(|(name, _)| name);
    let mut rows = vec![row("nothing", &[], 0)];
    rows.extend(all.map(|name| row(name, &[name], HOSTILE_CONNECTIONS)));
    rows.push(row("all of them, 64 in all", &all, HOSTILE_CONNECTIONS / all.len()));
    rows.push(row("all of them, 64 each", &all, HOSTILE_CONNECTIONS));
    rows
}

fn compare(workers: &str, window: Duration, goals: &mut Vec<Vec<String>>) {
    let mut shown = Vec::new();
    for Row { name, hostile, connections } in rows() {
        // A process of its own for each row: nothing is left over from the one before.
        let server = Server::start(workers);
        let hostile: Vec<Client> =
            hostile.iter().map(|plugin| Client::hostile(server.address(), plugin, connections, window)).collect();
        let calm = Client::calm(server.address(), CALM_CONNECTIONS, CALM_PER_SECOND, window).join();
        let hostile: Vec<Seen> = hostile.into_iter().map(Client::join).collect();
        let answers = |seen: &[Seen]| seen.iter().map(|seen| seen.latencies.len()).sum::<usize>();
        let late = calm.late + hostile.iter().map(|seen| seen.late).sum::<usize>();
        let slowest = hostile.iter().filter_map(|seen| seen.latencies.last()).max().copied().unwrap_or_default();
        shown.push(vec![
            name.clone(),
            answers(std::slice::from_ref(&calm)).to_string(),
            ms(calm.percentile(50)),
            ms(calm.percentile(99)),
            ms(calm.percentile(100)),
            calm.wrong.to_string(),
            answers(&hostile).to_string(),
            ms(slowest),
            late.to_string(),
        ]);
        if name != "nothing" {
            let p99 = calm.percentile(99).as_secs_f64() * 1e3;
            goals.push(goal(&format!("p99 of the calm client beside {name}, {workers} threads"), p99, 20.0, " ms"));
            goals.push(goal(&format!("late answers beside {name}, {workers} threads"), late as f64, 0.0, ""));
        }
    }
    print_table(
        &format!("{workers} threads for connections; times in ms"),
        &["hostile", "calm answers", "p50", "p99", "max", "wrong", "hostile answers", "slowest", "late"],
        &shown,
    );
}

fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

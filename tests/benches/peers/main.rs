//! Callgate against other hosts of WebAssembly plugins, all with guard-profile's decision on the same callbacks: over
//! HTTP and inside of the process, in turns. README.md beside this file says what each does and does not.
//!
//! `cargo bench --manifest-path tests/benches/peers/Cargo.toml`; after `--` may stand `--only requests` or
//! `--only calls`, `--connections N`, `--turns N`, `--window-ms N`, `--workers N` (threads of each server; as many as
//! there are cores without it) and `--calls N` (in a turn).

mod calls;
mod common;
#[path = "../load/generator.rs"]
#[allow(dead_code, reason = "the benchmark `load` uses the rest")]
mod generator;
#[path = "../load/native.rs"]
mod native;
mod programs;
mod requests;
#[path = "../load/server.rs"]
#[allow(dead_code, reason = "the benchmark `load` uses the rest")]
mod server;

use std::time::Duration;

use common::{print_goals, print_machine};
use programs::Program;

/// Lengths of the bodies that are posted. The first is about what OpenIM sends.
const BODY_BYTES: [usize; 3] = [300, 4 * 1024, 64 * 1024];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(contestant) = value(&arguments, "--serve").and_then(server::Contestant::from_name) {
        return server::serve(contestant);
    }
    if let Some(contestant) = value(&arguments, "--calls-of").and_then(server::Contestant::from_name) {
        return contestant::Task::Calls.run(calls::decision(contestant));
    }
    if !common::is_wanted() {
        return;
    }
    let number = |name: &str, default: usize| match value(&arguments, name) {
        Some(text) => text.parse().unwrap_or_else(|_| panic!("{name} needs a number, not {text}")),
        None => default,
    };
    let programs = Program::all();
    print_machine();
    let only = value(&arguments, "--only");
    if only != Some("requests") {
        calls::compare(&programs, &calls::Plan { turns: number("--turns", 50), calls: number("--calls", 300) });
    }
    if only != Some("calls") {
        let plan = requests::Plan {
            connections: number("--connections", 32),
            turns: number("--turns", 5),
            window: Duration::from_millis(number("--window-ms", 1000) as u64),
            workers: value(&arguments, "--workers"),
        };
        print_goals(&requests::compare(&programs, &plan));
    }
}

fn value<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(String::as_str)
}

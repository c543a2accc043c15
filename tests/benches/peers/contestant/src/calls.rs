//! Turns of calls without HTTP.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Decide;

/// Runs the turns that the input asks for, one a line.
pub fn take_turns(decide: &Decide) {
    for line in std::io::stdin().lines() {
        let line = line.expect("the input is text");
        let (calls, envelope) = line.split_once(' ').expect("a number and an envelope");
        let turn = Turn::of(decide, envelope.as_bytes(), calls.parse().expect("a number of calls"));
        println!("{} {} {}", turn.median_us, turn.cpu_us, String::from_utf8_lossy(&turn.reply));
    }
}

struct Turn {
    median_us: f64,
    cpu_us: f64,
    reply: Vec<u8>,
}

impl Turn {
    fn of(decide: &Decide, envelope: &[u8], calls: usize) -> Self {
        let mut reply = Vec::new();
        let mut calls_us = Vec::with_capacity(calls);
        let cpu_before = process_cpu();
        for _ in 0..calls {
            let started = Instant::now();
            reply = decide(std::hint::black_box(envelope));
            calls_us.push(started.elapsed().as_secs_f64() * 1e6);
        }
        let cpu = process_cpu() - cpu_before;
        calls_us.sort_unstable_by(f64::total_cmp);
        let median_us = calls_us.get(calls / 2).copied().unwrap_or_default();
        Self { median_us, cpu_us: cpu.as_secs_f64() * 1e6 / calls as f64, reply }
    }
}

/// CPU time of the whole process: what a host does in threads of its own for a call (timers, tickers) is part of the
/// price.
fn process_cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

//! How many times as much two threads serve as one, each having a core to itself.
//!
//! The factor is computed from CPU time: two cores serve `2 / cpu_2` requests in a second, one `1 / cpu_1`, so it is
//! `2 x cpu_1 / cpu_2`, where `cpu_n` is the CPU time of a request with `n` threads. What the threads cost each other
//! (locks they spin on, cache lines they take from each other) is CPU time and is seen; a thread that sleeps until
//! another one lets it go on is not, so the rates that were seen are printed too. There are two ways to see it:
//!
//! - over HTTP, with all that a server does. Rates alone would say little there: on a machine with two cores, the
//!   generator takes from the second thread what it adds. For the same reason both threads are seldom at work at
//!   the same time, so on such a machine this factor is an upper bound (and may exceed 2, if others work there too).
//! - in memory, where each thread posts to the host itself: no sockets, but both threads work all the time.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use axum::body::Body;
use http::Request;
use rustix::time::{ClockId, clock_gettime};

use crate::common::{self, goal_at_least, median, print_table};
use crate::generator::{Callback, Pace, Window};
use crate::server::{self, Contestant};
use crate::{BODY_BYTES, Plan, profile};

/// What was seen of some threads for a while.
#[derive(Clone, Copy)]
struct Seen {
    per_second: f64,
    cpu_us: f64,
}

/// Prints both, and gives rows for the goals.
pub fn compare(plan: &Plan<'_>) -> [Vec<String>; 2] {
    let callback = profile(BODY_BYTES[0]);
    let servers = ["1", "2"].map(|workers| server::start(Contestant::Host, Some(workers)));
    let http = turns(plan.turns, |threads| {
        let window: Window = plan.measure(&servers[threads - 1], &callback, Pace::AsFastAsPossible);
        Seen { per_second: window.per_second(), cpu_us: window.cpu_us() }
    });
    drop(servers);
    let host = common::host_with_chain_of(1);
    let memory = turns(plan.turns, |threads| in_memory(&host, &callback, threads, plan.window));
    [("over HTTP", http), ("in memory", memory)].map(|(way, turns)| {
        print_turns(&format!("host with one thread and with two, {way}, bodies of {} bytes", BODY_BYTES[0]), &turns);
        let factor = median(turns.iter().map(|[one, two]| 2.0 * one.cpu_us / two.cpu_us).collect());
        goal_at_least(&format!("throughput with 2 worker cores against 1, {way}"), factor, 1.85, " x")
    })
}

/// Pairs of what was seen of one thread and of two.
fn turns(turns: usize, see: impl Fn(usize) -> Seen) -> Vec<[Seen; 2]> {
    // Who begins changes from turn to turn, so that a trend on the machine hits both alike.
    let turn = |number| match number % 2 {
        0 => [1, 2].map(&see),
        _ => {
            let [two, one] = [2, 1].map(&see);
            [one, two]
        }
    };
    (0..turns).map(turn).collect()
}

fn print_turns(title: &str, turns: &[[Seen; 2]]) {
    let rows = [1, 2].map(|threads| {
        let middle = |figure: fn(&Seen) -> f64| median(turns.iter().map(|turn| figure(&turn[threads - 1])).collect());
        let (per_second, cpu_us) = (middle(|seen| seen.per_second), middle(|seen| seen.cpu_us));
        let possible = threads as f64 * 1e6 / cpu_us;
        vec![threads.to_string(), format!("{per_second:.0}"), format!("{cpu_us:.1}"), format!("{possible:.0}")]
    });
    print_table(title, &["threads", "requests/s seen", "CPU us/request", "requests/s with a core each"], &rows);
}

/// Posts from so many threads to the host, each as fast as it can.
fn in_memory(host: &callgate::Host, callback: &Callback, threads: usize, window: Duration) -> Seen {
    let ready = Barrier::new(threads);
    let post = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            ready.wait();
            let (started, cpu_before) = (Instant::now(), thread_cpu());
            let mut requests = 0_u32;
            while started.elapsed() < window {
                let request = Request::post(format!("/openim/{}", callback.command));
                let request = request.body(Body::from(callback.body.clone()));
                let answer = host.receive(request.expect("a request")).await;
                assert!(answer.status().is_success(), "{answer:?}");
                requests += 1;
            }
            (f64::from(requests), f64::from(requests) / started.elapsed().as_secs_f64(), thread_cpu() - cpu_before)
        })
    };
    let seen: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(post)).collect();
        running.into_iter().map(|thread| thread.join().expect("a thread ends")).collect()
    });
    let cpu: Duration = seen.iter().map(|(.., cpu)| *cpu).sum();
    let requests: f64 = seen.iter().map(|(requests, ..)| requests).sum();
    let per_second = seen.iter().map(|(_, per_second, _)| per_second).sum();
    Seen { per_second, cpu_us: cpu.as_secs_f64() * 1e6 / requests }
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

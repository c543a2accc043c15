//! Whether anything grows: resident memory of a host over ten million callbacks, most of them ordinary, some long, some
//! that are refused, and some over which a plugin fails.
//!
//! `cargo bench --bench growth`; after `--` may stand `--calls N` (10 million without it).

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use callgate::{Host, Settings};
use common::cases::{GUARDED_COMMAND, profile_body};
use common::{goal, print_goals, print_machine};
use harness::guests;
use http::Request;

/// Points of the plot.
const POINTS: usize = 40;

/// Callbacks before the first point: places, kept instances and the allocator have what they need by then.
const WARM_UP: usize = 200_000;

/// Width of the plot's bars, in characters, for the highest point.
const WIDTH: usize = 60;

fn main() {
    if !common::is_wanted() {
        return;
    }
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--calls");
    let calls = at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(10_000_000);
    print_machine();
    let host = host();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(post(&host, WARM_UP));

    let mut points_mib = vec![common::resident_mib()];
    println!("\nresident memory over {calls} callbacks, and {WARM_UP} before them");
    println!("{:>12}  {:>7.2} MiB", 0, points_mib[0]);
    for point in 1..=POINTS {
        runtime.block_on(post(&host, calls / POINTS));
        let mib = common::resident_mib();
        points_mib.push(mib);
        // Against a scale of twice the beginning: a plot that grows with what it shows would hide growth.
        let bar = (mib / (2.0 * points_mib[0]) * WIDTH as f64).round() as usize;
        println!("{:>12}  {mib:>7.2} MiB  {}", calls / POINTS * point, "#".repeat(bar.min(WIDTH)));
    }
    let tenth = points_mib.len() / 10;
    let highest = |points: &[f64]| points.iter().copied().fold(0.0, f64::max);
    let grown = highest(&points_mib[points_mib.len() - tenth..]) - highest(&points_mib[..tenth]);
    print_goals(&[goal("highest of the last tenth less highest of the first", grown, 1.0, " MiB")]);
}

/// A host with guard-profile and a plugin that fails when it is provoked.
fn host() -> Host {
    let setup = harness::setup()
        .limits("breaker_faults_max = 0")
        .plugin("guard-profile", guests::shipped("guard-profile"), GUARDED_COMMAND, "")
        .plugin("panics", guests::text("panics"), "callbackBeforeAddFriendCommand", "on_fault = \"deny\"");
    Settings::parse(std::path::Path::new("bench.toml"), &setup.toml())
        .map_err(|problems| format!("{problems:?}"))
        .and_then(|settings| Host::start(settings, &mut ()).map_err(|error| error.to_string()))
        .unwrap_or_else(|error| panic!("the benchmark's host does not start: {error}"))
}

/// Posts so many callbacks, from as many tasks as there are cores.
async fn post(host: &callgate::Host, calls: usize) {
    let bodies: Arc<[(String, String)]> = [
        (GUARDED_COMMAND, profile_body(0)),
        (GUARDED_COMMAND, profile_body(4096)),
        (GUARDED_COMMAND, profile_body(65_536)),
        (GUARDED_COMMAND, "{\"userID\":".to_owned()),
        ("callbackBeforeAddFriendCommand", guests::PROVOKE.to_owned()),
        ("callbackBeforeNothingAtAllCommand", "{}".to_owned()),
    ]
    .map(|(command, body)| (format!("/openim/{command}"), body))
    .into();
    let next = Arc::new(AtomicUsize::new(0));
    let tasks = std::thread::available_parallelism().map_or(1, usize::from);
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (host, bodies, next) = (host.clone(), Arc::clone(&bodies), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let call = next.fetch_add(1, Ordering::Relaxed);
                    if call >= calls {
                        return;
                    }
                    // One in a thousand of each that is not ordinary; one in a hundred is of 4 KiB.
                    let which = match call % 1000 {
                        special @ 2..=5 => special,
                        ordinary => usize::from(ordinary % 100 == 50),
                    };
                    let (path, body) = &bodies[which];
                    let request = Request::post(path).body(Body::from(body.clone())).expect("a request");
                    host.receive(request).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task ends");
    }
}

//! Reloads under full load, a third of them broken: no callback fails, and each is all of one generation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use callgate::Host;
use callgate_sandbox::Loading;
use harness::{Setup, TestHost, guests, setup};
use http::Request;
use http_body_util::{BodyExt as _, Full};

/// Callers that post one callback after the other.
const CALLERS: usize = 8;

/// Two plugins that stamp each callback with what their settings say.
fn stamped(stamp: &str) -> Setup {
    let own = format!("settings = {{ stamp = \"{stamp}\" }}");
    setup()
        .limits("records_per_second_max = 0")
        .plugin("first", guests::stamps("first"), "*", &own)
        .plugin("second", guests::stamps("second"), "*", &own)
        .plugin("replaced", "replaced.wasm", "*", "")
}

/// A module that is another one for each number.
fn replaced(number: usize) -> Vec<u8> {
    let reply = format!(r#"{{"verdict":"allow","log":[{{"level":"debug","text":"{number}"}}]}}"#);
    std::fs::read(guests::replies("replaced", &reply)).unwrap()
}

/// What callers have seen.
#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    failed: AtomicU64,
}

/// Duration of a callback in nanoseconds. 32 bits, because there are a million of them and memory is measured.
type Nanos = u32;

/// Posts callbacks until it is told to stop, and returns how long each took.
async fn call(host: Host, seen: Arc<Seen>, is_over: Arc<AtomicBool>) -> Vec<Nanos> {
    let mut took = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let body = Full::from(r#"{"fromUserID":"u"}"#);
        let request = Request::post("/openim/callbackBeforeAddFriendCommand").body(body).unwrap();
        let began = Instant::now();
        let response = host.receive(request).await;
        took.push(Nanos::try_from(began.elapsed().as_nanos()).unwrap_or(Nanos::MAX));
        let is_answer = response.status() == 200;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let is_allowed = is_answer && body.windows(14).any(|part| part == br#""actionCode":0"#);
        if is_allowed { &seen.answered } else { &seen.failed }.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
    took
}

/// Loads the host while `work` runs on a thread of its own; returns what came of it, and how long callbacks took.
async fn under_load<T: Send + 'static>(
    host: &Host,
    seen: &Arc<Seen>,
    work: impl FnOnce() -> T + Send + 'static,
) -> (T, Vec<Nanos>) {
    let is_over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> =
        (0..CALLERS).map(|_| tokio::spawn(call(host.clone(), Arc::clone(seen), Arc::clone(&is_over)))).collect();
    let done = tokio::task::spawn_blocking(work).await.unwrap();
    is_over.store(true, Ordering::Relaxed);
    let mut took = Vec::new();
    for caller in callers {
        took.extend(caller.await.unwrap());
    }
    took.sort_unstable();
    (done, took)
}

fn percentile(sorted: &[Nanos], percent: usize) -> Duration {
    Duration::from_nanos(sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default().into())
}

/// Reloads, with a pause before each. Every third time, settings, word list (here: stamp) or module are broken.
fn reload(host: &TestHost, reloads: usize, pause: Duration) -> (usize, usize) {
    let (mut changed, mut refused) = (0, 0);
    for number in 1..=reloads {
        std::thread::park_timeout(pause);
        let good = stamped(&format!("{number:08}")).toml();
        host.write("replaced.wasm", replaced(number));
        host.write("host.toml", &good);
        if number % 3 == 0 {
            match number % 9 {
                0 => host.write("host.toml", &good[..good.len() - 20]),
                3 => host.write("host.toml", stamped("x_______").toml()),
                _ => host.write("replaced.wasm", &replaced(number)[..60]),
            }
        }
        match host.reload() {
            Ok(report) if report.is_new => changed += 1,
            Ok(_) => {}
            Err(_) => refused += 1,
        }
    }
    (changed, refused)
}

/// Memory of this process that is in use, in MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().unwrap_or("0").parse::<u64>().unwrap_or(0) / 1024
}

/// Waits until no old generation is in memory.
fn settle(host: &TestHost) {
    let began = Instant::now();
    while host.metric("callgate_generations", &[]) > 1.0 {
        assert!(began.elapsed() < Duration::from_secs(60), "an old generation is not freed");
        std::thread::yield_now();
    }
}

/// Not a test: a child process that prepares modules, as the program starts one.
#[test]
#[ignore = "prepares modules for other tests"]
fn prepares_modules_for_other_tests() {
    if std::env::var_os(PREPARES).is_some() {
        let _ = callgate_sandbox::prepare_for_parent();
    }
}

/// Set in the environment of such a process.
const PREPARES: &str = "CALLGATE_ENDURANCE_PREPARES";

/// Modules are prepared in child processes at a low priority, as in service.
fn in_children() -> Loading {
    // Skips the two lines that the test harness prints.
    let script = r#""$0" reload::prepares_modules_for_other_tests --exact --ignored --nocapture | { read -r _; read -r _; exec cat; }"#;
    let own = std::env::current_exe().expect("this program has a path");
    Loading::InChildren {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into(), own.into()],
        environment: vec![(PREPARES.into(), "1".into()), ("MIMALLOC_ARENA_EAGER_COMMIT".into(), "0".into())],
    }
}

async fn reloads_under_load(reloads: usize, pause: Duration, quiet: Duration) {
    let host = Arc::new(stamped("00000000").file("replaced.wasm", replaced(0)).start_loading(in_children()));
    let seen = Arc::new(Seen::default());
    let rest = move || std::thread::park_timeout(quiet);
    let ((), alone) = under_load(host.host(), &seen, rest).await;
    let (before_mib, its_host, began) = (resident_mib(), Arc::clone(&host), Instant::now());
    let ((changed, refused), beside) = under_load(host.host(), &seen, move || reload(&its_host, reloads, pause)).await;
    let took = began.elapsed();
    settle(&host);
    let after_mib = resident_mib();

    assert_eq!((changed, refused), (reloads - reloads / 3, reloads / 3));
    assert_eq!(seen.failed.load(Ordering::Relaxed), 0, "callbacks that failed");
    // Both plugins of a callback have left their stamp, on two lines that were written together.
    let records = host.records();
    let answered = usize::try_from(seen.answered.load(Ordering::Relaxed)).unwrap();
    assert_eq!(records.len(), 2 * answered, "records of {answered} callbacks");
    let mixed = records.chunks(2).filter(|pair| pair[0] != pair[1]).count();
    let stamps: std::collections::BTreeSet<_> = records.iter().map(ToString::to_string).collect();
    let (alone_p99, beside_p99) = (percentile(&alone, 99), percentile(&beside, 99));
    println!(
        "{reloads} reloads in {took:.1?}, with a pause of {pause:.1?}, {refused} of them refused: {answered} callbacks, 0 failed, {mixed} mixed, of {} \
         generations; p50 {:.0?} -> {:.0?}, p99 {alone_p99:.2?} -> {beside_p99:.2?} ({:.2} times); memory {before_mib} -> \
         {after_mib} MiB",
        stamps.len(),
        percentile(&alone, 50),
        percentile(&beside, 50),
        beside_p99.as_secs_f64() / alone_p99.as_secs_f64(),
    );
    assert_eq!(mixed, 0, "callbacks of two generations");
    assert!(stamps.len() > 1, "there was only one generation");
    assert_eq!(host.metric("callgate_generation", &[]), (changed + 1) as f64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reload_under_load_in_short() {
    reloads_under_load(12, Duration::ZERO, Duration::from_millis(300)).await;
}

#[ignore = "minutes"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reload_300_times_under_load() {
    // Without a pause, which does not happen in service; and every 100 ms.
    reloads_under_load(300, Duration::ZERO, Duration::from_secs(10)).await;
    reloads_under_load(300, Duration::from_millis(100), Duration::from_secs(10)).await;
}

/// Fifty plugins that stay the same while something else changes.
#[test]
fn reload_beside_fifty_unchanged_plugins() {
    let fifty = |platform: &str| {
        let setup = setup().platform(&format!("kind = \"openim\"\non_overload = \"{platform}\""));
        let own = |number| format!("settings = {{ stamp = \"{number:08}\" }}");
        (0..50).fold(setup, |setup, number| {
            setup.plugin(&format!("p{number}"), guests::stamps("fifty"), "*", &own(number))
        })
    };
    let host = fifty("deny").start();
    let mut took = Vec::new();
    for on_overload in ["allow", "deny", "allow", "deny", "allow"] {
        host.write("host.toml", fifty(on_overload).toml());
        let report = host.reload().unwrap();
        assert!(report.is_new && report.difference.unchanged == 50, "{report:?}");
        took.push(report.took);
    }
    println!("50 unchanged plugins: reloads took {took:.1?}");
}

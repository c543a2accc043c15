//! Nothing that one call does is seen by the next; all that `configure` did is seen by each.

use std::sync::Arc;

use harness::{Setup, TestHost, guests, setup};
use serde_json::{Value, json};

const ADD_FRIEND: &str = "callbackBeforeAddFriendCommand";

/// Calls: many enough that every place of the pool is used again and again, after every kind of end.
const CALLS: u64 = 3000;

/// What `marks` does with its `x`, apart from allowing: see `fixtures/guests/marks.wat`.
const TRAPS: u64 = 1;
const LOOPS: u64 = 2;
const GROWS: u64 = 4;
const PANICS: u64 = 5;

fn marking(limits: &str) -> Setup {
    setup()
        .limits(&format!("fuel_per_call = 2_000_000\nbreaker_faults_max = 0\ncalls_at_once_max = 2\n{limits}"))
        .plugin("marks", guests::text("marks"), "*", "on_fault = \"allow\"")
}

/// A host that puts memory back in this way; `None` where this system cannot.
fn start(memory_reset: &str) -> Option<TestHost> {
    match marking(&format!("memory_reset = \"{memory_reset}\"")).try_start() {
        Ok(host) => Some(host),
        Err(callgate::StartError::Engine(error)) if ["keep", "scan"].contains(&memory_reset) => {
            eprintln!("SKIPPED: `memory_reset = \"{memory_reset}\"` does not work on this system: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A callback after which `marks` does `what`, and marks another place each time: any page, any line of it.
fn marked(call: u64, what: u64) -> Value {
    let letter = |number: u64| char::from(b'0' + (number % 64) as u8).to_string().replace('\\', "0");
    json!({ "at": letter(call * 37 + 5) + &letter(call / 64 * 11), "x": what })
}

/// Calls it over and over, and expects that no mark is ever found.
async fn no_mark_is_found(host: &TestHost) {
    for call in 0..CALLS {
        let answer = host.openim(ADD_FRIEND, &marked(call, call % 6)).await;
        assert_eq!(answer["nextCode"], 0, "call {call}: {answer}");
    }
    let each = (CALLS / 6) as f64;
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), CALLS as f64);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"trap\""]), each);
    // On a busy machine a loop may be ended by the clock.
    let loops = ["fault=\"out_of_fuel\"", "fault=\"out_of_time\""];
    let ended = |fault| host.metric("callgate_plugin_faults_total", &[fault]);
    assert_eq!(loops.map(ended).iter().sum::<f64>(), each);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"panic\""]), each);
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 3.0 * each);
}

#[tokio::test]
async fn no_mark_of_a_call_is_found_by_the_next_when_instances_are_kept() {
    if let Some(host) = start("keep") {
        no_mark_is_found(&host).await;
    }
}

#[tokio::test]
async fn no_mark_of_a_call_is_found_by_the_next_when_changed_pages_are_copied_back() {
    if let Some(host) = start("scan") {
        no_mark_is_found(&host).await;
    }
}

#[tokio::test]
async fn no_mark_of_a_call_is_found_by_the_next_when_all_pages_are_given_back() {
    no_mark_is_found(&start("unmap").unwrap()).await;
}

/// How many instances were made for so many calls, none of which must find a mark.
async fn instances_for(host: &TestHost, calls: u64, what: impl Fn(u64) -> u64) -> f64 {
    for call in 0..calls {
        let answer = host.openim(ADD_FRIEND, &marked(call, what(call))).await;
        assert_eq!(answer["nextCode"], 0, "call {call}: {answer}");
    }
    host.metric("callgate_plugin_instances_total", &[])
}

/// The maximum number of instances that are made for one plugin although none is lost: two for each core, and as many
/// while those are restored on another thread.
fn kept_max() -> f64 {
    4.0 * std::thread::available_parallelism().unwrap().get() as f64
}

#[tokio::test]
async fn one_instance_serves_many_calls_until_one_of_them_fails_or_grows() {
    let Some(host) = start("keep") else { return };
    // In some calls every page is marked, in others only four; after so many of these a new memory is cheaper.
    let made = instances_for(&host, 1000, |call| if call % 10 == 0 { 3 } else { 0 }).await;
    assert!((1.0..100.0).contains(&made), "{made}");
    for (what, name) in [(TRAPS, "traps"), (LOOPS, "loops"), (GROWS, "grows"), (PANICS, "panics")] {
        let host = start("keep").unwrap();
        let made = instances_for(&host, 100, |call| if call % 2 == 0 { what } else { 0 }).await;
        assert!((50.0..=50.0 + kept_max()).contains(&made), "{name}: {made}");
    }
}

#[tokio::test]
async fn a_page_that_is_changed_for_the_first_time_is_put_back() {
    // Touches one page in each call, and denies if that was touched before. Half of the pages are in the snapshot.
    let source = format!(
        r#"(module {{manifest}}
            (memory (export "memory") 5)
            (global (export "last_words") i32 (i32.const 0))
            (data (i32.const 1024) "{{\"accepted\":true}}")
            (data (i32.const 2048) "{{\"verdict\":\"allow\"}}")
            (data (i32.const 3072) "{{\"verdict\":\"deny\"}}")
            (data (i32.const 65536) "{}")
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
            (func (export "handle_callback") (param $input i32) (param $len i32) (result i64) (local $at i32)
                (local.set $at (i32.load8_u (i32.sub (i32.add (local.get $input) (local.get $len)) (i32.const 11))))
                (local.set $at (i32.shl (i32.and (local.get $at) (i32.const 63)) (i32.const 12)))
                (if (i32.eq (i32.load8_u offset=66000 (local.get $at)) (i32.const 7))
                    (then (return (i64.const 0xc00_0000_0012))))
                (i32.store8 offset=66000 (local.get $at) (i32.const 7))
                (i64.const 0x800_0000_0013)))"#,
        "\\05".repeat(32 * 4096)
    );
    let host = setup().plugin("touches", guests::assemble("touches", &source), "*", "").start();
    instances_for(&host, 2000, |_| 0).await;
}

#[tokio::test]
async fn without_places_for_kept_instances_each_call_has_a_new_one() {
    let host = marking("kept_instances_max = 0").start();
    assert_eq!(instances_for(&host, 50, |_| 0).await, 50.0);
    for memory_reset in ["scan", "unmap"] {
        let Some(host) = start(memory_reset) else { continue };
        assert_eq!(instances_for(&host, 50, |_| 0).await, 50.0, "{memory_reset}");
    }
}

#[tokio::test]
async fn of_two_plugins_one_has_a_new_instance_each_time_if_only_one_may_be_kept() {
    if start("keep").is_none() {
        return;
    }
    let host = setup()
        .limits("memory_reset = \"keep\"\nkept_instances_max = 1")
        .plugin("first", guests::replies("first", r#"{"verdict":"allow"}"#), "*", "")
        .plugin("second", guests::replies("second", r#"{"verdict":"allow","log":[]}"#), "*", "")
        .start();
    let made = |plugin: &str| host.metric("callgate_plugin_instances_total", &[&format!("plugin=\"{plugin}\"")]);
    // On a busy machine a call may take long and have the next ones run on another thread, where the kept one is not.
    for calls in (50..=1000).step_by(50).map(f64::from) {
        instances_for(&host, 50, |_| 0).await;
        assert_eq!(made("second"), calls);
        if made("first") < calls {
            return;
        }
    }
    panic!("the first plugin's instance is never used again");
}

#[tokio::test]
async fn a_memory_of_which_too_much_was_changed_is_not_kept() {
    if start("keep").is_none() {
        return;
    }
    // 1 MiB, which is 256 pages of 4 KiB, or 64 pages if those are more. The page of the input is one of those that
    // change.
    let fills = |bytes: usize| {
        let source = format!(
            r#"(module {{manifest}}
                (memory (export "memory") 80)
                (global (export "last_words") i32 (i32.const 0))
                (data (i32.const 1024) "{{\"accepted\":true}}")
                (data (i32.const 2048) "{{\"verdict\":\"allow\"}}")
                (data (i32.const 3072) "{{\"verdict\":\"deny\"}}")
                (func (export "allocate") (param i32) (result i32) (i32.const 65536))
                (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
                (func (export "handle_callback") (param i32 i32) (result i64)
                    (if (i32.load8_u (i32.const {last})) (then (return (i64.const 0xc00_0000_0012))))
                    (memory.fill (i32.const 131072) (i32.const 1) (i32.const {bytes}))
                    (i64.const 0x800_0000_0013)))"#,
            last = 131_072 + bytes - 1,
        );
        setup().limits("memory_reset = \"keep\"").plugin("fills", guests::assemble("fills", &source), "*", "").start()
    };
    let page_bytes = rustix::param::page_size();
    let pages = ((1 << 20) / page_bytes).max(64);
    let host = fills((pages - 1) * page_bytes);
    let calls = 10 * kept_max() as u64;
    assert!(instances_for(&host, calls, |_| 0).await <= kept_max());
    let host = fills(pages * page_bytes);
    assert_eq!(instances_for(&host, calls, |_| 0).await, calls as f64);
}

#[tokio::test]
async fn a_plugin_with_more_globals_than_are_put_back_has_a_new_instance_each_time() {
    if start("keep").is_none() {
        return;
    }
    let counting = |globals: usize| {
        let others = "(global (mut i32) (i32.const 0))".repeat(globals - 1);
        let source = format!(
            r#"(module {{contract}}
                (global $calls (mut i32) (i32.const 0)) {others}
                (func $provoked (param i32 i32) (result i64)
                    (if (global.get $calls) (then (unreachable)))
                    (global.set $calls (i32.const 1))
                    (i64.const 0x800_0000_0013)))"#
        );
        let module = guests::assemble("counting", &source);
        setup().limits("memory_reset = \"keep\"").plugin("counting", module, "*", "on_fault = \"deny\"").start()
    };
    let calls = 10 * kept_max() as u64;
    assert!(instances_for(&counting(64), calls, |_| 1).await <= kept_max());
    assert_eq!(instances_for(&counting(65), calls, |_| 1).await, calls as f64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mark_is_found_by_calls_at_the_same_time() {
    let host = Arc::new(start("auto").unwrap());
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                for call in 0..300 {
                    let answer = host.openim(ADD_FRIEND, &marked(call + caller * 300, call % 6)).await;
                    assert_eq!(answer["nextCode"], 0, "call {call}: {answer}");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 1200.0);
}

#[tokio::test]
async fn plugins_that_take_turns_in_one_place_do_not_see_each_other() {
    // One place in the pool, and modules whose memories differ: what one leaves must not show through in the other.
    let source = std::fs::read_to_string(guests::fixture("guests/marks.wat")).unwrap();
    let other = source.replace("(i32.const 5)", "(i32.const 6)").replace("0x8000", "0x9000");
    let host = setup()
        .limits("calls_at_once_max = 1\nfuel_per_call = 2_000_000\nbreaker_faults_max = 0")
        .plugin("marks", guests::text("marks"), "*", "")
        .plugin("other", guests::assemble("other", &other), "*", "")
        .plugin("small", guests::replies("small", r#"{"verdict":"allow"}"#), "*", "")
        .start();
    for call in 0..400 {
        let answer = host.openim(ADD_FRIEND, &marked(call, call % 6)).await;
        assert_eq!(answer["nextCode"], 0, "call {call}: {answer}");
    }
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 1200.0);
}

#[tokio::test]
async fn what_configure_did_is_seen_by_each_call() {
    // The same marks, left by `configure`: in memory, in globals, in memory that it took. So they can be found at all.
    let found = json!({ "actionCode": 0, "errCode": 5000, "errMsg": "found a mark", "errDlt": "", "nextCode": 1 });
    let source = std::fs::read_to_string(guests::fixture("guests/marks.wat")).unwrap();
    for left in [
        "(call $leave (i32.const 0x8000))",
        "(global.set $i32 (i32.const 1))",
        "(global.set $i64 (i64.const 1))",
        "(global.set $f32 (f32.const 1))",
        "(global.set $f64 (f64.const -0.5))",
        "(global.set $v128 (v128.const i64x2 0 1))",
        "(i64.store (i32.const 0x8000) (i64.const 1))",
        "(i64.store (i32.const 0x1_0ffc) (i64.const 1))",
        "(i64.store8 (i32.const 0x3_ffff) (i64.const 1))",
        "(drop (memory.grow (i32.const 1)))",
    ] {
        let configure = "(func (export \"configure\") (param i32 i32) (result i64)";
        assert!(source.contains(configure));
        let module = guests::assemble("p", &source.replace(configure, &format!("{configure} {left}")));
        let host = setup().plugin("p", module, "*", "").start();
        for _ in 0..20 {
            assert_eq!(host.openim(ADD_FRIEND, &marked(0, 0)).await, found, "{left}");
        }
    }
}

#[tokio::test]
async fn each_use_of_a_module_has_settings_of_its_own() {
    // `configure` keeps its input; a call replies with it as a record.
    let module = guests::assemble(
        "keeps",
        r#"(module {manifest}
            (memory (export "memory") 1)
            (global (export "last_words") i32 (i32.const 0))
            (global $len (mut i32) (i32.const 0))
            (data (i32.const 1024) "{\"accepted\":true}")
            (data (i32.const 4096) "{\"verdict\":\"allow\",\"records\":[")
            (func (export "allocate") (param $len i32) (result i32)
                (select (i32.const 0x8000) (i32.const 4126) (global.get $len)))
            (func (export "configure") (param $at i32) (param $len i32) (result i64)
                (global.set $len (local.get $len))
                (i32.store16 (i32.add (local.get $at) (local.get $len)) (i32.const 0x7d5d))
                (i64.const 0x400_0000_0011))
            (func (export "handle_callback") (param i32 i32) (result i64)
                (i64.or (i64.const 0x1000_0000_0000) (i64.extend_i32_u (i32.add (global.get $len) (i32.const 32))))))"#,
    );
    let host = setup()
        .plugin("one", &module, "*", "settings = { word = \"one\", list = [1, 2.5, true] }")
        .plugin("two", &module, "*", "settings_files = { words = \"words.txt\" }")
        .plugin("none", &module, "*", "")
        .file("words.txt", "# words\n\"quoted\"\n")
        .start();
    host.openim(ADD_FRIEND, &json!({})).await;
    let settings: Vec<Value> = host.records().iter().map(|record| record["settings"].clone()).collect();
    let expected = json!([{ "word": "one", "list": [1, 2.5, true] }, { "words": "# words\n\"quoted\"\n" }, {}]);
    assert_eq!(Value::from(settings), expected);
}

#[test]
fn a_module_whose_table_could_keep_something_is_refused() {
    let source = |change: &str| {
        format!(
            r#"(module {{contract}}
                (table $kept 1 funcref)
                (func $provoked (param i32 i32) (result i64) {change} (unreachable)))"#
        )
    };
    setup().plugin("p", guests::assemble("p", &source("")), "*", "").start();
    for change in [
        "(table.set $kept (i32.const 0) (ref.null func))",
        "(drop (table.grow $kept (ref.null func) (i32.const 1)))",
        "(table.fill $kept (i32.const 0) (ref.null func) (i32.const 1))",
        "(table.copy $kept $kept (i32.const 0) (i32.const 0) (i32.const 1))",
    ] {
        let Err(error) = setup().plugin("p", guests::assemble("p", &source(change)), "*", "").try_start() else {
            panic!("{change} is accepted");
        };
        let error = error.to_string();
        assert!(error.starts_with("plugin p: it could not be prepared: "), "{error}");
        assert!(error.contains("table"), "{error}");
    }
}

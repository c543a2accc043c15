//! Nothing that one call does is seen by the next; all that `configure` did is seen by each.

use std::sync::Arc;

use harness::{Setup, TestHost, guests, setup};
use serde_json::{Value, json};

const ADD_FRIEND: &str = "callbackBeforeAddFriendCommand";

/// Calls: many enough that every place of the pool is used again and again, after every kind of end.
const CALLS: u64 = 3000;

fn marking(memory_reset: &str) -> Setup {
    setup()
        .limits(&format!(
            "memory_reset = \"{memory_reset}\"\nfuel_per_call = 200_000\nbreaker_faults_max = 0\ncalls_at_once_max = 2"
        ))
        .plugin("marks", guests::text("marks"), "*", "on_fault = \"allow\"")
}

/// A host that puts memory back in this way; `None` where this system cannot.
fn start(memory_reset: &str) -> Option<TestHost> {
    match marking(memory_reset).try_start() {
        Ok(host) => Some(host),
        Err(callgate::StartError::Engine(error)) if memory_reset == "scan" => {
            eprintln!("not tested, because this kernel has no scan of pages: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Calls it over and over, and expects that no mark is ever found.
async fn no_mark_is_found(host: &TestHost) {
    for call in 0..CALLS {
        let answer = host.openim(ADD_FRIEND, &json!({ "x": call % 4 })).await;
        assert_eq!(answer["nextCode"], 0, "call {call}: {answer}");
    }
    let each = (CALLS / 4) as f64;
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), CALLS as f64);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"trap\""]), each);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"out_of_fuel\""]), each);
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 2.0 * each);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mark_is_found_by_calls_at_the_same_time() {
    let host = Arc::new(start("auto").unwrap());
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                for call in 0..300 {
                    let answer = host.openim(ADD_FRIEND, &json!({ "x": call % 4 })).await;
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
    let other = source.replace("(i32.const 4096))", "(i32.const 8192))").replace("0x8000", "0x9000");
    let host = setup()
        .limits("calls_at_once_max = 1\nfuel_per_call = 200_000\nbreaker_faults_max = 0")
        .plugin("marks", guests::text("marks"), "*", "")
        .plugin("other", guests::assemble("other", &other), "*", "")
        .plugin("small", guests::replies("small", r#"{"verdict":"allow"}"#), "*", "")
        .start();
    for call in 0..400 {
        let answer = host.openim(ADD_FRIEND, &json!({ "x": call % 4 })).await;
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
        "(call $leave)",
        "(global.set $mark (i64.const 1))",
        "(global.set $exported (f64.const -0.5))",
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
            assert_eq!(host.openim(ADD_FRIEND, &json!({ "x": 0 })).await, found, "{left}");
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

//! Plugins that were written from the ABI page alone: the same one in C and in AssemblyScript, on the same callbacks.
//!
//! They are tested where their compilers are installed. Where not, a line `SKIPPED: …` says so; with
//! `CALLGATE_REQUIRE_GUESTS=1` the tests fail instead.

use std::path::PathBuf;

use harness::{Setup, guests, setup};
use serde_json::{Value, json};

const REMARK: &str = "callbackBeforeSetFriendRemarkCommand";

fn host(module: &PathBuf, settings: &str) -> Setup {
    setup().limits("breaker_faults_max = 0\ncalls_at_once_max = 1").plugin("tame-remarks", module, "*", settings)
}

fn answer(code: i32, message: &str) -> Value {
    json!({ "actionCode": 0, "errCode": code, "errMsg": message, "errDlt": "", "nextCode": i32::from(code != 0) })
}

fn allows() -> Value {
    answer(0, "")
}

fn denies() -> Value {
    answer(5020, "Please choose another remark.")
}

fn changes_to(remark: &str) -> Value {
    json!({ "actionCode": 0, "errCode": 0, "errMsg": "", "errDlt": "", "nextCode": 0, "remark": remark })
}

fn could_not_decide() -> Value {
    answer(5000, "This could not be checked. Please try again later.")
}

/// Bodies, the answers to them, and the remark that stands in the record; no record goes with a fault.
fn callbacks() -> Vec<(String, Value, Option<String>)> {
    let with = |json: &str| format!(r#"{{"ownerUserID":"u1","friendUserID":"u2","remark":{json}}}"#);
    let record = |remark: &str| Some(remark.to_owned());
    // More than the memory with which the plugins begin.
    let long = "x".repeat(40_000);
    vec![
        (with(r#""My best friend""#), allows(), record("My best friend")),
        (with(r#""no spam here""#), denies(), record("no spam here")),
        (with(r#""  Ann ""#), changes_to("Ann"), record("  Ann ")),
        // OpenIM would ignore an empty remark, so the host leaves the change out.
        (with(r#""   ""#), allows(), record("   ")),
        (with(r#""""#), allows(), record("")),
        // Escapes, and what they stand for.
        (with(r#""\u0073p\u0061m""#), denies(), record("spam")),
        (with(r#""\"quoted\" \\ \/ \b\f\n\r\t\u0001""#), allows(), record("\"quoted\" \\ / \u{8}\u{c}\n\r\t\u{1}")),
        (with(r#"" é \u00e9 日 \u65E5 😀 \ud83d\ude00""#), changes_to("é é 日 日 😀 😀"), record(" é é 日 日 😀 😀")),
        (with(r#""\ud83d\ude00 \ud800 \ude00 \ud800\u0041""#), allows(), record("😀 \u{fffd} \u{fffd} \u{fffd}A")),
        (with(&format!("\"{long}\"")), allows(), Some(long)),
        // Where the member stands, and what stands around it.
        (r#"{"remark":"a"}"#.to_owned(), allows(), record("a")),
        (
            "{ \"a\" : [ { \"remark\" : \"spam\" } , \"}\\\"\" ] ,\n\t\"remark\" : \" a\" , \"b\" : -1.5e3 } "
                .to_owned(),
            changes_to("a"),
            record(" a"),
        ),
        (r#"{"ex":",\"body\":{","x":{"body":{"remark":"spam"}},"rem\u0061rk":"a"}"#.to_owned(), allows(), record("a")),
        // What it cannot decide.
        (with("7"), could_not_decide(), None),
        (with("null"), could_not_decide(), None),
        (r#"{"x":{"remark":"a"}}"#.to_owned(), could_not_decide(), None),
        ("{}".to_owned(), could_not_decide(), None),
        (with(r#""panic""#), could_not_decide(), None),
    ]
}

/// Asks it all of them, and then all again: each answer is as if nothing had been asked before.
async fn keeps_to_the_contract(module: PathBuf) {
    let host = host(&module, "on_fault = \"deny\"\nsettings = { more = [{}], word = \"spam\" }").start();
    let mut expected_records = Vec::new();
    for _ in 0..2 {
        for (body, expected, record) in callbacks() {
            let answer = host.post(&format!("/openim/{REMARK}"), body.clone()).await;
            assert_eq!(answer.body, expected, "{body}");
            // `calls` is what a variable of the plugin counts.
            expected_records.extend(record.map(|remark| json!({ "remark": remark, "calls": 1 })));
        }
    }
    assert_eq!(host.records(), expected_records);
    let faults = |fault: &str| host.metric("callgate_plugin_faults_total", &[&format!("fault=\"{fault}\"")]);
    assert_eq!([faults("undecided"), faults("panic")], [8.0, 2.0]);
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 10.0);
}

/// Settings are read once, and a bad one is refused in the plugin's own words.
async fn reads_its_settings(module: PathBuf) {
    let own = host(&module, r#"settings = { word = "\"schön\" \\ 😀" }"#).start();
    let body = json!({ "remark": "a \"schön\" \\ 😀 b" });
    assert_eq!(own.openim(REMARK, &body).await, denies());
    assert_eq!(own.openim(REMARK, &json!({ "remark": "schön" })).await, allows());
    for settings in ["", "settings = { word = \"\" }", "settings = { word = 7 }", "settings = { Word = \"x\" }"] {
        let Err(error) = host(&module, settings).try_start() else { panic!("{settings} is accepted") };
        let why = "plugin tame-remarks: it refuses its settings: `word` must be a text that is not empty";
        assert_eq!(error.to_string(), why);
    }
}

#[tokio::test]
async fn a_plugin_in_c_keeps_to_the_contract() {
    if let Some(module) = guests::c() {
        keeps_to_the_contract(module).await;
    }
}

#[tokio::test]
async fn a_plugin_in_c_reads_its_settings() {
    if let Some(module) = guests::c() {
        reads_its_settings(module).await;
    }
}

#[tokio::test]
async fn a_plugin_in_assemblyscript_keeps_to_the_contract() {
    if let Some(module) = guests::assembly_script() {
        keeps_to_the_contract(module).await;
    }
}

#[tokio::test]
async fn a_plugin_in_assemblyscript_reads_its_settings() {
    if let Some(module) = guests::assembly_script() {
        reads_its_settings(module).await;
    }
}

#[tokio::test]
async fn the_plugin_on_the_page_is_one() {
    let page = std::fs::read_to_string(guests::repository().join("plugin-sdk/ABI.md")).unwrap();
    assert!(
        page.replace(" \\\n   ", "").contains(&format!("clang {} -o closed.wasm closed.c\n", guests::CLANG)),
        "the flags"
    );
    let (_, source) = page.split_once("```c\n").expect("a plugin in C");
    let (source, _) = source.split_once("```\n").expect("its end");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("closed.c"), source).unwrap();
    let Some(module) = guests::clang("closed", &folder.path().join("closed.c"), guests::CLANG) else { return };
    let host = setup().plugin("closed", module, "*", "").start();
    let denied = answer(5003, "Friend requests are closed.");
    assert_eq!(host.openim("callbackBeforeAddFriendCommand", &json!({})).await, denied);
}

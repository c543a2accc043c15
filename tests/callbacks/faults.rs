//! Whatever a plugin does, the chat server has its answer, and the next call is normal.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use harness::guests::{PROVOKE, SPARE};
use harness::{Setup, TestHost, guests, log, setup};
use serde_json::{Value, json};

pub(crate) const OPENIM: &str = "callbackBeforeAddFriendCommand";
const OPENIM_AFTER: &str = "callbackAfterAddFriendCommand";
const TENCENT: &str = "Group.CallbackBeforeSendMsg";

/// Both chat servers, once with each meaning of a fault.
fn four_platforms(limits: &str) -> Setup {
    let mut setup = setup().limits(limits).tables("[log]\nlog_payloads = true");
    for on_fault in ["allow", "deny"] {
        setup = setup
            .platform(&format!(
                "kind = \"openim\"\nname = \"openim-{on_fault}\"\npath = \"/openim/{on_fault}\"\non_fault = \"{on_fault}\""
            ))
            .platform(&format!(
                "kind = \"tencent-chat\"\nname = \"tencent-{on_fault}\"\npath = \"/tencent/{on_fault}\"\n\
                 on_fault = \"{on_fault}\"\n[[platform.app]]\nid = 1400000000"
            ));
    }
    setup
}

pub(crate) fn openim_allows() -> Value {
    json!({ "actionCode": 0, "errCode": 0, "errMsg": "", "errDlt": "", "nextCode": 0 })
}

pub(crate) fn openim_denies(message: &str) -> Value {
    json!({ "actionCode": 0, "errCode": 5000, "errMsg": message, "errDlt": "", "nextCode": 1 })
}

fn tencent_answers(code: i32, message: &str) -> Value {
    json!({ "ActionStatus": "OK", "ErrorCode": code, "ErrorInfo": message })
}

pub(crate) const UNCHECKED: &str = "This could not be checked. Please try again later.";
pub(crate) const BUSY: &str = "The service is busy. Please try again later.";

pub(crate) async fn post(host: &TestHost, path: &str, body: &str) -> Value {
    let answer = host.post(path, body.to_owned()).await;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
    answer.body
}

/// Posts `body` to all four platforms, in the order: OpenIM allow, OpenIM deny, Tencent allow, Tencent deny.
async fn post_to_all(host: &TestHost, body: &str) -> [Value; 4] {
    let tencent = |on_fault| format!("/tencent/{on_fault}?SdkAppid=1400000000&CallbackCommand={TENCENT}");
    [
        post(host, &format!("/openim/allow/{OPENIM}"), body).await,
        post(host, &format!("/openim/deny/{OPENIM}"), body).await,
        post(host, &tencent("allow"), body).await,
        post(host, &tencent("deny"), body).await,
    ]
}

/// The whole promise: each platform gets its own meaning of the fault, the fault is counted under its name, and the
/// next calls of the same plugin and of another one are normal.
async fn is_contained(guest: PathBuf, fault: &str) -> TestHost {
    is_contained_within(guest, fault, "", PROVOKE).await
}

async fn is_contained_within(guest: impl AsRef<Path>, fault: &str, limits: &str, provoke: &str) -> TestHost {
    let another = guests::replies("another", r#"{"verdict":"deny","code":5007,"message":"no"}"#);
    let host = four_platforms(limits)
        .plugin("hostile", guest, "*", "")
        .plugin("another", another, "callbackBeforeAddBlackCommand", "")
        .start();

    let answers = post_to_all(&host, provoke).await;
    let expected = [openim_allows(), openim_denies(UNCHECKED), tencent_answers(0, ""), tencent_answers(1, UNCHECKED)];
    assert_eq!(answers, expected);
    assert_eq!(
        host.metric("callgate_plugin_faults_total", &["plugin=\"hostile\"", &format!("fault=\"{fault}\"")]),
        4.0
    );
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 4.0, "under this name only");

    let answers = post_to_all(&host, SPARE).await;
    assert_eq!(answers, [openim_allows(), openim_allows(), tencent_answers(0, ""), tencent_answers(0, "")]);
    let answer = post(&host, "/openim/deny/callbackBeforeAddBlackCommand", SPARE).await;
    assert_eq!(answer, json!({ "actionCode": 0, "errCode": 5007, "errMsg": "no", "errDlt": "", "nextCode": 1 }));
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 4.0, "no further fault");
    host
}

#[tokio::test]
async fn a_plugin_that_loops_runs_out_of_fuel() {
    is_contained(guests::text("spins"), "out_of_fuel").await;
}

#[tokio::test]
async fn a_plugin_that_recurses_overflows_its_own_stack() {
    is_contained(guests::text("recurses"), "stack_overflow").await;
}

#[tokio::test]
async fn a_plugin_that_recurses_overflows_the_stack_in_its_memory() {
    is_contained(guests::text("recurses-in-memory"), "stack_overflow").await;
    // The last function, which calls no other, may write 128 bytes below without moving the stack's end.
    let source = std::fs::read_to_string(guests::fixture("guests/recurses-in-memory.wat")).unwrap();
    let last = "(if (i32.eqz (global.get $stack_pointer)) (then (i32.store (i32.const -120) (i32.const 1))))";
    let call = "(drop (call $recurse (local.get $frame)))";
    let below = source.replace(call, &format!("{last} {call}"));
    assert_ne!(below, source);
    is_contained(guests::assemble("below", &below), "stack_overflow").await;
}

#[tokio::test]
async fn a_trap_outside_of_the_memory_is_a_stack_overflow_only_where_a_stack_is_used_up() {
    let source = std::fs::read_to_string(guests::fixture("guests/recurses-in-memory.wat")).unwrap();
    for (what, change) in [
        ("(drop (call $recurse (local.get $input)))", "(drop (i32.load (i32.const -64)))"),
        // Not a stack, but a count that ends at zero.
        ("(mut i32) (i32.const 0x1_0000)", "(mut i32) (i32.const 0x1_0001)"),
        // Another trap.
        ("(i32.store (local.get $frame) (local.get $input))", "(if (i32.eqz (local.get $frame)) (then (unreachable)))"),
    ] {
        let changed = source.replace(what, change);
        assert_ne!(changed, source, "{what}");
        is_contained(guests::assemble("traps", &changed), "trap").await;
    }
}

#[tokio::test]
async fn a_plugin_that_allocates_without_end_runs_out_of_memory() {
    is_contained(guests::text("grows"), "out_of_memory").await;
}

#[tokio::test]
async fn a_plugin_that_gives_up_has_trapped() {
    is_contained(guests::text("gives-up"), "trap").await;
}

#[tokio::test]
async fn a_plugin_that_divides_by_zero_has_trapped() {
    is_contained(guests::text("divides-by-zero"), "trap").await;
}

#[tokio::test]
async fn a_plugin_that_reads_outside_of_its_memory_has_trapped() {
    is_contained(guests::text("reads-outside"), "trap").await;
}

#[tokio::test]
async fn a_reply_outside_of_the_memory_is_not_valid() {
    is_contained(guests::text("reply-outside"), "reply_invalid").await;
}

#[tokio::test]
async fn a_reply_that_ends_one_byte_behind_the_memory_is_not_valid() {
    is_contained(guests::text("reply-over-the-end"), "reply_invalid").await;
}

#[tokio::test]
async fn a_reply_that_says_it_has_4_gib_is_too_large() {
    is_contained(guests::text("reply-of-4-gib"), "reply_too_large").await;
}

#[tokio::test]
async fn a_reply_that_has_100_mib_is_too_large() {
    let limits = "memory_bytes_max = 134_217_728";
    is_contained_within(guests::text("reply-of-100-mib"), "reply_too_large", limits, PROVOKE).await;
}

#[tokio::test]
async fn room_outside_of_the_memory_is_not_valid() {
    let long = format!(r#"{{"fill":"{}"}}"#, " ".repeat(1000));
    is_contained_within(guests::text("allocates-outside"), "reply_invalid", "", &long).await;
}

#[tokio::test]
async fn room_that_ends_one_byte_behind_the_memory_is_not_valid() {
    let long = format!(r#"{{"fill":"{}"}}"#, " ".repeat(1000));
    is_contained_within(guests::text("allocates-too-little"), "reply_invalid", "", &long).await;
}

#[tokio::test]
async fn a_reply_that_is_not_utf8_is_not_valid() {
    let reply = b"{\"verdict\":\"deny\",\"message\":\"\xff\xfe\"}";
    is_contained(guests::replies_when_provoked("hostile", reply), "reply_invalid").await;
}

#[tokio::test]
async fn json_that_is_no_reply_is_not_valid() {
    for reply in [
        "",
        "null",
        "[]",
        "{}",
        "allow",
        r#""allow""#,
        r#"{"verdict":null}"#,
        r#"{"verdict":"maybe"}"#,
        r#"{"verdict":"Allow"}"#,
        r#"{"verdict":"allow"} and more"#,
        r#"{"verdict":"allow""#,
        r#"{"verdict":"deny","code":"5001"}"#,
        r#"{"verdict":"deny","code":5000000000}"#,
        r#"{"verdict":"deny","message":7}"#,
        r#"{"verdict":"modify","changes":[]}"#,
        r#"{"verdict":"allow","records":{}}"#,
        r#"{"verdict":"allow","log":[{"level":"loud","text":""}]}"#,
    ] {
        is_contained(guests::replies_when_provoked("hostile", reply.as_bytes()), "reply_invalid").await;
    }
}

#[tokio::test]
async fn a_reply_that_nests_without_end_is_not_valid() {
    let reply = format!(r#"{{"verdict":"allow","records":[{}"#, "[".repeat(60_000));
    is_contained(guests::replies_when_provoked("hostile", reply.as_bytes()), "reply_invalid").await;
}

#[tokio::test]
async fn a_record_that_nests_deeply_does_no_harm() {
    let nested = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let reply = format!(r#"{{"verdict":"deny","code":5002,"records":[{nested}],"results":[]}}"#);
    let deep = guests::replies_bytes("deep", reply.as_bytes());
    let host = setup().plugin("deep", deep, OPENIM, "").start();
    assert_eq!(host.openim(OPENIM, &json!({})).await["errCode"], 5002);
    assert_eq!(host.metric("callgate_records_written_total", &[]), 1.0);
}

#[tokio::test]
async fn a_change_of_the_wrong_type_is_not_valid() {
    // Known members, each with a value that the chat server could not decode.
    for (command, change) in [
        ("callbackBeforeSetFriendRemarkCommand", r#"{"remark":7}"#),
        ("callbackBeforeSetFriendRemarkCommand", r#"{"remark":["a"]}"#),
        ("callbackBeforeCreateGroupCommand", r#"{"groupType":"2"}"#),
        ("callbackBeforeCreateGroupCommand", r#"{"groupType":2.0}"#),
        ("callbackBeforeCreateGroupCommand", r#"{"groupType":2147483648}"#),
        ("callbackBeforeMsgModifyCommand", r#"{"content":"plain text"}"#),
        ("callbackBeforeMsgModifyCommand", r#"{"options":{"history":1}}"#),
        ("callbackBeforeMembersJoinGroupCommand", r#"{"memberCallbackList":[{"nickname":"without a userID"}]}"#),
        ("callbackBeforeUserRegisterCommand", r#"{"users":[{"userID":"u1"}]}"#),
        ("callbackBeforeSetGroupInfoExCommand", r#"{"groupName":{"value":"wrapped"}}"#),
    ] {
        let reply = format!(r#"{{"verdict":"modify","changes":{change}}}"#);
        let host = setup().plugin("hostile", guests::replies("hostile", &reply), "*", "on_fault = \"deny\"").start();
        let answer = host.openim(command, &json!({ "groupID": "g_1", "remark": "a" })).await;
        assert_eq!(answer, openim_denies(UNCHECKED), "{command}: {change}");
        assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"reply_invalid\""]), 1.0, "{change}");
    }
}

#[tokio::test]
async fn a_plugin_that_cannot_decide_says_so() {
    let log = log::capture();
    let reply = br#"{"verdict":"fail","message":"member `userID` is missing"}"#;
    is_contained(guests::replies_when_provoked("hostile", reply), "undecided").await;
    let lines = log.lines_with("hostile: cannot decide: member `userID` is missing");
    assert_eq!(lines.len(), 4, "{}", log.text());
}

#[tokio::test]
async fn a_panic_is_logged_with_its_message() {
    let log = log::capture();
    let host = is_contained(guests::text("panics"), "panic").await;
    let lines = log.lines_with("hostile: panic: src/lib.rs:7: it is broken");
    assert_eq!(lines.len(), 4, "{}", log.text());
    assert!(lines.iter().all(|line| line.contains("WARN")), "{lines:?}");
    drop(host);
}

#[tokio::test]
async fn a_plugin_that_asks_for_the_time_is_told_where_it_is() {
    let source = std::fs::read_to_string(guests::fixture("guests/panics.wat")).unwrap();
    let (told, words) = ("src/lib.rs:7: it is broken", "src/lib.rs:7: time not implemented on this platform");
    let length = |text: &str| format!("(i32.const {})", text.len());
    let asks = source.replace(told, words).replace(&length(told), &length(words));
    assert_ne!(asks, source);
    let log = log::capture();
    let host = setup().plugin("asks", guests::assemble("asks", &asks), "*", "").start();
    host.openim(OPENIM, &json!({ "x": 1 })).await;
    assert_eq!(log.lines_with("use the callback's `arrived_unix_ms`").len(), 1, "{}", log.text());
}

#[tokio::test]
async fn what_was_burnt_and_why_no_more_is_told() {
    for (limits, told) in [
        (
            "fuel_per_call = 10_000",
            "out of fuel: more than 10000 units (`fuel_per_call`; `callgate profile` shows what burns it)",
        ),
        (
            "fuel_per_ms = 1000\ncall_within_ms = 200",
            "out of time: burnt the 200000 units of fuel that fit into the 200 ms it had, at 1000 a millisecond \
             (`fuel_per_ms`), instead of its 20000000 (`fuel_per_call`)",
        ),
    ] {
        let log = log::capture();
        let host = setup().limits(limits).plugin("spins", guests::text("spins"), "*", "").start();
        host.openim(OPENIM, &json!({ "x": 1 })).await;
        assert_eq!(log.lines_with(&format!("spins: {told}")).len(), 1, "{}", log.text());
    }
}

#[tokio::test]
async fn last_words_that_lie_are_not_believed() {
    let log = log::capture();
    // The words are cut where the contract ends them; what is there is not a message.
    is_contained(guests::text("lies-about-last-words"), "trap").await;
    assert!(log.text().lines().all(|line| line.len() < 2000), "{}", log.text());
}

#[tokio::test]
async fn last_words_outside_of_the_memory_are_not_read() {
    let source = std::fs::read_to_string(guests::fixture("guests/allocates-outside.wat")).unwrap();
    let source = source
        .replace("last_words\") i32 (i32.const 0)", "last_words\") i32 (i32.const -2)")
        .replace("(i64.const 0x800_0000_0013)", "(unreachable)");
    let host = setup().plugin("hostile", guests::assemble("hostile", &source), "*", "").start();
    assert_eq!(host.openim(OPENIM, &json!({})).await, openim_allows());
    assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"trap\""]), 1.0);
}

#[tokio::test]
async fn what_fuel_would_let_run_on_is_ended_by_time() {
    // Fuel would last for hours: only the epoch can end these.
    let limits = "fuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 200";
    is_contained_within(guests::text("spins"), "out_of_time", limits, PROVOKE).await;
    is_contained_within(guests::text("fills-memory"), "out_of_time", limits, PROVOKE).await;
}

#[tokio::test]
async fn fuel_counts_bytes_where_one_instruction_fills_many() {
    is_contained(guests::text("fills-memory"), "out_of_fuel").await;
}

#[tokio::test]
async fn a_chain_of_loops_is_answered_before_the_deadline() {
    let mut setup = setup()
        .limits("fuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 3_600_000")
        .platform("kind = \"openim\"\nanswer_within_ms = 100\non_fault = \"allow\"");
    for name in ["one", "two", "three"] {
        setup = setup.plugin(name, guests::text("spins"), "*", "");
    }
    let host = setup.start();
    let started = Instant::now();
    // The first one may be left out, as it failed itself. For the others there was no time, and a plugin that uses up
    // the time of those behind it must not get past them.
    assert_eq!(host.openim(OPENIM, &json!({ "x": 1 })).await, openim_denies(BUSY));
    // An hour each, if nothing ended them. A machine that is busy may be late, but not by this much.
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(host.metric("callgate_plugin_faults_total", &["fault=\"no_time\""]) >= 1.0);
}

/// One plugin that would go on for an hour, on a platform that has half a second and allows: the margin between the
/// guest's end and the deadline is then as wide as it gets, and a busy machine does not close it.
fn without_time(plugin: &str) -> TestHost {
    setup()
        .limits("fuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 3_600_000")
        .platform("kind = \"openim\"\nanswer_within_ms = 500\non_fault = \"allow\"")
        .plugin("changes", guests::replies("changes", r#"{"verdict":"modify","changes":{"status":1}}"#), "*Create*", "")
        .plugin("spins", guests::text("spins"), "*", plugin)
        .start()
}

#[tokio::test]
async fn a_plugin_that_the_deadline_stops_is_named() {
    let log = log::capture();
    let host = without_time("");
    for attempt in 1.. {
        host.openim(OPENIM, &json!({ "x": 1 })).await;
        if host.metric("callgate_plugin_faults_total", &["plugin=\"spins\"", "fault=\"out_of_time\""]) == 1.0 {
            break;
        }
        assert!(attempt < ATTEMPTS_MAX, "{}", log.text());
    }
    assert_eq!(log.lines_with("spins: out of time: more than").len(), 1, "{}", log.text());
    assert!(log.lines_with("more than 0 ms").is_empty(), "{}", log.text());
}

/// On a machine so busy that a guest's thread hardly gets a core, the host takes the blame: that happens, and does not
/// happen each time.
const ATTEMPTS_MAX: usize = 10;

#[tokio::test]
async fn a_plugin_that_the_deadline_stops_has_its_own_on_fault() {
    let host = without_time("on_fault = \"deny\"");
    for attempt in 1.. {
        let answer = host.openim(OPENIM, &json!({ "x": 1 })).await;
        if answer == openim_denies(UNCHECKED) {
            break;
        }
        assert_eq!(answer, openim_denies(BUSY));
        assert!(attempt < ATTEMPTS_MAX);
    }
}

#[tokio::test]
async fn a_plugin_that_had_no_core_when_the_deadline_came_is_not_to_blame() {
    let host = setup()
        .limits("calls_at_once_max = 1\nfuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 3_600_000")
        .platform("kind = \"openim\"\nanswer_within_ms = 15_000")
        .plugin("spins", guests::text("spins"), "*", "on_fault = \"allow\"")
        .start();
    let its = host.host().clone();
    let asked = tokio::spawn(async move {
        let request = http::Request::post(format!("/openim/{OPENIM}")).body(axum::body::Body::from(PROVOKE)).unwrap();
        axum::body::to_bytes(its.receive(request).await.into_body(), 65_536).await.unwrap()
    });
    while host.metric("callgate_running", &[]) < 1.0 {
        tokio::task::yield_now().await;
    }
    // The deadline comes at once. The plugin has had some milliseconds by now, instead of seconds.
    tokio::time::pause();
    let mut answer: Value = serde_json::from_slice(&asked.await.unwrap()).unwrap();
    answer["errDlt"] = json!("");
    assert_eq!(answer, openim_denies(BUSY));
    let faults = |labels: &[&str]| host.metric("callgate_plugin_faults_total", labels);
    assert_eq!((faults(&["fault=\"no_time\""]), faults(&[])), (1.0, 1.0));
}

#[tokio::test]
async fn what_was_decided_before_the_deadline_is_kept() {
    // The changed member stands at the end of the body, so it is what provokes.
    let host = without_time("");
    for attempt in 1.. {
        let answer = host.openim("callbackBeforeCreateGroupCommand", &json!({ "status": 0 })).await;
        if answer["status"] == 1 {
            break;
        }
        assert!(attempt < ATTEMPTS_MAX, "{answer}");
    }
}

#[tokio::test]
async fn a_panic_after_memory_was_denied_is_a_panic() {
    let source = r#"(module {contract}
        (func $provoked (param i32 i32) (result i64)
            (drop (memory.grow (i32.const 60000)))
            (i32.store (i32.const 0) (i32.const 4))
            (i32.store (i32.const 4) (i32.const 0x21706f6e))
            (unreachable)))"#;
    let log = log::capture();
    is_contained(guests::assemble("hostile", source), "panic").await;
    assert_eq!(log.lines_with("hostile: panic: nop!").len(), 4, "{}", log.text());
}

#[tokio::test]
async fn a_fault_cannot_stop_what_is_already_done() {
    let host = four_platforms("").plugin("hostile", guests::text("gives-up"), "*", "on_fault = \"deny\"").start();
    assert_eq!(post(&host, &format!("/openim/deny/{OPENIM_AFTER}"), PROVOKE).await, openim_allows());
    let path = "/tencent/deny?SdkAppid=1400000000&CallbackCommand=Group.CallbackAfterSendMsg";
    assert_eq!(post(&host, path, PROVOKE).await, tencent_answers(0, ""));
    assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"trap\""]), 2.0);
}

#[tokio::test]
async fn a_denial_by_fault_refuses_each_user_where_a_code_would_allow() {
    let host = four_platforms("").plugin("hostile", guests::text("gives-up"), "*", "").start();
    let path = "/tencent/deny?SdkAppid=1400000000&CallbackCommand=Sns.CallbackPrevFriendAdd";
    let body = r#"{"FriendItem":[{"To_Account":"id1"},{"To_Account":"id2"}],"x":1}"#;
    let refused = |user: &str| json!({ "To_Account": user, "ResultCode": 38000, "ResultInfo": UNCHECKED });
    let expected = json!({
        "ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "", "ResultItem": [refused("id1"), refused("id2")]
    });
    assert_eq!(post(&host, path, body).await, expected);
}

#[tokio::test]
async fn a_fault_never_reaches_the_chat_server_as_text() {
    for guest in ["spins", "panics", "reply-outside"] {
        let host = setup().plugin("hostile", guests::text(guest), "*", "on_fault = \"deny\"").start();
        let answer = host.openim(OPENIM, &json!({ "x": 1 })).await.to_string();
        for told in ["hostile", "fuel", "broken", "memory", "plugin", "panic"] {
            assert!(!answer.contains(told), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_callbacks_than_workers_wait_for_one_another() {
    let deny = guests::replies("denies", r#"{"verdict":"deny","code":5007,"message":"no"}"#);
    let host = std::sync::Arc::new(setup().limits("calls_at_once_max = 1").plugin("denies", deny, "*", "").start());
    let posts: Vec<_> = (0..200)
        .map(|_| {
            let host = std::sync::Arc::clone(&host);
            tokio::spawn(async move { host.openim(OPENIM, &json!({})).await })
        })
        .collect();
    for post in posts {
        assert_eq!(post.await.unwrap()["errCode"], 5007);
    }
    assert_eq!(host.metric("callgate_plugin_calls_total", &["plugin=\"denies\""]), 200.0);
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0);
}

/// A plugin that takes the only worker for a second when it is provoked, and a platform that waits for 20 ms.
fn one_worker(on_overload: &str) -> TestHost {
    setup()
        .limits("calls_at_once_max = 1\nfuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 1000")
        .platform("kind = \"openim\"\non_fault = \"deny\"")
        .platform(&format!(
            "kind = \"openim\"\nname = \"hasty\"\npath = \"/hasty\"\nanswer_within_ms = 20\n{on_overload}"
        ))
        .plugin("spins", guests::text("spins"), "*", "")
        .start()
}

#[tokio::test]
async fn without_time_the_platform_says_what_happens_and_the_plugin_is_not_to_blame() {
    // Not "allow" by default, whatever `on_fault` says: who makes a host busy must not get past it.
    for (on_overload, expected) in [
        ("on_fault = \"allow\"", openim_denies(BUSY)),
        ("on_fault = \"allow\"\non_overload = \"deny\"", openim_denies(BUSY)),
        ("on_fault = \"deny\"\non_overload = \"allow\"", openim_allows()),
    ] {
        let host = one_worker(on_overload);
        let (slow, hasty) = (format!("/openim/{OPENIM}"), format!("/hasty/{OPENIM}"));
        let (first, mut second) = tokio::join!(post(&host, &slow, PROVOKE), post(&host, &hasty, SPARE));
        // The refusal says what it would have waited for.
        let detail = std::mem::replace(&mut second["errDlt"], json!(""));
        assert!(detail == "" || detail.as_str().unwrap().starts_with("overloaded: `"), "{detail}");
        assert_eq!((first, second), (openim_denies(UNCHECKED), expected), "{on_overload}");
        let faults = |labels: &[&str]| host.metric("callgate_plugin_faults_total", labels);
        assert_eq!(faults(&["plugin=\"\"", "fault=\"no_time\""]), 1.0, "{on_overload}");
        assert_eq!(faults(&["plugin=\"spins\"", "fault=\"out_of_time\""]), 1.0, "{on_overload}");
        assert_eq!(faults(&[]), 2.0, "{on_overload}");
    }
}

// ---------------------------------------------------------------------------------- what one plugin costs another

/// A plugin that is never quick, because its reply is long; and denies with code 5007.
fn long_reply() -> std::path::PathBuf {
    let reply = json!({ "verdict": "deny", "code": 5007, "message": "no", "detail": "x".repeat(200_000) });
    guests::replies("long-reply", &reply.to_string())
}

#[tokio::test]
async fn a_plugin_that_takes_its_part_of_the_workers_does_not_hold_up_another() {
    let host = setup()
        .limits("calls_at_once_max = 4\nfuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 2000\nbreaker_faults_max = 0")
        .plugin("hostile", guests::text("spins"), OPENIM, "")
        .plugin("calm", long_reply(), "callbackBeforeAddBlackCommand", "")
        .start();
    let hostile = async {
        let path = format!("/openim/{OPENIM}");
        tokio::join!(post(&host, &path, PROVOKE), post(&host, &path, PROVOKE), post(&host, &path, PROVOKE));
    };
    let calm = host.post("/openim/callbackBeforeAddBlackCommand", SPARE);
    // The hostile ones come first, and each of them takes two seconds.
    tokio::select! {
        biased;
        () = hostile => panic!("the hostile calls have ended first"),
        answer = calm => assert_eq!(answer.body["errCode"], 5007, "{:?}", answer.body),
    }
    assert_eq!(host.metric("callgate_plugin_calls_on_workers_total", &["plugin=\"calm\""]), 1.0);
}

#[tokio::test]
async fn a_chain_that_is_handed_over_half_way_asks_nobody_twice() {
    let log = log::capture();
    let says = json!({ "verdict": "allow", "log": [{ "level": "info", "text": "once" }], "records": [1] });
    let host = setup()
        .tables("[log]\nlog_payloads = true")
        .plugin("says", guests::replies("says", &says.to_string()), "*", "")
        .plugin("long", long_reply(), "*", "")
        .start();
    assert_eq!(host.openim(OPENIM, &json!({})).await["errCode"], 5007);
    assert_eq!(log.lines_with("once").len(), 1, "{}", log.text());
    assert_eq!(host.records(), [json!(1)]);
    for (plugin, on_workers) in [("says", 0.0), ("long", 1.0)] {
        let label = format!("plugin=\"{plugin}\"");
        assert_eq!(host.metric("callgate_plugin_calls_total", &[&label]), 1.0, "{plugin}");
        assert_eq!(host.metric("callgate_plugin_calls_on_workers_total", &[&label]), on_workers, "{plugin}");
    }
}

#[tokio::test]
async fn what_a_call_costs_is_counted_also_where_it_burns_no_fuel() {
    let limits = "breaker_faults_max = 0";
    let host = setup().limits(limits).plugin("pages", guests::text("touches-pages"), "*", "").start();
    host.post(&format!("/openim/{OPENIM}"), PROVOKE).await;
    let cpu = host.metric("callgate_plugin_cpu_seconds_total", &["plugin=\"pages\""]);
    let fuel = host.metric("callgate_plugin_fuel_total", &["plugin=\"pages\""]);
    // 16 384 page faults, of which none is cheaper than 0.1 us on any machine.
    assert!(cpu > 0.001 && fuel < 1_000_000.0, "{cpu} s, {fuel} fuel");
    assert_eq!(host.metric("callgate_plugin_calls_on_workers_total", &[]), 1.0);
}

#[tokio::test]
async fn an_element_of_a_batch_that_is_no_object_is_refused() {
    let host = setup().plugin("allow", guests::replies("allow", r#"{"verdict":"allow"}"#), "Push.*", "").start();
    let path = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=Push.OfflinePush";
    for element in ["1", "null", "\"{}\"", "[]"] {
        let answer = host.post(path, format!(r#"{{"Events":[{{}},{element}]}}"#)).await;
        assert_eq!(answer.status, 400, "{element}");
    }
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 0.0);
}

#[tokio::test]
async fn a_batch_that_takes_too_long_is_answered_in_time() {
    let host = setup()
        .limits("call_within_ms = 100\nfuel_per_call = 4_000_000_000_000_000_000\nbreaker_faults_max = 0")
        .platform("kind = \"tencent-chat\"\nanswer_within_ms = 500\n[[platform.app]]\nid = 1")
        .plugin("spins", guests::text("spins"), "Push.*", "")
        .start();
    let body = format!(r#"{{"Events":[{}]}}"#, vec![r#"{"x":1}"#; 100].join(","));
    post(&host, "/tencent-chat?SdkAppid=1&CallbackCommand=Push.OfflinePush", &body).await;
    // A hundred times 100 ms, if nothing ended it.
    let calls = host.metric("callgate_plugin_calls_total", &[]);
    assert!(calls < 50.0, "{calls}");
    assert!(host.metric("callgate_plugin_faults_total", &["fault=\"no_time\""]) >= 1.0);
}

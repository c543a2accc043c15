//! After-callbacks: acknowledged once they are in the journal, processed later.

use std::path::PathBuf;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use callgate::admin;
use callgate::edge::Readiness;
use callgate_journal::{EntryFilter, EntryId, EntryState, Page, RecordFilter};
use harness::receiver::{Does, Receiver, SECRET};
use harness::{NOW_UNIX_MS, Setup, TestHost, guests, setup};
use http::StatusCode;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const SENT: &str = "callbackAfterSendGroupMsgCommand";

fn in_journal() -> Setup {
    with_journal("")
}

/// Both platforms, and a journal with these settings.
fn with_journal(toml: &str) -> Setup {
    setup().tables(&format!(
        "[journal]
{toml}"
    ))
}

fn message(number: usize) -> Value {
    json!({ "groupID": "g9", "sendID": "mei", "clientMsgID": format!("m{number}"), "content": "hi" })
}

/// The data of all records in the journal, in order.
fn records(host: &TestHost) -> Vec<Value> {
    let page = Page { limit: 10_000, newest_first: false, ..Page::default() };
    let records = host.journal().records(&RecordFilter::default(), page).unwrap();
    records.iter().map(|record| serde_json::from_str(&record.record.data).unwrap()).collect()
}

#[tokio::test]
async fn an_after_callback_is_acknowledged_when_it_is_kept_and_worked_off_later() {
    let host = in_journal().plugin("tells", guests::tells("tells"), "*", "").start_with_journal().await;
    let answer = host.openim(SENT, &message(1)).await;
    assert_eq!((answer["actionCode"].clone(), answer["nextCode"].clone()), (json!(0), json!(0)));
    let numbers = host.until(|numbers| numbers.backlog == 0).await;
    assert_eq!((numbers.accepted, numbers.done, numbers.records), (1, 1, 1));
    let record = &records(&host)[0];
    assert_eq!((&record["body"], &record["command"]), (&message(1), &json!(SENT)));
    assert_eq!(record["arrived_unix_ms"], NOW_UNIX_MS);
    assert_eq!(host.metric("callgate_plugin_calls_total", &["plugin=\"tells\""]), 1.0);
    assert_eq!(host.metric("callgate_journal_done_total", &[]), 1.0);
    assert_eq!(host.metric("callgate_records_written_total", &[]), 1.0);
    assert_eq!(host.metric("callgate_callbacks_total", &[SENT, "allow"]), 1.0);
}

#[tokio::test]
async fn a_plugin_gets_from_the_journal_to_the_byte_what_it_gets_inline() {
    let path =
        "/tencent-chat?SdkAppid=1400000000&CallbackCommand=Group.CallbackAfterSendMsg&ClientIP=1.2.3.4&x=%20y&x=z";
    let body = "{ \"GroupId\" : \"g\",\n\"MsgSeq\":1.50e1 ,\"GroupId\":\"h\"}";
    let plugin = |setup: Setup| setup.plugin("tells", guests::tells("tells"), "*", "");
    let inline = plugin(setup()).start();
    inline.post(path, body).await;
    let host = plugin(in_journal()).start_with_journal().await;
    host.post(path, body).await;
    host.until(|numbers| numbers.backlog == 0).await;
    assert_eq!(records(&host), inline.records());
}

#[tokio::test]
async fn entries_of_one_key_are_worked_off_in_order() {
    let host = in_journal().plugin("tells", guests::tells("tells"), "*", "").start_with_journal().await;
    for number in 0..50 {
        host.openim(SENT, &message(number)).await;
    }
    host.until(|numbers| numbers.backlog == 0).await;
    let ids: Vec<_> = records(&host).iter().map(|record| record["body"]["clientMsgID"].clone()).collect();
    assert_eq!(ids, (0..50).map(|number| json!(format!("m{number}"))).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failing_key_is_parked_tried_again_and_dead_in_the_end_and_others_go_on() {
    let fails = guests::replies_when_provoked("fails", br#"{"verdict":"fail","message":"no"}"#);
    let host = with_journal("attempts_max = 3")
        .limits("breaker_faults_max = 0")
        .plugin("fails", fails, "*", "")
        .start_with_journal()
        .await;
    host.openim(SENT, &json!({ "groupID": "bad", "clientMsgID": "1", "x": 1 })).await;
    host.openim(SENT, &message(1)).await;
    let numbers = host.until(|numbers| numbers.done == 1 && numbers.attempts_failed == 1).await;
    assert_eq!((numbers.backlog, numbers.parked_keys, numbers.dead), (1, 1, 0));
    for attempts in 2..=3 {
        host.advance_journal_ms(3_600_000);
        host.until(|numbers| numbers.attempts_failed == attempts).await;
    }
    let numbers = host.until(|numbers| numbers.dead == 1).await;
    assert_eq!((numbers.backlog, numbers.parked_keys), (0, 0));
    let attempts = host.journal().attempts(EntryId(1)).unwrap();
    assert_eq!(attempts.len(), 3);
    assert_eq!(attempts[0].failure.plugin.as_deref(), Some("fails"));
    assert_eq!(attempts[0].failure.fault, "undecided");
    // The texts of plugins may quote what users wrote.
    assert_eq!(attempts[0].failure.message, "cannot decide");
    assert_eq!(host.metric("callgate_journal_dead", &[]), 1.0);
}

/// A counter of callbacks, and a plugin that returns the count of `mei` as a record, followed by another plugin.
fn counts_before(module: PathBuf, toml: &str, journal: &str) -> Setup {
    let sent = "[[fact]]\nname = \"sent\"\nsource = \"counter\"\nwindow_ms = 60000\ncount = \"callbacks\"";
    let counts = guests::knows("counts", &["sent"], &[], r#"[{"fact":"sent","key":"mei"}]"#, "");
    with_journal(journal).tables(sent).plugin("counts", counts, "*", "").plugin("then", module, "*", toml)
}

/// What the plugin of [`counts_before`] was given for its last record.
fn last_count(host: &TestHost) -> Value {
    let is_its = |record: &Value| record["facts"].is_array();
    records(host).into_iter().rfind(is_its).unwrap()["facts"][0]["value"].clone()
}

#[tokio::test]
async fn an_entry_that_is_put_back_untried_counts_once() {
    let two = || guests::replies("then", r#"{"verdict":"allow","records":[1,2]}"#);
    let host = counts_before(two(), "records_per_second_max = 1", "").start_with_journal().await;
    host.openim(SENT, &message(1)).await;
    for tries in 1..=3 {
        let calls = || host.metric("callgate_plugin_calls_total", &["plugin=\"then\""]);
        host.until(|numbers| numbers.parked_keys == 1 && numbers.working == 0 && calls() == f64::from(tries)).await;
        host.advance_journal_ms(3_600_000);
    }
    host.write("host.toml", counts_before(two(), "records_per_second_max = 1000", "").toml());
    host.reload().unwrap();
    while host.until(|numbers| numbers.parked_keys == 1 || numbers.done == 1).await.done == 0 {
        host.advance_journal_ms(3_600_000);
    }
    assert_eq!(last_count(&host), 1);
    // Another one counts.
    host.openim(SENT, &message(2)).await;
    host.until(|numbers| numbers.done == 2).await;
    assert_eq!(last_count(&host), 2);
}

#[tokio::test]
async fn a_dead_entry_that_is_retried_counts_once() {
    let fails = guests::replies("then", r#"{"verdict":"fail","message":"no"}"#);
    let host = counts_before(fails, "", "attempts_max = 1").start_with_journal().await;
    host.openim(SENT, &message(1)).await;
    host.until(|numbers| numbers.dead == 1).await;
    let mends = guests::replies("mends", r#"{"verdict":"allow"}"#);
    host.write("host.toml", counts_before(mends, "", "attempts_max = 1").toml());
    host.reload().unwrap();
    let request = Request::post("/api/v1/journal/retry").body(Body::from("{}")).unwrap();
    let answer = admin::routes(host.host().clone(), Readiness::default()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    host.until(|numbers| numbers.done == 1).await;
    assert_eq!(last_count(&host), 1);
}

#[tokio::test]
async fn a_plugin_that_is_gone_is_a_failed_attempt_that_heals_when_it_is_back() {
    let with = in_journal().plugin("tells", guests::tells("tells"), "*", "");
    let without = in_journal();
    let host = with.start();
    // Accepted, and not processed before the host stops.
    host.host().open_journal(callgate_journal::Clock::manual(0)).unwrap();
    host.openim(SENT, &message(1)).await;
    let host = host.restart(&without).await;
    host.until(|numbers| numbers.attempts_failed == 1).await;
    assert_eq!(host.journal().attempts(EntryId(1)).unwrap()[0].failure.fault, "no_plugin");
    let host = host.restart(&with).await;
    host.advance_journal_ms(3_600_000);
    host.until(|numbers| numbers.done == 1).await;
    assert_eq!(records(&host).len(), 1);
}

#[tokio::test]
async fn each_element_of_a_batch_is_an_entry_of_its_own() {
    let host = in_journal().plugin("tells", guests::tells("tells"), "*", "").start_with_journal().await;
    let events: Vec<Value> =
        (0..100).map(|n| json!({ "MsgKey": n.to_string(), "To_Account": "a", "PushStage": 1 })).collect();
    let answer = host.tencent("Push.OfflinePush", &json!({ "Events": events })).await;
    assert_eq!(answer["ActionStatus"], "OK");
    let numbers = host.until(|numbers| numbers.backlog == 0).await;
    assert_eq!((numbers.accepted, numbers.done), (100, 100));
    assert_eq!(records(&host).len(), 100);
}

#[tokio::test]
async fn a_repeat_is_acknowledged_and_not_worked_off_again() {
    let host = in_journal().plugin("tells", guests::tells("tells"), "*", "").start_with_journal().await;
    for _ in 0..3 {
        host.openim(SENT, &message(1)).await;
    }
    // The same ID with another content is no repeat: users' clients choose those IDs.
    host.openim(SENT, &json!({ "groupID": "g9", "clientMsgID": "m1", "content": "other" })).await;
    let numbers = host.until(|numbers| numbers.backlog == 0).await;
    assert_eq!((numbers.repeats, numbers.done), (2, 2));
}

#[tokio::test]
async fn commands_without_a_plugin_and_inline_ones_are_not_journaled() {
    let host = in_journal()
        .platform("kind = \"openim\"\nmode_for = { \"callbackAfterSendSingle*\" = \"inline\" }")
        .plugin("tells", guests::tells("tells"), "callbackAfterSend*", "")
        .start_with_journal()
        .await;
    host.openim("callbackAfterUserRegisterCommand", &json!({ "users": [] })).await;
    host.openim("callbackAfterSendSingleMsgCommand", &json!({ "sendID": "a", "recvID": "b" })).await;
    host.openim("callbackBeforeSendGroupMsgCommand", &message(1)).await;
    assert_eq!(host.until(|_| true).await.accepted, 0);
    assert_eq!(host.metric("callgate_plugin_calls_total", &["plugin=\"tells\""]), 1.0);
    host.openim(SENT, &message(1)).await;
    assert_eq!(host.until(|numbers| numbers.backlog == 0).await.accepted, 1);
}

#[tokio::test]
async fn a_full_journal_refuses_in_the_form_of_the_chat_server_or_counts_what_it_loses() {
    let fill = json!({ "groupID": "g", "fill": "x".repeat(1 << 20) });
    let full = |when: &str| {
        with_journal(&format!("bytes_max = 16777216\nwhen_full = \"{when}\"")).plugin(
            "spins",
            guests::text("spins"),
            "*",
            "work_within_ms = 3600000",
        )
    };
    let host = full("refuse").start();
    host.host().open_journal(callgate_journal::Clock::manual(0)).unwrap();
    let mut refused = None;
    for _ in 0..40 {
        let answer = host.post(&format!("/openim/{SENT}"), fill.to_string()).await;
        if answer.status != StatusCode::OK {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("it is full in the end");
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    // OpenIM logs a failure exactly for this.
    assert_eq!((&refused.body["actionCode"], &refused.body["nextCode"]), (&json!(0), &json!(1)));
    let path = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=Group.CallbackAfterSendMsg";
    let tencent = host.post(path, fill.to_string()).await;
    assert_eq!((tencent.status, &tencent.body["ActionStatus"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("FAIL")));
    assert_eq!(host.metric("callgate_refusals_total", &["journal_full"]), 2.0);
    assert_eq!(host.metric("callgate_journal_full", &[]), 1.0);

    let host = full("acknowledge_and_count").start();
    host.host().open_journal(callgate_journal::Clock::manual(0)).unwrap();
    for _ in 0..40 {
        host.openim(SENT, &fill).await;
    }
    assert!(host.metric("callgate_journal_acknowledged_and_lost_total", &[]) > 0.0);
}

#[tokio::test]
async fn work_has_its_own_fuel() {
    // By default in proportion to its time: 10 s for 250 ms. Or what the settings say.
    for (toml, fuel) in [("fuel_per_call = 1000", 40_000.0), ("fuel_per_call = 1000\nfuel_per_work = 5000", 5000.0)] {
        let host = in_journal()
            .limits("breaker_faults_max = 0")
            .plugin("spins", guests::text("spins"), "*", toml)
            .start_with_journal()
            .await;
        host.openim(SENT, &json!({ "groupID": "g", "x": 1 })).await;
        host.until(|numbers| numbers.attempts_failed == 1).await;
        let failure = host.journal().attempts(EntryId(1)).unwrap()[0].failure.clone();
        assert_eq!(failure.fault, "out_of_fuel");
        let told = format!("more than {fuel} units (`fuel_per_work`;");
        assert!(failure.message.contains(&told), "{}", failure.message);
        assert_eq!(host.metric("callgate_plugin_fuel_total", &["plugin=\"spins\""]), fuel);
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_worked_off_after_a_restart() {
    let setup = in_journal().plugin("tells", guests::tells("tells"), "*", "");
    let host = setup.start();
    host.host().open_journal(callgate_journal::Clock::manual(0)).unwrap();
    for number in 0..20 {
        host.openim(SENT, &message(number)).await;
    }
    let waiting = EntryFilter { state: Some(EntryState::Waiting), ..EntryFilter::default() };
    host.host().settle_journal().await;
    assert_eq!(host.journal().count_entries(&waiting).unwrap(), 20);
    let host = host.restart(&setup).await;
    host.until(|numbers| numbers.done == 20).await;
    assert_eq!(records(&host).len(), 20);
}

#[tokio::test]
async fn keys_are_hashes_where_the_log_shows_no_users_whichever_way_a_record_comes() {
    for (users, key) in [("yes", "g9"), ("hashed", G9_HASHED), ("no", G9_HASHED)] {
        let host = with_journal("")
            .tables(&format!("[log]\nlog_users = \"{users}\""))
            .platform("kind = \"openim\"\nmode_for = { \"callbackAfterQuit*\" = \"inline\" }")
            .plugin("tells", guests::tells("tells"), "*", "")
            .start_with_journal()
            .await;
        // From a before-callback, from an acknowledged one, and inline.
        for command in ["callbackBeforeSendGroupMsgCommand", SENT, "callbackAfterQuitGroupCommand"] {
            host.openim(command, &message(1)).await;
        }
        host.until(|numbers| numbers.backlog == 0).await;
        host.host().settle_journal().await;
        let found = host.journal().records(&RecordFilter::default(), Page { limit: 10, ..Page::default() }).unwrap();
        let keys: Vec<&str> = found.iter().map(|found| found.record.key.as_str()).collect();
        assert_eq!(keys, [key; 3], "{users}");
    }
}

/// As `printf g9 | sha256sum | cut -c 1-16` says.
const G9_HASHED: &str = "00d060262511fc08";

#[tokio::test]
async fn an_entry_that_runs_ends_with_what_it_began_with_and_the_next_attempt_has_what_a_reload_brought() {
    let with = |plugin: &str, module| {
        // The call runs out of fuel, not of time: on a busy machine, a timeout would count as the host's fault and not
        // as a failed attempt.
        let ends = "work_within_ms = 3_600_000\nfuel_per_work = 300_000_000";
        in_journal().limits("breaker_faults_max = 0").plugin(plugin, module, "*", ends)
    };
    let host = with("spins", guests::text("spins")).start_with_journal().await;
    host.openim(SENT, &json!({ "groupID": "g9", "clientMsgID": "m0", "x": 1 })).await;
    while host.host().journal_numbers().working == 0 {
        tokio::task::yield_now().await;
    }
    host.write("host.toml", with("tells", guests::tells("tells")).toml());
    assert!(host.reload().unwrap().is_new);
    // Behind it, in order.
    host.openim(SENT, &message(1)).await;
    host.until(|numbers| numbers.attempts_failed == 1).await;
    let failure = &host.journal().attempts(EntryId(1)).unwrap()[0].failure;
    assert_eq!((failure.plugin.as_deref(), failure.fault.as_str()), (Some("spins"), "out_of_fuel"));
    host.advance_journal_ms(3_600_000);
    let numbers = host.until(|numbers| numbers.backlog == 0).await;
    assert_eq!((numbers.done, numbers.attempts_failed), (2, 1));
    let ids: Vec<_> = records(&host).iter().map(|record| record["body"]["clientMsgID"].clone()).collect();
    assert_eq!(ids, ["m0", "m1"]);
}

#[tokio::test]
async fn a_body_of_eight_mebibytes_is_kept_whole() {
    let host = in_journal()
        .plugin("tells", guests::tells("tells"), "*", "reply_bytes_max = 16777216\nrecord_bytes_max = 16777216")
        .start_with_journal()
        .await;
    let body = format!("{{\"groupID\":\"g\",\"fill\":\"{}\"}}", "x".repeat((8 << 20) - 25));
    let answer = host.post(&format!("/openim/{SENT}"), body.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    host.until(|numbers| numbers.backlog == 0).await;
    assert_eq!(records(&host)[0]["body"]["fill"].as_str().unwrap().len(), (8 << 20) - 25);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_until_a_sink_that_keeps_up_has_what_is_on_disk() {
    const MESSAGES: usize = 60;
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let receiver = Receiver::start(move |_| {
        let _ = gate.lock().unwrap().recv();
        Does::Takes
    });
    let receiver = receiver.await;
    let sink = format!(
        "[[sink]]\nname = \"app\"\nkind = \"http\"\nurl = \"{}\"\nallow_http = true\n\
         secrets = [{{ file = \"secret\" }}]",
        receiver.url()
    );
    let setup = in_journal().tables(&sink).file("secret", SECRET);
    let host = setup.plugin("tells", guests::tells("tells"), "*", "").start_with_journal().await;
    for number in 0..MESSAGES {
        host.openim(SENT, &message(number)).await;
    }
    host.until(|numbers| numbers.backlog == 0).await;
    host.host().begin_no_entries();
    // They have the same key, so they are processed one at a time.
    drop(open);
    host.host().close_journal(Duration::from_secs(60)).await;
    assert_eq!(receiver.taken(0).await.len(), MESSAGES);
}

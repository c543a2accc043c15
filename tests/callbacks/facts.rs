//! Facts: needs are looked up in time and passed with the callback; updates are applied.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::Request;
use harness::guests::knows;
use harness::{Setup, TestHost, log, setup};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

const BEFORE: &str = "callbackBeforeSendSingleMsgCommand";

/// A counter that counts callbacks, a counter that is only updated, and a file.
const FACTS: &str = r#"
[[fact]]
name = "sent"
source = "counter"
window_ms = 1000
count = "callbacks"
[[fact]]
name = "strikes"
source = "counter"
count = "updates"
window_ms = 5000
[[fact]]
name = "banned"
source = "file"
path = "banned.txt"
format = "lines"
"#;

/// A plugin that asks for these facts, each with a key.
fn asks(facts: &[(&str, &str)]) -> PathBuf {
    let needs: Vec<Value> = facts.iter().map(|(fact, key)| json!({ "fact": fact, "key": key })).collect();
    let mut names: Vec<&str> = facts.iter().map(|(fact, _)| *fact).collect();
    names.dedup();
    knows("asks", &names, &[], &json!(needs).to_string(), "")
}

fn with(module: PathBuf, toml: &str) -> Setup {
    setup().tables(FACTS).file("banned.txt", "u1\nu2\n").plugin("asks", module, "*", toml)
}

/// The facts in the last input of the plugin.
async fn given(host: &TestHost) -> Value {
    host.openim(BEFORE, &json!({ "sendID": "u1" })).await;
    host.records().pop().unwrap_or_default()["facts"].clone()
}

#[tokio::test]
async fn facts_come_before_the_body_as_they_are_known() {
    let host = with(asks(&[("sent", "u1"), ("banned", "u1"), ("banned", "u3")]), "").start();
    let banned = json!({ "fact": "banned", "key": "u1", "value": true, "age_ms": 0 });
    let not_banned = json!({ "fact": "banned", "key": "u3", "value": null, "why": "absent" });
    let sent = |count: u64| json!({ "fact": "sent", "key": "u1", "value": count, "age_ms": 0 });
    assert_eq!(given(&host).await, json!([sent(1), banned, not_banned]));
    assert_eq!(given(&host).await, json!([sent(2), banned, not_banned]));
    host.advance_clock_ms(999);
    assert_eq!(given(&host).await[0], sent(3));
    host.advance_clock_ms(1);
    assert_eq!(given(&host).await[0], sent(2), "the first two are a window old");
    let text = std::fs::read_to_string(host.path("records.jsonl")).unwrap();
    let last = text.lines().last().unwrap();
    assert!(
        last.contains(r#","facts":[{"fact":"sent","key":"u1","value":2,"age_ms":0},"#)
            && last.find("\"facts\"") < last.find("\"body\""),
        "{last}"
    );
    assert_eq!(host.metric("callgate_facts_total", &["fact=\"banned\"", "result=\"known\""]), 4.0);
    assert_eq!(host.metric("callgate_facts_total", &["fact=\"banned\"", "result=\"absent\""]), 4.0);
    assert_eq!(host.metric("callgate_fact_entries", &["fact=\"sent\""]), 1.0);
}

#[tokio::test]
async fn a_name_in_the_code_is_the_fact_that_the_settings_say() {
    let host = with(asks(&[("how_many", "u1")]), "facts = { how_many = \"sent\" }").start();
    assert_eq!(given(&host).await, json!([{ "fact": "how_many", "key": "u1", "value": 1, "age_ms": 0 }]));
}

#[tokio::test]
async fn a_fact_for_a_plugin_is_for_its_candidate_too() {
    let facts = FACTS.replace("count = \"callbacks\"", "count = \"callbacks\"\nplugins = [\"asks\"]");
    let candidate = asks(&[("sent", "u2")]);
    let shadow =
        format!("[[shadow]]\nname = \"new\"\nreplace = \"asks\"\nwasm = \"{}\"\npercent = 100", candidate.display());
    let module = asks(&[("sent", "u1")]);
    let host = setup().tables(&facts).tables(&shadow).file("banned.txt", "u1\n").plugin("asks", module, "*", "");
    assert_eq!(given(&host.start()).await, json!([{ "fact": "sent", "key": "u2", "value": 1, "age_ms": 0 }]));
}

#[tokio::test]
async fn a_candidate_is_compared_with_the_same_facts_and_changes_none() {
    let needs = r#"[{"fact":"sent","key":"u1"},{"fact":"strikes","key":"u1"}]"#;
    let adds = |name| {
        let updates = r#","updates":[{"fact":"strikes","key":"u1","add":2}]"#;
        knows(name, &["sent", "strikes"], &[], needs, updates)
    };
    let shadow = format!("[[shadow]]\nname = \"new\"\nreplace = \"asks\"\nwasm = \"{}\"", adds("candidate").display());
    let host =
        setup().tables(FACTS).tables(&shadow).file("banned.txt", "").plugin("asks", adds("asks"), "*", "").start();
    for (sent, strikes) in [(1, 0), (2, 2), (3, 4)] {
        host.openim("callbackAfterSendSingleMsgCommand", &json!({ "sendID": "u1" })).await;
        let facts = host.records().pop().unwrap()["facts"].clone();
        assert_eq!((&facts[0]["value"], &facts[1]["value"]), (&json!(sent), &json!(strikes)));
        host.host().compared().await;
    }
    // Its records, which contain its facts, are the same.
    assert_eq!(host.metric("callgate_shadow_callbacks_total", &["outcome=\"same\""]), 3.0);
}

#[tokio::test]
async fn what_has_happened_is_dealt_with_even_if_the_client_goes_while_a_fact_is_looked_up() {
    const AFTER: &str = "callbackAfterSendSingleMsgCommand";
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = setup().tables(&level_of(&service)).plugin("asks", asks(&[("level", "u1")]), "*", "").start();
    let its = host.host().clone();
    let body = format!(r#"{{"callbackCommand":"{AFTER}","operationID":"o"}}"#);
    let request = Request::post(format!("/openim/{AFTER}")).body(Body::from(body)).unwrap();
    let client = tokio::spawn(async move { its.receive(request).await.status() });
    let (mut asked, _) = service.accept().await.unwrap();
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    asked.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7").await.unwrap();
    while host.records().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(host.records()[0]["facts"][0]["value"], json!(7));
}

/// A fact from this web service.
fn level_of(service: &TcpListener) -> String {
    format!(
        "[[fact]]\nname = \"level\"\nsource = \"http\"\nurl = \"http://{}/{{key}}\"\nallow_http = true\n\
         private_networks = [\"127.0.0.0/8\"]",
        service.local_addr().unwrap()
    )
}

#[tokio::test]
async fn the_facts_of_a_batch_are_looked_up_together() {
    const EVENTS: usize = 8;
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fact = level_of(&service);
    let asked = Arc::new(AtomicUsize::new(0));
    let its_asked = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut asking, _) = service.accept().await.unwrap();
            its_asked.fetch_add(1, Ordering::Relaxed);
            asking.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n7").await.unwrap();
        }
    });
    let host = setup().tables(&fact).plugin("asks", asks(&[("level", "u1")]), "*", "").start();
    host.tencent("Push.OfflinePush", &json!({ "Events": vec![json!({ "x": 1 }); EVENTS] })).await;
    let given: Vec<Value> = host.records().iter().map(|record| record["facts"][0]["value"].clone()).collect();
    assert_eq!(given, vec![json!(7); EVENTS]);
    // What is asked while the same is asked already is one request. One after another, each event would send its own.
    let asked = asked.load(Ordering::Relaxed);
    assert!((1..EVENTS).contains(&asked), "{asked}");
}

#[tokio::test]
async fn why_a_fact_could_not_be_looked_up_is_logged_once() {
    let log = log::capture();
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fact = level_of(&service);
    tokio::spawn(async move {
        loop {
            let (mut asking, _) = service.accept().await.unwrap();
            asking.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>").await.unwrap();
        }
    });
    let host = setup().tables(&fact).plugin("asks", asks(&[("level", "u1")]), "*", "").start();
    for _ in 0..3 {
        assert_eq!(given(&host).await[0]["why"], "failed");
    }
    let lines = log.lines_with("request to the source of a fact failed");
    assert!(lines.len() == 1 && lines[0].contains("not JSON") && lines[0].contains("level"), "{lines:?}");
}

#[tokio::test]
async fn several_plugins_that_ask_for_the_same_share_one_answer() {
    let two = with(asks(&[("sent", "u1"), ("sent", "u1")]), "").plugin("too", asks(&[("sent", "u1")]), "*", "");
    let host = two.start();
    host.openim(BEFORE, &json!({})).await;
    let counts: Vec<Value> = host.records().iter().map(|record| record["facts"][0]["value"].clone()).collect();
    assert_eq!(counts, [json!(1), json!(1)], "one callback is counted once");
}

#[tokio::test]
async fn updates_are_applied_once_the_decision_is_final() {
    let update = |change: &str| {
        format!(r#","updates":[{{"fact":"strikes","key":"u1",{change}}},{{"fact":"other","key":"x","add":1}}]"#)
    };
    let needs = r#"[{"fact":"strikes","key":"u1"}]"#;
    let adds = knows("adds", &["strikes"], &["other"], needs, &update(r#""add":2,"ttl_ms":700"#));
    let host = with(adds, "").start();
    for (after_ms, count) in [(0, 0), (0, 2), (699, 4), (1, 2), (700, 0)] {
        host.advance_clock_ms(after_ms);
        assert_eq!(given(&host).await[0]["value"], count, "{after_ms}");
    }
    assert_eq!(host.metric("callgate_fact_updates_total", &["fact=\"strikes\"", "result=\"made\""]), 5.0);
    assert_eq!(host.metric("callgate_fact_updates_not_configured_total", &[]), 5.0, "`other` is not in the settings");
    // A counter has numbers.
    let sets = knows("sets", &["strikes"], &[], needs, &update(r#""set":"text""#));
    let host = with(sets, "").start();
    assert_eq!(given(&host).await[0]["value"], 0);
    assert_eq!(given(&host).await[0]["value"], 0);
    assert_eq!(host.metric("callgate_fact_updates_total", &["fact=\"strikes\"", "result=\"dropped\""]), 2.0);
}

#[tokio::test]
async fn mistakes_with_facts_are_reported_before_the_host_starts() {
    let updates = knows("updates", &[], &["banned"], "[]", "");
    for (setup, expected) in [
        (
            with(asks(&[("sents", "u")]), ""),
            "plugin asks: its code needs the fact `sents`: name the [[fact]] that it comes from",
        ),
        (
            with(asks(&[("sent", "u")]), "facts = { snet = \"sent\" }"),
            "plugin asks: its code uses no fact `snet`; did you mean `sent`?",
        ),
        (
            with(harness::guests::tells("tells"), "facts = { sent = \"sent\" }"),
            "plugin asks: its code uses no fact `sent`; it uses no facts",
        ),
        (
            with(updates.clone(), ""),
            "plugin asks: its code changes the fact `banned`, and the [[fact]] banned can only be read: name a counter, or a \
             Redis with `writable = true`",
        ),
        (with(asks(&[("banned", "u")]), "").tables(""), ""),
    ] {
        match setup.try_start() {
            Ok(_) => assert_eq!(expected, ""),
            Err(error) => assert_eq!(error.to_string(), expected),
        }
    }
    // All mistakes are reported together, those of sources included.
    let none = setup().tables(FACTS).plugin("asks", asks(&[("else", "u")]), "*", "").plugin("too", updates, "*", "");
    let error = none.try_start().map(|_| ()).unwrap_err().to_string();
    for part in ["plugin asks: its code needs", "plugin too: its code changes", "fact banned: ", "banned.txt"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn a_plugin_that_cannot_say_what_it_needs_has_failed() {
    for (needs, fault) in [
        ("[", "reply_invalid"),
        (r#"{"verdict":"fail","message":"no"}"#, "undecided"),
        (r#"{"verdict":"allow"}"#, "reply_invalid"),
        (r#"[{"fact":"sent"}]"#, "reply_invalid"),
    ] {
        let module = knows("fails", &["sent"], &[], needs, "");
        let host = with(module, "on_fault = \"deny\"").start();
        let answer = host.openim("callbackBeforeAddFriendCommand", &json!({})).await;
        assert_eq!(answer["nextCode"], 1, "{needs}: {answer}");
        assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"asks\"", fault]), 1.0, "{needs}");
        assert!(host.records().is_empty(), "it is not asked");
    }
    let too_many: Vec<Value> = (0..17).map(|key| json!({ "fact": "sent", "key": key.to_string() })).collect();
    let host = with(knows("many", &["sent"], &[], &json!(too_many).to_string(), ""), "").start();
    host.openim(BEFORE, &json!({})).await;
    assert_eq!(host.metric("callgate_plugin_faults_total", &["reply_invalid"]), 1.0);
}

#[tokio::test]
async fn a_reload_keeps_what_is_counted_and_brings_new_facts() {
    let host = with(asks(&[("sent", "u1")]), "").start();
    given(&host).await;
    given(&host).await;
    let longer = with(asks(&[("sent", "u1")]), "").toml().replace("window_ms = 1000", "window_ms = 9000");
    host.write("host.toml", longer);
    assert_eq!(host.reload().unwrap().difference.keys, ["fact sent.window_ms"]);
    assert_eq!(given(&host).await[0]["value"], 3);
    host.write("banned.txt", "u9\n");
    let asking = with(asks(&[("banned", "u9"), ("sent", "u1")]), "");
    host.write("host.toml", asking.toml());
    host.reload().unwrap();
    assert_eq!(given(&host).await[1]["value"], 4);
}

#[tokio::test]
async fn a_new_certificate_of_an_authority_is_noticed() {
    let certificate = || rcgen::generate_simple_self_signed(vec!["judge".to_owned()]).unwrap().cert.pem();
    let fact = "[[fact]]\nname = \"level\"\nsource = \"http\"\nurl = \"https://judge.example.org/{key}\"\nca_file = \"ca.pem\"";
    let host =
        setup().tables(fact).file("ca.pem", certificate()).plugin("asks", asks(&[("level", "u")]), "*", "").start();
    assert!(host.reload().unwrap().difference.is_empty());
    host.write("ca.pem", certificate());
    assert_eq!(host.reload().unwrap().difference.keys, ["fact[1].ca_file (its file)"]);
    for (text, why) in [("", "has no certificate"), ("-----BEGIN CERTIFICATE-----", "is not PEM")] {
        host.write("ca.pem", text);
        let problems = host.reload().unwrap_err();
        assert!(problems.iter().any(|problem| problem.to_string().contains(why)), "{problems:?}");
    }
    std::fs::remove_file(host.path("ca.pem")).unwrap();
    let problems = host.reload().unwrap_err();
    assert!(problems[0].to_string().contains("`fact[1].ca_file`: cannot be read"), "{problems:?}");
}

#[tokio::test]
async fn counts_outlive_a_restart() {
    let setup = with(asks(&[("sent", "u1")]), "").tables("[journal]");
    let host = setup.start_with_journal().await;
    let value = async |host: &TestHost| {
        host.openim(BEFORE, &json!({})).await;
        host.host().metrics();
    };
    value(&host).await;
    value(&host).await;
    let host = host.restart(&setup).await;
    value(&host).await;
    host.host().settle_journal().await;
    host.host().settle_sinks().await;
    let text = std::fs::read_to_string(host.path("records.jsonl")).unwrap();
    let counts: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["facts"][0]["value"].clone()).collect();
    assert_eq!(counts, [1, 2, 3]);
}

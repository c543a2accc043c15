//! Records on their way out: their topics, their identity, and sinks that fail. What sinks do with a journal is in
//! `tests/journal/sinks.rs`.

use axum::body::Body;
use callgate_journal::{Clock, Journal, JournalSettings};
use harness::{NOW_UNIX_MS, TestHost, guests, setup};
use http::{Request, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const MSG: &str = "callbackBeforeSendSingleMsgCommand";
const AFTER: &str = "callbackAfterSendSingleMsgCommand";

fn lines(host: &TestHost, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(host.path(name)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn records_go_to_the_sinks_that_take_their_topic() {
    let reply = json!({ "verdict": "allow", "records": [1, 2, 3], "topics": ["", "profiles.changed"] });
    let host = setup()
        .tables(
            "[[sink]]\nname = \"all\"\nkind = \"file\"\npath = \"all\"\nformat = \"plain\"\n\
             [[sink]]\nname = \"some\"\nkind = \"file\"\npath = \"some\"\nformat = \"plain\"\ntopics = [\"profiles.*\"]\n\
             [[sink]]\nname = \"own\"\nkind = \"file\"\npath = \"own\"\nformat = \"plain\"\ntopics = \"p\"\n",
        )
        .plugin("p", guests::replies("p", &reply.to_string()), "*", "")
        .start();
    host.openim(MSG, &json!({})).await;
    assert_eq!(lines(&host, "all"), [1, 2, 3]);
    assert_eq!(lines(&host, "some"), [2]);
    assert_eq!(lines(&host, "own"), [1, 3], "without a topic it is the plugin's name");
    assert!(host.records().is_empty(), "the sink that is there without any is not");
    assert_eq!(host.metric("callgate_records_unrouted_total", &[]), 0.0);
    assert_eq!(host.metric("callgate_sink_delivered_total", &["sink=\"own\""]), 2.0);

    let only = "[[sink]]\nname = \"s\"\nkind = \"file\"\npath = \"s\"\ntopics = \"other\"\n";
    let host = setup().tables(only).plugin("p", guests::replies("p", &reply.to_string()), "*", "").start();
    host.openim(MSG, &json!({})).await;
    assert!(lines(&host, "s").is_empty());
    assert_eq!(host.metric("callgate_records_unrouted_total", &[]), 3.0);
}

#[tokio::test]
async fn topics_that_are_none_make_a_reply_invalid() {
    let long = "a".repeat(128);
    for (topics, is_valid) in [
        (json!([]), true),
        (json!(["a.b-c_D9"]), true),
        (json!([long]), true),
        (json!([long.clone() + "a"]), false),
        (json!(["a b"]), false),
        (json!(["*"]), false),
        (json!(["", "second"]), false),
        (json!([7]), false),
        (json!("a"), false),
    ] {
        let reply = json!({ "verdict": "allow", "records": [1], "topics": topics }).to_string();
        let host = setup().plugin("p", guests::replies("p", &reply), "*", "").start();
        host.openim(MSG, &json!({})).await;
        assert_eq!(host.records().len(), usize::from(is_valid), "{reply}");
        let faults = host.metric("callgate_plugin_faults_total", &["fault=\"reply_invalid\""]);
        assert_eq!(faults, f64::from(!is_valid), "{reply}");
    }
}

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn post(host: &TestHost, command: &str, traceparent: &str) {
    let request = Request::post(format!("/openim/{command}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("traceparent", traceparent)
        .body(Body::from(r#"{"sendID":"otto","recvID":"mei"}"#));
    assert_eq!(host.send(request.unwrap()).await.status, 200);
}

fn events() -> harness::Setup {
    let reply = json!({ "verdict": "allow", "records": [{ "a": 1 }], "topics": ["t.x"] }).to_string();
    setup().tables("[[sink]]\nname = \"events\"\nkind = \"file\"\npath = \"events\"\n").plugin(
        "p",
        guests::replies("p", &reply),
        "*",
        "",
    )
}

#[tokio::test]
async fn an_event_says_where_its_record_comes_from() {
    let host = events().start();
    post(&host, MSG, TRACEPARENT).await;
    post(&host, MSG, "00-invalid").await;
    let events = lines(&host, "events");
    let event = &events[0];
    let sha256 = event["pluginsha256"].as_str().unwrap();
    assert!(sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()), "{sha256}");
    let expected = json!({
        "specversion": "1.0", "id": event["id"], "source": "/callgate/openim", "type": "t.x", "subject": MSG,
        "time": "2023-11-14T22:13:20Z", "datacontenttype": "application/json", "partitionkey": "mei|otto",
        "traceparent": TRACEPARENT, "plugin": "p", "pluginsha256": sha256, "data": { "a": 1 },
    });
    assert_eq!(*event, expected);
    assert_eq!(NOW_UNIX_MS, 1_700_000_000_000);
    assert_ne!(event["id"], events[1]["id"]);
    assert!(events[1].get("traceparent").is_none(), "one that is not valid is left out");
}

#[tokio::test]
async fn with_a_journal_records_go_through_it() {
    for (command, plugin) in [(MSG, ""), (MSG, "durable = true"), (AFTER, "")] {
        let folder = tempfile::tempdir().unwrap();
        let reply = json!({ "verdict": "allow", "records": [{ "a": 1 }, 2], "topics": ["t.x"] }).to_string();
        let host = setup()
            .tables("[[sink]]\nname = \"events\"\nkind = \"file\"\npath = \"events\"\n")
            .plugin("p", guests::replies("p", &reply), "*", plugin)
            .start();
        let clock = Clock::manual(i64::try_from(NOW_UNIX_MS).unwrap());
        let journal = Journal::open(&JournalSettings::new(folder.path()), clock.clone()).unwrap();
        host.host().keep_records_in(journal.clone(), clock).await;
        post(&host, command, TRACEPARENT).await;
        if command == MSG && plugin.is_empty() {
            // They are on their way when the answer comes; in the other cases they are on disk.
            journal.flush().await.unwrap();
        }
        host.host().settle_sinks().await;
        let events = lines(&host, "events");
        assert_eq!(events.iter().map(|event| event["data"].clone()).collect::<Vec<_>>(), [json!({ "a": 1 }), json!(2)]);
        assert_eq!(events[0]["partitionkey"], "mei|otto");
        assert_eq!(events[0]["sequence"], "00000000000000000001");
        assert_eq!(events[0]["traceparent"], TRACEPARENT);
        assert_eq!(events[1]["type"], "p");
        assert_eq!(host.metric("callgate_records_written_total", &[]), 2.0);
        assert_eq!(host.metric("callgate_sink_lag_records", &["sink=\"events\""]), 0.0);
        assert_eq!(host.metric("callgate_sink_state", &["sink=\"events\"", "state=\"running\""]), 1.0);
    }
}

async fn readyz(host: &TestHost) -> (u16, String) {
    let admin = callgate::admin::routes(host.host().clone(), callgate::edge::Readiness::default());
    let answer = admin.oneshot(Request::get("/readyz").body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().into()).unwrap())
}

#[tokio::test]
async fn a_sink_that_fails_is_shown_and_its_records_are_counted() {
    let reply = json!({ "verdict": "allow", "records": [1] }).to_string();
    let host = setup()
        .tables("[[sink]]\nname = \"s\"\nkind = \"file\"\npath = \"none/s\"\nformat = \"plain\"\n")
        .plugin("p", guests::replies("p", &reply), "*", "")
        .start();
    let answer = host.openim(MSG, &json!({})).await;
    assert_eq!(answer["errCode"], 0, "the chat server has no use for that news");
    assert_eq!(host.metric("callgate_records_lost_total", &[]), 1.0);
    assert_eq!(host.metric("callgate_sink_state", &["sink=\"s\"", "state=\"backing_off\""]), 1.0);
    let (status, shown) = readyz(&host).await;
    assert_eq!(status, 200, "callbacks are answered as before");
    assert!(shown.starts_with("ready\nsink s: backing off: No such file or directory"), "{shown}");
    std::fs::create_dir(host.path("none")).unwrap();
    host.openim(MSG, &json!({})).await;
    assert_eq!(lines(&host, "none/s"), [1]);
    assert_eq!(readyz(&host).await.1, "ready\n");
    assert_eq!(host.metric("callgate_sink_state", &["sink=\"s\"", "state=\"backing_off\""]), 0.0);
    assert_eq!(host.metric("callgate_records_lost_total", &[]), 1.0);
}

#[tokio::test]
async fn a_records_file_that_is_renamed_or_deleted_is_begun_again() {
    let host = setup().plugin("p", guests::replies("p", r#"{"verdict":"allow","records":[1]}"#), "*", "").start();
    host.openim(MSG, &json!({})).await;
    std::fs::rename(host.path("records.jsonl"), host.path("old")).unwrap();
    host.openim(MSG, &json!({})).await;
    assert_eq!((lines(&host, "old"), host.records()), (vec![json!(1)], vec![json!(1)]));
    std::fs::remove_file(host.path("records.jsonl")).unwrap();
    host.openim(MSG, &json!({})).await;
    assert_eq!(host.records(), [1]);
}

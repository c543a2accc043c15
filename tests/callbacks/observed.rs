//! What operators see of a callback: who acted, what was decided and by whom; and the metrics.

use callgate_sandbox::Fault;
use harness::{TestHost, guests, log, setup};
use http::Request;
use serde_json::json;

const ADD_FRIEND: &str = "callbackBeforeAddFriendCommand";

fn body() -> serde_json::Value {
    json!({ "fromUserID": "mei", "toUserID": "otto", "x": 1 })
}

/// The one record of a callback.
fn record(log: &log::Log) -> String {
    let lines = log.lines_with(" answered");
    assert_eq!(lines.len(), 1, "{}", log.text());
    lines[0].clone()
}

#[tokio::test]
async fn the_record_of_a_callback_says_who_acted_on_whom_and_who_decided_what() {
    let deny = guests::replies("denies", r#"{"verdict":"deny","code":5007,"message":"no"}"#);
    let allow = guests::replies("allows", r#"{"verdict":"allow"}"#);
    let gives_up = guests::text("gives-up");
    for (modules, on_fault, expected) in [
        (vec![("allows", &allow), ("denies", &deny)], "allow", "verdict=deny code=5007 decided_by=\"denies\" actor"),
        (
            vec![("traps", &gives_up)],
            "deny",
            "verdict=deny code=5000 decided_by=\"on_fault:traps\" fault=\"trap\" actor",
        ),
        (vec![("traps", &gives_up)], "allow", "verdict=allow fault=\"trap\" actor"),
        (
            vec![("traps", &gives_up), ("denies", &deny)],
            "allow",
            "verdict=deny code=5007 decided_by=\"denies\" fault=\"trap\" actor",
        ),
        (vec![("allows", &allow)], "deny", "verdict=allow actor"),
    ] {
        let log = log::capture();
        let mut setup = setup().platform(&format!("kind = \"openim\"\non_fault = \"{on_fault}\""));
        for (name, module) in modules {
            setup = setup.plugin(name, module, "*", "");
        }
        setup.start().openim(ADD_FRIEND, &body()).await;
        let record = record(&log);
        assert!(record.contains(expected), "{expected}: {record}");
        assert!(record.contains("actor=\"mei\" target=\"otto\""), "{record}");
    }
}

#[tokio::test]
async fn users_are_shown_as_the_settings_say() {
    let hash = |log: &log::Log| record(log).split("actor=").nth(1).unwrap()[..18].to_owned();
    let setup_with = |users: &str| {
        let allow = guests::replies("allows", r#"{"verdict":"allow"}"#);
        setup().tables(&format!("[log]\nlog_users = \"{users}\"")).plugin("allows", allow, "*", "").start()
    };
    let host = setup_with("hashed");
    let mut hashes = Vec::new();
    for user in ["mei", "mei", "otto"] {
        let log = log::capture();
        host.openim(ADD_FRIEND, &json!({ "fromUserID": user })).await;
        assert!(!log.text().contains(user), "{}", log.text());
        hashes.push(hash(&log));
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
    let log = log::capture();
    setup_with("hashed").openim(ADD_FRIEND, &json!({ "fromUserID": "mei" })).await;
    assert_ne!(hash(&log), hashes[0], "another start, another number");
    let log = log::capture();
    setup_with("no").openim(ADD_FRIEND, &body()).await;
    assert!(!log.text().contains("mei") && !log.text().contains("actor"), "{}", log.text());
}

#[tokio::test]
async fn a_callback_without_an_id_gets_one_that_its_answer_and_its_log_lines_show() {
    let said = r#"{"verdict":"allow","log":[{"level":"warn","text":"look"}]}"#;
    let host = setup().plugin("says", guests::replies("says", said), "*", "").start();
    let path = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg";
    let exchange = async |body: &str| {
        let response = host.exchange(Request::post(path).body(body.to_owned().into()).unwrap()).await;
        response.headers().get("x-operation-id").map(|id| id.to_str().unwrap().to_owned())
    };
    let mut ids = Vec::new();
    for _ in 0..2 {
        let log = log::capture();
        let id = exchange(r#"{"From_Account":"mei","To_Account":"otto"}"#).await.unwrap();
        let lines = log.lines_with(&format!("operation_id={id}"));
        assert_eq!(lines.len(), 2, "{}", log.text());
        for line in lines {
            assert!(line.contains("platform=tencent-chat command=C2C.CallbackBeforeSendMsg"), "{line}");
        }
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    // The chat server's own is kept, and not sent back.
    let log = log::capture();
    assert_eq!(exchange(r#"{"From_Account":"mei","MsgKey":"12_34_56"}"#).await, None);
    assert_eq!(log.lines_with("operation_id=12_34_56").len(), 2, "{}", log.text());
}

#[tokio::test]
async fn a_known_command_without_a_plugin_is_counted_and_said_once() {
    let log = log::capture();
    let host = setup().start();
    for _ in 0..3 {
        host.openim(ADD_FRIEND, &body()).await;
    }
    let label = format!("command=\"{ADD_FRIEND}\"");
    assert_eq!(host.metric("callgate_unhandled_commands_total", &["platform=\"openim\"", &label]), 3.0);
    assert_eq!(log.lines_with("no plugin has this command").len(), 1, "{}", log.text());
}

// ------------------------------------------------------------------------------------------------------- metrics

fn two_plugins() -> TestHost {
    let deny = guests::replies("denies", r#"{"verdict":"deny","code":5007,"message":"no"}"#);
    setup().plugin("traps", guests::text("gives-up"), "*", "").plugin("denies", deny, "*", "").start()
}

#[tokio::test]
async fn each_plugin_has_all_its_metrics_from_the_start() {
    let host = two_plugins();
    let metrics = host.host().metrics();
    let count = |part: &str| metrics.lines().filter(|line| line.contains(part)).count();
    assert_eq!(count("callgate_plugin_faults_total{plugin=\"traps\""), Fault::NAMES.len(), "{metrics}");
    assert_eq!(count("callgate_plugin_verdicts_total{plugin=\"denies\""), 7);
    assert_eq!(count("callgate_plugin_suspended{plugin=\"denies\"} 0"), 1);
    assert_eq!(count("callgate_plugin_call_seconds_bucket{le=\"0.000025\",plugin=\"traps\"} 0"), 1, "{metrics}");
    assert_eq!(count("callgate_build_info{version=\"0.1.0\"} 1"), 1);
    let info: Vec<_> =
        metrics.lines().filter(|line| line.starts_with("callgate_plugin_info{plugin=\"traps\"")).collect();
    let sha256 = info[0].split("sha256=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!((info.len(), sha256.len()), (1, 64), "{info:?}");
    if cfg!(target_os = "linux") {
        for name in
            ["cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "threads", "start_time_seconds"]
        {
            assert!(host.metric(&format!("process_{name}"), &[]) > 0.0, "{name}");
        }
    }
    host.openim(ADD_FRIEND, &body()).await;
    for (plugin, verdict, verdicts, traps) in [("traps", "allow", 0.0, 1.0), ("denies", "deny", 1.0, 0.0)] {
        let (plugin, verdict) = (format!("plugin=\"{plugin}\""), format!("verdict=\"{verdict}\""));
        assert_eq!(host.metric("callgate_plugin_verdicts_total", &[&plugin, &verdict]), verdicts);
        assert_eq!(host.metric("callgate_plugin_faults_total", &[&plugin, "fault=\"trap\""]), traps);
        assert_eq!(host.metric("callgate_plugin_call_seconds_count", &[&plugin]), 1.0);
        assert_eq!(host.metric("callgate_plugin_call_fuel_count", &[&plugin]), 1.0);
        let fuel = host.metric("callgate_plugin_fuel_total", &[&plugin]);
        assert_eq!(host.metric("callgate_plugin_call_fuel_sum", &[&plugin]), fuel);
    }
}

#[tokio::test]
async fn a_start_logs_the_versions_of_host_and_plugins() {
    let log = log::capture();
    two_plugins();
    assert_eq!(log.lines_with("callgate starts version=\"0.1.0\"").len(), 1, "{}", log.text());
    let plugins = log.lines_with("plugin is loaded");
    assert_eq!(plugins.len(), 2, "{}", log.text());
    for (line, plugin) in plugins.iter().zip(["traps", "denies"]) {
        assert!(line.contains(&format!("plugin=\"{plugin}\"")) && line.contains("version="), "{line}");
        assert_eq!(line.split("sha256=\"").nth(1).unwrap().find('"'), Some(64), "{line}");
    }
}

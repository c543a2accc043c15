//! Candidates: what they would have answered is compared with what was answered, and touches nothing of it; a part of
//! the callbacks they answer themselves.

use callgate::edge::Readiness;
use harness::guests::{self, PROVOKE, SPARE};
use harness::{Setup, TestHost, log, setup};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const SEND: &str = "callbackBeforeSendSingleMsgCommand";
const ADD_FRIEND: &str = "callbackBeforeAddFriendCommand";
const EDIT: &str = "callbackBeforeSetFriendRemarkCommand";
const AFTER: &str = "callbackAfterSendSingleMsgCommand";

const ALLOW: &str = r#"{"verdict":"allow"}"#;

/// Asks the admin API.
async fn api(host: &TestHost, method: &str, path: &str) -> (StatusCode, Value) {
    let app = callgate::admin::routes(host.host().clone(), Readiness::default());
    let request = Request::builder().method(method).uri(path).body(axum::body::Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// What was counted of the only candidate, once all that was answered is compared.
async fn report(host: &TestHost) -> Value {
    host.host().compared().await;
    api(host, "GET", "/api/v1/shadows").await.1["shadows"][0].clone()
}

/// The outcomes of the only command, without those that did not happen.
fn outcomes(report: &Value) -> Value {
    let all = report["commands"][0]["outcomes"].as_object().unwrap();
    all.iter().filter(|(_, count)| **count != 0).map(|(kind, count)| (kind.clone(), count.clone())).collect()
}

/// A host with one plugin, and a candidate with these keys.
fn with(reply: &str, candidate: &str) -> Setup {
    setup().tables(&format!("[[shadow]]\nname = \"s\"\n{candidate}")).plugin(
        "p",
        guests::replies("present", reply),
        "*",
        "",
    )
}

/// `replace` by a module.
fn replaced_by(module: &std::path::Path) -> String {
    format!("replace = \"p\"\nwasm = \"{}\"", module.display())
}

#[tokio::test]
async fn each_way_in_which_a_candidate_can_differ_has_its_own_count() {
    let deny = |code: u32, message: &str| format!(r#"{{"verdict":"deny","code":{code},"message":"{message}"}}"#);
    let edit = |text: &str| format!(r#"{{"verdict":"modify","changes":{{"remark":{text}}}}}"#);
    let fail = r#"{"verdict":"fail","message":"no idea"}"#.to_owned();
    let record = |text: &str| format!(r#"{{"verdict":"allow","records":["{text}"]}}"#);
    for (command, present, candidate, outcome) in [
        (SEND, ALLOW.to_owned(), ALLOW.to_owned(), "same"),
        (SEND, ALLOW.to_owned(), deny(5001, "no"), "verdict"),
        (SEND, deny(5001, "no"), deny(5002, "no"), "code"),
        (SEND, deny(5001, "no"), deny(5001, "never"), "text"),
        (SEND, deny(5001, "no"), deny(5001, "no"), "same"),
        (EDIT, edit("\"a\""), edit("\"b\""), "changes"),
        (EDIT, edit("\"a\""), edit("\"\\u0061\""), "same"),
        (AFTER, record("1"), record("2"), "records"),
        (AFTER, record("1"), record("1"), "same"),
        (SEND, ALLOW.to_owned(), fail.clone(), "candidate_fault"),
        (SEND, fail.clone(), ALLOW.to_owned(), "present_fault"),
        (SEND, fail.clone(), fail, "both_fault"),
    ] {
        let host = with(&present, &replaced_by(&guests::replies("candidate", &candidate))).start();
        host.openim(command, &json!({"sendID": "mei", "content": "x"})).await;
        let report = report(&host).await;
        assert_eq!(outcomes(&report), json!({outcome: 1}), "{present} {candidate}");
        assert_eq!(report["commands"][0]["compared"], 1);
        let series = [&*format!("outcome=\"{outcome}\""), &*format!("command=\"{command}\"")];
        assert_eq!(host.metric("callgate_shadow_callbacks_total", &series), 1.0);
        assert_eq!(report["examples"].as_array().unwrap().len(), usize::from(outcome != "same"), "{report}");
    }
}

#[tokio::test]
async fn users_that_are_refused_are_compared_whatever_their_order() {
    let refuse = |users: &str| format!(r#"{{"verdict":"refuse_some","refused":{users}}}"#);
    let command = "Group.CallbackBeforeInviteJoinGroup";
    let body = json!({"GroupId": "g", "DestinationMembers": [{"Member_Account": "a"}, {"Member_Account": "b"}]});
    for (candidate, outcome) in [(r#"["b","a"]"#, "same"), (r#"["a"]"#, "users")] {
        let candidate = guests::replies("candidate", &refuse(candidate));
        let host = with(&refuse(r#"["a","b"]"#), &replaced_by(&candidate)).start();
        host.tencent(command, &body).await;
        assert_eq!(outcomes(&report(&host).await), json!({outcome: 1}));
    }
}

#[tokio::test]
async fn answers_records_and_what_is_known_of_the_plugins_are_as_without_a_candidate() {
    // The candidate denies, fails for many users, and gives records.
    let hostile = guests::text("gives-up");
    let record = guests::tells("records");
    let body = |user: usize| json!({"sendID": format!("u{user}"), "content": "hello", "x": 1});
    let plain = setup().plugin("p", &record, "*", "").start();
    let candidate = format!("{}\n[[shadow]]\nname = \"t\"\nremove = \"p\"", replaced_by(&hostile));
    let limits = "breaker_faults_max = 2\nbreaker_actors_min = 2";
    let host = setup().limits(limits).tables(&format!("[[shadow]]\nname = \"s\"\n{candidate}"));
    let host = host.plugin("p", &record, "*", "").start();
    for user in 0..20 {
        let path = format!("/openim/{SEND}");
        let request = || {
            let request = Request::post(&path).header("content-type", "application/json").header("operationID", "op");
            request.body(axum::body::Body::from(body(user).to_string())).unwrap()
        };
        let (mut with, mut without) = (host.exchange(request()).await, plain.exchange(request()).await);
        // The second may be another one by now.
        for answer in [&mut with, &mut without] {
            answer.headers_mut().remove("date");
        }
        assert_eq!(with.body(), without.body());
        assert_eq!(with.headers(), without.headers());
    }
    let report = report(&host).await;
    // No breaker leaves out a comparison.
    assert_eq!(outcomes(&report), json!({"candidate_fault": 20}));
    assert_eq!(report["faults"], json!([{"side": "candidate", "plugin": "p", "fault": "trap", "count": 20}]));
    assert_eq!(host.records(), plain.records());
    for name in ["calls", "faults", "suspensions", "fuel", "verdicts"] {
        let name = format!("callgate_plugin_{name}_total");
        assert_eq!(host.metric(&name, &["plugin=\"p\""]), plain.metric(&name, &["plugin=\"p\""]), "{name}");
        assert_eq!(host.metric(&name, &["plugin=\"p@"]), 0.0, "{name}");
    }
    assert_eq!(host.metric("callgate_callbacks_total", &[]), 20.0);
    let of_t = api(&host, "GET", "/api/v1/shadows").await.1["shadows"][1].clone();
    assert_eq!(outcomes(&of_t), json!({"records": 20}), "without the plugin there are no records");
}

#[tokio::test]
async fn a_plugin_can_be_added_where_there_is_none_and_removed_where_it_is_the_only_one() {
    let deny = guests::replies("deny", r#"{"verdict":"deny","code":5001}"#);
    let add = format!("add = \"new\"\nwasm = \"{}\"\ncommands = [\"{ADD_FRIEND}\"]", deny.display());
    let host = setup().tables(&format!("[[shadow]]\nname = \"s\"\n{add}")).start();
    assert_eq!(host.openim(ADD_FRIEND, &json!({"fromUserID": "mei"})).await["actionCode"], 0);
    host.openim(SEND, &json!({})).await;
    let first = report(&host).await;
    assert_eq!(outcomes(&first), json!({"verdict": 1}));
    assert_eq!(first["change"], "adds new");
    assert_eq!((&first["commands"][0]["command"], &first["commands"][1]), (&json!(ADD_FRIEND), &Value::Null));
    let host = with(r#"{"verdict":"deny","code":5001}"#, "remove = \"p\"").start();
    assert_eq!(host.openim(SEND, &json!({})).await["errCode"], 5001);
    let report = report(&host).await;
    assert_eq!(outcomes(&report), json!({"verdict": 1}));
    let example = &report["examples"][0];
    assert_eq!((&example["present"], &example["candidate"]), (&json!("deny 5001"), &json!("allow")));
}

#[tokio::test]
async fn an_added_plugin_runs_where_the_candidate_says() {
    let deny = |code: u32| format!(r#"{{"verdict":"deny","code":{code}}}"#);
    for (place, outcome) in [("before = \"p\"", "code"), ("after = \"p\"", "same"), ("", "same")] {
        let new = guests::replies("new", &deny(5002));
        let add = format!("add = \"new\"\nwasm = \"{}\"\ncommands = \"*\"\n{place}", new.display());
        let host = with(&deny(5001), &add).start();
        host.openim(SEND, &json!({})).await;
        assert_eq!(outcomes(&report(&host).await), json!({outcome: 1}), "{place}");
    }
}

#[tokio::test]
async fn each_callback_of_a_batch_is_compared() {
    let (tells, allows) = (guests::tells("tells"), guests::replies("allows", ALLOW));
    let tables = format!("[[shadow]]\nname = \"s\"\n{}", replaced_by(&allows));
    let host = setup().tables(&tables).plugin("p", tells, "*", "").start();
    host.tencent("Push.OfflinePush", &json!({"Events": [{"MsgKey": "a"}, {"MsgKey": "b"}, {"MsgKey": "c"}]})).await;
    host.tencent("Push.OfflinePush", &json!({"Events": [{"MsgKey": "a"}]})).await;
    host.tencent("Push.OfflinePush", &json!({"Events": []})).await;
    assert_eq!(outcomes(&report(&host).await), json!({"records": 4}));
}

#[tokio::test]
async fn only_given_platforms_and_commands_are_compared() {
    let candidate = format!(
        "{}\nplatform = \"openim\"\ncommands = [\"callbackBeforeSend*\"]",
        replaced_by(&guests::replies("candidate", r#"{"verdict":"deny"}"#))
    );
    let host = with(ALLOW, &candidate).start();
    host.openim(SEND, &json!({})).await;
    host.openim(ADD_FRIEND, &json!({})).await;
    host.tencent("C2C.CallbackBeforeSendMsg", &json!({})).await;
    let report = report(&host).await;
    assert_eq!(report["commands"].as_array().unwrap().len(), 1);
    assert_eq!(outcomes(&report), json!({"verdict": 1}));
}

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_dropped_and_counted() {
    let candidate =
        |bounds: &str| format!("{}\n{bounds}", replaced_by(&guests::replies("candidate", r#"{"verdict":"deny"}"#)));
    let body = json!({"sendID": "mei"});
    let bytes = body.to_string().len();
    let host = with(ALLOW, &candidate(&format!("queue_bytes_max = {bytes}"))).start();
    host.openim(SEND, &body).await;
    host.openim(SEND, &json!({"sendID": "mei2"})).await;
    let fits = report(&host).await;
    assert_eq!((outcomes(&fits), &fits["commands"][0]["dropped"]), (json!({"verdict": 1}), &json!(1)));
    assert_eq!(host.metric("callgate_shadow_callbacks_total", &["outcome=\"dropped\""]), 1.0);
    assert_eq!(fits["waiting"], 0);

    // While a callback is answered that takes both cores, nothing is compared, and the queue fills.
    let slow = guests::text("spins");
    let host = with(ALLOW, &format!("{}\nqueue_max = 1", replaced_by(&slow))).start();
    for _ in 0..50 {
        host.openim(SEND, &serde_json::from_str::<Value>(PROVOKE).unwrap()).await;
    }
    let report = report(&host).await;
    let command = &report["commands"][0];
    let (compared, dropped) = (command["compared"].as_u64().unwrap(), command["dropped"].as_u64().unwrap());
    // On a machine without a core to spare, some could not be compared.
    let no_time = command["no_time"].as_u64().unwrap();
    assert_eq!(compared + no_time + dropped, 50);
    assert!(compared + no_time >= 1, "{report}");
}

#[tokio::test]
async fn a_reset_begins_again_and_the_metrics_go_on() {
    let host = with(ALLOW, &replaced_by(&guests::text("gives-up"))).start();
    host.openim(SEND, &serde_json::from_str::<Value>(PROVOKE).unwrap()).await;
    assert_eq!(outcomes(&report(&host).await), json!({"candidate_fault": 1}));
    host.advance_clock_ms(5000);
    assert_eq!(api(&host, "POST", "/api/v1/shadows/s/reset").await.0, StatusCode::OK);
    let report_after = report(&host).await;
    assert_eq!(report_after["commands"], json!([]));
    assert_eq!((&report_after["faults"], &report_after["examples"]), (&json!([]), &json!([])));
    assert_eq!(report_after["since_unix_ms"], harness::NOW_UNIX_MS + 5000);
    assert_eq!(host.metric("callgate_shadow_callbacks_total", &[]), 1.0);
    let (status, answer) = api(&host, "POST", "/api/v1/shadows/x/reset").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(answer["error"], "no [[shadow]] has this name; known: s");
}

#[tokio::test]
async fn examples_show_what_plugins_made_only_if_the_settings_allow_it() {
    let secret = "what mei wrote";
    let deny = format!(r#"{{"verdict":"deny","code":5001,"message":"{secret}"}}"#);
    let fail = format!(r#"{{"verdict":"fail","message":"{secret}"}}"#);
    for reply in [deny, fail] {
        for payloads in [false, true] {
            let tables = format!("[log]\nlog_payloads = {payloads}");
            let host = with(ALLOW, &replaced_by(&guests::replies("candidate", &reply))).tables(&tables).start();
            host.openim(SEND, &json!({"sendID": "mei"})).await;
            let text = report(&host).await.to_string();
            assert_eq!(text.contains(secret), payloads, "{text}");
        }
    }
}

/// A candidate that answers this part of the callbacks, and fails when provoked.
fn canary(percent: u8, more: &str) -> Setup {
    let candidate = replaced_by(&guests::replies_when_provoked("candidate", br#"{"verdict":"fail","message":"x"}"#));
    with(r#"{"verdict":"deny","code":5001}"#, &format!("{candidate}\npercent = {percent}\n{more}"))
}

#[tokio::test]
async fn a_part_of_the_callbacks_is_answered_by_the_candidate_and_log_and_metrics_say_so() {
    let host = canary(30, "").start();
    let mut by_candidate = 0;
    for user in 0..200 {
        let log = log::capture();
        let body = json!({"sendID": format!("u{user}"), "x": 0});
        let answer = host.openim(SEND, &body).await;
        // The candidate allows what is denied now.
        let is_candidate = answer["errCode"] == 0;
        by_candidate += u64::from(is_candidate);
        let record = log.lines_with(" answered").join("");
        assert_eq!(record.contains("shadow=\"s\""), is_candidate, "{record}");
        assert_eq!(record.contains("plugins=p@s"), is_candidate, "{record}");
        // A user stays on one side.
        assert_eq!(host.openim(SEND, &json!({"sendID": format!("u{user}"), "content": "other", "x": 0})).await, answer);
    }
    assert!((30..=90).contains(&by_candidate), "{by_candidate}");
    let report = report(&host).await;
    let (answered, compared) = (&report["commands"][0]["answered"], &report["commands"][0]["compared"]);
    assert_eq!(
        *answered,
        json!({"present": 400 - 2 * by_candidate, "candidate": 2 * by_candidate, "candidate_faults": 0})
    );
    assert_eq!(*compared, 400 - 2 * by_candidate, "the others are compared");
    let answers = |side: &str| host.metric("callgate_shadow_answers_total", &[&format!("side=\"{side}\"")]);
    assert_eq!(
        (answers("candidate"), answers("present")),
        (2.0 * by_candidate as f64, 400.0 - 2.0 * by_candidate as f64)
    );
    assert_eq!(host.metric("callgate_plugin_calls_total", &["plugin=\"p@s\""]), 2.0 * by_candidate as f64);
}

#[tokio::test]
async fn a_candidate_that_fails_too_often_answers_nothing_any_more_until_it_is_resumed() {
    let log = log::capture();
    let host = canary(100, "faults_per_thousand_max = 500\nfault_callbacks_min = 4").start();
    let (spare, provoke): (Value, Value) =
        (serde_json::from_str(SPARE).unwrap(), serde_json::from_str(PROVOKE).unwrap());
    let fallen = || host.metric("callgate_shadow_fallen_back", &["shadow=\"s\""]);
    for _ in 0..2 {
        assert_eq!(host.openim(SEND, &provoke).await["errCode"], 0, "a fault allows");
        assert_eq!(host.openim(SEND, &spare).await["errCode"], 0);
    }
    assert_eq!(fallen(), 0.0);
    assert_eq!(host.openim(SEND, &provoke).await["errCode"], 0);
    assert_eq!(fallen(), 1.0);
    assert_eq!(host.openim(SEND, &provoke).await["errCode"], 5001);
    assert_eq!(host.openim(SEND, &spare).await["errCode"], 5001);
    let lines = log.lines_with("answers nothing any more");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("faults=3 callbacks=5"), "{lines:?}");
    let report_fallen = report(&host).await;
    assert_eq!(report_fallen["fallen_back"], json!({"at_unix_ms": harness::NOW_UNIX_MS, "callbacks": 5, "faults": 3}));
    assert_eq!(report_fallen["commands"][0]["answered"]["candidate_faults"], 3);

    let (_, answer) = api(&host, "POST", "/api/v1/shadows/s/resume").await;
    assert_eq!(answer["had_fallen_back"], true);
    assert_eq!(host.openim(SEND, &spare).await["errCode"], 0);
    assert_eq!(fallen(), 0.0);
    let (_, answer) = api(&host, "POST", "/api/v1/shadows/s/resume").await;
    assert_eq!(answer["had_fallen_back"], false);
}

#[tokio::test]
async fn a_candidate_does_not_fall_back_over_a_source_that_fails() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fact = format!(
        "[[fact]]\nname = \"level\"\nsource = \"http\"\nurl = \"http://{closed}/{{key}}\"\nallow_http = true\n\
         private_networks = [\"127.0.0.0/8\"]\non_failure = \"fault\""
    );
    let candidate = guests::knows("candidate", &["level"], &[], r#"[{"fact":"level","key":"u"}]"#, "");
    let canary = format!("{}\npercent = 100\nfaults_per_thousand_max = 0", replaced_by(&candidate));
    let host = with(ALLOW, &format!("{canary}\n{fact}")).start();
    host.openim(SEND, &json!({"sendID": "mei"})).await;
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"p@s\"", "no_fact"]), 1.0);
    let report = report(&host).await;
    assert_eq!(report["fallen_back"], Value::Null);
    assert_eq!(
        report["commands"][0]["answered"],
        json!({"present": 0, "candidate": 1, "candidate_faults": 0}),
        "{report}"
    );
}

#[tokio::test]
async fn a_reload_goes_on_with_the_figures_of_a_candidate_that_is_the_same_and_with_its_fall_back() {
    let fails = guests::replies("fails", r#"{"verdict":"fail","message":"x"}"#);
    let denies = guests::replies("present", r#"{"verdict":"deny","code":5001}"#);
    let canary = |percent: u8, word: &str| {
        let more = format!(
            "commands = \"callbackBefore*\"\npercent = {percent}\nfaults_per_thousand_max = 0\nfuel_per_call = 1_000_000"
        );
        let tables = format!("[[shadow]]\nname = \"s\"\nreplace = \"p\"\nwasm = \"{}\"\n{more}\n", fails.display());
        setup().tables(&tables).plugin("p", &denies, "*", "").plugin("q", &denies, AFTER, word)
    };
    let host = canary(50, "").start();
    // Until one is answered by the candidate, which ends that.
    for user in 0.. {
        if host.openim(SEND, &json!({"sendID": format!("u{user}")})).await["errCode"] == 0 {
            break;
        }
    }
    let first = report(&host).await;
    assert_eq!(first["fallen_back"]["faults"], 1);
    let ready = ready(&host).await;
    assert!(ready.contains("candidate s answers nothing any more"), "{ready}");

    // Another plugin has changed, at a command that is not the candidate's alone.
    host.write("host.toml", canary(50, "on_fault = \"deny\"").toml());
    assert!(host.reload().unwrap().is_new);
    let second = report(&host).await;
    assert_eq!((&second["fallen_back"], &second["since_unix_ms"]), (&first["fallen_back"], &first["since_unix_ms"]));
    // A change of the candidate's part: it begins again, and the comparisons go on.
    host.advance_clock_ms(1000);
    host.write("host.toml", canary(49, "on_fault = \"deny\"").toml());
    assert_eq!(host.reload().unwrap().difference.keys, ["shadow s.percent"]);
    assert_eq!(report(&host).await["fallen_back"], Value::Null);
    // Another build: all begins again.
    host.write("host.toml", canary(49, "on_fault = \"deny\"").toml().replace("1_000_000", "2_000_000"));
    assert!(host.reload().unwrap().is_new);
    let last = report(&host).await;
    assert_eq!((&last["commands"], &last["since_unix_ms"]), (&json!([]), &json!(harness::NOW_UNIX_MS + 1000)));
    // Without it nothing is left of what it does now.
    host.write("host.toml", setup().plugin("p", &denies, "*", "").toml());
    assert!(host.reload().unwrap().is_new);
    assert!(!host.host().metrics().contains("callgate_shadow_fallen_back{"));
}

/// What `/readyz` says.
async fn ready(host: &TestHost) -> String {
    let app = callgate::admin::routes(host.host().clone(), Readiness::default());
    let response = app.oneshot(Request::get("/readyz").body(axum::body::Body::empty()).unwrap()).await.unwrap();
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn files_of_candidates_are_looked_at_and_a_broken_one_changes_nothing() {
    let module = |reply: &str| std::fs::read(guests::replies("candidate", reply)).unwrap();
    let host = with(ALLOW, "replace = \"p\"\nwasm = \"q.wasm\"").file("q.wasm", module(ALLOW)).start();
    host.openim(SEND, &json!({})).await;
    assert_eq!(outcomes(&report(&host).await), json!({"same": 1}));
    host.write("q.wasm", "no module");
    let problems = host.reload().unwrap_err().join("\n");
    assert!(problems.contains("`shadow[1].wasm`: plugin p@s: "), "{problems}");
    host.write("q.wasm", module(r#"{"verdict":"deny"}"#));
    assert!(host.reload().unwrap().is_new);
    host.openim(SEND, &json!({})).await;
    assert_eq!(outcomes(&report(&host).await), json!({"verdict": 1}));
}

#[tokio::test]
async fn where_a_host_starts_with_what_works_a_broken_candidate_is_left_out() {
    let setup = with(ALLOW, "replace = \"p\"\nwasm = \"nowhere.wasm\"\npercent = 100");
    let host = setup.tables("[server]\nstart = \"healthy\"").start();
    assert_eq!(host.openim(SEND, &json!({})).await["errCode"], 0);
    assert_eq!(report(&host).await["commands"], json!([]));
    assert!(ready(&host).await.contains("nowhere.wasm"));
}

#[tokio::test]
async fn plugins_of_candidates_that_cannot_be_used_are_reported_at_their_place() {
    let setup = with(ALLOW, "replace = \"p\"\nwasm = \"nowhere.wasm\"");
    let Err(callgate::StartError::Plugins(errors)) = setup.try_start().map(|_| ()) else { panic!("it starts") };
    let settings = callgate::Settings::parse("host.toml".as_ref(), &setup.toml()).unwrap();
    let shown = errors[0].problem(&settings.source).to_string();
    assert!(shown.starts_with("host.toml:4: `shadow[1].wasm`: plugin p@s: "), "{shown}");
}

//! Every bound, at its edge: exactly as much is allowed, one more is not.

use axum::body::Body;
use harness::guests::PROVOKE;
use harness::{TestHost, example, guests, setup};
use http::{Request, StatusCode};
use serde_json::{Value, json};

const ADD_FRIEND: &str = "callbackBeforeAddFriendCommand";
const PATH: &str = "/openim/callbackBeforeAddFriendCommand";

fn faults(host: &TestHost, name: &str) -> f64 {
    host.metric("callgate_plugin_faults_total", &[&format!("fault=\"{name}\"")])
}

#[tokio::test]
async fn a_body_may_have_body_bytes_max_bytes() {
    let host =
        setup().tables("[server]\nbody_bytes_max = 1000").plugin("tells", guests::tells("tells"), "*", "").start();
    let body = |bytes: usize| format!("{{\"fill\":\"{}\"}}", "a".repeat(bytes - 11));
    assert_eq!(body(1000).len(), 1000);
    assert_eq!(host.post(PATH, body(1000)).await.status, StatusCode::OK);
    let answer = host.post(PATH, body(1001)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.body["errMsg"], "the body is longer than 1000 bytes (`body_bytes_max`)");
    assert_eq!(host.records().len(), 1);
}

#[tokio::test]
async fn a_body_of_8_mib_reaches_the_plugin() {
    let host = setup()
        .plugin("tells", guests::tells("tells"), "*", "reply_bytes_max = 16_777_216\nrecord_bytes_max = 16_777_216")
        .start();
    let body = format!("{{\"fill\":\"{}\"}}", "a".repeat((8 << 20) - 11));
    assert_eq!(host.post(PATH, body).await.status, StatusCode::OK);
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0);
    assert_eq!(host.records()[0]["body"]["fill"].as_str().unwrap().len(), (8 << 20) - 11);
}

#[tokio::test]
async fn a_body_may_nest_127_levels() {
    let host = setup().plugin("tells", guests::tells("tells"), "*", "").start();
    let body = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert_eq!(host.post(PATH, body(127)).await.status, StatusCode::OK);
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 1.0);
    let answer = host.post(PATH, body(128)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body["errMsg"], "the body nests deeper than 127 levels");
}

#[tokio::test]
async fn a_reply_may_have_reply_bytes_max_bytes() {
    let reply = format!(r#"{{"verdict":"deny","message":"{}"}}"#, "a".repeat(100));
    let bytes = reply.len();
    for (bytes_max, is_taken) in [(bytes, true), (bytes - 1, false)] {
        let limit = format!("reply_bytes_max = {bytes_max}");
        let host = setup().plugin("p", guests::replies("p", &reply), "*", &limit).start();
        assert_eq!(host.openim(ADD_FRIEND, &json!({})).await["nextCode"] == 1, is_taken, "{bytes_max}");
        assert_eq!(faults(&host, "reply_too_large") == 0.0, is_taken, "{bytes_max}");
    }
}

/// A guest that takes so many pages, and gives up if it does not get them. It begins with two.
fn takes(pages: u32) -> std::path::PathBuf {
    let source = format!(
        "(module {{contract}}
            (func $provoked (param i32 i32) (result i64)
                (if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then (unreachable)))
                (i64.const 0x800_0000_0013)))"
    );
    guests::assemble("takes", &source)
}

#[tokio::test]
async fn memory_may_grow_to_memory_bytes_max() {
    for (pages, gets_them) in [(8, true), (9, false)] {
        let host = setup().plugin("p", takes(pages), "*", "memory_bytes_max = 655_360").start();
        host.post(PATH, PROVOKE).await;
        assert_eq!(faults(&host, "out_of_memory") == 0.0, gets_them, "{pages} more pages");
    }
}

#[tokio::test]
async fn a_plugin_may_have_more_memory_than_the_others() {
    let host = setup()
        .limits("memory_bytes_max = 262_144")
        .plugin("usual", takes(8), "callbackBeforeAddFriendCommand", "")
        .plugin("large", takes(8), "callbackBeforeAddBlackCommand", "memory_bytes_max = 134_217_728")
        .start();
    host.post("/openim/callbackBeforeAddBlackCommand", PROVOKE).await;
    assert_eq!(faults(&host, "out_of_memory"), 0.0);
    host.post(PATH, PROVOKE).await;
    assert_eq!(faults(&host, "out_of_memory"), 1.0);
}

#[tokio::test]
async fn memory_that_was_denied_is_no_fault_of_a_plugin_that_goes_on() {
    let source = "(module {contract}
        (func $provoked (param i32 i32) (result i64)
            (drop (memory.grow (i32.const 60000)))
            (i64.const 0x800_0000_0013)))";
    let host = setup().plugin("p", guests::assemble("p", source), "*", "").start();
    host.post(PATH, PROVOKE).await;
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0);
}

#[tokio::test]
async fn a_table_may_have_table_elements_max_elements() {
    let module = |elements: u32| {
        let source = format!(
            "(module {{contract}} (table {elements} funcref) (func $provoked (param i32 i32) (result i64) (unreachable)))"
        );
        guests::assemble("p", &source)
    };
    setup().limits("table_elements_max = 10").plugin("p", module(10), "*", "").start();
    assert!(setup().limits("table_elements_max = 10").plugin("p", module(11), "*", "").try_start().is_err());
    setup().limits("table_elements_max = 0").plugin("p", takes(1), "*", "").start();
}

#[tokio::test]
async fn the_fuel_of_every_program_is_known_exactly() {
    for (program, fuel) in FUEL {
        let source = format!(
            "(module {{contract}} (func $provoked (param i32 i32) (result i64) (local $i i32) {program} (i64.const 0x800_0000_0013)))"
        );
        let module = guests::assemble("p", &source);
        let host = setup().plugin("p", &module, "*", &format!("fuel_per_call = {fuel}")).start();
        host.post(PATH, PROVOKE).await;
        assert_eq!(faults(&host, "out_of_fuel"), 0.0, "{program}");
        assert_eq!(host.metric("callgate_plugin_fuel_total", &[]), fuel as f64, "{program}");
    }
}

#[tokio::test]
async fn fuel_ends_a_loop_at_its_head() {
    // Eight units a round, and 17 for the way there and back: with one less, the last round is not begun.
    let source = "(module {contract} (func $provoked (param i32 i32) (result i64) (local $i i32)
        (loop
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get $i) (i32.const 1000))))
        (i64.const 0x800_0000_0013)))";
    let module = guests::assemble("p", source);
    for (fuel, is_enough) in [(8017, true), (7999, false)] {
        let host = setup().plugin("p", &module, "*", &format!("fuel_per_call = {fuel}")).start();
        host.post(PATH, PROVOKE).await;
        assert_eq!(faults(&host, "out_of_fuel") == 0.0, is_enough, "{fuel}");
    }
}

/// What a call costs in all: 17 for the way to the provoked function and back, and the program.
const FUEL: [(&str, u64); 8] = [
    ("", 17),
    ("(nop)", 17),
    ("(drop (i32.add (i32.const 1) (i32.const 2)))", 17 + 3),
    ("(i64.store (i32.const 0x8000) (i64.load (i32.const 0x8000)))", 17 + 4),
    (
        "(loop (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if 0 (i32.lt_u (local.get $i) (i32.const 1000))))",
        17 + 8 * 1000,
    ),
    ("(memory.fill (i32.const 0x8000) (i32.const 1) (i32.const 0x8000))", 17 + 3 + 100 + 0x8000),
    ("(memory.copy (i32.const 0x8000) (i32.const 0x9000) (i32.const 0x1000))", 17 + 4 + 0x1000),
    ("(drop (memory.grow (i32.const 1)))", 17 + 1 + 255),
];

#[tokio::test]
async fn fuel_that_does_not_fit_into_the_time_is_time() {
    // A machine so slow that a call's millisecond is worth 100 units.
    let host = setup()
        .limits("fuel_per_ms = 100\ncall_within_ms = 1\nfuel_to_configure = 10_000")
        .plugin("spins", guests::text("spins"), "*", "")
        .start();
    host.post(PATH, PROVOKE).await;
    assert_eq!(faults(&host, "out_of_time"), 1.0);
    assert_eq!(host.metric("callgate_plugin_fuel_total", &[]), 100.0);
}

#[tokio::test]
async fn a_callback_that_finds_no_place_before_its_deadline_is_refused() {
    let host = setup()
        .tables("[server]\nin_flight_max = 1")
        .limits("fuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 1000")
        .platform("kind = \"openim\"")
        .platform("kind = \"openim\"\nname = \"hasty\"\npath = \"/hasty\"\nanswer_within_ms = 20")
        .plugin("spins", guests::text("spins"), "*", "")
        .start();
    let hasty = "/hasty/callbackBeforeAddFriendCommand";
    let (first, second) = tokio::join!(host.post(PATH, PROVOKE), host.post(hasty, "{}"));
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!((second.status, &second.body["nextCode"]), (StatusCode::OK, &json!(1)), "as `on_overload` says");
    assert_eq!(second.body["errMsg"], "The service is busy. Please try again later.");
    let detail = "overloaded: `in_flight_max` allows 1 at a time, 1 are in flight and 1 wait; ";
    assert!(second.body["errDlt"].as_str().unwrap().starts_with(detail), "{}", second.body["errDlt"]);
    assert_eq!(host.metric("callgate_overloaded_total", &["limit=\"in_flight_max\",at=\"queue\""]), 1.0);
    assert_eq!(host.post(hasty, "{}").await.status, StatusCode::OK, "the place is free again");
}

#[tokio::test]
async fn our_plugins_stay_under_their_ceilings() {
    let text = |text: &str| json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }]);
    let user_info = json!({
        "callbackCommand": "callbackBeforeUpdateUserInfoExCommand", "userID": "user123",
        "nickName": "  John   Doe ", "faceURL": "http://example.com/path/to/face/image.png", "ex": "Extra data",
    });
    let group_info = json!({
        "callbackCommand": "callbackAfterSetGroupInfoExCommand", "operationID": "1646445464564", "groupID": "G002",
        "groupName": { "value": "NewGroupName" }, "notification": { "value": "Welcome!" },
        "introduction": { "value": "About us" }, "needVerification": { "value": 0 }, "lookMemberInfo": { "value": 1 },
    });
    let profile = json!({
        "CallbackCommand": "Profile.CallbackPortraitSet", "Operator_Account": "id1", "From_Account": "id1",
        "EventTime": 1_670_574_414_123_u64,
        "ProfileItem": [{ "Tag": "Tag_Profile_IM_Nick", "Value": "MyNickName" }],
    });
    let sent = || json!({ "sendID": "u1", "content": json!({ "content": "lunch at noon, or later?" }).to_string() });
    let single = "callbackBeforeSendSingleMsgCommand";
    // Plugins with needs are called twice: `needs` and `handle_callback`.
    let callbacks: [(&str, &str, Value, f64); 9] = [
        ("ban-users", single, sent(), 50_000.0),
        ("limit-rate", single, sent(), 50_000.0),
        ("escalate", single, sent(), 60_000.0),
        ("guard-profile", "callbackBeforeUpdateUserInfoExCommand", user_info, 30_000.0),
        (
            "clean-remark",
            "callbackBeforeSetFriendRemarkCommand",
            json!({ "remark": "My   Best\u{200b} Friend" }),
            20_000.0,
        ),
        (
            "filter-messages",
            "callbackBeforeSendSingleMsgCommand",
            json!({ "contentType": 101, "content": json!({ "content": "lunch at noon, or later?" }).to_string() }),
            40_000.0,
        ),
        (
            "mask-messages",
            "C2C.CallbackBeforeSendMsg",
            json!({ "MsgBody": text("lunch at noon, or later?") }),
            40_000.0,
        ),
        ("mirror-profile", "Profile.CallbackPortraitSet", profile, 45_000.0),
        ("mirror-group", "callbackAfterSetGroupInfoExCommand", group_info, 50_000.0),
    ];
    for (plugin, command, body, ceiling) in callbacks {
        let host = example(&[plugin]).start();
        match command.contains('.') {
            true => host.tencent(command, &body).await,
            false => host.openim(command, &body).await,
        };
        let label = format!("plugin=\"{plugin}\"");
        assert_eq!(host.metric("callgate_plugin_faults_total", &[&label]), 0.0, "{plugin}");
        let fuel = host.metric("callgate_plugin_fuel_total", &[&label]);
        assert!(fuel > 0.0 && fuel <= ceiling, "{plugin} took {fuel}, at most {ceiling} were expected");
    }
}

#[tokio::test]
async fn a_batch_holds_at_most_a_hundred_callbacks() {
    let host =
        setup().plugin("allow", guests::replies("allow", r#"{"verdict":"allow"}"#), "Push.OfflinePush", "").start();
    let path = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=Push.OfflinePush";
    let batch = |events: usize| format!(r#"{{"Events":[{}]}}"#, vec!["{}"; events].join(","));
    assert_eq!(host.post(path, batch(100)).await.status, http::StatusCode::OK);
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 100.0);
    assert_eq!(host.post(path, batch(101)).await.status, http::StatusCode::BAD_REQUEST);
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 100.0);
}

#[tokio::test]
async fn a_reply_with_very_many_unknown_changes_is_noted_in_short() {
    let names: Vec<String> = (0..50_000).map(|number| format!("\"a{number:06}b\":0")).collect();
    let reply = format!(r#"{{"verdict":"modify","changes":{{{}}}}}"#, names.join(","));
    let host = setup().plugin("many", guests::replies("many", &reply), "callbackBeforeAddFriendCommand", "").start();
    assert_eq!(host.openim("callbackBeforeAddFriendCommand", &serde_json::json!({})).await["nextCode"], 0);
    assert_eq!(host.metric("callgate_plugin_adjustments_total", &[]), 16.0);
}

#[tokio::test]
async fn a_body_that_comes_slowly_holds_up_nobody() {
    let host = setup().tables("[server]\nin_flight_max = 1").plugin("tells", guests::tells("tells"), "*", "").start();
    let request = Request::post(PATH).body(Body::new(Endless(Some("{")))).unwrap();
    let slow = host.send(request);
    let mut slow = std::pin::pin!(slow);
    for _ in 0..3 {
        tokio::select! {
            biased;
            answer = &mut slow => panic!("there is no whole request: {answer:?}"),
            answer = host.post(PATH, "{}") => assert_eq!(answer.status, StatusCode::OK),
        }
    }
}

/// A body of which a piece comes, and never the rest.
struct Endless(Option<&'static str>);

impl axum::body::HttpBody for Endless {
    type Data = axum::body::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        match self.0.take() {
            Some(piece) => std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(piece.into())))),
            None => std::task::Poll::Pending,
        }
    }
}

#[tokio::test]
async fn a_stranger_is_turned_away_before_the_body() {
    let host = setup().tables("[server]\nin_flight_max = 1\nbodies_bytes_max = 0").start();
    let large = "a".repeat(100_000);
    let path = "/tencent-chat?SdkAppid=7&CallbackCommand=Group.CallbackBeforeSendMsg";
    assert_eq!(host.post(path, large.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(host.post(&format!("{PATH}/more"), large.clone()).await.status, StatusCode::NOT_FOUND);
    let answer = host.post(PATH, large).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["errMsg"], "there is no room for the body (`bodies_bytes_max`)");
}

#[tokio::test]
async fn records_of_a_reply_are_bounded() {
    for (setting, records, is_taken) in [
        ("records_max = 2", "[1,2]", true),
        ("records_max = 2", "[1,2,3]", false),
        ("records_max = 0", "[]", true),
        ("records_max = 0", "[1]", false),
        ("record_bytes_max = 4", "[1234]", true),
        ("record_bytes_max = 4", "[12345]", false),
    ] {
        let reply = format!(r#"{{"verdict":"allow","records":{records}}}"#);
        let host = setup().plugin("p", guests::replies("p", &reply), "*", setting).start();
        host.openim(ADD_FRIEND, &json!({})).await;
        assert_eq!(faults(&host, "reply_invalid") == 0.0, is_taken, "{setting}: {records}");
    }
    // More than any host allows.
    let reply = format!(r#"{{"verdict":"allow","records":[0{}]}}"#, ",0".repeat(4096));
    let host = setup().limits("records_max = 4096").plugin("p", guests::replies("p", &reply), "*", "").start();
    host.openim(ADD_FRIEND, &json!({})).await;
    assert_eq!(faults(&host, "reply_invalid"), 1.0);
}

#[tokio::test(start_paused = true)]
async fn records_beyond_the_rate_are_left_out_and_counted() {
    let reply = r#"{"verdict":"allow","records":[1,2,3]}"#;
    let host = setup().plugin("p", guests::replies("p", reply), "*", "records_per_second_max = 4").start();
    host.openim(ADD_FRIEND, &json!({})).await;
    host.openim(ADD_FRIEND, &json!({})).await;
    assert_eq!(host.records(), [1, 2, 3, 1].map(Value::from));
    assert_eq!(host.metric("callgate_records_lost_total", &[]), 2.0);
}

//! The plugins of one command: their order, what ends the chain, and what each of them sees.

use harness::{Setup, guests, log, setup};
use serde_json::{Value, json};

const REMARK: &str = "callbackBeforeSetFriendRemarkCommand";
const ADD_FRIEND: &str = "callbackBeforeAddFriendCommand";
const MSG_MODIFY: &str = "callbackBeforeMsgModifyCommand";

fn allows() -> Value {
    json!({ "actionCode": 0, "errCode": 0, "errMsg": "", "errDlt": "", "nextCode": 0 })
}

fn with(mut answer: Value, members: Value) -> Value {
    answer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    answer
}

trait Plugins {
    /// Adds a plugin that always gives this reply.
    fn replies(self, name: &str, reply: Value) -> Self;
}

impl Plugins for Setup {
    fn replies(self, name: &str, reply: Value) -> Self {
        let module = guests::replies(name, &reply.to_string());
        self.plugin(name, module, "*", "")
    }
}

fn deny(code: i32) -> Value {
    json!({ "verdict": "deny", "code": code, "message": "no" })
}

fn modify(changes: Value) -> Value {
    json!({ "verdict": "modify", "changes": changes })
}

#[tokio::test]
async fn plugins_are_asked_in_the_order_of_the_settings() {
    let host = setup().replies("zoe", deny(5001)).replies("adam", deny(5002)).start();
    assert_eq!(host.openim(ADD_FRIEND, &json!({})).await["errCode"], 5001);
    let host = setup().replies("adam", deny(5002)).replies("zoe", deny(5001)).start();
    assert_eq!(host.openim(ADD_FRIEND, &json!({})).await["errCode"], 5002);
}

#[tokio::test]
async fn the_first_denial_ends_the_chain() {
    let host = setup()
        .replies("allows", json!({ "verdict": "allow" }))
        .replies("denies", deny(5001))
        .plugin("never-asked", guests::tells("never-asked"), "*", "")
        .start();
    assert_eq!(host.openim(ADD_FRIEND, &json!({})).await["errCode"], 5001);
    assert_eq!(host.metric("callgate_plugin_calls_total", &["plugin=\"allows\""]), 1.0);
    assert_eq!(host.metric("callgate_plugin_calls_total", &["plugin=\"never-asked\""]), 0.0);
    assert!(host.records().is_empty());
}

#[tokio::test]
async fn a_drop_and_a_reply_end_the_chain_too() {
    let host = setup().replies("drops", json!({ "verdict": "drop" })).replies("denies", deny(10_100)).start();
    assert_eq!(host.tencent("Group.CallbackBeforeSendMsg", &json!({})).await["ErrorCode"], 2);
    let host =
        setup().replies("talks", json!({ "verdict": "reply", "reply": "hi" })).replies("denies", deny(1)).start();
    assert_eq!(host.tencent("Chatbot.OnC2CSignalMessage", &json!({})).await["RspData"], "hi");
    assert_eq!(host.metric("callgate_plugin_calls_total", &["plugin=\"denies\""]), 0.0);
}

#[tokio::test]
async fn what_one_plugin_changes_the_next_one_sees() {
    let host = setup()
        .replies("changes", modify(json!({ "remark": "changed \"remark\"" })))
        .plugin("tells", guests::tells("tells"), "*", "")
        .start();
    let body = json!({ "ownerUserID": "u_1", "friendUserID": "u_2", "remark": "as it came", "new": [1, null] });
    let answer = host.openim(REMARK, &body).await;
    assert_eq!(answer, with(allows(), json!({ "remark": "changed \"remark\"" })));
    let seen = json!({ "ownerUserID": "u_1", "friendUserID": "u_2", "remark": "changed \"remark\"", "new": [1, null] });
    assert_eq!(host.records()[0]["body"], seen);
}

#[tokio::test]
async fn a_change_is_seen_under_the_requests_name_for_it() {
    let host = setup()
        .replies(
            "changes",
            modify(json!({ "senderFaceURL": "https://b", "atUserIDList": ["u_9"], "attachedInfo": "x" })),
        )
        .plugin("tells", guests::tells("tells"), "*", "")
        .start();
    host.openim(MSG_MODIFY, &json!({ "faceURL": "https://a", "atUserList": null, "content": "{}" })).await;
    let seen = json!({ "content": "{}", "faceURL": "https://b", "atUserList": ["u_9"] });
    assert_eq!(host.records()[0]["body"], seen);
}

#[tokio::test]
async fn changes_of_several_plugins_add_up_and_the_last_one_wins() {
    let host = setup()
        .replies("one", modify(json!({ "senderNickname": "one", "ex": "one" })))
        .replies("two", modify(json!({ "senderNickname": "two", "status": 2 })))
        .replies("three", json!({ "verdict": "allow" }))
        .start();
    let answer = host.openim(MSG_MODIFY, &json!({ "senderNickname": "zero" })).await;
    assert_eq!(answer, with(allows(), json!({ "senderNickname": "two", "ex": "one", "status": 2 })));
}

#[tokio::test]
async fn a_denial_after_a_change_is_a_denial_alone() {
    let host = setup()
        .replies("changes", modify(json!({ "remark": "changed" })))
        .plugin("reads", guests::denies_on("reads", "changed"), "*", "")
        .start();
    let denied = json!({ "actionCode": 0, "errCode": 5000, "errMsg": "reads found it", "errDlt": "", "nextCode": 1 });
    assert_eq!(host.openim(REMARK, &json!({ "remark": "a" })).await, denied);
}

#[tokio::test]
async fn refusals_of_several_plugins_add_up() {
    let refuse = |users: Value| json!({ "verdict": "refuse_some", "refused": users });
    let host = setup().replies("one", refuse(json!(["b", "a"]))).replies("two", refuse(json!(["c", "a"]))).start();
    let answer = host.tencent("Group.CallbackBeforeInviteJoinGroup", &json!({})).await;
    assert_eq!(answer["RefusedMembers_Account"], json!(["a", "b", "c"]));

    let results = |results: Value| json!({ "verdict": "per_user", "results": results });
    let host = setup()
        .replies("one", results(json!([{ "user": "id1", "code": 38_001 }, { "user": "id2", "code": 0 }])))
        .replies("two", results(json!([{ "user": "id1", "code": 0 }, { "user": "id2", "code": 38_002 }])))
        .replies("three", json!({ "verdict": "allow" }))
        .start();
    let friends = json!({ "FriendItem": [{ "To_Account": "id1" }, { "To_Account": "id2" }, { "To_Account": "id3" }] });
    let answer = host.tencent("Sns.CallbackPrevFriendAdd", &friends).await;
    let codes: Vec<_> =
        answer["ResultItem"].as_array().unwrap().iter().map(|item| item["ResultCode"].clone()).collect();
    assert_eq!(codes, [38_001, 38_002, 0]);
}

#[tokio::test]
async fn records_of_all_plugins_are_kept_in_order_also_when_the_last_denies() {
    let record = |name: &str| json!({ "verdict": "allow", "records": [{ "by": name }, { "and": name }] });
    let denies = json!({ "verdict": "deny", "message": "no", "records": ["by the last"] });
    let host = setup().replies("one", record("one")).replies("two", record("two")).replies("last", denies).start();
    host.openim(ADD_FRIEND, &json!({})).await;
    let expected = json!([{ "by": "one" }, { "and": "one" }, { "by": "two" }, { "and": "two" }, "by the last"]);
    assert_eq!(Value::from(host.records()), expected);
}

#[tokio::test]
async fn half_a_line_at_the_end_of_the_file_spoils_no_record() {
    let record = json!({ "verdict": "allow", "records": ["new"] });
    for (before, expected) in [("\"half\"", json!(["half", "new"])), ("\"whole\"\n", json!(["whole", "new"]))] {
        let host = setup().file("records.jsonl", before).replies("one", record.clone()).start();
        host.openim(ADD_FRIEND, &json!({})).await;
        assert_eq!(Value::from(host.records()), expected);
    }
}

#[tokio::test]
async fn a_record_is_one_line_however_it_is_written() {
    let module = guests::replies("p", "{\"verdict\":\"allow\",\"records\":[{\r\n \"a\":\n 1,\"b\":\"x\\ny\"\n}]}");
    let host = setup().plugin("p", module, "*", "").start();
    host.openim(ADD_FRIEND, &json!({})).await;
    host.openim(ADD_FRIEND, &json!({})).await;
    let record = json!({ "a": 1, "b": "x\ny" });
    assert_eq!(host.records(), [record.clone(), record]);
}

// ---------------------------------------------------------------------------------------------- faults in a chain

#[tokio::test]
async fn after_a_fault_that_allows_the_next_plugin_is_asked() {
    let host = setup()
        .plugin("fails", guests::text("gives-up"), "*", "on_fault = \"allow\"")
        .plugin("tells", guests::tells("tells"), "*", "")
        .start();
    assert_eq!(host.openim(REMARK, &json!({ "x": 1 })).await, allows());
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"fails\""]), 1.0);
    assert_eq!(host.records()[0]["body"], json!({ "x": 1 }));
}

#[tokio::test]
async fn a_fault_that_allows_keeps_what_was_changed_before() {
    let invalid = guests::replies("fails", r#"{"verdict":"modify","changes":{"remark":7}}"#);
    let host = setup()
        .replies("changes", modify(json!({ "remark": "changed" })))
        .plugin("fails", invalid, "*", "on_fault = \"allow\"")
        .start();
    assert_eq!(host.openim(REMARK, &json!({ "remark": "a" })).await, with(allows(), json!({ "remark": "changed" })));
}

#[tokio::test]
async fn a_fault_that_denies_ends_the_chain() {
    let host = setup()
        .plugin("fails", guests::text("gives-up"), "*", "on_fault = \"deny\"")
        .plugin("never-asked", guests::tells("never-asked"), "*", "")
        .start();
    assert_eq!(host.openim(ADD_FRIEND, &json!({ "x": 1 })).await["nextCode"], 1);
    assert!(host.records().is_empty());
}

#[tokio::test]
async fn the_nearest_on_fault_decides() {
    // Plugin before command before platform.
    let platform = |on_fault: &str, on_fault_for: &str| {
        format!("kind = \"openim\"\non_fault = \"{on_fault}\"\non_fault_for = {{ {on_fault_for} }}")
    };
    for (platform, plugin, denies) in [
        (platform("allow", ""), "", false),
        (platform("deny", ""), "", true),
        (platform("allow", "\"callbackBeforeAddFriendCommand\" = \"deny\""), "", true),
        (platform("deny", "\"callbackBeforeAdd*\" = \"allow\""), "", false),
        (platform("deny", "\"callbackBeforeCreate*\" = \"allow\""), "", true),
        (platform("deny", "\"callbackBeforeAdd*\" = \"deny\""), "on_fault = \"allow\"", false),
        (platform("allow", "\"callbackBeforeAdd*\" = \"allow\""), "on_fault = \"deny\"", true),
    ] {
        let host = setup().platform(&platform).plugin("fails", guests::text("gives-up"), "*", plugin).start();
        let answer = host.openim(ADD_FRIEND, &json!({ "x": 1 })).await;
        assert_eq!(answer["nextCode"] == 1, denies, "{platform} {plugin}");
        assert_eq!(host.metric("callgate_plugin_faults_total", &["trap"]), 1.0);
    }
}

// --------------------------------------------------------------------------------------------- which plugins apply

#[tokio::test]
async fn a_star_stands_for_any_text_also_none() {
    for (pattern, gets) in [
        ("*", true),
        ("callbackBeforeAddFriendCommand", true),
        ("callbackBeforeAddFriend*", true),
        ("callbackBeforeAddFriendCommand*", true),
        ("*FriendCommand", true),
        ("*Add*", true),
        ("callback*Add*Command", true),
        ("*B*e*f*o*r*e*", true),
        ("callbackAfter*", false),
        ("*Black*", false),
        ("*FriendAgree*", false),
        ("callbackBeforeAddFriendAgreeCommand", false),
    ] {
        let module = guests::replies("p", &deny(5001).to_string());
        let host = setup().plugin("p", module, pattern, "").start();
        let answer = host.openim(ADD_FRIEND, &json!({})).await;
        assert_eq!(answer["nextCode"] == 1, gets, "{pattern}");
    }
}

#[tokio::test]
async fn a_plugin_gets_only_callbacks_of_its_platforms() {
    let host = setup()
        .platform("kind = \"openim\"\nname = \"one\"\npath = \"/one\"")
        .platform("kind = \"openim\"\nname = \"two\"\npath = \"/two\"")
        .plugin("p", guests::replies("p", &deny(5001).to_string()), "*", "platform = [\"two\"]")
        .start();
    assert_eq!(host.post(&format!("/one/{ADD_FRIEND}"), "{}").await.body["nextCode"], 0);
    assert_eq!(host.post(&format!("/two/{ADD_FRIEND}"), "{}").await.body["nextCode"], 1);
}

#[tokio::test]
async fn a_plugin_is_only_asked_about_commands_that_it_handles() {
    let source = r#"(module
        (@custom "callgate.plugin" "{\"abi\":1,\"name\":\"p\",\"version\":\"0\",\"commands\":[\"callbackBeforeAddFriendCommand\"]}")
        (memory (export "memory") 1)
        (global (export "last_words") i32 (i32.const 0))
        (data (i32.const 1024) "{\"accepted\":true}")
        (data (i32.const 2048) "{\"verdict\":\"drop\"}")
        (func (export "allocate") (param i32) (result i32) (i32.const 4096))
        (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
        (func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0x800_0000_0012)))"#;
    let host = setup().plugin("p", guests::assemble("p", source), "*", "").start();
    assert_eq!(host.openim(ADD_FRIEND, &json!({})).await["nextCode"], 1);
    assert_eq!(host.openim(REMARK, &json!({})).await["nextCode"], 0);
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 1.0);
}

// --------------------------------------------------------------------------------------------- what a plugin sees

#[tokio::test]
async fn the_envelope_tells_all_that_the_host_knows() {
    let host = setup().plugin("tells", guests::tells("tells"), "*", "").start();
    let body = json!({ "CallbackCommand": "C2C.CallbackBeforeSendMsg", "MsgBody": [], "n": 1.50 });
    host.tencent("C2C.CallbackBeforeSendMsg", &body).await;
    let envelope = json!({
        "platform": "tencent-chat",
        "command": "C2C.CallbackBeforeSendMsg",
        "phase": "before",
        "operation_id": "",
        "arrived_unix_ms": 1_700_000_000_000_u64,
        "client_address": "127.0.0.1",
        "query": [
            ["SdkAppid", "1400000000"], ["CallbackCommand", "C2C.CallbackBeforeSendMsg"], ["contenttype", "json"],
            ["ClientIP", "127.0.0.1"], ["OptPlatform", "Web"],
        ],
        "body": body,
    });
    assert_eq!(host.records(), [envelope]);
    host.openim("callbackAfterAddFriendCommand", &json!({ "operationID": "op-7" })).await;
    let record = &host.records()[1];
    assert_eq!((&record["phase"], &record["operation_id"]), (&json!("after"), &json!("op-7")));
}

#[tokio::test]
async fn the_body_is_handed_over_byte_for_byte() {
    let body = "{ \"n\" : 1.50e+01,\"t\":\"\\u003c\\/\",  \"a\":[ ] }\n";
    for needle in ["1.50e+01", "\\u003c\\/", "[ ]", ",  "] {
        let host = setup().plugin("p", guests::denies_on("p", needle), ADD_FRIEND, "").start();
        assert_eq!(host.post(&format!("/openim/{ADD_FRIEND}"), body).await.body["nextCode"], 1, "{needle}");
    }
}

// ------------------------------------------------------------------------------------------ what a plugin may log

/// A host whose plugin says these lines, and whose log shows them.
fn talks(lines: impl Into<Value>) -> harness::TestHost {
    let lines: Value = lines.into();
    let reply = json!({ "verdict": "allow", "log": lines });
    setup().tables("[log]\nlog_payloads = true").replies("talks", reply).start()
}

#[tokio::test]
async fn log_lines_of_a_plugin_are_written_with_their_level_each_on_one_line() {
    let log = log::capture();
    let lines = json!([
        { "level": "debug", "text": "for the author" },
        { "level": "info", "text": "for the record" },
        { "level": "warn", "text": "one\ntwo\u{1b}[2J" },
        { "level": "error", "text": "now" },
    ]);
    let host = talks(lines);
    host.openim(ADD_FRIEND, &json!({})).await;
    for (level, text) in
        [("DEBUG", "for the author"), ("INFO", "for the record"), ("WARN", "one two [2J"), ("ERROR", "now")]
    {
        let found = log.lines_with(text);
        assert_eq!(found.len(), 1, "{}", log.text());
        assert!(found[0].contains(level) && found[0].contains("plugin=\"talks\""), "{found:?}");
    }
    assert!(!log.text().contains('\u{1b}'));
}

#[tokio::test]
async fn a_plugin_that_logs_too_much_is_cut_short() {
    let log = log::capture();
    let line = |number: u32| json!({ "level": "info", "text": format!("line {number}: {}", "x".repeat(5000)) });
    let lines: Vec<_> = (1..=100).map(line).collect();
    let host = talks(lines);
    host.openim(ADD_FRIEND, &json!({})).await;
    assert_eq!(log.lines_with(" line ").len(), 16);
    assert!(log.text().lines().all(|line| line.len() < 1200));
}

#[tokio::test]
async fn a_change_that_a_later_plugin_takes_back_is_none() {
    // The older group update shows 0 and "" also for what the operation leaves alone: writing them back sets them.
    let group = json!({
        "groupID": "g", "groupName": "n", "introduction": "", "faceURL": "", "ex": "", "needVerification": 0,
    });
    let echo = json!({ "groupID": "g", "groupName": "n", "introduction": "", "faceURL": "" });
    let post = async |first: Value, second: Value| {
        let host = setup().replies("first", modify(first)).replies("second", modify(second)).start();
        host.openim("callbackBeforeSetGroupInfoCommand", &group).await
    };
    let back = post(json!({ "needVerification": 1, "ex": "e" }), json!({ "needVerification": 0, "ex": "" })).await;
    assert_eq!(back, with(allows(), echo.clone()));
    let half = post(json!({ "needVerification": 1, "ex": "e" }), json!({ "ex": "" })).await;
    assert_eq!(half, with(with(allows(), echo), json!({ "needVerification": 1 })));
}

//! What a plugin says becomes what the chat server understands: the same, or the nearest that is safe.

use harness::{TestHost, guests, log, setup};
use serde_json::{Value, json};

/// A host with one plugin that always gives this reply.
fn host_with(reply: &Value) -> TestHost {
    setup().plugin("p", guests::replies("p", &reply.to_string()), "*", "").start()
}

fn adjustments(host: &TestHost) -> f64 {
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0);
    host.metric("callgate_plugin_adjustments_total", &["plugin=\"p\""])
}

/// OpenIM's answer to a command and a reply, and how much of the reply was adjusted.
async fn openim(command: &str, request: Value, reply: Value) -> (Value, f64) {
    let host = host_with(&reply);
    let answer = host.openim(command, &request).await;
    (answer, adjustments(&host))
}

/// The same for Tencent.
async fn tencent(command: &str, request: Value, reply: Value) -> (Value, f64) {
    let host = host_with(&reply);
    let answer = host.tencent(command, &request).await;
    (answer, adjustments(&host))
}

fn allows() -> Value {
    json!({ "actionCode": 0, "errCode": 0, "errMsg": "", "errDlt": "", "nextCode": 0 })
}

/// An allowance with further members.
fn allows_with(members: Value) -> Value {
    with(allows(), members)
}

fn denies(code: i32, message: &str) -> Value {
    json!({ "actionCode": 0, "errCode": code, "errMsg": message, "errDlt": "", "nextCode": 1 })
}

fn ok() -> Value {
    code(0, "")
}

fn code(code: i32, info: &str) -> Value {
    json!({ "ActionStatus": "OK", "ErrorCode": code, "ErrorInfo": info })
}

fn ok_with(members: Value) -> Value {
    with(ok(), members)
}

fn with(mut answer: Value, members: Value) -> Value {
    answer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    answer
}

const ADD_FRIEND: &str = "callbackBeforeAddFriendCommand";
const REMARK: &str = "callbackBeforeSetFriendRemarkCommand";
const USER_INFO_EX: &str = "callbackBeforeUpdateUserInfoExCommand";
const MSG_MODIFY: &str = "callbackBeforeMsgModifyCommand";
const MEMBERS_JOIN: &str = "callbackBeforeMembersJoinGroupCommand";
const GROUP_INFO: &str = "callbackBeforeSetGroupInfoCommand";
const GROUP_INFO_EX: &str = "callbackBeforeSetGroupInfoExCommand";
const AFTER_ADD_FRIEND: &str = "callbackAfterAddFriendCommand";

// --------------------------------------------------------------------------------------------------------- OpenIM

#[tokio::test]
async fn openim_allow_is_the_five_common_members() {
    assert_eq!(openim(ADD_FRIEND, json!({}), json!({ "verdict": "allow" })).await, (allows(), 0.0));
}

#[tokio::test]
async fn openim_deny_has_code_message_and_detail() {
    let reply = json!({ "verdict": "deny", "code": 5123, "message": "Not \"now\".\n", "detail": "rule 7" });
    let answer =
        json!({ "actionCode": 0, "errCode": 5123, "errMsg": "Not \"now\".\n", "errDlt": "rule 7", "nextCode": 1 });
    assert_eq!(openim(ADD_FRIEND, json!({}), reply).await, (answer, 0.0));
}

#[tokio::test]
async fn openim_codes_lie_between_5000_and_9999() {
    for (asked, answered, adjusted) in [
        (Some(5000), 5000, 0.0),
        (Some(9999), 9999, 0.0),
        (Some(4999), 5000, 1.0),
        (Some(10_000), 5000, 1.0),
        (Some(0), 5000, 1.0),
        (Some(-1), 5000, 1.0),
        (Some(i32::MIN), 5000, 1.0),
        (None, 5000, 0.0),
    ] {
        let reply = json!({ "verdict": "deny", "code": asked, "message": "no" });
        assert_eq!(openim(ADD_FRIEND, json!({}), reply).await, (denies(answered, "no"), adjusted), "{asked:?}");
    }
}

#[tokio::test]
async fn openim_modify_sets_the_members_of_the_answer() {
    let reply = json!({ "verdict": "modify", "changes": { "remark": "Bobby" } });
    assert_eq!(
        openim(REMARK, json!({ "remark": " Bobby" }), reply).await,
        (allows_with(json!({ "remark": "Bobby" })), 0.0)
    );
}

#[tokio::test]
async fn openim_modify_may_set_every_member_that_the_server_applies() {
    let changes = json!({
        "recvID": "u_2", "groupID": "g_2", "clientMsgID": "c", "serverMsgID": "s", "senderPlatformID": 1,
        "senderNickname": "Bob", "senderFaceURL": "https://ex.com/b.png", "sessionType": 3, "msgFrom": 100,
        "contentType": 101, "status": 1, "options": { "history": true, "unreadCount": false },
        "atUserIDList": ["u_1", "u_3"], "attachedInfo": "{}", "ex": "", "content": "{\"content\":\"****\"}",
    });
    let reply = json!({ "verdict": "modify", "changes": changes });
    assert_eq!(openim(MSG_MODIFY, json!({}), reply).await, (allows_with(changes), 0.0));
}

#[tokio::test]
async fn openim_has_no_drop_so_it_denies() {
    assert_eq!(openim(ADD_FRIEND, json!({}), json!({ "verdict": "drop" })).await, (denies(5000, ""), 1.0));
}

#[tokio::test]
async fn openim_has_no_partial_refusal_so_it_denies() {
    let reply = json!({ "verdict": "refuse_some", "refused": ["u_1"] });
    assert_eq!(openim(ADD_FRIEND, json!({}), reply).await, (denies(5000, ""), 1.0));
    let nobody = json!({ "verdict": "refuse_some", "refused": [] });
    assert_eq!(openim(ADD_FRIEND, json!({}), nobody).await, (allows(), 0.0));
}

#[tokio::test]
async fn openim_has_no_results_for_users_so_one_refusal_denies() {
    let reply = json!({ "verdict": "per_user", "results": [
        { "user": "u_1" }, { "user": "u_2", "code": 5020, "message": "full" }, { "user": "u_3", "code": 5030 },
    ] });
    assert_eq!(openim(ADD_FRIEND, json!({}), reply).await, (denies(5020, "full"), 1.0));
    let all_pass = json!({ "verdict": "per_user", "results": [{ "user": "u_1", "code": 0 }] });
    assert_eq!(openim(ADD_FRIEND, json!({}), all_pass).await, (allows(), 1.0));
}

#[tokio::test]
async fn openim_has_no_reply_so_it_allows() {
    assert_eq!(openim(ADD_FRIEND, json!({}), json!({ "verdict": "reply", "reply": "hi" })).await, (allows(), 1.0));
}

#[tokio::test]
async fn changes_of_a_command_that_has_none_are_left_out() {
    let reply = json!({ "verdict": "modify", "changes": { "reqMsg": "hello", "ex": "" } });
    assert_eq!(openim(ADD_FRIEND, json!({ "reqMsg": "hi" }), reply).await, (allows(), 2.0));
}

#[tokio::test]
async fn the_verdict_itself_cannot_be_set_as_a_change() {
    let changes =
        json!({ "nextCode": 1, "NextCode": 1, "errCode": 5001, "actionCode": 1, "errMsg": "x", "remark": "a" });
    let reply = json!({ "verdict": "modify", "changes": changes });
    assert_eq!(openim(REMARK, json!({}), reply).await, (allows_with(json!({ "remark": "a" })), 5.0));
}

#[tokio::test]
async fn a_profile_change_that_would_crash_the_server_is_left_out() {
    let changes = json!({ "nickName": "Bob", "faceURL": "https://ex.com/b.png", "ex": "mine" });
    let reply = json!({ "verdict": "modify", "changes": changes });
    // `ex` never; the others only where the operation has them.
    let both = json!({ "nickName": "Bob", "faceURL": "https://ex.com/b.png" });
    let shown = json!({ "nickName": "bob", "faceURL": "", "ex": "x" });
    assert_eq!(openim(USER_INFO_EX, shown, reply.clone()).await, (allows_with(both), 1.0));
    let null_name = json!({ "nickName": null, "faceURL": "http://ex.com/b.png", "ex": null });
    let answer = allows_with(json!({ "faceURL": "https://ex.com/b.png" }));
    assert_eq!(openim(USER_INFO_EX, null_name, reply.clone()).await, (answer, 2.0));
    assert_eq!(openim(USER_INFO_EX, json!({ "userID": "u" }), reply).await, (allows(), 3.0));
}

#[tokio::test]
async fn a_message_change_that_would_crash_the_server_is_left_out() {
    let changes = json!({ "offlinePushInfo": { "title": "t" }, "msgDataList": [], "senderNickname": "Bob" });
    let reply = json!({ "verdict": "modify", "changes": changes });
    assert_eq!(openim(MSG_MODIFY, json!({}), reply).await, (allows_with(json!({ "senderNickname": "Bob" })), 2.0));
}

#[tokio::test]
async fn null_is_no_change() {
    let reply = json!({ "verdict": "modify", "changes": { "remark": null } });
    assert_eq!(openim(REMARK, json!({ "remark": "a" }), reply).await, (allows(), 0.0));
    assert_eq!(openim(REMARK, json!({}), json!({ "verdict": "modify" })).await, (allows(), 0.0));
    assert_eq!(openim(REMARK, json!({}), json!({ "verdict": "modify", "changes": null })).await, (allows(), 0.0));
}

#[tokio::test]
async fn an_empty_value_that_the_server_ignores_is_left_out() {
    let reply = json!({ "verdict": "modify", "changes": { "remark": "" } });
    assert_eq!(openim(REMARK, json!({ "remark": "a" }), reply).await, (allows(), 1.0));
    let reply = json!({ "verdict": "modify", "changes": { "userIDList": [] } });
    assert_eq!(openim("callbackBeforeOfflinePushCommand", json!({}), reply).await, (allows(), 1.0));
}

#[tokio::test]
async fn an_empty_list_is_empty_however_it_is_written() {
    let spaced = r#"{"verdict":"modify","changes":{"userIDList":[ ]}}"#;
    let host = setup().plugin("p", guests::replies("p", spaced), "*", "").start();
    assert_eq!(host.openim("callbackBeforeOfflinePushCommand", &json!({})).await, allows());
    assert_eq!(adjustments(&host), 1.0);
}

#[tokio::test]
async fn members_inside_of_a_change_that_the_server_does_not_know_are_left_out() {
    // OpenIM matches names in any letter case: `USERID` of another type would fail the whole answer.
    let changes = json!({ "memberCallbackList": [
        { "userID": "u_1", "nickname": "One", "USERID": 7, "extra": { "a": 1 } },
        { "userID": "u_2", "roleLevel": 60, "muteEndTime": 1_700_000_000_000_u64, "ex": "", "faceURL": null },
    ] });
    let reply = json!({ "verdict": "modify", "changes": changes });
    let (answer, _) = openim(MEMBERS_JOIN, json!({}), reply).await;
    let list = json!([
        { "userID": "u_1", "nickname": "One" },
        { "userID": "u_2", "roleLevel": 60, "muteEndTime": 1_700_000_000_000_u64, "ex": "", "faceURL": null },
    ]);
    assert_eq!(answer, allows_with(json!({ "memberCallbackList": list })));
}

#[tokio::test]
async fn a_change_that_is_given_twice_is_answered_once_with_the_last_value() {
    let reply = r#"{"verdict":"modify","changes":{"remark":"first","remark":"last"}}"#;
    let host = setup().plugin("p", guests::replies("p", reply), "*", "").start();
    let request = http::Request::post(format!("/openim/{REMARK}")).body("{}".into()).unwrap();
    let expected = r#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0,"remark":"last"}"#;
    assert_eq!(host.exchange(request).await.body(), expected);
}

#[tokio::test]
async fn members_of_a_reply_that_are_not_known_are_ignored() {
    let reply = json!({ "verdict": "deny", "code": 5001, "message": "no", "mood": "bad", "changes": null, "x": [1] });
    assert_eq!(openim(ADD_FRIEND, json!({}), reply).await, (denies(5001, "no"), 0.0));
}

// --------------------------------------------------------------------------------------------- OpenIM: the echo

fn group_info() -> Value {
    json!({
        "callbackCommand": GROUP_INFO, "operationID": "", "groupID": "g_1", "groupName": "Name",
        "notification": "notice", "introduction": "intro", "faceURL": "https://ex.com/g.png", "ex": "{}",
        "needVerification": 1, "lookMemberInfo": 0, "applyMemberFriend": 0,
    })
}

fn group_info_ex() -> Value {
    json!({
        "callbackCommand": GROUP_INFO_EX, "groupID": "g_1", "groupName": "Name", "notification": "notice",
        "introduction": null, "faceURL": "https://ex.com/g.png", "ex": null, "needVerification": 1,
        "lookMemberInfo": null, "applyMemberFriend": 0,
    })
}

fn group_info_echo() -> Value {
    allows_with(json!({
        "groupID": "g_1", "groupName": "Name", "introduction": "intro", "faceURL": "https://ex.com/g.png",
    }))
}

fn group_info_ex_echo() -> Value {
    allows_with(json!({
        "groupID": "g_1", "groupName": "Name", "introduction": null, "faceURL": "https://ex.com/g.png", "ex": null,
        "needVerification": 1, "lookMemberInfo": null, "applyMemberFriend": 0,
    }))
}

#[tokio::test]
async fn group_updates_are_allowed_with_what_the_server_would_overwrite() {
    let allow = json!({ "verdict": "allow" });
    assert_eq!(openim(GROUP_INFO, group_info(), allow.clone()).await, (group_info_echo(), 0.0));
    assert_eq!(openim(GROUP_INFO_EX, group_info_ex(), allow).await, (group_info_ex_echo(), 0.0));
}

#[tokio::test]
async fn a_change_of_one_member_keeps_the_echo_of_the_others() {
    let reply = json!({ "verdict": "modify", "changes": { "groupName": "Changed" } });
    let changed = |echo: Value| with(echo, json!({ "groupName": "Changed" }));
    assert_eq!(openim(GROUP_INFO, group_info(), reply.clone()).await, (changed(group_info_echo()), 0.0));
    assert_eq!(openim(GROUP_INFO_EX, group_info_ex(), reply).await, (changed(group_info_ex_echo()), 0.0));
    // This one is changed only when it is there.
    let reply = json!({ "verdict": "modify", "changes": { "lookMemberInfo": 1 } });
    let answer = with(group_info_echo(), json!({ "lookMemberInfo": 1 }));
    assert_eq!(openim(GROUP_INFO, group_info(), reply).await, (answer, 0.0));
}

#[tokio::test]
async fn the_notification_of_a_group_cannot_be_changed() {
    let reply = json!({ "verdict": "modify", "changes": { "notification": "other" } });
    assert_eq!(openim(GROUP_INFO, group_info(), reply.clone()).await, (group_info_echo(), 1.0));
    assert_eq!(openim(GROUP_INFO_EX, group_info_ex(), reply).await, (group_info_ex_echo(), 1.0));
}

#[tokio::test]
async fn null_does_not_clear_what_is_echoed() {
    let reply = json!({ "verdict": "modify", "changes": { "groupID": null, "introduction": "" } });
    let answer = with(group_info_ex_echo(), json!({ "introduction": "" }));
    assert_eq!(openim(GROUP_INFO_EX, group_info_ex(), reply).await, (answer, 1.0));
}

#[tokio::test]
async fn wrapped_values_are_echoed_plain() {
    let request = json!({
        "groupID": "g_1", "groupName": { "value": "Name" }, "notification": { "value": "notice" },
        "introduction": null, "faceURL": { "value": "https://ex.com/g.png" }, "ex": { "value": null },
        "needVerification": { "value": 1 }, "lookMemberInfo": {}, "applyMemberFriend": { "value": "0" },
    });
    assert_eq!(openim(GROUP_INFO_EX, request, json!({ "verdict": "allow" })).await, (group_info_ex_echo(), 0.0));
}

#[tokio::test]
async fn a_value_that_the_server_could_not_decode_is_not_echoed() {
    let request = json!({ "groupID": "g_1", "groupName": 7, "needVerification": "yes", "lookMemberInfo": [1] });
    let answer =
        allows_with(json!({ "groupID": "g_1", "groupName": null, "needVerification": null, "lookMemberInfo": null }));
    assert_eq!(openim(GROUP_INFO_EX, request, json!({ "verdict": "allow" })).await, (answer, 0.0));
}

#[tokio::test]
async fn every_way_to_allow_a_group_update_has_the_echo() {
    // Nobody is asked.
    let host = setup().start();
    assert_eq!(host.openim(GROUP_INFO, &group_info()).await, group_info_echo());
    // A fault that allows.
    let host = setup().plugin("p", guests::text("gives-up"), "*", "on_fault = \"allow\"").start();
    let mut provoking = group_info_ex();
    provoking["x"] = json!(1);
    assert_eq!(host.openim(GROUP_INFO_EX, &provoking).await, group_info_ex_echo());
    assert_eq!(host.metric("callgate_plugin_faults_total", &["trap"]), 1.0);
    // A verdict that becomes one.
    let (answer, _) = openim(GROUP_INFO, group_info(), json!({ "verdict": "reply", "reply": "hi" })).await;
    assert_eq!(answer, group_info_echo());
}

#[tokio::test]
async fn a_denied_group_update_has_no_echo() {
    let reply = json!({ "verdict": "deny", "code": 5001, "message": "no" });
    assert_eq!(openim(GROUP_INFO, group_info(), reply).await, (denies(5001, "no"), 0.0));
}

// --------------------------------------------------------------------------------------- OpenIM: documented form

#[tokio::test]
async fn the_documented_form_writes_next_code_as_text() {
    let host = setup()
        .platform("kind = \"openim\"\ndocumented_form = true")
        .plugin("p", guests::replies("p", r#"{"verdict":"deny","code":5001,"message":"no"}"#), ADD_FRIEND, "")
        .start();
    let allowed = json!({ "actionCode": 0, "errCode": 0, "errMsg": "", "errDlt": "", "nextCode": "0" });
    assert_eq!(host.openim(REMARK, &json!({})).await, allowed);
    let denied = json!({ "actionCode": 0, "errCode": 5001, "errMsg": "no", "errDlt": "", "nextCode": "1" });
    assert_eq!(host.openim(ADD_FRIEND, &json!({})).await, denied);
    let refused = host.post(&format!("/openim/{REMARK}"), "no JSON").await;
    assert_eq!(refused.body["nextCode"], "1");
    let echo = with(group_info_echo(), json!({ "nextCode": "0" }));
    assert_eq!(host.openim(GROUP_INFO, &group_info()).await, echo);
}

// ------------------------------------------------------------------------------------------- after the fact

#[tokio::test]
async fn after_the_fact_every_verdict_is_an_allowance() {
    for reply in [
        json!({ "verdict": "deny", "code": 5001, "message": "no" }),
        json!({ "verdict": "drop" }),
        json!({ "verdict": "refuse_some", "refused": ["u_1"] }),
        json!({ "verdict": "per_user", "results": [{ "user": "u_1", "code": 38001 }] }),
        json!({ "verdict": "reply", "reply": "hi" }),
        json!({ "verdict": "modify", "changes": { "reqMsg": "x" } }),
    ] {
        assert_eq!(openim(AFTER_ADD_FRIEND, json!({}), reply.clone()).await, (allows(), 1.0), "{reply}");
        assert_eq!(tencent("C2C.CallbackAfterSendMsg", json!({}), reply.clone()).await, (ok(), 1.0), "{reply}");
    }
}

// -------------------------------------------------------------------------------------------------------- Tencent

const C2C: &str = "C2C.CallbackBeforeSendMsg";
const GROUP: &str = "Group.CallbackBeforeSendMsg";
const INVITE: &str = "Group.CallbackBeforeInviteJoinGroup";
const CREATE_GROUP: &str = "Group.CallbackBeforeCreateGroup";
const OFFICIAL: &str = "OfficialAccount.CallbackBeforeSendMsg";
const SUBSCRIBE: &str = "OfficialAccount.CallbackBeforeAddSubscriber";
const FRIEND_ADD: &str = "Sns.CallbackPrevFriendAdd";
const FRIEND_RESPONSE: &str = "Sns.CallbackPrevFriendResponse";
const CHATBOT: &str = "Chatbot.OnC2CSignalMessage";
const GIFT: &str = "Live.CallbackBeforeSendGift";

#[tokio::test]
async fn tencent_allow_is_ok_and_0() {
    for command in [C2C, GROUP, INVITE, CREATE_GROUP, OFFICIAL, SUBSCRIBE, GIFT, "State.StateChange"] {
        assert_eq!(tencent(command, json!({}), json!({ "verdict": "allow" })).await, (ok(), 0.0), "{command}");
    }
}

#[tokio::test]
async fn tencent_codes_lie_in_the_range_of_their_command() {
    for (command, first, last) in [
        (C2C, 120_001, 130_000),
        (OFFICIAL, 120_001, 130_000),
        ("OfficialAccount.CallbackBeforeCreateOfficialAccount", 120_001, 130_000),
        (GROUP, 10_100, 10_200),
        (INVITE, 10_100, 10_200),
        (CREATE_GROUP, 10_100, 10_200),
        ("Group.CallbackBeforeCreateTopic", 10_100, 10_200),
        ("Group.CallbackBeforeApplyJoinGroup", 10_100, 10_200),
        (GIFT, 102_100, 102_200),
    ] {
        for (asked, answered, adjusted) in [
            (Some(first), first, 0.0),
            (Some(last), last, 0.0),
            (Some(first - 1), 1, 1.0),
            (Some(last + 1), 1, 1.0),
            (Some(0), 1, 1.0),
            (Some(2), 1, 1.0),
            (Some(5001), 1, 1.0),
            (Some(1), 1, 0.0),
            (None, 1, 0.0),
        ] {
            let reply = json!({ "verdict": "deny", "code": asked, "message": "no", "detail": "not shown" });
            let expected = (code(answered, "no"), adjusted);
            assert_eq!(tencent(command, json!({}), reply).await, expected, "{command} {asked:?}");
        }
    }
}

#[tokio::test]
async fn a_subscription_has_no_codes_of_the_apps_own() {
    let reply = json!({ "verdict": "deny", "code": 120_001, "message": "no" });
    assert_eq!(tencent(SUBSCRIBE, json!({}), reply).await, (code(1, "no"), 1.0));
}

#[tokio::test]
async fn group_and_channel_messages_can_be_dropped() {
    for command in [GROUP, OFFICIAL] {
        assert_eq!(tencent(command, json!({}), json!({ "verdict": "drop" })).await, (code(2, ""), 0.0), "{command}");
    }
}

#[tokio::test]
async fn what_cannot_be_dropped_is_denied() {
    for command in [C2C, INVITE, CREATE_GROUP, SUBSCRIBE, GIFT] {
        assert_eq!(tencent(command, json!({}), json!({ "verdict": "drop" })).await, (code(1, ""), 1.0), "{command}");
    }
}

#[tokio::test]
async fn a_message_is_replaced_byte_for_byte() {
    let reply = r#"{"verdict":"modify","changes":{"CloudCustomData":"lvl=3","MsgBody":[{"MsgType":"TIMFutureElem","MsgContent":{"Size":"62351","n":1.50,"deep":{"a":[1, 2]}},"more":null}],"Type":"Public"}}"#;
    for command in [C2C, GROUP, OFFICIAL] {
        let host = setup().plugin("p", guests::replies("p", reply), "*", "").start();
        let path = format!("/tencent-chat?SdkAppid=1400000000&CallbackCommand={command}");
        let answer = host.exchange(http::Request::post(path).body("{}".into()).unwrap()).await;
        let expected = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","CloudCustomData":"lvl=3","MsgBody":[{"MsgType":"TIMFutureElem","MsgContent":{"Size":"62351","n":1.50,"deep":{"a":[1, 2]}},"more":null}]}"#;
        assert_eq!(answer.body(), expected, "{command}");
        assert_eq!(adjustments(&host), 1.0, "`Type` cannot be changed");
    }
}

#[tokio::test]
async fn some_members_can_be_refused() {
    let reply = json!({ "verdict": "refuse_some", "refused": ["pia", "otto"] });
    let answer = ok_with(json!({ "RefusedMembers_Account": ["pia", "otto"] }));
    assert_eq!(tencent(INVITE, json!({}), reply.clone()).await, (answer, 0.0));
    let both = json!({ "RefusedSubscribers_Account": ["pia", "otto"], "RefusedMembers_Account": ["pia", "otto"] });
    assert_eq!(tencent(SUBSCRIBE, json!({}), reply).await, (ok_with(both), 0.0));
}

#[tokio::test]
async fn where_nobody_can_be_refused_all_are() {
    for command in [CREATE_GROUP, C2C, GROUP] {
        let reply = json!({ "verdict": "refuse_some", "refused": ["pia"] });
        assert_eq!(tencent(command, json!({}), reply).await, (code(1, ""), 1.0), "{command}");
        let nobody = json!({ "verdict": "refuse_some", "refused": [] });
        assert_eq!(tencent(command, json!({}), nobody).await.0, ok(), "{command}");
    }
}

#[tokio::test]
async fn results_for_users_become_a_denial_where_there_are_none() {
    let reply = json!({ "verdict": "per_user", "results": [{ "user": "a" }, { "user": "b", "code": 10_120, "message": "slow" }] });
    assert_eq!(tencent(INVITE, json!({}), reply.clone()).await, (code(10_120, "slow"), 1.0));
    assert_eq!(tencent(C2C, json!({}), reply).await, (code(1, "slow"), 1.0));
}

fn friends(list: &str) -> Value {
    json!({ "From_Account": "id0", list: [{ "To_Account": "id1" }, { "To_Account": "id2" }, { "To_Account": "id3" }] })
}

fn results(codes: [(i32, &str); 3]) -> Value {
    let users = ["id1", "id2", "id3"].into_iter().zip(codes);
    let items: Vec<_> = users
        .map(|(user, (code, info))| json!({ "To_Account": user, "ResultCode": code, "ResultInfo": info }))
        .collect();
    ok_with(json!({ "ResultItem": items }))
}

#[tokio::test]
async fn friend_requests_have_a_result_for_each_user() {
    for (command, list) in [(FRIEND_ADD, "FriendItem"), (FRIEND_RESPONSE, "ResponseFriendItem")] {
        let allow = json!({ "verdict": "allow" });
        let all_pass = results([(0, ""), (0, ""), (0, "")]);
        assert_eq!(tencent(command, friends(list), allow).await, (all_pass.clone(), 0.0));
        // A non-zero ErrorCode would let the request pass.
        let deny = json!({ "verdict": "deny", "code": 38_500, "message": "no" });
        let all_refused = results([(38_500, "no"), (38_500, "no"), (38_500, "no")]);
        assert_eq!(tencent(command, friends(list), deny).await, (all_refused, 0.0));
        let some = json!({ "verdict": "per_user", "results": [
            { "user": "id2", "code": 38_001, "message": "blocked" }, { "user": "id3", "code": 0 },
            { "user": "stranger", "code": 38_002 },
        ] });
        let answer = results([(0, ""), (38_001, "blocked"), (0, "")]);
        assert_eq!(tencent(command, friends(list), some).await, (answer, 0.0));
        let host = setup().start();
        assert_eq!(host.tencent(command, &friends(list)).await, all_pass, "nobody is asked");
    }
}

#[tokio::test]
async fn friend_requests_are_refused_with_codes_that_refuse() {
    for (asked, answered) in [(38_000, 38_000), (39_000, 39_000), (37_999, 38_000), (39_001, 38_000), (1, 38_000)] {
        let some = json!({ "verdict": "per_user", "results": [{ "user": "id1", "code": asked }] });
        let answer = results([(answered, ""), (0, ""), (0, "")]);
        assert_eq!(tencent(FRIEND_ADD, friends("FriendItem"), some).await.0, answer, "{asked}");
    }
    let refused = results([(38_000, ""), (38_000, ""), (38_000, "")]);
    assert_eq!(tencent(FRIEND_ADD, friends("FriendItem"), json!({ "verdict": "drop" })).await, (refused, 1.0));
}

#[tokio::test]
async fn friend_requests_without_a_list_have_no_results() {
    for request in [json!({}), json!({ "FriendItem": null }), json!({ "FriendItem": [] }), json!({ "FriendItem": 7 })] {
        let answer = ok_with(json!({ "ResultItem": [] }));
        assert_eq!(tencent(FRIEND_ADD, request, json!({ "verdict": "allow" })).await, (answer, 0.0));
    }
}

#[tokio::test]
async fn a_chatbot_always_has_reply_data() {
    let reply = json!({ "verdict": "reply", "reply": "Hello \"you\"" });
    let answer = ok_with(json!({ "RspData": "Hello \"you\"" }));
    assert_eq!(tencent(CHATBOT, json!({}), reply).await, (answer, 0.0));
    let silent = ok_with(json!({ "RspData": "" }));
    assert_eq!(tencent(CHATBOT, json!({}), json!({ "verdict": "allow" })).await, (silent, 0.0));
    let denied = with(code(1, "no"), json!({ "RspData": "" }));
    assert_eq!(tencent(CHATBOT, json!({}), json!({ "verdict": "deny", "message": "no" })).await, (denied, 0.0));
}

#[tokio::test]
async fn a_reply_without_a_chatbot_is_an_allowance() {
    assert_eq!(tencent(C2C, json!({}), json!({ "verdict": "reply", "reply": "hi" })).await, (ok(), 1.0));
}

#[tokio::test]
async fn each_event_of_a_batch_is_a_callback_of_its_own() {
    let host = setup().plugin("tells", guests::tells("tells"), "Push.*", "").start();
    let events = json!([
        { "CallbackCommand": "Push.OfflinePush", "EventTime": 1_700_000_001, "To_Account": "a" },
        { "CallbackCommand": "Push.OfflinePush", "EventTime": 1_700_000_002, "To_Account": "b" },
        { "CallbackCommand": "Push.OfflinePush", "EventTime": 1_700_000_003, "To_Account": "c" },
    ]);
    assert_eq!(host.tencent("Push.OfflinePush", &json!({ "Events": events })).await, ok());
    let bodies: Vec<_> = host.records().into_iter().map(|record| record["body"].clone()).collect();
    assert_eq!(Value::from(bodies), events);
    assert!(host.records().iter().all(|record| record["command"] == "Push.OfflinePush"));
    assert_eq!(host.metric("callgate_plugin_calls_total", &["plugin=\"tells\""]), 3.0);
    assert_eq!(host.metric("callgate_callbacks_total", &[]), 1.0);
}

#[tokio::test]
async fn a_batch_without_events_asks_nobody() {
    let host = setup().plugin("tells", guests::tells("tells"), "*", "").start();
    for body in [json!({}), json!({ "Events": [] }), json!({ "Events": null }), json!({ "Events": 7 })] {
        assert_eq!(host.tencent("Push.AllMemberPush", &body).await, ok(), "{body}");
    }
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 0.0);
}

// ------------------------------------------------------------------------------------------- names of commands

#[tokio::test]
async fn an_unknown_command_is_allowed_counted_and_logged_once_for_each_name() {
    let log = log::capture();
    let host = host_with(&json!({ "verdict": "deny", "message": "no" }));
    for command in ["callbackBeforeTomorrowCommand", "callbackBeforeTomorrowCommand", "callbackAfterAll"] {
        assert_eq!(host.openim(command, &json!({ "userID": "u" })).await, allows());
    }
    assert_eq!(host.tencent("Group.CallbackBeforeTomorrow", &json!({})).await, ok());
    assert_eq!(host.metric("callgate_unknown_commands_total", &["platform=\"openim\""]), 3.0);
    assert_eq!(host.metric("callgate_unknown_commands_total", &["platform=\"tencent-chat\""]), 1.0);
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 0.0);
    let hints = log.lines_with("this command is not known");
    assert_eq!(hints.len(), 3, "{hints:?}");
    assert_eq!(hints.iter().filter(|hint| hint.contains("callbackBeforeTomorrowCommand")).count(), 1);
}

#[tokio::test]
async fn names_from_outside_cannot_forge_lines_of_the_log_or_of_the_counters() {
    let log = log::capture();
    let host = setup().start();
    host.post("/openim/a%0AINFO%20forged", "{}").await;
    let body = json!({ "callbackCommand": "b\nINFO forged\u{1b}[2J" });
    host.post("/openim", body.to_string()).await;
    assert!(!log.text().lines().any(|line| line.starts_with("INFO forged")), "{}", log.text());
    assert!(!log.text().contains('\u{1b}'));
    assert!(!host.host().metrics().contains("forged"));
}

#[tokio::test]
async fn other_names_of_a_command_lead_to_it() {
    let host = setup()
        .plugin("tells", guests::tells("tells"), REMARK, "")
        .plugin("told", guests::tells("told"), "Room.CallbackAfterUpdateRoomInfo", "")
        .start();
    assert_eq!(host.openim("callbackBeforeSetFriendRemark", &json!({ "remark": "a" })).await, allows());
    assert_eq!(host.tencent("Room.CallbackUpdateRoomInfo", &json!({})).await, ok());
    let commands: Vec<_> = host.records().iter().map(|record| record["command"].clone()).collect();
    assert_eq!(commands, [REMARK, "Room.CallbackAfterUpdateRoomInfo"]);
    assert_eq!(host.metric("callgate_unknown_commands_total", &[]), 0.0);
}

#[tokio::test]
async fn a_name_that_only_the_documentation_has_is_allowed() {
    let host = host_with(&json!({ "verdict": "deny", "message": "no" }));
    assert_eq!(host.openim("setGlobalRecvMessageOptCommand", &json!({})).await, allows());
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 0.0);
}

#[tokio::test]
async fn the_phase_is_not_told_by_the_name() {
    // Sent after a message was revoked, whatever it is called.
    let host = host_with(&json!({ "verdict": "deny", "message": "no" }));
    assert_eq!(host.openim("callbackBeforeAfterMsgCommand", &json!({})).await, allows());
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 1.0);
}

#[tokio::test]
async fn every_verdict_is_counted_under_its_name() {
    let host = setup()
        .plugin("denies", guests::replies("denies", r#"{"verdict":"deny","message":"no"}"#), ADD_FRIEND, "")
        .plugin("drops", guests::replies("drops", r#"{"verdict":"drop"}"#), GROUP, "")
        .start();
    host.openim(ADD_FRIEND, &json!({})).await;
    host.openim(REMARK, &json!({})).await;
    host.tencent(GROUP, &json!({})).await;
    let count = |labels: &[&str]| host.metric("callgate_callbacks_total", labels);
    assert_eq!(count(&["platform=\"openim\"", "command=\"callbackBeforeAddFriendCommand\"", "verdict=\"deny\""]), 1.0);
    assert_eq!(count(&["platform=\"openim\"", "verdict=\"allow\""]), 1.0);
    assert_eq!(count(&["platform=\"tencent-chat\"", "verdict=\"drop\""]), 1.0);
    assert_eq!(count(&[]), 3.0);
}

#[tokio::test]
async fn a_number_is_echoed_in_the_spelling_of_json() {
    let host = setup().start();
    for (written, read) in
        [("\"+5\"", json!(5)), ("\"007\"", json!(7)), (r#"{"value":"+7"}"#, json!(7)), ("\"x\"", json!(null))]
    {
        let body = format!(r#"{{"groupID":"g","needVerification":{written}}}"#);
        let answer = host.post("/openim/callbackBeforeSetGroupInfoExCommand", body).await;
        assert_eq!(answer.body["needVerification"], read, "{written}");
    }
}

#[tokio::test]
async fn one_odd_element_does_not_hide_the_users_beside_it() {
    let deny = guests::replies("deny", r#"{"verdict":"deny","message":"no"}"#);
    let host = setup().plugin("deny", deny, "Sns.CallbackPrevFriendAdd", "").start();
    let body = json!({ "FriendItem": [{ "To_Account": "a" }, null, { "To_Account": 5 }, { "To_Account": "b" }] });
    let answer = host.tencent("Sns.CallbackPrevFriendAdd", &body).await;
    let result = |user: &str| json!({ "To_Account": user, "ResultCode": 38_000, "ResultInfo": "no" });
    assert_eq!(answer["ResultItem"], json!([result("a"), result("b")]));
}

#[tokio::test]
async fn values_that_only_some_readers_take_for_json_are_no_changes() {
    for changes in [r#"{"CloudCustomData":"\ud800"}"#, r#"{"MsgBody":[{"MsgType":"x","MsgContent":{"X":1e400}}]}"#] {
        let reply = format!(r#"{{"verdict":"modify","changes":{changes}}}"#);
        let host = setup().plugin("odd", guests::replies("odd", &reply), "C2C.CallbackBeforeSendMsg", "").start();
        let answer = host.tencent("C2C.CallbackBeforeSendMsg", &json!({})).await;
        assert_eq!(answer, json!({ "ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "" }), "{changes}");
        assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"reply_invalid\""]), 1.0, "{changes}");
    }
}

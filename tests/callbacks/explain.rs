//! The reading side, row by row: what the real servers make of answers, as their source and documentation have it.

use callgate_dialects::explain::{Explanation, Outcome};
use callgate_dialects::table;
use plugin_sdk::catalogue::{Command, Protocol};
use plugin_sdk::{openim, tencent_chat};

fn command(platform: &Protocol, name: &str) -> &'static Command {
    platform.commands.iter().find(|command| command.name == name).copied().expect("a command")
}

fn explain(protocol: &Protocol, name: &str, request: &str, status: u16, answer: &[u8]) -> Explanation {
    let server = table::by_name(table::CHAT_SERVERS, protocol.name).expect("a chat server");
    server.explain(command(protocol, name), request, status, answer)
}

fn openim(name: &str, request: &str, answer: &str) -> Explanation {
    explain(&openim::PROTOCOL, name, request, 200, answer.as_bytes())
}

fn single(answer: &str) -> Outcome {
    openim("callbackBeforeSendSingleMsgCommand", "{}", answer).outcome
}

fn tencent(name: &str, request: &str, status: u16, answer: &str) -> Explanation {
    explain(&tencent_chat::PROTOCOL, name, request, status, answer.as_bytes())
}

fn ok(members: &str) -> String {
    format!(r#"{{"ActionStatus":"OK",{members}}}"#)
}

fn denied(code: i64, message: &str, detail: &str) -> Outcome {
    Outcome::Denied { code, message: message.to_owned(), detail: detail.to_owned() }
}

fn is_broken(outcome: &Outcome, caller_sees: &str) -> bool {
    matches!(outcome, Outcome::Broken { caller_sees: text } if text.contains(caller_sees))
}

/// What became of one member: its new value, or `None`.
fn applied<'e>(explanation: &'e Explanation, name: &str) -> Option<&'e str> {
    explanation.applied.iter().find(|applied| applied.name == name).map(|applied| applied.to.as_str())
}

#[test]
fn openim_reads_the_common_members_as_go_decodes_them() {
    for answer in ["{}", "null", r#"{"nextCode":0}"#] {
        assert_eq!(single(answer), Outcome::GoesOn, "{answer}");
    }
    for answer in ["", "[]", "true", "<html></html>", "ok", "\u{feff}{}", "{} x", "{}{}"] {
        assert!(is_broken(&single(answer), "90007"), "{answer}");
    }
    for next in [r#""0""#, r#""1""#, r#""""#, "true", "1.0", "1e0", "2147483648"] {
        assert!(is_broken(&single(&format!(r#"{{"nextCode":{next}}}"#)), "90007"), "{next}");
    }
    for answer in [r#"{"actionCode":"0"}"#, r#"{"errMsg":5}"#] {
        assert!(is_broken(&single(answer), "90007"), "{answer}");
    }
    for answer in [
        r#"{"nextCode":null}"#,
        r#"{"actionCode":null,"errCode":null,"errMsg":null,"errDlt":null,"nextCode":null}"#,
        r#"{"nextCode":2}"#,
        r#"{"nextCode":-1}"#,
        r#"{"actionCode":1,"errCode":5001,"nextCode":1}"#,
        r#"{"errCode":5001}"#,
        r#"{"nextCode":1,"nextCode":0}"#,
        r#"{"ActionStatus":"FAIL","ErrorCode":1}"#,
    ] {
        assert_eq!(single(answer), Outcome::GoesOn, "{answer}");
    }
    let rejection = r#"{"actionCode":0,"errCode":5001,"errMsg":"no","errDlt":"d","nextCode":1}"#;
    assert_eq!(single(rejection), denied(5001, "no", "d"));
    assert_eq!(single(r#"{"NEXTCODE":1,"errcode":5001}"#), denied(5001, "", ""), "names in another letter case");
    assert_eq!(single(r#"{"nextCode":0,"nextCode":1,"errCode":5001}"#), denied(5001, "", ""), "the last one counts");
    let unknown = openim("callbackBeforeSendSingleMsgCommand", "{}", r#"{"unknown":1}"#);
    assert_eq!((unknown.outcome, unknown.without_effect.len()), (Outcome::GoesOn, 1));
}

#[test]
fn openim_reads_the_body_whatever_the_status_if_there_can_be_one() {
    let name = "callbackBeforeSendSingleMsgCommand";
    let rejection = br#"{"errCode":5001,"errMsg":"no","nextCode":1}"#;
    let outcome = |status: u16| explain(&openim::PROTOCOL, name, "{}", status, rejection).outcome;
    for status in [200, 201, 301, 404, 500, 599] {
        assert_eq!(outcome(status), denied(5001, "no", ""), "{status}");
    }
    for status in [204, 304] {
        assert!(is_broken(&outcome(status), "90007"), "{status}");
    }
}

#[test]
fn openim_hands_on_codes_from_100_on_only() {
    let reject = |code: i64| single(&format!(r#"{{"errCode":{code},"nextCode":1}}"#));
    assert_eq!(reject(100), denied(100, "", ""));
    assert_eq!(reject(2_147_483_647), denied(2_147_483_647, "", ""));
    assert!(is_broken(&reject(99), "500"));
    assert!(is_broken(&reject(1), "500"));
    assert!(is_broken(&reject(0), "success"));
    assert!(is_broken(&single(r#"{"nextCode":1}"#), "success"));
    assert!(is_broken(&reject(-1), "4294967295"));
}

#[test]
fn openim_reads_nothing_into_the_answer_to_an_after_callback() {
    for answer in [r#"{"nextCode":1,"errCode":5001}"#, "", "{}"] {
        let explanation = openim("callbackAfterSendSingleMsgCommand", "{}", answer);
        assert_eq!(explanation.outcome, Outcome::AlreadyDone, "{answer}");
    }
}

#[test]
fn openim_replaces_members_by_four_rules() {
    // Not null: absent and null keep, empty and others replace.
    let update = |answer: &str| openim("callbackBeforeUpdateUserInfoCommand", r#"{"nickName":"a"}"#, answer);
    assert_eq!(applied(&update("{}"), "nickName"), None);
    assert_eq!(applied(&update(r#"{"nickName":null}"#), "nickName"), None);
    assert_eq!(applied(&update(r#"{"nickName":""}"#), "nickName"), Some("\"\""));
    assert_eq!(applied(&update(r#"{"nickName":"b"}"#), "nickName"), Some("\"b\""));

    // Not empty: empty keeps too.
    for (name, member, empty, new) in [
        ("callbackBeforeSetFriendRemarkCommand", "remark", "\"\"", "\"b\""),
        ("callbackBeforeImportFriendsCommand", "friendUserIDs", "[]", r#"["u"]"#),
        ("callbackBeforeOfflinePushCommand", "userIDList", "[]", r#"["u"]"#),
    ] {
        let answer = |value: &str| openim(name, "{}", &format!(r#"{{"{member}":{value}}}"#));
        assert_eq!(applied(&answer("null"), member), None, "{name}");
        assert_eq!(applied(&answer(empty), member), None, "{name}");
        assert_eq!(applied(&answer(new), member), Some(new), "{name}");
    }

    // An element that replaces another is stored whole: what it leaves out is empty.
    let users = openim("callbackBeforeUserRegisterCommand", "{}", r#"{"users":[{"userID":"u","nickname":"n"}]}"#);
    let rest = r#""faceURL":"","ex":"","createTime":0,"appMangerLevel":0,"globalRecvMsgOpt":0"#;
    let stored = format!(r#"[{{"userID":"u","nickname":"n",{rest}}}]"#);
    assert_eq!(applied(&users, "users"), Some(stored.as_str()));

    // Always copied: absent and null clear.
    for name in ["callbackBeforeSetGroupInfoCommand", "callbackBeforeSetGroupInfoExCommand"] {
        let request = r#"{"groupID":"g","groupName":"n","introduction":"i","faceURL":"f"}"#;
        let bare = openim(name, request, "{}");
        assert!(is_broken(&bare.outcome, "the group is not found"), "{name}: {bare:?}");
        let null = openim(name, request, r#"{"groupID":null}"#);
        assert!(is_broken(&null.outcome, "the group is not found"), "{name}");
        let half = openim(name, request, r#"{"groupID":"g"}"#);
        assert!(is_broken(&half.outcome, "without `groupName`"), "{name}: {half:?}");
        let echo = openim(name, request, request);
        assert_eq!((&echo.outcome, echo.applied.len()), (&Outcome::GoesOn, 0), "{name}");
        let renamed = openim(name, request, &request.replace("\"n\"", "\"new\""));
        assert_eq!(applied(&renamed, "groupName"), Some("\"new\""), "{name}");
    }

    // Ignored: whatever it is.
    for (name, member, value) in [
        ("callbackBeforeOnlinePushCommand", "userIDList", r#"["u"]"#),
        ("callbackBeforeOnlinePushCommand", "offlinePushInfo", "{}"),
        ("callbackBeforeGroupOnlinePushCommand", "offlinePushInfo", "{}"),
        ("callbackBeforeInviteJoinGroupCommand", "refusedMembersAccount", r#"["u"]"#),
        ("callbackBeforeCreateGroupCommand", "applyMemberFriend", "1"),
        ("callbackBeforeMsgModifyCommand", "msgDataList", "\"AA==\""),
    ] {
        let explanation = openim(name, "{}", &format!(r#"{{"{member}":{value}}}"#));
        assert_eq!(explanation.outcome, Outcome::GoesOn, "{name}");
        assert!(explanation.without_effect.iter().any(|(ignored, _)| ignored == member), "{name}: {explanation:?}");
        let wrong = openim(name, "{}", &format!(r#"{{"{member}":{}}}"#, if value == "1" { "\"1\"" } else { "1" }));
        assert!(is_broken(&wrong.outcome, "90007"), "{name}: ignored, but decoded");
    }
}

#[test]
fn openim_applies_changes_also_when_the_receiver_says_that_it_failed() {
    let answer = r#"{"actionCode":1,"nextCode":1,"remark":"b"}"#;
    let explanation = openim("callbackBeforeSetFriendRemarkCommand", r#"{"remark":"a"}"#, answer);
    assert_eq!(explanation.outcome, Outcome::GoesOn);
    assert_eq!(applied(&explanation, "remark"), Some("\"b\""));
}

#[test]
fn openim_crashes_over_some_answers() {
    let profile = "callbackBeforeUpdateUserInfoExCommand";
    let request = r#"{"nickName":"a","faceURL":null,"ex":null}"#;
    assert_eq!(applied(&openim(profile, request, r#"{"nickName":"b"}"#), "nickName"), Some("\"b\""));
    for answer in [r#"{"faceURL":"f"}"#, r#"{"nickName":"b","faceURL":"f","ex":"e"}"#] {
        assert!(is_broken(&openim(profile, request, answer).outcome, "500"), "{answer}");
    }
    // Whether the operation has this one is not shown.
    assert!(is_broken(&openim(profile, request, r#"{"ex":"e"}"#).outcome, "maybe code 500"));
    let documented = r#"{"nextCode":"0","nickName":"John Doe Updated"}"#;
    assert!(is_broken(&openim(profile, request, documented).outcome, "90007"), "the documentation's own sample");

    let members = |list: &str| {
        openim("callbackBeforeMembersJoinGroupCommand", "{}", &format!(r#"{{"memberCallbackList":{list}}}"#)).outcome
    };
    assert_eq!(members(r#"[{"userID":"u","nickname":"n"}]"#), Outcome::GoesOn);
    assert!(is_broken(&members(r#"[{"nickname":"n"}]"#), "500"));
    assert!(is_broken(&members("[null]"), "500"));

    let modify = |answer: &str| openim("callbackBeforeMsgModifyCommand", "{}", answer).outcome;
    assert!(is_broken(&modify(r#"{"content":"plain"}"#), "1001"));
    assert_eq!(modify(r#"{"content":"{\"content\":\"new\"}"}"#), Outcome::GoesOn);
    assert!(is_broken(&modify(r#"{"offlinePushInfo":{"title":"t"}}"#), "maybe code 500"));
    assert_eq!(modify(r#"{"senderFaceURL":"f","atUserIDList":["u"]}"#), Outcome::GoesOn);
}

#[test]
fn openim_takes_wrapped_members_plain_only() {
    for name in ["callbackBeforeUpdateUserInfoExCommand", "callbackBeforeSetGroupInfoExCommand"] {
        let wrapped = openim(name, r#"{"groupID":"g","faceURL":"f"}"#, r#"{"groupID":"g","faceURL":{"value":"f"}}"#);
        assert!(is_broken(&wrapped.outcome, "90007"), "{name}");
        let plain = openim(name, r#"{"groupID":"g","faceURL":"f"}"#, r#"{"groupID":"g","faceURL":"g"}"#);
        assert_eq!(applied(&plain, "faceURL"), Some("\"g\""), "{name}");
        let null = openim(name, r#"{"groupID":"g"}"#, r#"{"groupID":"g","faceURL":null}"#);
        assert_eq!(null.outcome, Outcome::GoesOn, "{name}");
    }
    let group = |number: &str| {
        let answer = format!(r#"{{"groupID":"g","needVerification":{number}}}"#);
        openim("callbackBeforeSetGroupInfoExCommand", r#"{"groupID":"g"}"#, &answer).outcome
    };
    assert_eq!(group("1"), Outcome::GoesOn);
    for number in ["\"1\"", "1.0", r#"{"value":1}"#] {
        assert!(is_broken(&group(number), "90007"), "{number}");
    }
}

const MEMBERS: &str = "callbackBeforeMembersJoinGroupCommand";
const MODIFY: &str = "callbackBeforeMsgModifyCommand";
const UPDATE: &str = "callbackBeforeSetGroupInfoCommand";
const UPDATE_EX: &str = "callbackBeforeSetGroupInfoExCommand";

/// Command, request, answer, and the member that must be applied with its value.
fn each_applies(rows: &[(&str, &str, &str, &str, Option<&str>)]) {
    for (name, request, answer, member, value) in rows {
        let explanation = openim(name, request, answer);
        assert_eq!(explanation.outcome, Outcome::GoesOn, "{name} {answer}: {explanation:#?}");
        assert_eq!(applied(&explanation, member), *value, "{name} {answer}");
    }
}

/// Command, request, an answer that breaks the operation, and what the caller sees.
fn each_breaks(rows: &[(&str, &str, &str, &str)]) {
    for (name, request, answer, sees) in rows {
        let explanation = openim(name, request, answer);
        assert!(is_broken(&explanation.outcome, sees), "{name} {answer}: {explanation:#?}");
        let reason = explanation.reasons.last().expect("a reason");
        assert!(reason.source.contains("open-im-server"), "{reason:?}");
    }
}

#[test]
fn openim_takes_the_last_of_several_members_and_null_as_go_does() {
    let (remark, profile) = ("callbackBeforeSetFriendRemarkCommand", "callbackBeforeUpdateUserInfoCommand");
    let options = r#"{"options":{"a":true,"b":true},"options":{"b":false,"c":null}}"#;
    each_applies(&[
        (profile, "{}", r#"{"nickName":"a","nickName":"b"}"#, "nickName", Some("\"b\"")),
        (profile, "{}", r#"{"nickName":"a","NICKNAME":"b"}"#, "nickName", Some("\"b\"")),
        // A pointer is nil again; a plain text keeps its value.
        (profile, r#"{"nickName":"o"}"#, r#"{"nickName":"a","nickName":null}"#, "nickName", None),
        (remark, "{}", r#"{"remark":"a","remark":null}"#, "remark", Some("\"a\"")),
        (UPDATE, r#"{"groupName":"n"}"#, r#"{"groupName":"m","groupName":null}"#, "groupName", Some("\"m\"")),
        // Objects are merged.
        (MODIFY, "{}", options, "options", Some(r#"{"a":true,"b":false,"c":false}"#)),
    ]);
    each_breaks(&[(UPDATE_EX, r#"{"groupName":"n"}"#, r#"{"groupName":"m","groupName":null}"#, "without `groupName`")]);
    let next = |members: &str| single(&format!(r#"{{"errCode":5001,{members}}}"#));
    assert_eq!(next(r#""nextCode":1,"nextCode":null"#), denied(5001, "", ""));
    assert_eq!(next(r#""nextCode":null,"nextCode":1"#), denied(5001, "", ""));
    assert_eq!(next(r#""nextCode":1,"NextCode":0"#), Outcome::GoesOn);
    // One of a wrong type fails the answer, also where another one follows.
    assert!(is_broken(&next(r#""nextCode":"1","nextCode":1"#), "90007"));
}

#[test]
fn openim_replaces_what_is_no_unicode() {
    let profile = "callbackBeforeUpdateUserInfoCommand";
    for (json, text) in [
        (&br#""\ud800""#[..], "\u{fffd}"),
        (br#""\udc00\ud800!""#, "\u{fffd}\u{fffd}!"),
        (br#""\ud83d\ude00""#, "\u{1f600}"),
        (b"\"\xff\"", "\u{fffd}"),
        (b"\"\xf0\x9f\x98\"", "\u{fffd}\u{fffd}\u{fffd}"),
    ] {
        let answer = [b"{\"nickName\":", json, b"}"].concat();
        let explanation = explain(&openim::PROTOCOL, profile, "{}", 200, &answer);
        assert_eq!(applied(&explanation, "nickName"), Some(format!("\"{text}\"").as_str()), "{explanation:#?}");
    }
    let message = single(r#"{"errCode":5001,"errMsg":"\ud83d","nextCode":1}"#);
    assert_eq!(message, denied(5001, "\u{fffd}", ""));
    // In a name it makes another name, and is no mistake.
    let name = openim(profile, "{}", r#"{"nickName\ud800":5}"#);
    assert_eq!((name.outcome, name.without_effect[0].0.as_str()), (Outcome::GoesOn, "nickName\u{fffd}"));
}

#[test]
fn openim_folds_names_as_go_does() {
    let rejection = |members: &str| single(&format!("{{{members}}}"));
    assert_eq!(rejection("\"nextCode\":1,\"errCode\":5001,\"errM\u{17f}g\":\"no\""), denied(5001, "no", ""));
    assert_eq!(rejection(r#""nextCode":1,"errCode":5001,"ERRM\u017fG":"no""#), denied(5001, "no", ""));
    assert_eq!(rejection(r#""\u006eextCode":1,"errCode":5001"#), denied(5001, "", ""), "an escape in a name");
    assert!(is_broken(&rejection("\"errM\u{17f}g\":5"), "90007"), "and it has the type of its field");
    let profile = "callbackBeforeUpdateUserInfoCommand";
    each_applies(&[
        (profile, "{}", "{\"nic\u{212a}Name\":\"b\"}", "nickName", Some("\"b\"")),
        // No other letter is folded: this is the dotless i, and the Cyrillic e.
        (profile, "{}", "{\"n\u{131}ckName\":5}", "nickName", None),
        ("callbackBeforeSetFriendRemarkCommand", "{}", "{\"r\u{435}mark\":5}", "remark", None),
        // The names in a map are data.
        (MODIFY, "{}", r#"{"options":{"a":true,"A":false}}"#, "options", Some(r#"{"A":false,"a":true}"#)),
    ]);
}

#[test]
fn openim_fails_over_nesting_beyond_ten_thousand_levels() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        // The answer itself is one of the levels.
        let nested = |depth: usize| format!("{{\"x\":{}1{}}}", open.repeat(depth - 1), close.repeat(depth - 1));
        assert_eq!(single(&nested(10_000)), Outcome::GoesOn);
        assert!(is_broken(&single(&nested(10_001)), "90007"));
        assert!(is_broken(&single(&open.repeat(1_000_000)), "90007"));
    }
    let wide = format!(r#"{{"x":[{}0],"nextCode":1,"errCode":5001}}"#, "[],".repeat(1_000_000));
    assert_eq!(single(&wide), denied(5001, "", ""));
    let long = format!(r#"{{"errCode":5001,"nextCode":1,"errMsg":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(single(&long), denied(5001, &"x".repeat(1 << 20), ""));
}

#[test]
fn openim_takes_bytes_as_base64_or_small_numbers() {
    for bytes in [r#""AA==""#, r#""""#, r#""AAAA\nAAAA""#, "[]", "[0,255]", "[1,null]", "null"] {
        let explanation = openim(MODIFY, "{}", &format!(r#"{{"msgDataList":{bytes}}}"#));
        assert_eq!((explanation.outcome, explanation.applied.len()), (Outcome::GoesOn, 0), "{bytes}");
    }
    for bytes in [r#""plain""#, r#""AA=""#, r#""A-_=""#, "[256]", "[-1]", "[1.0]", r#"["1"]"#, "5", "true", "{}"] {
        let outcome = openim(MODIFY, "{}", &format!(r#"{{"msgDataList":{bytes}}}"#)).outcome;
        assert!(is_broken(&outcome, "90007"), "{bytes}");
    }
}

#[test]
fn openim_takes_any_json_object_and_null_as_content() {
    let content = |text: &str| openim(MODIFY, "{}", &serde_json::json!({ "content": text }).to_string());
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    for text in ["{}", " {} ", "null", r#"{"a":1e999}"#, r#"{"a":"\ud800"}"#, r#"{"a":1,"a":2}"#, deep.as_str()] {
        let explanation = content(text);
        assert_eq!(explanation.outcome, Outcome::GoesOn, "{text}");
        assert!(applied(&explanation, "content").is_some(), "{text}");
    }
    let too_deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    for text in ["", "plain", "5", "\"a\"", "[]", "{", "{} {}", "{'a':1}", too_deep.as_str()] {
        assert!(is_broken(&content(text).outcome, "1001"), "{text}");
    }
    // Null itself is no content, and so no change.
    each_applies(&[(MODIFY, r#"{"content":"{}"}"#, r#"{"content":null}"#, "content", None)]);
}

#[test]
fn openim_changes_the_members_who_join_and_no_others() {
    let request = r#"{"memberList":[{"userID":"a","ex":""},{"userID":"b","ex":""}]}"#;
    let list = |list: &str| format!(r#"{{"memberCallbackList":{list}}}"#);
    for (elements, becomes, without_effect) in [
        ("[]", None, 1),
        (r#"[{"userID":"stranger","nickname":"n"}]"#, None, 1),
        (r#"[{"userID":"a"}]"#, None, 1),
        (r#"[{"userID":"a","nickname":null}]"#, None, 1),
        (r#"[{"USERID":"a","nickname":"n"}]"#, Some(r#"[{"userID":"a","nickname":"n"}]"#), 0),
        (r#"[{"userID":"x","USERID":"b","ex":"e"}]"#, Some(r#"[{"userID":"b","ex":"e"}]"#), 0),
        (r#"[{"userID":"b","USERID":"x","ex":"e"}]"#, None, 1),
        (
            r#"[{"userID":"a","roleLevel":60,"mood":"bad"},{"userID":"c","ex":"e"}]"#,
            Some(r#"[{"userID":"a","roleLevel":60}]"#),
            1,
        ),
    ] {
        let explanation = openim(MEMBERS, request, &list(elements));
        assert_eq!(explanation.outcome, Outcome::GoesOn, "{elements}");
        assert_eq!(applied(&explanation, "memberCallbackList"), becomes, "{elements}");
        assert_eq!(explanation.without_effect.len(), without_effect, "{elements}: {explanation:#?}");
    }
    // The request shows `ex`, and several elements for one member add up.
    let request = r#"{"memberList":[{"userID":"a","ex":"x"},{"userID":"b","ex":""}]}"#;
    for (elements, becomes) in [
        (r#"[{"userID":"a","ex":"x"}]"#, None),
        (r#"[{"userID":"a","ex":"x","nickname":"n"}]"#, Some(r#"[{"userID":"a","nickname":"n"}]"#)),
        (r#"[{"userID":"a","ex":"y"},{"userID":"a","ex":"\u0078"}]"#, None),
        (
            r#"[{"userID":"a","ex":"y"},{"userID":"a","roleLevel":60}]"#,
            Some(r#"[{"userID":"a","ex":"y","roleLevel":60}]"#),
        ),
    ] {
        let explanation = openim(MEMBERS, request, &list(elements));
        assert_eq!(applied(&explanation, "memberCallbackList"), becomes, "{elements}: {explanation:#?}");
    }
    for elements in [
        "[null]",
        "[{}]",
        r#"[{"nickname":"n"}]"#,
        r#"[{"userID":null}]"#,
        r#"[{"userID":"a","userID":null}]"#,
        r#"[{"userID":"a","USERID":null}]"#,
        r#"[{"userID":"a"},{"ex":"e"}]"#,
    ] {
        each_breaks(&[(MEMBERS, request, &list(elements), "500")]);
    }
    for elements in [r#"[{"userID":5}]"#, r#"[{"userID":"a","roleLevel":"60"}]"#, r#"["a"]"#, "{}"] {
        each_breaks(&[(MEMBERS, request, &list(elements), "90007")]);
    }
}

#[test]
fn openim_panics_over_a_user_who_is_null() {
    let register = "callbackBeforeUserRegisterCommand";
    each_breaks(&[
        (register, "{}", r#"{"users":[null]}"#, "500"),
        (register, "{}", r#"{"users":[{"userID":"a"},null]}"#, "500"),
        (register, "{}", r#"{"users":[{"userID":"a","createTime":"1"}]}"#, "90007"),
    ]);
    each_applies(&[
        (register, "{}", r#"{"users":null}"#, "users", None),
        (register, "{}", r#"{"users":[]}"#, "users", None),
    ]);
}

#[test]
fn openim_changes_nothing_by_equal_values() {
    let chat = "callbackBeforeCreateGroupChatConversationsCommand";
    let (friends, ids) = ("callbackBeforeImportFriendsCommand", r#"{"friendUserIDs":["a","b"]}"#);
    each_applies(&[
        (chat, r#"{"recvMsgOpt":0}"#, r#"{"recvMsgOpt":-0}"#, "recvMsgOpt", None),
        (chat, r#"{"recvMsgOpt":1}"#, r#"{"recvMsgOpt":-0}"#, "recvMsgOpt", Some("0")),
        (chat, r#"{"ex":"a"}"#, r#"{"ex":"\u0061"}"#, "ex", None),
        (chat, r#"{"isPinned":true}"#, r#"{"isPinned":true}"#, "isPinned", None),
        (friends, ids, r#"{"friendUserIDs":[ "a","b" ]}"#, "friendUserIDs", None),
        (friends, ids, r#"{"friendUserIDs":["b","a"]}"#, "friendUserIDs", Some(r#"["b","a"]"#)),
        (UPDATE_EX, r#"{"needVerification":0}"#, r#"{"needVerification":0}"#, "needVerification", None),
        // The older update shows 0 and "" also for what the operation leaves alone.
        (UPDATE, r#"{"needVerification":0}"#, r#"{"needVerification":0}"#, "needVerification", Some("0")),
        (UPDATE, r#"{"ex":""}"#, r#"{"ex":""}"#, "ex", Some("\"\"")),
        (UPDATE, r#"{"ex":"e"}"#, r#"{"ex":"e"}"#, "ex", None),
    ]);
}

#[test]
fn openim_drops_a_group_update_with_a_blank_name() {
    let request = r#"{"groupID":"g","groupName":"n"}"#;
    for name in ["", " ", "\t\u{a0}\u{3000}"] {
        let answer = serde_json::json!({ "groupID": "g", "groupName": name }).to_string();
        each_breaks(&[(UPDATE_EX, request, &answer, "success")]);
        // An operation that asks for it itself is dropped anyway.
        assert_eq!(openim(UPDATE_EX, &answer, &answer).outcome, Outcome::GoesOn);
    }
    each_breaks(&[
        (UPDATE_EX, request, r#"{"groupID":"","groupName":"n"}"#, "the group is not found"),
        (UPDATE, request, r#"{"groupID":"","groupName":"n"}"#, "the group is not found"),
    ]);
    // A plain text that is left out was empty before.
    let empty = openim(UPDATE, r#"{"groupID":"g","introduction":""}"#, r#"{"groupID":"g"}"#);
    assert_eq!((empty.outcome, empty.applied.len()), (Outcome::GoesOn, 0));
}

#[test]
fn tencent_needs_status_200_and_a_json_object_with_three_members() {
    let name = "Group.CallbackBeforeSendMsg";
    let good = ok(r#""ErrorCode":0,"ErrorInfo":"""#);
    assert_eq!(tencent(name, "{}", 200, &good).outcome, Outcome::GoesOn);
    for (status, answer) in [
        (500, good.as_str()),
        (404, good.as_str()),
        (200, ""),
        (200, "<html>"),
        (200, "[]"),
        (200, r#"{"ActionStatus":"FAIL","ErrorCode":0,"ErrorInfo":""}"#),
        (200, r#"{"ActionStatus":"OK","ErrorCode":"0","ErrorInfo":""}"#),
        (200, r#"{"ActionStatus":"OK","ErrorCode":0}"#),
        (200, r#"{"ErrorCode":0,"ErrorInfo":""}"#),
    ] {
        assert!(is_broken(&tencent(name, "{}", status, answer).outcome, "failed"), "{status} {answer}");
    }
}

#[test]
fn tencent_reads_a_code_by_the_table_of_its_command() {
    let code = |name: &str, code: i64| {
        tencent(name, "{}", 200, &ok(&format!(r#""ErrorCode":{code},"ErrorInfo":"no","RspData":"""#))).outcome
    };
    // Command, what 2 means, and the first and last code of the app's own.
    for (name, drops, first, last) in [
        ("C2C.CallbackBeforeSendMsg", false, 120_001, 130_000),
        ("Group.CallbackBeforeSendMsg", true, 10_100, 10_200),
        ("OfficialAccount.CallbackBeforeSendMsg", true, 120_001, 130_000),
        ("Group.CallbackBeforeCreateGroup", false, 10_100, 10_200),
        ("Group.CallbackBeforeCreateTopic", false, 10_100, 10_200),
        ("Group.CallbackBeforeApplyJoinGroup", false, 10_100, 10_200),
        ("Group.CallbackBeforeInviteJoinGroup", false, 10_100, 10_200),
        ("OfficialAccount.CallbackBeforeCreateOfficialAccount", false, 120_001, 130_000),
        ("OfficialAccount.CallbackBeforeAddSubscriber", false, 1, 1),
        ("Live.CallbackBeforeSendGift", false, 102_100, 102_200),
        ("Chatbot.OnC2CSignalMessage", false, 1, 1),
    ] {
        assert_eq!(code(name, 0), Outcome::GoesOn, "{name}");
        assert_eq!(code(name, 1), denied(1, "no", ""), "{name}");
        assert_eq!(code(name, 2) == Outcome::Dropped, drops, "{name}");
        assert_eq!(code(name, first), denied(first, "no", ""), "{name}");
        assert_eq!(code(name, last), denied(last, "no", ""), "{name}");
        assert!(is_broken(&code(name, last + 7), "nobody knows"), "{name}");
        assert!(is_broken(&code(name, -1), "nobody knows"), "{name}");
    }
    assert_eq!(code("Profile.CallbackPortraitSet", 1), Outcome::AlreadyDone);
    assert_eq!(code("Group.CallbackSendMsgException", 0), Outcome::AlreadyDone);
}

#[test]
fn tencent_changes_messages_and_leaves_users_out() {
    let with = |name: &str, members: &str| {
        tencent(name, "{}", 200, &ok(&format!(r#""ErrorCode":0,"ErrorInfo":"",{members}"#)))
    };
    let body = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"new"}}]"#;
    for name in ["C2C.CallbackBeforeSendMsg", "Group.CallbackBeforeSendMsg", "OfficialAccount.CallbackBeforeSendMsg"] {
        let changed = with(name, &format!(r#""MsgBody":{body},"CloudCustomData":"c""#));
        assert!(applied(&changed, "MsgBody").is_some(), "{name}");
        assert_eq!(applied(&changed, "CloudCustomData"), Some("\"c\""), "{name}");
        assert!(is_broken(&with(name, r#""MsgBody":"new""#).outcome, "not documented"), "{name}");
    }
    let invite = with("Group.CallbackBeforeInviteJoinGroup", r#""RefusedMembers_Account":["u"]"#);
    assert_eq!(applied(&invite, "RefusedMembers_Account"), Some(r#"["u"]"#));
    for member in ["RefusedSubscribers_Account", "RefusedMembers_Account"] {
        let subscribe = with("OfficialAccount.CallbackBeforeAddSubscriber", &format!(r#""{member}":["u"]"#));
        assert_eq!(applied(&subscribe, member), Some(r#"["u"]"#));
    }
    let again = ok(&format!(r#""ErrorCode":0,"ErrorInfo":"","MsgBody":{body}"#));
    let same = tencent("C2C.CallbackBeforeSendMsg", &format!(r#"{{"MsgBody":{body}}}"#), 200, &again);
    assert_eq!((same.outcome, same.applied.len()), (Outcome::GoesOn, 0), "the same once more");
    let group = with("Group.CallbackBeforeCreateGroup", r#""Name":"new""#);
    assert_eq!((group.outcome, group.without_effect.len()), (Outcome::GoesOn, 1), "no field of a group can be changed");
}

#[test]
fn tencent_takes_a_result_for_each_user_of_a_friend_request() {
    for (name, list) in
        [("Sns.CallbackPrevFriendAdd", "FriendItem"), ("Sns.CallbackPrevFriendResponse", "ResponseFriendItem")]
    {
        let request = format!(r#"{{"{list}":[{{"To_Account":"a"}},{{"To_Account":"b"}}]}}"#);
        let item =
            |user: &str, code: i64| format!(r#"{{"To_Account":"{user}","ResultCode":{code},"ResultInfo":"no"}}"#);
        let with = |code: i64, items: &[String]| {
            let answer = format!(r#""ErrorCode":{code},"ErrorInfo":"","ResultItem":[{}]"#, items.join(","));
            tencent(name, &request, 200, &ok(&answer)).outcome
        };
        assert_eq!(with(0, &[item("a", 0), item("b", 0)]), Outcome::GoesOn, "{name}");
        assert_eq!(with(0, &[item("a", 38_000), item("b", 0)]), Outcome::GoesOn, "{name}");
        assert_eq!(with(0, &[item("a", 38_000), item("b", 39_000)]), denied(38_000, "no", ""), "{name}");
        assert!(is_broken(&with(38_000, &[item("a", 38_000), item("b", 38_000)]), "allowed"), "{name}");
        assert!(is_broken(&with(0, &[item("a", 0)]), "not documented"), "{name}: one is missing");
        assert!(is_broken(&with(0, &[item("a", 5), item("b", 0)]), "not documented"), "{name}: another code");
        let none = tencent(name, &request, 200, &ok(r#""ErrorCode":0,"ErrorInfo":"""#)).outcome;
        assert!(is_broken(&none, "allowed"), "{name}: the list is mandatory");
    }
}

#[test]
fn tencent_hands_a_chatbots_text_on() {
    let name = "Chatbot.OnC2CSignalMessage";
    let answer = ok(r#""ErrorCode":0,"ErrorInfo":"","RspData":"pong""#);
    assert_eq!(applied(&tencent(name, "{}", 200, &answer), "RspData"), Some("\"pong\""));
    let without = ok(r#""ErrorCode":0,"ErrorInfo":"""#);
    assert!(is_broken(&tencent(name, "{}", 200, &without).outcome, "no text"));
}

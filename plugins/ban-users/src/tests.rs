//! The plugin, called natively. Callbacks arrive at 1 700 000 000 000.

use super::*;
use plugin_sdk::events::Event;
use plugin_sdk::openim::{
    BeforeAddFriend, BeforeAddFriendAgree, BeforeCreateGroup, BeforeInviteJoinGroup, BeforeJoinGroup,
    BeforeSendGroupMsg, BeforeSendSingleMsg, BeforeSetGroupMemberInfo, BeforeUpdateUserInfoEx,
};
use plugin_sdk::tencent_chat::{
    C2cBeforeSendMsg, GroupBeforeApplyJoinGroup, GroupBeforeCreate, GroupBeforeInviteJoinGroup, GroupBeforeSendMsg,
    OfficialBeforeAddSubscriber, SnsPrevFriendAdd, SnsPrevFriendResponse,
};
use plugin_sdk::testing::TestPlugin;
use serde_json::json;

fn plugin(settings: Value) -> TestPlugin<BanUsers> {
    TestPlugin::configure(settings).unwrap()
}

fn decide<'a, E: Event<'a>>(body: Value, ban: Value) -> Value {
    plugin(json!({})).decide_knowing::<E>(body, json!({ "ban": ban }))
}

fn allow() -> Value {
    json!({ "verdict": "allow" })
}

fn deny(code: i32, message: &str) -> Value {
    json!({ "verdict": "deny", "code": code, "message": message })
}

fn message() -> Value {
    json!({ "sendID": "u1", "From_Account": "u1", "content": "{}", "MsgBody": [] })
}

#[test]
fn what_a_banned_user_does_is_refused_on_both_chat_servers() {
    let banned = || json!({ "u1": true });
    let text = "Your account is banned.";
    let friends = || {
        json!({
            "fromUserID": "u1", "toUserID": "u2", "blackUserID": "u1",
            "From_Account": "u1", "FriendItem": [{ "To_Account": "u2" }],
            "ResponseFriendItem": [{ "To_Account": "u2", "ResponseAction": "Response_Action_AgreeAndAdd" }],
        })
    };
    let join = || json!({ "groupID": "g", "applyID": "u1", "GroupId": "g", "Requestor_Account": "u1" });
    let group = || json!({ "Operator_Account": "u1", "initMemberList": [{ "userID": "u1", "roleLevel": 100 }] });
    assert_eq!(decide::<BeforeSendSingleMsg>(message(), banned()), deny(5007, text));
    assert_eq!(decide::<BeforeSendGroupMsg>(message(), banned()), deny(5007, text));
    assert_eq!(decide::<C2cBeforeSendMsg>(message(), banned()), deny(120_008, text));
    assert_eq!(decide::<GroupBeforeSendMsg>(message(), banned()), deny(10_107, text));
    assert_eq!(decide::<BeforeAddFriend>(friends(), banned()), deny(5007, text));
    // The user who accepts is in `blackUserID`.
    assert_eq!(
        decide::<BeforeAddFriendAgree>(json!({ "fromUserID": "u2", "blackUserID": "u1" }), banned()),
        deny(5007, text)
    );
    assert_eq!(decide::<SnsPrevFriendAdd>(friends(), banned()), deny(38_007, text));
    assert_eq!(decide::<SnsPrevFriendResponse>(friends(), banned()), deny(38_007, text));
    assert_eq!(decide::<BeforeJoinGroup>(join(), banned()), deny(5007, text));
    assert_eq!(decide::<GroupBeforeApplyJoinGroup>(join(), banned()), deny(10_107, text));
    assert_eq!(decide::<BeforeCreateGroup>(group(), banned()), deny(5007, text));
    assert_eq!(decide::<GroupBeforeCreate>(group(), banned()), deny(10_107, text));
    let profile = json!({ "userID": "u1", "nickName": "n" });
    assert_eq!(decide::<BeforeUpdateUserInfoEx>(profile, banned()), deny(5007, text));
}

#[test]
fn others_go_on() {
    for ban in [json!({}), json!({ "u1": false }), json!({ "u1": 0 }), json!({ "u2": true })] {
        assert_eq!(decide::<BeforeSendSingleMsg>(message(), ban.clone()), allow(), "{ban}");
        assert_eq!(decide::<GroupBeforeSendMsg>(message(), ban.clone()), allow(), "{ban}");
    }
    // To a banned user.
    let request = json!({ "fromUserID": "u1", "toUserID": "u2" });
    assert_eq!(decide::<BeforeAddFriend>(request, json!({ "u2": true })), allow());
    // A callback without a user, and one that cannot be refused.
    assert_eq!(plugin(json!({})).needs::<BeforeSendSingleMsg>(json!({ "sendID": "", "content": "{}" })), json!([]));
    let member = json!({ "groupID": "g", "userID": "u1", "nickName": "n" });
    assert_eq!(plugin(json!({})).needs::<BeforeSetGroupMemberInfo>(member), json!([]));
}

#[test]
fn reason_and_end_are_told() {
    let decide = |ban: Value| decide::<BeforeSendSingleMsg>(message(), json!({ "u1": ban }));
    assert_eq!(decide(json!("Spam.")), deny(5007, "Your account is banned. Spam."));
    // A second after the callback arrives.
    let ban = json!({ "until": 1_700_000_001, "reason": "Spam." });
    assert_eq!(decide(ban), deny(5007, "Your account is banned until 2023-11-14 22:13 UTC. Spam."));
    assert_eq!(decide(json!({ "until": "2023-11-14T22:13:20Z" })), allow());
    assert_eq!(decide(json!({ "until": 1_700_000_000, "reason": "Spam." })), allow());
    assert_eq!(decide(json!({ "until": "soon" }))["verdict"], "fail");
    assert_eq!(decide(json!([]))["verdict"], "fail");

    let settings = json!({ "message": "Nein.", "message_until": "Nein, bis {until}!", "show_reason": false });
    let decide = |ban: Value| {
        plugin(settings.clone()).decide_knowing::<BeforeSendSingleMsg>(message(), json!({ "ban": { "u1": ban } }))
    };
    assert_eq!(decide(json!("Spam.")), deny(5007, "Nein."));
    assert_eq!(decide(json!({ "until": "2024-01-01T00:00:00+01:00" })), deny(5007, "Nein, bis 2023-12-31 23:00 UTC!"));
}

#[test]
fn of_those_who_are_invited_the_banned_are_left_out() {
    let invitation = |users: &[&str]| {
        let members: Vec<Value> = users.iter().map(|user| json!({ "Member_Account": user })).collect();
        let subscribers: Vec<Value> = users.iter().map(|user| json!({ "Subscriber_Account": user })).collect();
        json!({
            "GroupId": "g", "Operator_Account": "u1", "DestinationMembers": members,
            "Official_Account": "c", "SubscribeAccountList": subscribers, "groupID": "g", "invitedUserIDs": users,
        })
    };
    let two = invitation(&["u2", "u3"]);
    let without_u3 = json!({ "verdict": "refuse_some", "refused": ["u3"] });
    let ban = json!({ "u3": "Spam." });
    assert_eq!(decide::<GroupBeforeInviteJoinGroup>(two.clone(), ban.clone()), without_u3);
    assert_eq!(decide::<OfficialBeforeAddSubscriber>(two.clone(), ban.clone()), without_u3);
    let text = "Your account is banned. Spam.";
    assert_eq!(decide::<BeforeInviteJoinGroup>(two.clone(), ban), deny(5007, text));
    // The inviter is banned, or everyone.
    assert_eq!(decide::<GroupBeforeInviteJoinGroup>(two, json!({ "u1": "Spam." })), deny(10_107, text));
    let one = invitation(&["u3", "u3"]);
    assert_eq!(decide::<GroupBeforeInviteJoinGroup>(one, json!({ "u3": "Spam." })), deny(10_107, text));

    // The seventeenth is not looked up.
    let users: Vec<String> = (0..20).map(|number| format!("v{number}")).collect();
    let many = invitation(&users.iter().map(String::as_str).collect::<Vec<_>>());
    let needs = plugin(json!({})).needs::<GroupBeforeInviteJoinGroup>(many.clone());
    assert_eq!(needs.as_array().unwrap().len(), 16);
    assert_eq!(decide::<GroupBeforeInviteJoinGroup>(many.clone(), json!({})), allow());
    let strict = plugin(json!({ "on_unknown": "deny" }));
    let refused = strict.decide_knowing::<GroupBeforeInviteJoinGroup>(many, json!({ "ban": {} }));
    assert_eq!(refused, json!({ "verdict": "refuse_some", "refused": ["v15", "v16", "v17", "v18", "v19"] }));
}

#[test]
fn what_the_source_does_not_say_is_decided_by_a_setting() {
    for why in ["late", "failed", "not_configured"] {
        let decide = |on_unknown: &str| {
            let plugin = plugin(json!({ "on_unknown": on_unknown }));
            plugin.decide_knowing::<BeforeSendSingleMsg>(message(), json!({ "ban": why }))
        };
        assert_eq!(decide("allow"), allow());
        assert_eq!(decide("deny"), deny(5007, "This is not possible at the moment. Please try again."));
        let text = format!("callbackBeforeSendSingleMsgCommand: the fact `ban` is not known: {why}");
        assert_eq!(decide("fault"), json!({ "verdict": "fail", "message": text }));
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (settings, why) in [
        (json!({ "kinds": [] }), "`kinds` is empty"),
        (json!({ "kinds": ["calls"] }), "unknown variant `calls`"),
        (json!({ "message_until": "" }), "`message_until` has no visible character"),
        (json!({ "on_unknown": "maybe" }), "unknown variant `maybe`"),
        (json!({ "users": ["u1"] }), "unknown field `users`"),
    ] {
        let error = TestPlugin::<BanUsers>::configure(settings.clone()).unwrap_err().to_string();
        assert!(error.contains(why), "{settings}: {error}");
    }
    let only_messages = plugin(json!({ "kinds": ["messages"] }));
    assert_eq!(only_messages.needs::<BeforeAddFriend>(json!({ "fromUserID": "u1", "toUserID": "u2" })), json!([]));
}

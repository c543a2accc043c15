//! Mirrors group changes: one record for each, for services that keep a copy of the groups.
//!
//! Decides OpenIM's [`AfterSetGroupInfoEx`], which is sent after the change, so there is nothing to deny. The record:
//!
//! ```json
//! {
//!   "event": "group_changed",
//!   "platform": "openim",
//!   "group": "g_1",
//!   "changes": { "group_name": "New name", "need_verification": 1 },
//!   "changed_at_unix_ms": 1700000000000
//! }
//! ```
//!
//! `changes` holds what was set, and nothing of what stayed: `group_name`, `notification`, `introduction`, `face_url`,
//! `ex`, `need_verification`, `look_member_info`, `apply_member_friend`. The server sends no time, so
//! `changed_at_unix_ms` is the time of arrival; it does not tell who made the change either.
//!
//! Settings: none.

use plugin_sdk::openim::AfterSetGroupInfoEx;
use plugin_sdk::{Callback, Error, FieldError, NoSettings, Plugin, Reply, Text};
use serde::Serialize;

/// The plugin.
#[derive(Debug)]
pub struct MirrorGroup;

/// The record; `mirror-profile` writes the same shape.
#[derive(Debug, Serialize)]
struct Record<'a> {
    event: &'static str,
    platform: &'a str,
    group: Text<'a>,
    changes: Changes<'a>,
    changed_at_unix_ms: u64,
}

/// The new values; `None` for what stayed as it was.
#[derive(Debug, Serialize)]
struct Changes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introduction: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    face_url: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ex: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    need_verification: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    look_member_info: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apply_member_friend: Option<i32>,
}

impl Plugin for MirrorGroup {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Error> {
        Ok(Self)
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        let Some(event) = callback.event::<AfterSetGroupInfoEx>()? else {
            return Ok(Reply::allow());
        };
        Reply::allow().record(&Record {
            event: "group_changed",
            platform: callback.platform(),
            group: event.group_id()?,
            changes: Changes::of(&event)?,
            changed_at_unix_ms: callback.arrived_unix_ms(),
        })
    }
}

plugin_sdk::export!(MirrorGroup, handles: [AfterSetGroupInfoEx]);

impl<'a> Changes<'a> {
    /// Reads plain values, as the server sends them, and wrapped ones (`{"value": …}`), as it documents them, alike.
    fn of(event: &AfterSetGroupInfoEx<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            group_name: event.group_name()?,
            notification: event.notification()?,
            introduction: event.introduction()?,
            face_url: event.face_url()?,
            ex: event.ex()?,
            need_verification: event.need_verification()?,
            look_member_info: event.look_member_info()?,
            apply_member_friend: event.apply_member_friend()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugin_sdk::testing::TestPlugin;
    use serde_json::{Value, json};

    fn decide(body: Value) -> Value {
        TestPlugin::<MirrorGroup>::configure(json!({})).unwrap().decide::<AfterSetGroupInfoEx>(body)
    }

    #[test]
    fn plain_and_wrapped_values_make_the_same_record() {
        let plain = decide(json!({
            "callbackCommand": "callbackAfterSetGroupInfoExCommand",
            "operationID": "",
            "groupID": "g_1",
            "groupName": "NewGroupName",
            "notification": "Welcome <all>",
            "introduction": null,
            "faceURL": "",
            "ex": null,
            "needVerification": 0,
            "lookMemberInfo": 1,
            "applyMemberFriend": null,
        }));
        let wrapped = decide(json!({
            "callbackCommand": "callbackAfterSetGroupInfoEXCommand",
            "operationID": "op",
            "groupID": "g_1",
            "groupName": { "value": "NewGroupName" },
            "notification": { "value": "Welcome <all>" },
            "faceURL": { "value": "" },
            "needVerification": { "value": 0 },
            "lookMemberInfo": { "value": 1 },
        }));
        let record = json!({
            "event": "group_changed",
            "platform": "openim",
            "group": "g_1",
            "changes": {
                "group_name": "NewGroupName",
                "notification": "Welcome <all>",
                "face_url": "",
                "need_verification": 0,
                "look_member_info": 1,
            },
            "changed_at_unix_ms": 1_700_000_000_000_u64,
        });
        assert_eq!(plain, json!({ "verdict": "allow", "records": [record] }));
        assert_eq!(wrapped, plain);
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        let reply = decide(json!({ "groupID": "g_1", "needVerification": "yes" }));
        let message = "callbackAfterSetGroupInfoExCommand: member `needVerification` is not a whole number (i32)";
        assert_eq!(reply, json!({ "verdict": "fail", "message": message }));
    }
}

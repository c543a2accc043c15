//! Mirrors profile changes: one record for each, for services that keep a copy of the users.
//!
//! Decides Tencent's [`ProfilePortraitSet`], which is sent after the change, so there is nothing to deny. The record:
//!
//! ```json
//! {
//!   "event": "profile_changed",
//!   "platform": "tencent-chat",
//!   "user": "mei",
//!   "operator": "mei",
//!   "changes": { "Tag_Profile_IM_BirthDay": 19940321, "Tag_Profile_IM_Nick": "Mei L." },
//!   "changed_at_unix_ms": 1767225600900
//! }
//! ```
//!
//! `changes` holds the new values as they came, text or number, under the platform's own tags. `changed_at_unix_ms` is
//! the chat server's time; where it sends none, the time of arrival.
//!
//! Settings: none.

use std::collections::BTreeMap;

use plugin_sdk::object::Raw;
use plugin_sdk::tencent_chat::ProfilePortraitSet;
use plugin_sdk::{Callback, Error, NoSettings, Plugin, Reply, Text};
use serde::Serialize;

/// The plugin.
#[derive(Debug)]
pub struct MirrorProfile;

/// The record; `mirror-group` writes the same shape.
#[derive(Debug, Serialize)]
struct Record<'a> {
    event: &'static str,
    platform: &'a str,
    user: Text<'a>,
    operator: Text<'a>,
    changes: BTreeMap<Text<'a>, Raw<'a>>,
    changed_at_unix_ms: u64,
}

impl Plugin for MirrorProfile {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Error> {
        Ok(Self)
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        let Some(event) = callback.event::<ProfilePortraitSet>()? else {
            return Ok(Reply::allow());
        };
        Reply::allow().record(&Record {
            event: "profile_changed",
            platform: callback.platform(),
            user: event.from_account()?,
            operator: event.operator_account()?,
            changes: changes(&event)?,
            changed_at_unix_ms: sent_unix_ms(&event).unwrap_or(callback.arrived_unix_ms()),
        })
    }
}

plugin_sdk::export!(MirrorProfile, handles: [ProfilePortraitSet]);

/// The new value of each tag; of several with one tag the last, which is the one that stays.
fn changes<'a>(event: &ProfilePortraitSet<'a>) -> Result<BTreeMap<Text<'a>, Raw<'a>>, Error> {
    let mut changes = BTreeMap::new();
    for item in event.profile_item()? {
        changes.insert(item.tag()?, item.value()?);
    }
    Ok(changes)
}

/// The chat server's time. It comes as a number or as text; a record without it is better than none.
fn sent_unix_ms(event: &ProfilePortraitSet<'_>) -> Option<u64> {
    event.event_time().ok().and_then(|time| u64::try_from(time).ok()).filter(|time| *time > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugin_sdk::testing::TestPlugin;
    use serde_json::{Value, json};

    const ARRIVED_UNIX_MS: u64 = 1_700_000_000_000; // of the test's callbacks

    fn decide(body: Value) -> Value {
        TestPlugin::<MirrorProfile>::configure(json!({})).unwrap().decide::<ProfilePortraitSet>(body)
    }

    fn body() -> Value {
        json!({
            "CallbackCommand": "Profile.CallbackPortraitSet",
            "Operator_Account": "admin",
            "From_Account": "mei",
            "EventTime": 1_767_225_600_900_u64,
            "ProfileItem": [
                { "Tag": "Tag_Profile_IM_Nick", "Value": "Mei \"M\" L." },
                { "Tag": "Tag_Profile_IM_Gender", "Value": "Gender_Type_Female" },
                { "Tag": "Tag_Profile_IM_BirthDay", "Value": 19_940_321 },
                { "Tag": "Tag_Profile_Custom_Team", "Value": "blue" },
            ],
        })
    }

    #[test]
    fn a_change_becomes_one_record() {
        let record = json!({
            "event": "profile_changed",
            "platform": "tencent-chat",
            "user": "mei",
            "operator": "admin",
            "changes": {
                "Tag_Profile_IM_Nick": "Mei \"M\" L.",
                "Tag_Profile_IM_Gender": "Gender_Type_Female",
                "Tag_Profile_IM_BirthDay": 19_940_321,
                "Tag_Profile_Custom_Team": "blue",
            },
            "changed_at_unix_ms": 1_767_225_600_900_u64,
        });
        assert_eq!(decide(body()), json!({ "verdict": "allow", "records": [record] }));
    }

    #[test]
    fn the_time_may_be_a_number_or_text_or_absent() {
        for (time, expected) in [
            (json!(1_767_225_600_900_u64), 1_767_225_600_900),
            (json!("1767225600900"), 1_767_225_600_900),
            (json!(null), ARRIVED_UNIX_MS),
            (json!("soon"), ARRIVED_UNIX_MS),
            (json!(0), ARRIVED_UNIX_MS),
            (json!(-1), ARRIVED_UNIX_MS),
        ] {
            let mut body = body();
            body["EventTime"] = time;
            assert_eq!(decide(body)["records"][0]["changed_at_unix_ms"], expected);
        }
        let mut without = body();
        without.as_object_mut().unwrap().remove("EventTime");
        assert_eq!(decide(without)["records"][0]["changed_at_unix_ms"], ARRIVED_UNIX_MS);
    }

    #[test]
    fn of_two_values_for_one_tag_the_last_stays() {
        let mut body = body();
        body["ProfileItem"] = json!([{ "Tag": "Tag_A", "Value": 1 }, { "Tag": "Tag_A", "Value": 2 }]);
        assert_eq!(decide(body)["records"][0]["changes"], json!({ "Tag_A": 2 }));
    }

    #[test]
    fn without_a_user_there_is_no_record() {
        let mut body = body();
        body["From_Account"] = json!(null);
        let message = "Profile.CallbackPortraitSet: member `From_Account` is missing";
        assert_eq!(decide(body), json!({ "verdict": "fail", "message": message }));
    }
}

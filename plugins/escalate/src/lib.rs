//! Mutes users after repeated refusals: by default, the third refusal within a day mutes for an hour.
//!
//! A *strike* is a refusal. `filter-messages` with `strikes = true` writes two facts for each: it adds 1 to `strikes`,
//! and sets `last_strike` to the time, both under the sender's ID. This plugin reads them. A user with at least
//! `strikes_min` strikes is muted for `mute_minutes` after the last one: their messages are refused. Each further
//! strike within the window mutes again. The window (a day) belongs to the counter, in the host's settings:
//!
//! ```toml
//! [[fact]]
//! name = "strikes"
//! source = "counter"
//! count = "updates"
//! window_ms = 86_400_000
//!
//! [[fact]]
//! name = "last_strike"
//! source = "counter"
//! count = "updates"
//! window_ms = 86_400_000           # at least `mute_minutes`
//!
//! [[plugin]]
//! name = "escalate"                # before filter-messages: muted users need no filter
//! facts = { strikes = "strikes", last_strike = "last_strike" }
//!
//! [[plugin]]
//! name = "filter-messages"
//! facts = { strikes = "strikes", last_strike = "last_strike" }
//! settings = { strikes = true, words = ["free money"] }
//! ```
//!
//! Any other plugin can write strikes in the same way. To lift a mute, remove `last_strike` at its source.
//!
//! Decides OpenIM's `BeforeSendSingleMsg`, `BeforeSendGroupMsg` and `BeforeAddFriend`, and Tencent's
//! `C2cBeforeSendMsg`, `GroupBeforeSendMsg` and `SnsPrevFriendAdd`; `commands` in the host's settings says which of
//! them.
//!
//! - A refusal has code 5008 (OpenIM), 120009 (Tencent, one-to-one), 10108 (Tencent, groups) or 38008 (Tencent,
//!   friends). It is not a strike.
//! - Strikes count once the callback is decided. Messages that are decided at the same time are not muted yet.
//! - A plugin has no clock: it uses the time at which the callback arrived at the host.
//!
//! Settings, all optional:
//!
//! ```toml
//! strikes_min = 3                  # from 1 to 1000
//! mute_minutes = 60                # from 1 to 1440, a day
//! message = "You cannot write for another {minutes} minutes."   # what the user reads; at least 1 minute
//! exempt = ["admin"]               # user IDs, a list or lines, compared byte for byte. Default: none
//! on_unknown = "allow"             # when a fact is late, failed or not configured; or "deny",
//!                                  # or "fault": `on_fault` in the host's settings decides
//! ```

use plugin_sdk::facts::{Needs, Why};
use plugin_sdk::neutral::{Message, Relation, RelationChange};
use plugin_sdk::settings::{OnUnknown, Users};
use plugin_sdk::{Callback, Error, Plugin, Reply, Verdict, text};
use serde::Deserialize;

/// The fact that counts refusals.
const STRIKES: &str = "strikes";
/// The fact with the time of the last one, in milliseconds since 1970-01-01 UTC.
const LAST_STRIKE: &str = "last_strike";
/// The app's own code: 5008 for OpenIM.
const MUTED: u16 = 8;

const STRIKES_MIN_MAX: u32 = 1000;
/// A day: plugins that write strikes keep the time of the last one that long.
const MUTE_MINUTES_MAX: u32 = 1440;
const MS_PER_MINUTE: u64 = 60_000;

/// The plugin.
#[derive(Debug)]
pub struct Escalate {
    strikes_min: f64,
    mute_ms: u64,
    message: String,
    exempt: Users,
    on_unknown: OnUnknown,
}

/// What the operator may set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    strikes_min: u32,
    mute_minutes: u32,
    message: String,
    exempt: Users,
    on_unknown: OnUnknown,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strikes_min: 3,
            mute_minutes: 60,
            message: "You cannot write for another {minutes} minutes.".to_owned(),
            exempt: Users::default(),
            on_unknown: OnUnknown::Allow,
        }
    }
}

/// What a user is about to do.
enum Act<'a> {
    Send(Message<'a>),
    Ask(Relation<'a>),
}

impl Plugin for Escalate {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Error> {
        let Settings { strikes_min, mute_minutes, message, exempt, on_unknown } = settings;
        if !(1..=STRIKES_MIN_MAX).contains(&strikes_min) {
            return Err(format!("`strikes_min` must be a number from 1 to {STRIKES_MIN_MAX}").into());
        }
        if !(1..=MUTE_MINUTES_MAX).contains(&mute_minutes) {
            return Err(format!("`mute_minutes` must be a number from 1 to {MUTE_MINUTES_MAX}").into());
        }
        if text::is_blank(&message) {
            return Err("`message` has no visible character: write what the user is to read".into());
        }
        Ok(Self {
            strikes_min: f64::from(strikes_min),
            mute_ms: u64::from(mute_minutes) * MS_PER_MINUTE,
            message,
            exempt,
            on_unknown,
        })
    }

    fn needs(&self, callback: &Callback<'_>, needs: &mut Needs) -> Result<(), Error> {
        if let Some((user, _)) = self.act(callback)? {
            needs.fact(STRIKES, user.as_str());
            needs.fact(LAST_STRIKE, user);
        }
        Ok(())
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        let Some((user, act)) = self.act(callback)? else {
            return Ok(Verdict::Allow);
        };
        let known = |name: &str| callback.fact::<f64>(name, &user).map(|fact| fact.value());
        let left_ms = match (known(STRIKES)?, known(LAST_STRIKE)?) {
            (Err(Why::Absent), _) => 0,
            (Ok(strikes), _) if strikes < self.strikes_min => 0,
            (_, Err(Why::Absent)) => 0,
            (Ok(_), Ok(last)) => self.left_ms(last, callback.arrived_unix_ms()),
            (Err(why), _) | (_, Err(why)) => match self.on_unknown {
                OnUnknown::Allow => 0,
                // The remaining time is unknown, so the maximum is shown.
                OnUnknown::Deny => self.mute_ms,
                OnUnknown::Fault => {
                    return Err(
                        format!("the facts `{STRIKES}` and `{LAST_STRIKE}` are not known: {}", why.name()).into()
                    );
                }
            },
        };
        if left_ms == 0 {
            return Ok(Verdict::Allow);
        }
        let message = self.message.replace("{minutes}", &left_ms.div_ceil(MS_PER_MINUTE).to_string());
        Ok(match act {
            Act::Send(it) => it.deny(MUTED, message),
            Act::Ask(it) => it.deny(MUTED, message),
        })
    }
}

impl Escalate {
    /// The user and the action; `None` if the action is never muted, or the user is exempt.
    fn act<'a>(&self, callback: &Callback<'a>) -> Result<Option<(String, Act<'a>)>, Error> {
        let act = if let Some(message) = Message::of(callback)? {
            Some((message.actor()?.into_owned(), Act::Send(message)))
        } else if let Some(relation) = Relation::of(callback)?
            && relation.change() == RelationChange::FriendRequest
        {
            let asks = relation.pairs()?.into_iter().next();
            asks.map(|(user, _)| (user.into_owned(), Act::Ask(relation)))
        } else {
            None
        };
        Ok(act.filter(|(user, _)| !user.is_empty() && !self.exempt.contains(user)))
    }

    /// How long the mute after a strike at `last` still lasts at `now`. A strike in the future, from a host whose clock
    /// is ahead, mutes no longer than any other.
    fn left_ms(&self, last: f64, now: u64) -> u64 {
        // A counter without an entry returns 0.
        if last <= 0.0 {
            return 0;
        }
        let end = (last as u64).saturating_add(self.mute_ms);
        end.saturating_sub(now).min(self.mute_ms)
    }
}

plugin_sdk::export!(Escalate, handles: [
    plugin_sdk::openim::BeforeSendSingleMsg,
    plugin_sdk::openim::BeforeSendGroupMsg,
    plugin_sdk::openim::BeforeAddFriend,
    plugin_sdk::tencent_chat::C2cBeforeSendMsg,
    plugin_sdk::tencent_chat::GroupBeforeSendMsg,
    plugin_sdk::tencent_chat::SnsPrevFriendAdd,
], facts: ["strikes", "last_strike"]);

#[cfg(test)]
mod tests {
    use super::*;
    use plugin_sdk::events::Event;
    use plugin_sdk::openim::{BeforeAddFriend, BeforeCreateGroup, BeforeSendGroupMsg, BeforeSendSingleMsg};
    use plugin_sdk::tencent_chat::{C2cBeforeSendMsg, GroupBeforeSendMsg, SnsPrevFriendAdd};
    use plugin_sdk::testing::TestPlugin;
    use serde_json::{Value, json};

    /// The arrival time of callbacks in tests.
    const NOW: u64 = 1_700_000_000_000;

    fn decide_with<'a, E: Event<'a>>(settings: Value, facts: Value) -> Value {
        let body = json!({
            "sendID": "u1", "From_Account": "u1", "content": "{}", "MsgBody": [], "fromUserID": "u1", "toUserID": "u2",
            "FriendItem": [{ "To_Account": "u2" }],
        });
        TestPlugin::<Escalate>::configure(settings).unwrap().decide_knowing::<E>(body, facts)
    }

    fn decide(strikes: Value, last: Value) -> Value {
        decide_with::<BeforeSendSingleMsg>(json!({}), facts(strikes, last))
    }

    fn facts(strikes: Value, last: Value) -> Value {
        json!({ "strikes": { "u1": strikes }, "last_strike": { "u1": last } })
    }

    fn allow() -> Value {
        json!({ "verdict": "allow" })
    }

    fn deny(code: i32, minutes: u32) -> Value {
        let message = format!("You cannot write for another {minutes} minutes.");
        json!({ "verdict": "deny", "code": code, "message": message })
    }

    #[test]
    fn the_third_strike_mutes_for_an_hour() {
        let last = |ago_ms: u64| json!(NOW - ago_ms);
        assert_eq!(decide(json!(2), last(0)), allow());
        assert_eq!(decide(json!(3), last(0)), deny(5008, 60));
        assert_eq!(decide(json!(3), last(1)), deny(5008, 60));
        assert_eq!(decide(json!(3), last(60_000)), deny(5008, 59));
        assert_eq!(decide(json!(3), last(3_599_999)), deny(5008, 1));
        assert_eq!(decide(json!(3), last(3_600_000)), allow());
        // The fourth one mutes again.
        assert_eq!(decide(json!(4), last(0)), deny(5008, 60));
    }

    #[test]
    fn each_chat_server_gets_the_code_of_its_own_range() {
        let facts = || facts(json!(3), json!(NOW));
        assert_eq!(decide_with::<BeforeSendGroupMsg>(json!({}), facts()), deny(5008, 60));
        assert_eq!(decide_with::<BeforeAddFriend>(json!({}), facts()), deny(5008, 60));
        assert_eq!(decide_with::<C2cBeforeSendMsg>(json!({}), facts()), deny(120_009, 60));
        assert_eq!(decide_with::<GroupBeforeSendMsg>(json!({}), facts()), deny(10_108, 60));
        assert_eq!(decide_with::<SnsPrevFriendAdd>(json!({}), facts()), deny(38_008, 60));
        assert_eq!(decide_with::<BeforeCreateGroup>(json!({}), facts()), allow());
    }

    #[test]
    fn numbers_can_be_set_and_users_be_exempt() {
        let settings = json!({ "strikes_min": 1, "mute_minutes": 1440, "message": "Ruhe, {minutes} Minuten." });
        let facts = || facts(json!(1), json!(NOW - 90_000));
        let denied = json!({ "verdict": "deny", "code": 5008, "message": "Ruhe, 1439 Minuten." });
        assert_eq!(decide_with::<BeforeSendSingleMsg>(settings, facts()), denied);
        for exempt in [json!(["u1"]), json!("u0\nu1\n")] {
            let settings = json!({ "strikes_min": 1, "exempt": exempt });
            assert_eq!(decide_with::<BeforeSendSingleMsg>(settings, facts()), allow());
        }
    }

    #[test]
    fn what_nobody_has_written_mutes_nobody() {
        assert_eq!(decide(json!(0), json!(0)), allow());
        // One of the two sources may have lost its value.
        assert_eq!(decide(json!(3), json!(0)), allow());
        assert_eq!(decide(json!(3), json!(null)), allow());
        assert_eq!(decide(json!(null), json!(NOW)), allow());
        // Written by a host whose clock is a day ahead.
        assert_eq!(decide(json!(3), json!(NOW + 86_400_000)), deny(5008, 60));
        assert_eq!(decide(json!(3), json!(-1)), allow());
        assert_eq!(decide(json!(3), json!(1e300)), deny(5008, 60));
        assert_eq!(decide(json!("three"), json!(NOW))["verdict"], "fail");
    }

    #[test]
    fn what_is_not_known_is_decided_by_a_setting() {
        for facts in [
            json!({ "strikes": "late", "last_strike": { "u1": NOW } }),
            json!({ "strikes": { "u1": 3 }, "last_strike": "late" }),
        ] {
            let decide = |on_unknown: &str| {
                decide_with::<BeforeSendSingleMsg>(json!({ "on_unknown": on_unknown }), facts.clone())
            };
            assert_eq!(decide("allow"), allow());
            assert_eq!(decide("deny"), deny(5008, 60));
            let why = "callbackBeforeSendSingleMsgCommand: the facts `strikes` and `last_strike` are not known: late";
            assert_eq!(decide("fault"), json!({ "verdict": "fail", "message": why }));
        }
        // Too few strikes decide it, even if the other fact is missing.
        let few = json!({ "strikes": { "u1": 2 }, "last_strike": "late" });
        assert_eq!(decide_with::<BeforeSendSingleMsg>(json!({ "on_unknown": "deny" }), few), allow());
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for (settings, why) in [
            (json!({ "strikes_min": 0 }), "`strikes_min` must be a number from 1 to 1000"),
            (json!({ "strikes_min": 1001 }), "`strikes_min` must be a number from 1 to 1000"),
            (json!({ "mute_minutes": 0 }), "`mute_minutes` must be a number from 1 to 1440"),
            (json!({ "mute_minutes": 1441 }), "`mute_minutes` must be a number from 1 to 1440"),
            (json!({ "message": "" }), "`message` has no visible character"),
            (json!({ "muted": true }), "unknown field `muted`"),
        ] {
            let error = TestPlugin::<Escalate>::configure(settings.clone()).unwrap_err().to_string();
            assert!(error.contains(why), "{settings}: {error}");
        }
    }
}

//! Limits how often a user does something: by default, 20 messages a minute.
//!
//! Refuses what a user does beyond `count_max` within the window. The window belongs to the counter, in the
//! host's settings; this plugin reads the count as its fact `sent`, under the ID of the acting user:
//!
//! ```toml
//! [[fact]]
//! name = "messages_by_user"
//! source = "counter"
//! window_ms = 60_000
//! count = "callbacks"              # the host counts each callback before it is decided
//!
//! [[plugin]]
//! name = "limit-rate"
//! facts = { sent = "messages_by_user" }
//! ```
//!
//! Several hosts that answer for one chat server share a count in Redis (`source = "redis"`, also with
//! `count = "callbacks"`).
//!
//! | `kinds` | OpenIM | Tencent |
//! | --- | --- | --- |
//! | `"messages"` | `BeforeSendSingleMsg`, `BeforeSendGroupMsg` | `C2cBeforeSendMsg`, `GroupBeforeSendMsg` |
//! | `"friend_requests"` | `BeforeAddFriend` | `SnsPrevFriendAdd` |
//! | `"groups"`: groups that are created | `BeforeCreateGroup`, by its owner | `GroupBeforeCreate`, `GroupBeforeCreateTopic`, `OfficialBeforeCreate` |
//!
//! All `kinds` of one plugin share its count. To limit each by itself, load the plugin once for each, with another
//! fact.
//!
//! - A refusal has code 5006 (OpenIM), 120007 (Tencent, one-to-one), 10106 (Tencent, groups) or 38006 (Tencent, friend
//!   requests).
//! - With `counting = "all"`, refused attempts count, too: a user who keeps trying stays refused until old ones expire.
//!   With `"allowed"` only allowed callbacks count: the plugin adds to the fact itself, once it has decided. So its
//!   source must accept updates and must not count callbacks by itself. Callbacks that are decided at the same time may
//!   then exceed `count_max`.
//! - Callbacks without an acting user and those of exempt users are allowed, and not counted.
//! - A fact that is absent counts as 0.
//!
//! Settings, all optional:
//!
//! ```toml
//! count_max = 20                   # in one window; 0: everything is refused. At most 1 000 000 000
//! kinds = ["messages"]             # also "friend_requests", "groups"
//! counting = "all"                 # or "allowed"
//! message = "You are doing this too often. Please wait a little."   # what the user reads
//! exempt = ["admin"]               # user IDs, a list or lines, compared byte for byte. Default: none
//! on_unknown = "allow"             # when the count is late, failed or not configured; or "deny",
//!                                  # or "fault": `on_fault` in the host's settings decides
//! ```

use std::collections::BTreeSet;

use plugin_sdk::facts::{Needs, Update, Why};
use plugin_sdk::neutral::{Group, Message, Relation, RelationChange};
use plugin_sdk::settings::{OnUnknown, Users};
use plugin_sdk::{Callback, Error, Plugin, Reply, Verdict, text};
use serde::Deserialize;

/// The name of the fact.
const SENT: &str = "sent";
/// The app's own code: 5006 for OpenIM.
const TOO_OFTEN: u16 = 6;
/// Largest `count_max`: beyond it, nothing is limited.
const COUNT_MAX_MAX: u32 = 1_000_000_000;

/// The plugin.
#[derive(Debug)]
pub struct LimitRate {
    count_max: u32,
    kinds: BTreeSet<Kind>,
    counting: Counting,
    message: String,
    exempt: Users,
    on_unknown: OnUnknown,
}

/// What the operator may set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    count_max: u32,
    kinds: BTreeSet<Kind>,
    counting: Counting,
    message: String,
    exempt: Users,
    on_unknown: OnUnknown,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Messages,
    FriendRequests,
    Groups,
}

/// Which attempts count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Counting {
    All,
    Allowed,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            count_max: 20,
            kinds: BTreeSet::from([Kind::Messages]),
            counting: Counting::All,
            message: "You are doing this too often. Please wait a little.".to_owned(),
            exempt: Users::default(),
            on_unknown: OnUnknown::Allow,
        }
    }
}

/// Something that a user does, and how it is refused.
struct Act<'a> {
    user: String,
    of: Form<'a>,
}

enum Form<'a> {
    Message(Message<'a>),
    Relation(Relation<'a>),
    Group(Group<'a>),
}

impl Plugin for LimitRate {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Error> {
        let Settings { count_max, kinds, counting, message, exempt, on_unknown } = settings;
        if count_max > COUNT_MAX_MAX {
            return Err(format!("`count_max` must be a number from 0 to {COUNT_MAX_MAX}").into());
        }
        if kinds.is_empty() {
            return Err("`kinds` is empty: write what is limited, such as \"messages\"".into());
        }
        if text::is_blank(&message) {
            return Err("`message` has no visible character: write what the user is to read".into());
        }
        Ok(Self { count_max, kinds, counting, message, exempt, on_unknown })
    }

    fn needs(&self, callback: &Callback<'_>, needs: &mut Needs) -> Result<(), Error> {
        if let Some(act) = self.act(callback)? {
            needs.fact(SENT, act.user);
        }
        Ok(())
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        // From the fact alone: nearly all callbacks are allowed, without reading them a second time.
        let Some((user, sent)) = callback.facts_named::<f64>(SENT)?.into_iter().next() else {
            // It asked for none, or the host has no facts.
            return self.without(callback, Why::NotConfigured);
        };
        let sent = match sent.value() {
            Ok(sent) => sent,
            Err(Why::Absent) => 0.0,
            Err(why) => return self.without(callback, why),
        };
        let including_this = match self.counting {
            Counting::All => sent,
            Counting::Allowed => sent + 1.0,
        };
        if including_this > f64::from(self.count_max) || self.count_max == 0 {
            return Ok(self.act(callback)?.map_or_else(Reply::allow, |act| self.refuse(&act).into()));
        }
        Ok(match self.counting {
            Counting::All => Reply::allow(),
            Counting::Allowed => Reply::allow().update(Update::add(SENT, user, 1)),
        })
    }
}

impl LimitRate {
    /// What a user does, if it is one of the kinds that are limited and the user is not exempt.
    fn act<'a>(&self, callback: &Callback<'a>) -> Result<Option<Act<'a>>, Error> {
        let act = if let Some(message) = self.look(Kind::Messages, || Message::of(callback))? {
            Some(Act { user: message.actor()?.into_owned(), of: Form::Message(message) })
        } else if let Some(relation) = self.look(Kind::FriendRequests, || Relation::of(callback))? {
            let pairs = relation.pairs()?;
            let first = pairs.into_iter().next().filter(|_| relation.change() == RelationChange::FriendRequest);
            first.map(|(user, _)| Act { user: user.into_owned(), of: Form::Relation(relation) })
        } else if let Some(group) = self.look(Kind::Groups, || Group::of(callback))? {
            let user = group.actor()?.filter(|_| group.is_new());
            user.map(|user| Act { user: user.into_owned(), of: Form::Group(group) })
        } else {
            None
        };
        Ok(act.filter(|act| !act.user.is_empty() && !self.exempt.contains(&act.user)))
    }

    fn look<T, E: Into<Error>>(
        &self,
        kind: Kind,
        of: impl FnOnce() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, Error> {
        if self.kinds.contains(&kind) { of().map_err(Into::into) } else { Ok(None) }
    }

    fn refuse(&self, act: &Act<'_>) -> Verdict {
        match &act.of {
            Form::Message(message) => message.deny(TOO_OFTEN, &self.message),
            Form::Relation(relation) => relation.deny(TOO_OFTEN, &self.message),
            Form::Group(group) => group.deny(TOO_OFTEN, &self.message),
        }
    }

    /// What is decided without the fact.
    fn without(&self, callback: &Callback<'_>, why: Why) -> Result<Reply, Error> {
        let Some(act) = self.act(callback)? else { return Ok(Reply::allow()) };
        match self.on_unknown {
            OnUnknown::Allow => Ok(Reply::allow()),
            OnUnknown::Deny => Ok(self.refuse(&act).into()),
            OnUnknown::Fault => Err(format!("the fact `{SENT}` is not known: {}", why.name()).into()),
        }
    }
}

plugin_sdk::export!(LimitRate, handles: [
    plugin_sdk::openim::BeforeSendSingleMsg,
    plugin_sdk::openim::BeforeSendGroupMsg,
    plugin_sdk::openim::BeforeAddFriend,
    plugin_sdk::openim::BeforeCreateGroup,
    plugin_sdk::tencent_chat::C2cBeforeSendMsg,
    plugin_sdk::tencent_chat::GroupBeforeSendMsg,
    plugin_sdk::tencent_chat::SnsPrevFriendAdd,
    plugin_sdk::tencent_chat::GroupBeforeCreate,
    plugin_sdk::tencent_chat::GroupBeforeCreateTopic,
    plugin_sdk::tencent_chat::OfficialBeforeCreate,
], facts: ["sent"]);

#[cfg(test)]
mod tests {
    use super::*;
    use plugin_sdk::events::Event;
    use plugin_sdk::openim::{BeforeAddFriend, BeforeCreateGroup, BeforeSendGroupMsg, BeforeSendSingleMsg};
    use plugin_sdk::tencent_chat::{C2cBeforeSendMsg, GroupBeforeCreate, GroupBeforeSendMsg, SnsPrevFriendAdd};
    use plugin_sdk::testing::TestPlugin;
    use serde_json::{Value, json};

    fn plugin(settings: Value) -> TestPlugin<LimitRate> {
        TestPlugin::configure(settings).unwrap()
    }

    fn message() -> Value {
        json!({ "sendID": "u1", "From_Account": "u1", "content": "{}", "MsgBody": [] })
    }

    fn allow() -> Value {
        json!({ "verdict": "allow" })
    }

    fn deny(code: i32) -> Value {
        let message = "You are doing this too often. Please wait a little.";
        json!({ "verdict": "deny", "code": code, "message": message })
    }

    fn decide<'a, E: Event<'a>>(settings: Value, body: Value, facts: Value) -> Value {
        plugin(settings).decide_knowing::<E>(body, facts)
    }

    #[test]
    fn the_twenty_first_message_of_a_window_is_refused() {
        let decide =
            |sent: Value| decide::<BeforeSendSingleMsg>(json!({}), message(), json!({ "sent": { "u1": sent } }));
        // The host has counted this message already.
        for sent in [json!(0), json!(1), json!(20), json!(20.0)] {
            assert_eq!(decide(sent.clone()), allow(), "{sent}");
        }
        for sent in [json!(21), json!(20.5), json!(1_000_000_000_000_u64)] {
            assert_eq!(decide(sent.clone()), deny(5006), "{sent}");
        }
    }

    #[test]
    fn each_chat_server_gets_the_code_of_its_own_range() {
        let kinds = || json!({ "kinds": ["messages", "friend_requests", "groups"] });
        let facts = || json!({ "sent": { "u1": 21 } });
        let request = || json!({ "fromUserID": "u1", "toUserID": "u2", "From_Account": "u1", "FriendItem": [{ "To_Account": "u2" }] });
        let members = json!([{ "userID": "u2", "roleLevel": 20 }, { "userID": "u1", "roleLevel": 100 }]);
        let group = || json!({ "initMemberList": members, "Operator_Account": "u1" });
        assert_eq!(decide::<BeforeSendGroupMsg>(kinds(), message(), facts()), deny(5006));
        assert_eq!(decide::<C2cBeforeSendMsg>(kinds(), message(), facts()), deny(120_007));
        assert_eq!(decide::<GroupBeforeSendMsg>(kinds(), message(), facts()), deny(10_106));
        assert_eq!(decide::<BeforeAddFriend>(kinds(), request(), facts()), deny(5006));
        assert_eq!(decide::<SnsPrevFriendAdd>(kinds(), request(), facts()), deny(38_006));
        assert_eq!(decide::<BeforeCreateGroup>(kinds(), group(), facts()), deny(5006));
        assert_eq!(decide::<GroupBeforeCreate>(kinds(), group(), facts()), deny(10_106));
    }

    #[test]
    fn only_what_is_limited_is_asked_for() {
        let request = json!({ "fromUserID": "u1", "toUserID": "u2" });
        assert_eq!(plugin(json!({})).needs::<BeforeAddFriend>(request.clone()), json!([]));
        assert_eq!(plugin(json!({})).decide::<BeforeAddFriend>(request.clone()), allow());
        let friends = plugin(json!({ "kinds": ["friend_requests"] }));
        assert_eq!(friends.needs::<BeforeAddFriend>(request), json!([{ "fact": "sent", "key": "u1" }]));
        assert_eq!(friends.needs::<BeforeSendSingleMsg>(message()), json!([]));
    }

    #[test]
    fn who_is_exempt_or_nobody_is_neither_counted_nor_refused() {
        for exempt in [json!(["u1"]), json!("u0\n u1\r\n\n")] {
            let plugin = plugin(json!({ "exempt": exempt, "count_max": 0 }));
            assert_eq!(plugin.needs::<BeforeSendSingleMsg>(message()), json!([]));
            assert_eq!(
                plugin.decide_knowing::<BeforeSendSingleMsg>(message(), json!({ "sent": { "u1": 99 } })),
                allow()
            );
        }
        let plugin = plugin(json!({ "exempt": "", "count_max": 0 }));
        assert_eq!(plugin.needs::<BeforeSendSingleMsg>(json!({ "sendID": "", "content": "{}" })), json!([]));
        let group = json!({ "groupName": "n", "initMemberList": null });
        assert_eq!(plugin.decide::<BeforeCreateGroup>(group), allow());
    }

    #[test]
    fn at_zero_everything_is_refused() {
        for sent in [0, 1] {
            let facts = json!({ "sent": { "u1": sent } });
            assert_eq!(decide::<BeforeSendSingleMsg>(json!({ "count_max": 0 }), message(), facts), deny(5006));
        }
    }

    #[test]
    fn a_count_that_is_not_known_is_decided_by_a_setting() {
        let decide = |on_unknown: &str, facts: Value| {
            decide::<BeforeSendSingleMsg>(json!({ "on_unknown": on_unknown }), message(), facts)
        };
        for why in ["late", "failed", "not_configured"] {
            assert_eq!(decide("allow", json!({ "sent": why })), allow(), "{why}");
            assert_eq!(decide("deny", json!({ "sent": why })), deny(5006), "{why}");
            let message = format!("callbackBeforeSendSingleMsgCommand: the fact `sent` is not known: {why}");
            assert_eq!(decide("fault", json!({ "sent": why })), json!({ "verdict": "fail", "message": message }));
        }
        // Nothing has been counted.
        assert_eq!(decide("deny", json!({ "sent": {} })), allow());
        assert_eq!(decide("allow", json!({ "sent": { "u1": "many" } }))["verdict"], "fail");
    }

    #[test]
    fn the_plugin_can_count_what_it_lets_through() {
        let decide = |sent: u32| {
            let settings = json!({ "counting": "allowed", "count_max": 2 });
            decide::<BeforeSendSingleMsg>(settings, message(), json!({ "sent": { "u1": sent } }))
        };
        let counted = json!({ "verdict": "allow", "updates": [{ "fact": "sent", "key": "u1", "add": 1 }] });
        assert_eq!([decide(0), decide(1), decide(2)], [counted.clone(), counted, deny(5006)]);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for (settings, why) in [
            (json!({ "count_max": -1 }), "invalid value: integer `-1`"),
            (json!({ "count_max": 1_000_000_001 }), "`count_max` must be a number from 0 to 1000000000"),
            (json!({ "kinds": [] }), "`kinds` is empty"),
            (json!({ "kinds": ["calls"] }), "unknown variant `calls`"),
            (json!({ "message": " " }), "`message` has no visible character"),
            (json!({ "window_ms": 5 }), "unknown field `window_ms`"),
        ] {
            let error = TestPlugin::<LimitRate>::configure(settings.clone()).unwrap_err().to_string();
            assert!(error.contains(why), "{settings}: {error}");
        }
    }
}

//! Refuses what banned users do, and says why.
//!
//! Who is banned is the fact `ban`, under a user's ID; the host's settings say where it comes from:
//!
//! ```toml
//! [[fact]]                         # one line per banned user, reloaded when it changes
//! name = "banned_users"
//! source = "file"
//! path = "banned.txt"
//! format = "lines"
//!
//! [[plugin]]
//! name = "ban-users"
//! facts = { ban = "banned_users" }
//! ```
//!
//! or `source = "redis"` (with `get`, `hget` or `sismember`), or `source = "http"`, which asks the app's own backend.
//!
//! | the fact's value | means |
//! | --- | --- |
//! | absent, `false`, `0` | not banned |
//! | `true`, another number below 1 000 000 000, an empty text | banned |
//! | a number from 1 000 000 000 on, or a time as RFC 3339 (`2026-12-31T23:59:00Z`) | banned until then: Unix seconds |
//! | another text | banned, for this reason |
//! | `{"until": …, "reason": …}`, both optional | banned until then, Unix seconds or RFC 3339, for this reason |
//!
//! A text may also be a number, a flag or such an object, because files and Redis contain texts. Anything else is an
//! error of the source: the plugin cannot decide, and `on_fault` does.
//!
//! A plugin has no clock; it compares the end with the time at which the callback arrived at the host. So a ban ends on
//! time even if the source removes it late. A source that keeps values for a time (Redis: `EXPIRE`) needs no `until`. A
//! cached answer may be as old as the source's `cache_ms`: both bans and their removal can take effect that late.
//!
//! | `kinds` | who is looked up | OpenIM | Tencent |
//! | --- | --- | --- | --- |
//! | `"messages"` | the sender | `BeforeSendSingleMsg`, `BeforeSendGroupMsg` | `C2cBeforeSendMsg`, `GroupBeforeSendMsg` |
//! | `"friend_requests"` | who asks, or answers | `BeforeAddFriend`, `BeforeAddFriendAgree` | `SnsPrevFriendAdd`, `SnsPrevFriendResponse` |
//! | `"joins"` | who joins or is invited, and who invites | `BeforeJoinGroup`, `BeforeInviteJoinGroup` | `GroupBeforeApplyJoinGroup`, `GroupBeforeInviteJoinGroup`, `OfficialBeforeAddSubscriber` |
//! | `"groups"` | who creates it | `BeforeCreateGroup` | `GroupBeforeCreate`, `GroupBeforeCreateTopic`, `OfficialBeforeCreate` |
//! | `"profiles"` | who changes it | `BeforeUpdateUserInfoEx`, `BeforeUpdateUserInfo` | none: it asks for no permission |
//!
//! - A refusal has code 5007 (OpenIM), 120008 (Tencent, one-to-one), 10107 (Tencent, groups) or 38007 (Tencent,
//!   friends).
//! - Of several invited users, only the banned ones are removed if the chat server supports that (Tencent's groups
//!   and channels); OpenIM invites all or none, so one banned user stops the invitation.
//! - At most 16 users of one callback are looked up; for the rest, `on_unknown` decides.
//!
//! Settings, all optional:
//!
//! ```toml
//! kinds = ["messages", "friend_requests", "joins", "groups", "profiles"]
//! message = "Your account is banned."                       # what the user reads
//! message_until = "Your account is banned until {until}."   # the same if the ban has an end
//! show_reason = true               # the reason follows, after a space
//! message_unknown = "This is not possible at the moment. Please try again."   # for on_unknown = "deny"
//! on_unknown = "allow"             # when the source is late, failed or not configured; or "deny",
//!                                  # or "fault": `on_fault` in the host's settings decides
//! ```

mod ban;
mod who;

use std::collections::BTreeSet;

use plugin_sdk::facts::{NEEDS_MAX, Needs, Why};
use plugin_sdk::settings::OnUnknown;
use plugin_sdk::{Callback, Error, Plugin, Reply, Verdict, text};
use serde::Deserialize;
use serde_json::Value;

use crate::ban::Ban;
use crate::who::{Kind, Who};

/// The name of the fact.
const BAN: &str = "ban";
/// The app's own code: 5007 for OpenIM.
const BANNED: u16 = 7;

/// The plugin.
#[derive(Debug)]
pub struct BanUsers(Settings);

/// What the operator may set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    kinds: BTreeSet<Kind>,
    message: String,
    message_until: String,
    show_reason: bool,
    message_unknown: String,
    on_unknown: OnUnknown,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.into(),
            message: "Your account is banned.".to_owned(),
            message_until: "Your account is banned until {until}.".to_owned(),
            show_reason: true,
            message_unknown: "This is not possible at the moment. Please try again.".to_owned(),
            on_unknown: OnUnknown::Allow,
        }
    }
}

impl Plugin for BanUsers {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Error> {
        if settings.kinds.is_empty() {
            return Err("`kinds` is empty: write what is refused, such as \"messages\"".into());
        }
        for (name, message) in [
            ("message", &settings.message),
            ("message_until", &settings.message_until),
            ("message_unknown", &settings.message_unknown),
        ] {
            if text::is_blank(message) {
                return Err(format!("`{name}` has no visible character: write what the user is to read").into());
            }
        }
        Ok(Self(settings))
    }

    fn needs(&self, callback: &Callback<'_>, needs: &mut Needs) -> Result<(), Error> {
        if let Some(who) = Who::of(callback, &self.0.kinds)? {
            who.all().take(NEEDS_MAX).for_each(|user| needs.fact(BAN, user));
        }
        Ok(())
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        // From the facts alone: nearly all callbacks are of users who are not banned. With as many facts as there can
        // be, there may be more users.
        let bans = callback.facts_named::<Value>(BAN)?;
        if (1..NEEDS_MAX).contains(&bans.len()) && bans.iter().all(|(_, ban)| ban.why() == Some(Why::Absent)) {
            return Ok(Verdict::Allow);
        }
        let Some(who) = Who::of(callback, &self.0.kinds)? else {
            return Ok(Verdict::Allow);
        };
        // A banned acting user is refused; of the other users, the banned ones can be removed.
        let (mut left_out, mut message) = (Vec::new(), None);
        for (number, user) in who.all().enumerate() {
            let refused = match number < NEEDS_MAX {
                true => self.refused(callback, user)?,
                false => self.unknown("too many users")?,
            };
            if let Some(text) = refused {
                if who.acts(user) {
                    return Ok(who.deny(BANNED, text));
                }
                left_out.push(user);
                message.get_or_insert(text);
            }
        }
        Ok(message.map_or(Verdict::Allow, |message| who.leave_out(&left_out, BANNED, message)))
    }
}

impl BanUsers {
    /// The text with which a user is refused; `None`: not banned.
    fn refused(&self, callback: &Callback<'_>, user: &str) -> Result<Option<String>, Error> {
        match callback.fact::<Value>(BAN, user)?.value() {
            Ok(value) => {
                let ban = Ban::read(&value)?.filter(|ban| ban.holds_at(callback.arrived_unix_ms()));
                Ok(ban.map(|ban| self.message(&ban)))
            }
            Err(Why::Absent) => Ok(None),
            Err(why) => self.unknown(why.name()),
        }
    }

    fn message(&self, ban: &Ban) -> String {
        let mut message = match ban.end() {
            Some(until) => self.0.message_until.replace("{until}", &until),
            None => self.0.message.clone(),
        };
        if self.0.show_reason && !ban.reason.is_empty() {
            message.push(' ');
            message.push_str(&ban.reason);
        }
        message
    }

    fn unknown(&self, why: &str) -> Result<Option<String>, Error> {
        match self.0.on_unknown {
            OnUnknown::Allow => Ok(None),
            OnUnknown::Deny => Ok(Some(self.0.message_unknown.clone())),
            OnUnknown::Fault => Err(format!("the fact `{BAN}` is not known: {why}").into()),
        }
    }
}

plugin_sdk::export!(BanUsers, handles: [
    plugin_sdk::openim::BeforeSendSingleMsg,
    plugin_sdk::openim::BeforeSendGroupMsg,
    plugin_sdk::openim::BeforeAddFriend,
    plugin_sdk::openim::BeforeAddFriendAgree,
    plugin_sdk::openim::BeforeJoinGroup,
    plugin_sdk::openim::BeforeInviteJoinGroup,
    plugin_sdk::openim::BeforeCreateGroup,
    plugin_sdk::openim::BeforeUpdateUserInfoEx,
    plugin_sdk::openim::BeforeUpdateUserInfo,
    plugin_sdk::tencent_chat::C2cBeforeSendMsg,
    plugin_sdk::tencent_chat::GroupBeforeSendMsg,
    plugin_sdk::tencent_chat::SnsPrevFriendAdd,
    plugin_sdk::tencent_chat::SnsPrevFriendResponse,
    plugin_sdk::tencent_chat::GroupBeforeApplyJoinGroup,
    plugin_sdk::tencent_chat::GroupBeforeInviteJoinGroup,
    plugin_sdk::tencent_chat::OfficialBeforeAddSubscriber,
    plugin_sdk::tencent_chat::GroupBeforeCreate,
    plugin_sdk::tencent_chat::GroupBeforeCreateTopic,
    plugin_sdk::tencent_chat::OfficialBeforeCreate,
], facts: ["ban"]);

#[cfg(test)]
mod tests;

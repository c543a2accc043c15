//! Filters messages: what contains a listed word, or a link, an address or a number, is denied, masked or recorded.
//!
//! Decides OpenIM's `BeforeSendSingleMsg`, `BeforeSendGroupMsg` and `BeforeMsgModify`, and Tencent's
//! `C2cBeforeSendMsg` and `GroupBeforeSendMsg`. Looked at is every text that users can read: the message's own,
//! those that it quotes, forwards or bundles, the names of cards and files, descriptions, and the app's own data
//! (see `neutral::Message` in the sdk). The text elements of one message are also looked at as they are read, one after
//! the other.
//!
//! - A denial has code 5004 (OpenIM), 120005 (Tencent, one-to-one) or 10104 (Tencent, groups); that of the action
//!   `"reply"` 5005, 120006 or 10105.
//! - `"reply"` refuses, too, and its `message` is the reason that the sender gets: no command of either chat server
//!   that is sent before a message can carry a reply. Of all commands only Tencent's `Chatbot.OnC2CSignalMessage` can,
//!   in `RspData` (<https://www.tencentcloud.com/document/product/1047/59057>).
//! - A masked word keeps its visible length: `free money` becomes `**** *****`. Every other byte of the message stays.
//!   OpenIM can change a message only in `BeforeMsgModify`, so its other two commands deny also where `action` is
//!   `"mask"`: give this plugin `BeforeMsgModify` alone there. A word over two elements, or one in data that is nested
//!   too deeply, cannot be masked and is denied.
//! - With `strikes = true`, each refusal is a strike of the sender, for `escalate`: 1 is added to the fact
//!   `strikes`, and `last_strike` is set to the time in Unix milliseconds, for a day. A counter can store both; if the
//!   settings of the host do not name these facts, nothing is written.
//! - Whatever is found is recorded: by which rule, which word, in which member, from which character to which; of too
//!   many mentions, how many there are.
//! - Whole words are matched in the scripts that put spaces between words, so that `win` is not found in `wing`; an
//!   Arabic word also with its articles and prepositions. Words of other scripts, such as `免费`, are found anywhere.
//!
//! How a word may be spelt depends on `strictness`; each step includes those before it:
//!
//! | strictness | finds `free money`, `免费` also as |
//! | --- | --- |
//! | `"exact"` | `FREE Money`, `ｆｒｅｅ  money`, `fr<zero-width space>ee money` |
//! | `"normal"` | `f r e e money`, `f.r.e.e money`, `free-money`, `frее money` (Cyrillic), `𝓯𝓻𝓮𝓮 money`, `ᖴᖇEE money`, `fr℮e money`, `fr3e money`, `freeee money`, `ffree money`, `fréé money`, `free<zero-width space>money`; `免 费`, `免-费`, `免費` |
//! | `"aggressive"` | `fr.ee money`, `fr*e money`, `f🔥r🔥e🔥e money`, `freemoney`, `free monney`, `fr` and `ee money` in two elements; `免1费` |
//!
//! Of doubled letters, `"normal"` accepts only vowels, and consonants other than `l` at the beginning of a word, in
//! words of at least four letters: a doubled consonant inside a word often makes another word (`raping`, `rapping`).
//! Where one of these is doubled, other letters may be too, in shorter words as well (`ffrree`). A letter that is
//! written three times is always accepted.
//!
//! Settings; something to look for is required:
//!
//! ```toml
//! words = ["free money", "免费"]   # a list, or one text (see `settings_files`) with a word on each line, where blank
//!                                  # lines and lines that begin with # are skipped; with those of the categories at
//!                                  # most 50 000 words and 1 MiB
//! action = "deny"                  # "mask"; "record": pass, with a record for people to review; "reply": refuse, and
//!                                  # the sender reads `message`
//! message = "…"                    # what the sender reads; default: that the message contains a word that is not allowed
//! strictness = "normal"            # "exact", "normal" or "aggressive"
//! mask_character = "*"             # stands for each character of a masked word
//! match_whole_words = true         # false: every word is found anywhere
//! harmless_words = ["Scunthorpe"]  # a list or lines; no word is found inside of these
//! mentions_max = 20                # more users mentioned in one message: `action` (for "mask": denied). Not set: any
//! custom_text = ["data.text"]      # of the app's own data only what is at these paths; `*` is any name or index.
//!                                  # Default: every text in it
//! strikes = false                  # true: writes the facts `strikes` and `last_strike` of a sender who is refused
//!
//! [[categories]]                   # words with an action of their own; what is left out is as above
//! name = "bait"                    # in records
//! words = ["claim your prize"]
//! action = "record"
//!
//! [patterns]                       # an action for each; not set: not looked for
//! links = "deny"                   # https://example.com/a, www.example.com, example.com, t.me/a, пример.рф; any host after
//!                                  # http:// or https://
//! emails = "mask"                  # user@example.com
//! phones = "mask"                  # +49 30 1234567, 13812345678, 1-800-555-0199; no dates, fractions or prices
//! numbers = "record"               # of at least
//! numbers_digits_min = 6           # digits, at least 3
//! ```
//!
//! Of several actions in one message the first of deny, reply, mask, record is taken.
//!
//! The search of a message stops at 256 places, harmless ones included, and when comparing with the beginnings of listed
//! words has cost more than any honest message needs. Then the message is refused, unless the settings ask only for
//! records; the record names the rule `unsearched`.
//!
//! Whatever is in it, a text of 24 KiB costs less than 20 million units of fuel with words alone, or with all four
//! patterns alone; usual ones of that size cost 1 to 3 million. For several elements of one message, which are searched
//! again where they meet, that holds up to 8 KiB in all. With words and patterns, or where words are masked (which
//! searches the result again), set `fuel_per_call` to 60 million for what is made to cost as much as it can;
//! `on_fault = "deny"` refuses what still costs more.

mod mask;
#[cfg(test)]
mod masking;
mod patterns;
mod rules;
mod settings;
#[cfg(test)]
mod tests;
mod words;

use plugin_sdk::facts::{KEY_BYTES_MAX, Update};
use plugin_sdk::neutral::{Message, Place, Shown};
use plugin_sdk::text::words::Effort;
use plugin_sdk::{Callback, Error, Plugin, Reply, Verdict};
use serde::Serialize;

use crate::rules::{Action, Hit, PLACES_MAX};
use crate::settings::Checked;

pub use crate::settings::Settings;

/// The plugin: its rules, and what to do where they apply.
#[derive(Debug)]
pub struct FilterMessages(Checked);

/// The app's own code: 5004 for OpenIM, 120005 and 10104 for Tencent.
const DENIED: u16 = 4;
/// The same for what is answered with a text of the operator's.
const REPLIED: u16 = 5;
/// Most places that a record names.
const RECORDED_MAX: usize = 16;

impl Plugin for FilterMessages {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Error> {
        settings.check().map(Self)
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        let Some(message) = Message::of(callback)? else {
            return Ok(Reply::allow());
        };
        let mut findings = Findings::new();
        let masked = message.visit_texts(&self.0.custom, &mut |shown| {
            if self.0.mentions.is_some() && shown.place == Place::Text {
                findings.mentions += mentions(shown.text);
            }
            let hits = self.0.rules.find(shown, &mut findings.effort);
            self.act(shown, &hits, &mut findings, message.can_change())
        })?;
        self.count_mentions(&message, &mut findings)?;
        if findings.action.is_none() {
            return Ok(Reply::allow());
        }
        let deny = |nth: u16| Reply::from(message.deny(nth, findings.message));
        let (reply, action) = match (findings.action, masked) {
            (Some(Action::Deny), _) => (deny(DENIED), Action::Deny),
            (Some(Action::Reply), _) => (deny(REPLIED), Action::Reply),
            (Some(Action::Mask), Some(masked)) => (masked.into(), Action::Mask),
            // It cannot be masked here.
            (Some(Action::Mask), None) => (deny(DENIED), Action::Deny),
            (Some(Action::Record) | None, _) => (Verdict::Allow.into(), Action::Record),
        };
        let reply = match action {
            Action::Deny | Action::Reply if self.0.strikes => strike(reply, &message, callback.arrived_unix_ms()),
            _ => reply,
        };
        reply.record(&Record {
            event: "message_filtered",
            platform: callback.platform(),
            command: callback.command(),
            user: message.actor().ok().as_deref(),
            action: action.name(),
            found: &findings.places,
            at_unix_ms: callback.arrived_unix_ms(),
        })
    }
}

/// Records a strike under the sender's ID, if that can be a key.
fn strike(reply: Reply, message: &Message<'_>, at_unix_ms: u64) -> Reply {
    match message.actor() {
        Ok(user) if !user.is_empty() && user.len() <= KEY_BYTES_MAX => reply
            .update(Update::add("strikes", user.clone(), 1))
            .update(Update::set("last_strike", user, at_unix_ms).for_ms(STRIKE_KEPT_MS)),
        _ => reply,
    }
}

/// How long the time of a strike is kept: a day, as long as `escalate` can mute for.
const STRIKE_KEPT_MS: u64 = 86_400_000;

/// What was found in a message.
struct Findings<'r> {
    action: Option<Action>,
    /// Of the rule whose action that is.
    message: &'r str,
    /// The first ones.
    places: Vec<Found<'r>>,
    mentions: usize,
    /// What may still be found, and searched for.
    effort: Effort,
}

impl<'r> Findings<'r> {
    fn new() -> Self {
        Self { action: None, message: "", places: Vec::new(), mentions: 0, effort: Effort::new(PLACES_MAX) }
    }

    fn raise(&mut self, action: Action, message: &'r str) {
        if self.action.is_none_or(|strongest| action < strongest) {
            (self.action, self.message) = (Some(action), message);
        }
    }

    /// Notes a place, if a record still has room for it: looking places up in a text takes long.
    fn note(&mut self, place: impl FnOnce() -> Found<'r>) {
        if self.places.len() < RECORDED_MAX {
            self.places.push(place());
        }
    }
}

/// Where a rule applied.
#[derive(Serialize)]
struct Found<'r> {
    rule: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<&'r str>,
    place: &'static str,
    path: String,
    #[serde(flatten)]
    extent: Extent,
}

/// How much of a text, or how many in it.
#[derive(Serialize)]
#[serde(untagged)]
enum Extent {
    /// Characters of the text, from 0.
    Characters {
        from: usize,
        to: usize,
    },
    Mentions {
        mentioned: usize,
        mentions_max: usize,
    },
}

/// What operators review.
#[derive(Serialize)]
struct Record<'a> {
    event: &'static str,
    platform: &'a str,
    command: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    action: &'static str,
    found: &'a [Found<'a>],
    at_unix_ms: u64,
}

impl FilterMessages {
    /// Notes what was found in one text, and masks it.
    fn act<'r>(
        &'r self,
        shown: &Shown<'_>,
        hits: &[Hit<'r>],
        findings: &mut Findings<'r>,
        can_change: bool,
    ) -> Vec<plugin_sdk::neutral::Edit> {
        if let Some((action, message)) = self.0.rules.strongest().filter(|_| findings.effort.is_over()) {
            // What was not looked at can be what is refused.
            findings.raise(if action == Action::Mask { Action::Deny } else { action }, message);
            findings.note(|| Found {
                rule: "unsearched",
                word: None,
                place: shown.place.name(),
                path: shown.path.to_string(),
                extent: Extent::Characters { from: 0, to: shown.text.chars().count() },
            });
        }
        let mut is_masked = false;
        for hit in hits {
            let Some(rule) = self.0.rules.rules.get(hit.rule) else { continue };
            let is_mask = rule.action == Action::Mask;
            let cannot = is_mask && (shown.is_fixed || !can_change);
            findings.raise(if cannot { Action::Deny } else { rule.action }, &rule.message);
            findings.note(|| {
                let characters = |to: usize| shown.text.get(..to).map_or(0, |text| text.chars().count());
                Found {
                    rule: &rule.name,
                    word: hit.word,
                    place: shown.place.name(),
                    path: shown.path.to_string(),
                    extent: Extent::Characters { from: characters(hit.range.start), to: characters(hit.range.end) },
                }
            });
            is_masked |= is_mask && !cannot;
        }
        if !is_masked || findings.effort.is_over() {
            return Vec::new();
        }
        let is_mask = |hit: &Hit<'_>| self.0.rules.rules.get(hit.rule).is_some_and(|rule| rule.action == Action::Mask);
        let effort = &mut findings.effort;
        let find = |text: &str| {
            let again = Shown::plain(text, shown.place, shown.path);
            let hits = effort.with_places(PLACES_MAX, |effort| self.0.rules.find(&again, effort));
            let parts = hits.into_iter().filter(is_mask).map(|hit| hit.range);
            (!effort.is_over()).then(|| parts.collect())
        };
        mask::edits(shown.text, self.0.mask, find).unwrap_or_else(|| {
            findings.raise(Action::Deny, findings.message);
            Vec::new()
        })
    }

    fn count_mentions<'r>(&'r self, message: &Message<'_>, findings: &mut Findings<'r>) -> Result<(), Error> {
        let Some((max, action)) = self.0.mentions else { return Ok(()) };
        let mentioned = message.mentions()?.max(findings.mentions);
        if mentioned > max {
            findings.raise(action, "This message mentions too many people.");
            findings.note(|| Found {
                rule: "mentions",
                word: None,
                place: Place::Text.name(),
                path: String::new(),
                extent: Extent::Mentions { mentioned, mentions_max: max },
            });
        }
        Ok(())
    }
}

/// How many users a text mentions by itself, as `@name`.
fn mentions(text: &str) -> usize {
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    let mut mentions = 0;
    while let Some(c) = chars.next() {
        let names = chars.peek().is_some_and(|next| next.is_alphanumeric());
        mentions += usize::from(matches!(c, '@' | '＠') && !before.is_ascii_alphanumeric() && names);
        before = c;
    }
    mentions
}

plugin_sdk::export!(FilterMessages, handles: [
    plugin_sdk::openim::BeforeSendSingleMsg,
    plugin_sdk::openim::BeforeSendGroupMsg,
    plugin_sdk::openim::BeforeMsgModify,
    plugin_sdk::tencent_chat::C2cBeforeSendMsg,
    plugin_sdk::tencent_chat::GroupBeforeSendMsg,
], updates: ["strikes", "last_strike"]);

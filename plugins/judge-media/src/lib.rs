//! Asks a service to judge the pictures, videos, files and texts of messages, and refuses what it rejects.
//!
//! The judge is a service of the operator's choice. The fact `verdict` is its answer, with the URL of a picture or
//! file, or a text, as the key. The host's settings have its address, and the part of its answer that counts:
//!
//! ```toml
//! [[fact]]
//! name = "picture_score"
//! source = "http"
//! method = "POST"
//! url = "https://judge.example.com/v1/pictures"
//! body = '{"url": "{key}"}'
//! pointer = "/scores/nsfw"         # a number from 0 to 1
//! within_ms = 800
//! cache_ms = 86_400_000            # the same picture is not judged twice a day
//!
//! [[plugin]]
//! name = "judge-media"
//! facts = { verdict = "picture_score" }
//! ```
//!
//! A judge for texts and another one for pictures are two plugins of this module, with other `elements` and facts.
//!
//! | the fact's value | is refused |
//! | --- | --- |
//! | `true` | yes |
//! | `false` | no |
//! | a number | from `score_min` on |
//! | a text | if it is one of `labels`, in any letter case |
//! | a list | if one of its elements is |
//! | `{"label": "…", "score": 0.9}` (`score` optional) | if the label is listed, and the score is at least `score_min` |
//! | another object, such as `{"porn": 0.9, "neutral": 0.1}` | if a member whose name is one of `labels` is `true`, or a number of at least `score_min` |
//! | absent | as `on_absent` says |
//!
//! Texts and objects need `labels`. Any other value counts as unknown, as do a judge that is late or fails, a
//! fact that is not configured, elements beyond the first 16 of a message, texts and URLs of more than 65 536 bytes,
//! and content nested more than 40 levels deep. `on_unknown` says what happens then; a refusal by another element wins.
//!
//! | `elements` | OpenIM | Tencent |
//! | --- | --- | --- |
//! | `"picture"` | the URLs of a picture in all its sizes | the same, `TIMImageElem` |
//! | `"video"` | the URLs of a video and of its still | the same, `TIMVideoFileElem` |
//! | `"voice"` | the URL of a voice message | the same, `TIMSoundElem` |
//! | `"file"` | the URL of a file | the same, `TIMFileElem` |
//! | `"text"` | what users write and read as text, quotes and bundles included | the same; the text elements of one message joined |
//!
//! Quoted, forwarded and bundled content is judged too; the app's own data is not. All sizes are judged, because
//! a modified client can name a different picture for each; `sizes = "largest"` trusts clients and asks once.
//!
//! Decides OpenIM's `BeforeSendSingleMsg`, `BeforeSendGroupMsg` and `BeforeMsgModify`, and Tencent's `C2cBeforeSendMsg`
//! and `GroupBeforeSendMsg`. A refusal has code 5009 (OpenIM), 120010 (Tencent, one-to-one) or 10109 (Tencent, groups).
//!
//! Records: `media_refused` for a refusal, and `media_unknown` for what `"allow_and_record"` lets through, each with
//! platform, command, user, the elements with their keys (texts cut to 200 characters) and what the judge said, and the
//! time.
//!
//! Settings, all optional:
//!
//! ```toml
//! elements = ["picture", "video"]  # also "voice", "file", "text"
//! sizes = "all"                    # or "largest": the original if there is one
//! score_min = 0.8                  # from 0 to 1 000 000, in the judge's own unit
//! labels = ["porn", "violence"]    # default: none
//! message = "This picture, video or text is not allowed here."   # what the sender reads
//! message_unknown = "This cannot be checked at the moment. Please try again."   # for "deny" below
//! on_unknown = "allow_and_record"  # allows now, with a record for a review; or "allow", "deny",
//!                                  # or "fault": `on_fault` in the host's settings decides
//! on_absent = "allow"              # when the judge knows nothing (HTTP status 404); the same choices
//! ```

mod elements;
mod judgement;
mod settings;
#[cfg(test)]
mod tests;

use plugin_sdk::facts::{KEY_BYTES_MAX, NEEDS_MAX, Needs, Why};
use plugin_sdk::neutral::Message;
use plugin_sdk::{Callback, Error, Plugin, Reply};
use serde::Serialize;
use serde_json::Value;

use crate::elements::{Element, Found};
use crate::settings::{Checked, Otherwise};

pub use crate::settings::Settings;

/// The name of the fact.
const VERDICT: &str = "verdict";
/// The app's own code: 5009 for OpenIM.
const REFUSED: u16 = 9;
/// Maximum number of characters of a key in a record.
const KEY_CHARACTERS_MAX: usize = 200;

/// The plugin.
#[derive(Debug)]
pub struct JudgeMedia(Checked);

impl Plugin for JudgeMedia {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Error> {
        settings.check().map(Self)
    }

    fn needs(&self, callback: &Callback<'_>, needs: &mut Needs) -> Result<(), Error> {
        let Some(message) = Message::of(callback)? else { return Ok(()) };
        for element in self.find(callback, &message)?.elements.into_iter().filter(|element| element.has_key()) {
            if needs.is_full() {
                break;
            }
            needs.fact(VERDICT, element.key);
        }
        Ok(())
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        let Some(message) = Message::of(callback)? else { return Ok(Reply::allow()) };
        let found = self.find(callback, &message)?;
        let (mut refused, mut unknown, mut strictest) = (Vec::new(), Vec::new(), Otherwise::Allow);
        let mut note = |element, said, otherwise: Otherwise| {
            strictest = strictest.max(otherwise);
            if otherwise != Otherwise::Allow {
                unknown.push(Judged::new(element, said));
            }
        };
        let mut asked = 0;
        for element in &found.elements {
            let is_asked = element.has_key() && asked < NEEDS_MAX;
            asked += usize::from(element.has_key());
            if !is_asked {
                let why = if element.has_key() { "too_many" } else { "too_long" };
                note(element, Value::from(why), self.0.on_unknown);
                continue;
            }
            match callback.fact::<Value>(VERDICT, &element.key)?.value() {
                Ok(value) => match self.0.judge.refuses(&value) {
                    Some(true) => refused.push(Judged::new(element, value)),
                    Some(false) => {}
                    None => note(element, value, self.0.on_unknown),
                },
                Err(Why::Absent) => note(element, Value::from("absent"), self.0.on_absent),
                Err(why) => note(element, Value::from(why.name()), self.0.on_unknown),
            }
        }
        if found.is_cut {
            note(&Element::NESTED, Value::from("too_deep"), self.0.on_unknown);
        }
        let record = |event, elements: &[Judged]| Record {
            event,
            platform: callback.platform().to_owned(),
            command: callback.command().to_owned(),
            user: message.actor().ok().map(|user| user.into_owned()),
            elements: elements.to_vec(),
            at_unix_ms: callback.arrived_unix_ms(),
        };
        if !refused.is_empty() {
            let reply = Reply::from(message.deny(REFUSED, &self.0.message));
            return reply.record(&record("media_refused", &refused));
        }
        match strictest {
            Otherwise::Allow => Ok(Reply::allow()),
            Otherwise::AllowAndRecord => Reply::allow().record(&record("media_unknown", &unknown)),
            Otherwise::Deny => Ok(message.deny(REFUSED, &self.0.message_unknown).into()),
            Otherwise::Fault => Err(format!("the judge has not said enough: {}", whys(&unknown)).into()),
        }
    }
}

impl JudgeMedia {
    /// The elements that are to be judged, each once.
    fn find<'a>(&self, callback: &Callback<'a>, message: &Message<'a>) -> Result<Found, Error> {
        Found::in_message(callback, message, &self.0.elements, self.0.all_sizes)
    }
}

/// An element, and the judge's answer.
#[derive(Debug, Clone, Serialize)]
struct Judged {
    element: &'static str,
    /// The element, if the judge was asked about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    key: String,
    /// The judge's answer, or why there is none.
    said: Value,
}

impl Judged {
    fn new(element: &Element, said: Value) -> Self {
        let key = element.key.chars().take(KEY_CHARACTERS_MAX).collect();
        Self { element: element.kind.name(), key, said }
    }
}

/// The record that operators review.
#[derive(Debug, Serialize)]
struct Record {
    event: &'static str,
    platform: String,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    elements: Vec<Judged>,
    at_unix_ms: u64,
}

/// The reasons, without texts of users.
fn whys(unknown: &[Judged]) -> String {
    let why = |judged: &Judged| match &judged.said {
        Value::String(why) if KNOWN_WHYS.contains(&why.as_str()) => why.clone(),
        _ => "its answer has another form".to_owned(),
    };
    let mut whys: Vec<String> = unknown.iter().map(why).collect();
    whys.dedup();
    whys.join(", ")
}

/// See [`whys`].
const KNOWN_WHYS: [&str; 7] = ["absent", "late", "failed", "not_configured", "too_many", "too_long", "too_deep"];

impl Element {
    /// Whether the judge can be asked about it.
    fn has_key(&self) -> bool {
        self.key.len() <= KEY_BYTES_MAX
    }
}

plugin_sdk::export!(JudgeMedia, handles: [
    plugin_sdk::openim::BeforeSendSingleMsg,
    plugin_sdk::openim::BeforeSendGroupMsg,
    plugin_sdk::openim::BeforeMsgModify,
    plugin_sdk::tencent_chat::C2cBeforeSendMsg,
    plugin_sdk::tencent_chat::GroupBeforeSendMsg,
], facts: ["verdict"]);

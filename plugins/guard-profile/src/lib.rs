//! Guards profiles: a nickname must not pass for the app's staff, and pictures are loaded over HTTPS.
//!
//! Decides OpenIM's [`BeforeUpdateUserInfoEx`]:
//!
//! - A nickname that contains a reserved word is denied with code 5001, in any spelling that `strictness` recognises
//!   (as in `filter-messages`): by default letter case, full-width, mathematical and circled letters, invisible
//!   characters, letters that stand singly (`s u p p o r t`) or have signs between them, letters of other alphabets and
//!   digits that look alike (`аdm1n`), repeated letters, accents, traditional characters. Words are found inside
//!   longer ones too: `admin` in `SuperAdmin1`. A nickname with 64 of them or more is denied, even if all are harmless.
//! - So is a nickname that shows nothing. An empty one is allowed: it removes the name.
//! - White space in a nickname is tidied: `"  John   Doe "` becomes `"John Doe"`.
//! - A picture's address that begins with `http://` begins with `https://` afterwards.
//!
//! Settings, all optional:
//!
//! ```toml
//! reserved_words = ["admin", "moderator", "official team", "customer service", "support", "system",
//!                   "管理员", "官方", "客服"]       # [] reserves nothing
//! harmless_words = ["badminton", "ecosystem"]       # not searched for reserved words; [] exempts nothing
//! strictness = "normal"                             # or "exact", "aggressive"
//! ```

use std::borrow::Cow;
use std::ops::Range;

use plugin_sdk::openim::BeforeUpdateUserInfoEx;
use plugin_sdk::text::words::{Effort, Rules, Strictness, Words};
use plugin_sdk::{Callback, Error, Plugin, Reply, text};
use serde::Deserialize;

/// Maximum number of reserved words, harmless ones included, that are examined in one nickname; with that many it is
/// denied. Each costs some thousand units of fuel.
const PLACES_MAX: usize = 64;

/// OpenIM hands it to the app; `errMsg` beside it is what the user reads.
const NAME_DENIED: i32 = 5001;

/// The plugin: its words, prepared once.
#[derive(Debug)]
pub struct GuardProfile {
    reserved: Words,
    harmless: Words,
}

/// What the operator may set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    reserved_words: Vec<String>,
    harmless_words: Vec<String>,
    strictness: Strictness,
}

impl Default for Settings {
    fn default() -> Self {
        let reserved =
            ["admin", "moderator", "official team", "customer service", "support", "system", "管理员", "官方", "客服"];
        let harmless = ["badminton", "ecosystem"];
        Self {
            reserved_words: reserved.map(str::to_owned).to_vec(),
            harmless_words: harmless.map(str::to_owned).to_vec(),
            strictness: Strictness::Normal,
        }
    }
}

impl Plugin for GuardProfile {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Error> {
        let rules = Rules { strictness: settings.strictness, whole_words: false };
        Ok(Self {
            reserved: Words::new(&with_and_without_spaces("reserved_words", &settings.reserved_words)?, rules)?,
            harmless: Words::new(&with_and_without_spaces("harmless_words", &settings.harmless_words)?, rules)?,
        })
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        let Some(event) = callback.event::<BeforeUpdateUserInfoEx>()? else {
            return Ok(Reply::allow());
        };
        let mut modify = event.modify();
        if let Some(name) = event.nick_name()? {
            // Judge what others will see: tidying could create a reserved word.
            let tidied = text::tidy(&name);
            if text::is_blank(&tidied) && !name.is_empty() {
                return Ok(event.deny(NAME_DENIED, "A name needs at least one visible character.").into());
            }
            if self.reserves(&tidied) {
                return Ok(event.deny(NAME_DENIED, "This name is reserved. Please choose another one.").into());
            }
            if let Cow::Owned(tidied) = tidied {
                modify = modify.nick_name(tidied);
            }
        }
        if let Some(address) = event.face_url()?.and_then(|address| with_https(&address)) {
            modify = modify.face_url(address);
        }
        Ok(modify.into())
    }
}

plugin_sdk::export!(GuardProfile, handles: [BeforeUpdateUserInfoEx]);

impl GuardProfile {
    fn reserves(&self, name: &str) -> bool {
        let mut effort = Effort::new(PLACES_MAX);
        let found = self.reserved.find_within(name, &mut effort);
        if found.is_empty() || self.harmless.is_empty() || effort.is_over() {
            return !found.is_empty() || effort.is_over();
        }
        let harmless = effort.with_places(PLACES_MAX, |effort| self.harmless.find_within(name, effort));
        let is_in = |inner: &Range<usize>, outer: &Range<usize>| outer.start <= inner.start && inner.end <= outer.end;
        !found.iter().all(|found| harmless.iter().any(|harmless| is_in(&found.range, &harmless.range)))
    }
}

/// A word with spaces is looked for without them too: `officialteam`.
fn with_and_without_spaces(setting: &str, words: &[String]) -> Result<Vec<String>, Error> {
    let mut all = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let word = text::tidy(word);
        if text::is_blank(&word) {
            return Err(Error::new(format!(
                "`{setting}[{index}]` has no visible character; remove it, or write a word"
            )));
        }
        if word.contains(' ') {
            all.push(word.replace(' ', ""));
        }
        all.push(word.into_owned());
    }
    Ok(all)
}

fn with_https(address: &str) -> Option<String> {
    const HTTP: &str = "http://";
    let (scheme, rest) = address.split_at_checked(HTTP.len())?;
    scheme.eq_ignore_ascii_case(HTTP).then(|| format!("https://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugin_sdk::testing::TestPlugin;
    use serde_json::{Value, json};

    fn decide(body: Value) -> Value {
        decide_with(json!({}), body)
    }

    fn decide_with(settings: Value, body: Value) -> Value {
        TestPlugin::<GuardProfile>::configure(settings).unwrap().decide::<BeforeUpdateUserInfoEx>(body)
    }

    fn allow() -> Value {
        json!({ "verdict": "allow" })
    }

    #[test]
    fn the_documented_sample_gets_an_address_with_https() {
        let reply = decide(json!({
            "callbackCommand": "callbackBeforeUpdateUserInfoExCommand",
            "userID": "user123",
            "nickName": "John Doe",
            "faceURL": "http://example.com/path/to/face/image.png",
            "ex": "Extra data",
        }));
        let changes = json!({ "faceURL": "https://example.com/path/to/face/image.png" });
        assert_eq!(reply, json!({ "verdict": "modify", "changes": changes }));
    }

    #[test]
    fn a_reserved_word_is_found_in_every_spelling() {
        for name in [
            "official support",
            "0fficial ＳＵＰＰＯＲＴ",
            "SuPpOrT-24",
            "s u p p o r t",
            "s\u{3000}u\u{a0}p p o r t",
            "sup\u{200b}port",
            "sup\u{1}port", // tidying takes the control character away
            "Official \u{2003} Team",
            "o f f i c i a l  t e a m",
            "SuperAdmin1",
            "网站管理员",
            "badminton admin",
            "аdmіn", // with Cyrillic letters
            "adm1n_24",
            "admın",
            "admin™",
            "🇩🇪 admin🇩🇪",
            "a.d.m.i.n",
            "ａｄｍｉｎ",
            "𝓪𝓭𝓶𝓲𝓷",
            "ⓐⓓⓜⓘⓝ",
            "aadmiiin",
            "ádmín",
            "管 理 員",
            "officialteam",
        ] {
            let message = "This name is reserved. Please choose another one.";
            let deny = json!({ "verdict": "deny", "code": 5001, "message": message });
            assert_eq!(decide(json!({ "userID": "u1", "nickName": name })), deny, "{name:?}");
        }
    }

    #[test]
    fn other_names_pass() {
        for name in
            ["John Doe", "Sup Port", "Badminton Bob", "badm1nton", "José", "Ad Minor", "王小明", "👩\u{200d}🚀", ""]
        {
            assert_eq!(decide(json!({ "userID": "u1", "nickName": name, "faceURL": "" })), allow(), "{name:?}");
        }
    }

    #[test]
    fn of_64_reserved_words_it_does_not_matter_whether_they_are_harmless() {
        for (times, verdict) in [(63, "allow"), (64, "deny")] {
            let name = vec!["badminton"; times].join(" ");
            assert_eq!(decide(json!({ "userID": "u1", "nickName": name }))["verdict"], verdict);
        }
    }

    #[test]
    fn white_space_in_a_name_is_tidied() {
        for (name, tidy) in [("  John   Doe ", "John Doe"), ("José\u{a0}\tRuiz", "José Ruiz"), ("Bo\u{7}b", "Bob")] {
            let reply = decide(json!({ "userID": "u1", "nickName": name }));
            assert_eq!(reply, json!({ "verdict": "modify", "changes": { "nickName": tidy } }));
        }
    }

    #[test]
    fn a_name_that_shows_nothing_is_denied() {
        for name in ["   ", "\u{200b}\u{2800}", "\u{200d}"] {
            let message = "A name needs at least one visible character.";
            let deny = json!({ "verdict": "deny", "code": 5001, "message": message });
            assert_eq!(decide(json!({ "userID": "u1", "nickName": name })), deny, "{name:?}");
        }
    }

    #[test]
    fn only_what_the_operation_carries_is_changed() {
        assert_eq!(decide(json!({ "userID": "u1" })), allow());
        assert_eq!(decide(json!({ "userID": "u1", "nickName": null, "faceURL": null, "ex": " a  b " })), allow());
    }

    #[test]
    fn the_scheme_is_known_in_any_letter_case() {
        let reply = decide(json!({ "userID": "u1", "faceURL": "HTTP://example.com/HTTP://" }));
        assert_eq!(reply, json!({ "verdict": "modify", "changes": { "faceURL": "https://example.com/HTTP://" } }));
        for address in ["https://example.com/a.png", "ftp://example.com", "http:/", "图片地址"] {
            assert_eq!(decide(json!({ "userID": "u1", "faceURL": address })), allow());
        }
    }

    #[test]
    fn without_words_nothing_is_reserved() {
        let settings = json!({ "reserved_words": [] });
        assert_eq!(decide_with(settings, json!({ "userID": "u1", "nickName": "admin" })), allow());
    }

    #[test]
    fn a_word_without_a_visible_character_is_refused() {
        let error = TestPlugin::<GuardProfile>::configure(json!({ "reserved_words": ["a", "\u{200b} "] })).unwrap_err();
        assert_eq!(error.to_string(), "`reserved_words[1]` has no visible character; remove it, or write a word");
    }
}

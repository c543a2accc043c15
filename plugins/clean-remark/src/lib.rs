//! Cleans the remarks that users give to their friends, and keeps them short.
//!
//! Decides OpenIM's [`BeforeSetFriendRemark`]:
//!
//! - Control characters and zero-width characters are taken out, line breaks and runs of white space become one
//!   space, and none is left at the ends. The joiners that emoji and some scripts are made of stay.
//! - A remark that is longer than `characters_max` afterwards is denied with code 5002.
//! - So is a remark in which nothing visible is left: OpenIM ignores an empty remark in the answer, and would store the
//!   original. An empty remark is allowed: it removes the old one.
//!
//! Settings, all optional:
//!
//! ```toml
//! characters_max = 64   # Unicode characters, counted after cleaning (an emoji can be several);
//!                       # 0: remarks can only be removed
//! ```

use plugin_sdk::openim::BeforeSetFriendRemark;
use plugin_sdk::{Callback, Error, Plugin, Reply, text};
use serde::Deserialize;

/// OpenIM hands it to the app; `errMsg` beside it is what the user reads.
const REMARK_DENIED: i32 = 5002;

/// The plugin.
#[derive(Debug)]
pub struct CleanRemark {
    characters_max: usize,
}

/// What the operator may set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    characters_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { characters_max: 64 }
    }
}

impl Plugin for CleanRemark {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Error> {
        Ok(Self { characters_max: settings.characters_max })
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        let Some(event) = callback.event::<BeforeSetFriendRemark>()? else {
            return Ok(Reply::allow());
        };
        let remark = event.remark()?;
        if remark.is_empty() {
            return Ok(Reply::allow());
        }
        let clean = text::tidy(&remark);
        if text::is_blank(&clean) {
            return Ok(event.deny(REMARK_DENIED, "A remark needs at least one visible character.").into());
        }
        if clean.chars().count() > self.characters_max {
            let message = match self.characters_max {
                0 => "Remarks are switched off.".to_owned(),
                max => format!("A remark can have at most {max} characters."),
            };
            return Ok(event.deny(REMARK_DENIED, message).into());
        }
        if clean == remark {
            return Ok(Reply::allow());
        }
        Ok(event.modify().remark(clean).into())
    }
}

plugin_sdk::export!(CleanRemark, handles: [BeforeSetFriendRemark]);

#[cfg(test)]
mod tests {
    use super::*;
    use plugin_sdk::testing::TestPlugin;
    use serde_json::{Value, json};

    fn decide(remark: &str) -> Value {
        decide_with(json!({}), remark)
    }

    fn decide_with(settings: Value, remark: &str) -> Value {
        let body = json!({ "ownerUserID": "u1", "friendUserID": "u2", "remark": remark });
        TestPlugin::<CleanRemark>::configure(settings).unwrap().decide::<BeforeSetFriendRemark>(body)
    }

    fn deny(message: &str) -> Value {
        json!({ "verdict": "deny", "code": 5002, "message": message })
    }

    #[test]
    fn a_clean_remark_passes_unchanged() {
        for remark in ["My Best Friend", "王小明", "👩\u{200d}🚀", ""] {
            assert_eq!(decide(remark), json!({ "verdict": "allow" }), "{remark:?}");
        }
    }

    #[test]
    fn what_does_not_show_is_taken_out() {
        for (remark, clean) in [
            ("Best\u{200b}Friend", "BestFriend"),
            ("\u{feff}Bob\u{0}by\u{7f}", "Bobby"),
            ("from\r\nwork\t", "from work"),
            ("  My   Friend ", "My Friend"),
        ] {
            let reply = json!({ "verdict": "modify", "changes": { "remark": clean } });
            assert_eq!(decide(remark), reply, "{remark:?}");
        }
    }

    #[test]
    fn characters_are_counted_after_cleaning() {
        let denied = deny("A remark can have at most 64 characters.");
        assert_eq!(decide(&"好".repeat(64)), json!({ "verdict": "allow" }));
        assert_eq!(decide(&"好".repeat(65)), denied);
        assert_eq!(decide(&format!("{}\u{200b}", "a".repeat(65))), denied);
        let reply = decide(&format!("{}\u{200b}", "a".repeat(64)));
        assert_eq!(reply, json!({ "verdict": "modify", "changes": { "remark": "a".repeat(64) } }));
    }

    #[test]
    fn a_remark_that_shows_nothing_is_denied() {
        for remark in ["   ", "\u{200b}", "\u{0}\n", "\u{200d}"] {
            assert_eq!(decide(remark), deny("A remark needs at least one visible character."), "{remark:?}");
        }
    }

    #[test]
    fn at_zero_remarks_can_only_be_taken_away() {
        let settings = json!({ "characters_max": 0 });
        assert_eq!(decide_with(settings.clone(), "a"), deny("Remarks are switched off."));
        assert_eq!(decide_with(settings, ""), json!({ "verdict": "allow" }));
    }

    #[test]
    fn a_misspelt_setting_is_refused() {
        let error = TestPlugin::<CleanRemark>::configure(json!({ "characters": 3 })).unwrap_err();
        assert!(error.to_string().contains("expected `characters_max`"), "{error}");
    }
}

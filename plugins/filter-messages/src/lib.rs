//! Filters messages: what contains a listed word is denied, or the word is masked.
//!
//! Decides OpenIM's `BeforeSendSingleMsg`, `BeforeSendGroupMsg` and `BeforeMsgModify`, and Tencent's
//! `C2cBeforeSendMsg` and `GroupBeforeSendMsg`. Looked at is the text of text messages, and of OpenIM's quotes,
//! mentions and advanced texts; pictures, files and the app's own elements pass.
//!
//! - A denial has code 5004 (OpenIM), 120005 (Tencent, one-to-one) or 10104 (Tencent, groups).
//! - A masked word keeps its visible length: `free money` becomes `**** *****`. Other members and elements of the
//!   message, known or not, stay as they were. OpenIM can change a
//!   message only in `BeforeMsgModify`, so its other two commands deny also where `action` is `"mask"`: give this
//!   plugin `BeforeMsgModify` alone there.
//! - Letter case, full-width characters, unusual spaces, invisible characters and three or more letters that stand
//!   singly (`f r e e`) do not hide a word.
//! - Whole words are matched in the alphabets that put spaces between words (Latin, Greek, Cyrillic), so that `win` is
//!   not found in `wing`. Words of other scripts, such as `免费`, are found anywhere.
//!
//! Settings; `words` is required:
//!
//! ```toml
//! words = ["free money", "免费"]   # a list, or one text (see `settings_files`) with a word on each line, where blank
//!                                  # lines and lines that begin with # are skipped; at most 50 000 words and 1 MiB
//! action = "deny"                  # or "mask"
//! mask_character = "*"             # stands for each character of a masked word
//! match_whole_words = true         # false: every word is found anywhere
//! ```

mod words;

use plugin_sdk::neutral::Message;
use plugin_sdk::{Callback, Error, Plugin, Reply, text};
use serde::Deserialize;

use crate::words::{WordList, Words};

/// The plugin: the words as an automaton, and what to do where it finds one.
#[derive(Debug)]
pub struct FilterMessages {
    words: Words,
    action: Action,
    mask_character: char,
}

/// What the operator may set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    words: WordList,
    action: Action,
    mask_character: char,
    match_whole_words: bool,
}

/// What happens to a message with a listed word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Deny,
    Mask,
}

impl Default for Settings {
    fn default() -> Self {
        Self { words: WordList::default(), action: Action::Deny, mask_character: '*', match_whole_words: true }
    }
}

impl Plugin for FilterMessages {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Error> {
        let mask = settings.mask_character;
        // A letter could make a new word out of the rest, and what does not show would hide that anything was there.
        if mask.is_alphanumeric() || mask.is_control() || text::is_space(mask) || text::is_invisible(mask) {
            return Err("`mask_character` must be a visible sign that is no letter or digit, for example \"*\"".into());
        }
        let words = Words::new(settings.words, settings.match_whole_words)?;
        Ok(Self { words, action: settings.action, mask_character: mask })
    }

    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
        let Some(message) = Message::of(callback)? else {
            return Ok(Reply::allow());
        };
        if !message.texts()?.iter().any(|text| self.words.occur_in(text)) {
            return Ok(Reply::allow());
        }
        let masked = match self.action {
            Action::Mask => message.with_texts(|text| self.words.masked(text, self.mask_character))?,
            Action::Deny => None,
        };
        Ok(masked
            .unwrap_or_else(|| message.deny(DENIED, "This message contains a word that is not allowed here."))
            .into())
    }
}

/// The app's own code: 5004 for OpenIM, 120005 and 10104 for Tencent.
const DENIED: u16 = 4;

plugin_sdk::export!(FilterMessages, handles: [
    plugin_sdk::openim::BeforeSendSingleMsg,
    plugin_sdk::openim::BeforeSendGroupMsg,
    plugin_sdk::openim::BeforeMsgModify,
    plugin_sdk::tencent_chat::C2cBeforeSendMsg,
    plugin_sdk::tencent_chat::GroupBeforeSendMsg,
]);

#[cfg(test)]
mod tests {
    use super::*;
    use plugin_sdk::events::Event;
    use plugin_sdk::openim::{BeforeMsgModify, BeforeSendGroupMsg, BeforeSendSingleMsg};
    use plugin_sdk::tencent_chat::{C2cBeforeSendMsg, GroupBeforeSendMsg};
    use plugin_sdk::testing::TestPlugin;
    use serde_json::{Value, json};

    fn deny() -> TestPlugin<FilterMessages> {
        TestPlugin::configure(json!({ "words": ["free money", "免费"] })).unwrap()
    }

    fn mask() -> TestPlugin<FilterMessages> {
        TestPlugin::configure(json!({ "words": ["free money", "免费"], "action": "mask" })).unwrap()
    }

    fn openim<'a, E: Event<'a>>(plugin: &TestPlugin<FilterMessages>, content: &str) -> Value {
        plugin.decide::<E>(json!({ "sendID": "u1", "contentType": 101, "content": content }))
    }

    fn allowed() -> Value {
        json!({ "verdict": "allow" })
    }

    fn denied(code: i32) -> Value {
        let message = "This message contains a word that is not allowed here.";
        json!({ "verdict": "deny", "code": code, "message": message })
    }

    fn refused(settings: Value) -> String {
        TestPlugin::<FilterMessages>::configure(settings).unwrap_err().to_string()
    }

    #[test]
    fn a_message_with_a_listed_word_is_denied_with_the_platforms_code() {
        let content = r#"{"content":"get FREE  money now"}"#;
        assert_eq!(openim::<BeforeSendSingleMsg>(&deny(), content), denied(5004));
        assert_eq!(openim::<BeforeSendGroupMsg>(&deny(), content), denied(5004));
        assert_eq!(openim::<BeforeMsgModify>(&deny(), content), denied(5004));
        let body = json!({ "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "现在免费" } }] });
        assert_eq!(deny().decide::<C2cBeforeSendMsg>(body.clone()), denied(120_005));
        assert_eq!(deny().decide::<GroupBeforeSendMsg>(body), denied(10_104));
    }

    #[test]
    fn other_messages_pass() {
        let content = r#"{"content":"money for free"}"#;
        assert_eq!(openim::<BeforeSendSingleMsg>(&deny(), content), allowed());
        assert_eq!(openim::<BeforeMsgModify>(&mask(), content), allowed());
        let body = json!({ "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "who joins?" } }] });
        assert_eq!(mask().decide::<GroupBeforeSendMsg>(body), allowed());
    }

    #[test]
    fn openim_texts_of_every_content_type_are_looked_at() {
        for content in [
            r#"{"text":"free money","atUserList":["u2"]}"#,
            r#"{"text":"free money","quoteMessage":{}}"#,
            r#"{"Content":"free money"}"#, // a client in Go reads it as `content`
            r#"{"content":"free money","content":"hi"}"#,
            r#"{"content":"free\u0020money"}"#,
            "free money, as plain text",
            r#"["free money"]"#,
        ] {
            assert_eq!(openim::<BeforeSendSingleMsg>(&deny(), content), denied(5004), "{content}");
        }
        for content in [r#"{"data":"free money"}"#, r#"{"content":7}"#, "{}", ""] {
            assert_eq!(openim::<BeforeSendSingleMsg>(&deny(), content), allowed(), "{content}");
        }
    }

    #[test]
    fn openim_content_is_masked_and_keeps_its_other_members() {
        let content = r#"{"id":12345678901234567890,"text":"\"Free money\" 免费","more":{"b":1.0,"a":[]}}"#;
        let masked = r#"{"id":12345678901234567890,"text":"\"**** *****\" **","more":{"b":1.0,"a":[]}}"#;
        let reply = json!({ "verdict": "modify", "changes": { "content": masked } });
        assert_eq!(openim::<BeforeMsgModify>(&mask(), content), reply);
    }

    #[test]
    fn what_openim_cannot_change_is_denied() {
        let content = r#"{"content":"free money"}"#;
        assert_eq!(openim::<BeforeSendSingleMsg>(&mask(), content), denied(5004));
        assert_eq!(openim::<BeforeSendGroupMsg>(&mask(), content), denied(5004));
        assert_eq!(openim::<BeforeMsgModify>(&mask(), "free money, as plain text"), denied(5004));
    }

    #[test]
    fn tencent_texts_are_masked_and_other_elements_stay() {
        let unknown = json!({ "MsgType": "TIMNewElem", "MsgContent": { "Text": "free money" }, "More": 1 });
        let clean = json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": "hi", "More": 1 } });
        let body = json!({ "MsgBody": [
            unknown,
            { "MsgType": "TIMTextElem", "MsgContent": { "Text": "is it 免费?" } },
            clean,
        ] });
        let changes = json!({ "MsgBody": [
            unknown,
            { "MsgType": "TIMTextElem", "MsgContent": { "Text": "is it **?" } },
            clean,
        ] });
        let reply = json!({ "verdict": "modify", "changes": changes });
        assert_eq!(mask().decide::<C2cBeforeSendMsg>(body.clone()), reply);
        assert_eq!(mask().decide::<GroupBeforeSendMsg>(body), reply);
    }

    #[test]
    fn words_come_from_a_list_or_from_lines() {
        let lines = "\u{feff}# spam\n\nfree money\r\n  免费  \n";
        let plugin =
            TestPlugin::configure(json!({ "words": lines, "mask_character": "＊", "action": "mask" })).unwrap();
        let reply =
            json!({ "verdict": "modify", "changes": { "content": r#"{"content":"＊＊＊＊ ＊＊＊＊＊, # spam"}"# } });
        assert_eq!(openim::<BeforeMsgModify>(&plugin, r#"{"content":"free money, # spam"}"#), reply);
    }

    #[test]
    fn the_example_list_is_accepted() {
        let words = include_str!("../words.example.txt");
        let plugin = TestPlugin::configure(json!({ "words": words })).unwrap();
        assert_eq!(openim::<BeforeMsgModify>(&plugin, r#"{"content":"A Free Crypto Giveaway!"}"#), denied(5004));
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let no_words = "`words` has no word; write a list of texts, or one text with a word on each line";
        assert_eq!(refused(json!({})), no_words);
        assert_eq!(refused(json!({ "words": "# only a comment\n" })), no_words);
        assert_eq!(
            refused(json!({ "words": 3 })),
            "`words` must be a list of texts, or one text with a word on each line"
        );
        let nothing = "`words[1]` has no visible character; remove it, or write a word";
        assert_eq!(refused(json!({ "words": ["spam", " "] })), nothing);
        for mask in ["x", " ", "\u{200b}"] {
            let error = refused(json!({ "words": ["spam"], "mask_character": mask }));
            assert_eq!(error, "`mask_character` must be a visible sign that is no letter or digit, for example \"*\"");
        }
    }
}

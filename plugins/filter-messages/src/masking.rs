//! What must hold for any masked message.

use plugin_sdk::events::Event;
use plugin_sdk::openim::BeforeMsgModify;
use plugin_sdk::tencent_chat::C2cBeforeSendMsg;
use plugin_sdk::testing::{TestPlugin, envelope};
use plugin_sdk::{Callback, Plugin, Reply, Verdict};
use proptest::prelude::*;
use serde_json::json;

use super::FilterMessages;

/// No text here has it.
const MASK: char = '＊';

fn plugin(strictness: &str) -> TestPlugin<FilterMessages> {
    let words = ["free money", "free", "免费", "五星红旗", "darn", "m*n", "a b c"];
    let patterns = json!({ "links": "mask", "phones": "mask" });
    TestPlugin::configure(json!({
        "words": words, "action": "mask", "mask_character": MASK, "strictness": strictness, "patterns": patterns,
    }))
    .unwrap()
}

/// Text as it is written between quotes: words, spellings of them, and what is beside them.
fn written() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "free money",
        "FREE",
        "fr3e m0ney",
        "f r e e",
        "f.r.e.e money",
        "free-money",
        "免费",
        "免 费",
        "免費",
        "五星",
        "红旗",
        "darn",
        "d*rn",
        "daaarn",
        "dаrn",
        "m*n",
        "man",
        "a b c",
        "a",
        "b",
        " ",
        "  ",
        "-",
        ".",
        "*",
        "é",
        "e\u{301}",
        "\u{200b}",
        "😀",
        "日",
        "1",
        "www.example.com",
        "+49 30 1234567",
        "3.14",
        "x",
        r"\ud83d",
        r"\ude00",
        r"\ud83d\ude00",
        r"\u0066ree",
        r"\u514d\u8d39",
        r"\u00e9",
        r"\n",
        r"\\",
        r#"\""#,
        r"\/",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// What the plugin makes of the member `name` of this body; `None` if it allows it as it is.
fn masked<'a, E: Event<'a>>(plugin: &TestPlugin<FilterMessages>, body: &str, name: &str) -> Option<Result<String, ()>> {
    let envelope = envelope(E::COMMAND, body);
    let reply: Reply = plugin.plugin().decide(&Callback::parse(&envelope).unwrap()).unwrap().into();
    match reply.verdict {
        Verdict::Allow => None,
        Verdict::Modify(changes) => Some(Ok(changes.get(name).unwrap().as_str().to_owned())),
        verdict => {
            assert!(matches!(verdict, Verdict::Deny { .. }), "{verdict:?}");
            Some(Err(()))
        }
    }
}

/// Whether `new` is `old` with some parts replaced by masks.
fn is_masked(old: &str, new: &str) -> bool {
    let mut rest = old;
    new.split(MASK).filter(|part| !part.is_empty()).all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn elements_keep_what_is_not_masked(texts in prop::collection::vec(written(), 1..4), aggressive: bool) {
        let plugin = plugin(if aggressive { "aggressive" } else { "normal" });
        let elem = |text: &String| format!(r#"{{ "MsgType":"TIMTextElem","MsgContent":{{"Text" :"{text}","N":1.0}}}}"#);
        let elems = format!("[{}]", texts.iter().map(elem).collect::<Vec<_>>().join(" , "));
        let once = masked::<C2cBeforeSendMsg<'_>>(&plugin, &format!(r#"{{"MsgBody":{elems}}}"#), "MsgBody");
        if let Some(Ok(once)) = once {
            prop_assert!(once.contains(MASK));
            prop_assert!(is_masked(&elems, &once), "{elems}\n{once}");
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&once).is_ok(), "{once}");
            let twice = masked::<C2cBeforeSendMsg<'_>>(&plugin, &format!(r#"{{"MsgBody":{once}}}"#), "MsgBody");
            prop_assert_eq!(twice, None, "a listed word came about: {}", once);
        }
    }

    #[test]
    fn content_keeps_what_is_not_masked(text in written(), quoted in written(), aggressive: bool) {
        let plugin = plugin(if aggressive { "aggressive" } else { "normal" });
        let inner = serde_json::to_string(&format!(r#"{{ "content":"{quoted}"}}"#)).unwrap();
        let content = format!(r#"{{"text": "{text}","quoteMessage":{{"content":{inner},"seq":1e2}} }}"#);
        let body = |content: &str| format!(r#"{{"sendID":"u","content":{}}}"#, serde_json::to_string(content).unwrap());
        let once = masked::<BeforeMsgModify<'_>>(&plugin, &body(&content), "content");
        if let Some(Ok(once)) = once {
            let once: String = serde_json::from_str(&once).unwrap();
            prop_assert!(is_masked(&content, &once), "{content}\n{once}");
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&once).is_ok(), "{once}");
            prop_assert_eq!(masked::<BeforeMsgModify<'_>>(&plugin, &body(&once), "content"), None, "{}", once);
        }
    }
}

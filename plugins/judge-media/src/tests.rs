//! The plugin, called natively.

use super::*;
use plugin_sdk::events::Event;
use plugin_sdk::openim::{BeforeMsgModify, BeforeSendGroupMsg, BeforeSendSingleMsg};
use plugin_sdk::tencent_chat::{C2cBeforeSendMsg, GroupBeforeSendMsg};
use plugin_sdk::testing::TestPlugin;
use serde_json::json;

fn plugin(settings: Value) -> TestPlugin<JudgeMedia> {
    TestPlugin::configure(settings).unwrap()
}

fn all() -> TestPlugin<JudgeMedia> {
    plugin(json!({ "elements": ["picture", "video", "voice", "file", "text"] }))
}

/// An OpenIM message with this content.
fn content(content: &Value) -> Value {
    json!({ "sendID": "u1", "contentType": 102, "content": content.to_string() })
}

fn picture() -> Value {
    json!({
        "sourcePath": "", "sourcePicture": { "uuid": "p", "url": "https://m/p", "type": "image/png" },
        "bigPicture": { "url": "https://m/p?big" }, "snapshotPicture": { "url": "https://m/p?small" },
    })
}

fn elems(elems: &Value) -> Value {
    json!({ "From_Account": "u1", "MsgBody": elems })
}

fn image() -> Value {
    json!([{ "MsgType": "TIMImageElem", "MsgContent": { "UUID": "p", "ImageInfoArray": [
        { "Type": 3, "URL": "https://m/p?small" }, { "Type": 1, "URL": "https://m/p" },
    ] } }])
}

fn keys<'a, E: Event<'a>>(plugin: &TestPlugin<JudgeMedia>, body: Value) -> Vec<String> {
    let needs = plugin.needs::<E>(body);
    let needs = needs.as_array().unwrap_or_else(|| panic!("{needs}"));
    needs.iter().map(|need| need["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_element_is_asked_about_by_its_url_or_text() {
    let openim = |message: Value| keys::<BeforeSendSingleMsg>(&all(), content(&message));
    assert_eq!(openim(picture()), ["https://m/p", "https://m/p?big", "https://m/p?small"]);
    let video = json!({ "videoUrl": "https://m/v", "snapshotUrl": "https://m/v.png", "duration": 3 });
    assert_eq!(openim(video), ["https://m/v", "https://m/v.png"]);
    assert_eq!(openim(json!({ "sourceUrl": "https://m/s", "duration": 3, "soundType": "mp3" })), ["https://m/s"]);
    assert_eq!(openim(json!({ "sourceUrl": "https://m/f", "fileName": "a.pdf" })), ["https://m/f"]);
    assert_eq!(openim(json!({ "content": "hello" })), ["hello"]);

    let tencent = |message: Value| keys::<C2cBeforeSendMsg>(&all(), elems(&message));
    assert_eq!(tencent(image()), ["https://m/p?small", "https://m/p"]);
    let video = json!({ "VideoUrl": "https://m/v", "ThumbUrl": "https://m/v.png" });
    assert_eq!(
        tencent(json!([{ "MsgType": "TIMVideoFileElem", "MsgContent": video }])),
        ["https://m/v", "https://m/v.png"]
    );
    let one = |kind: &str| json!([{ "MsgContent": { "Url": "https://m/x", "FileName": "a" }, "MsgType": kind }]);
    assert_eq!(tencent(one("TIMSoundElem")), ["https://m/x"]);
    assert_eq!(tencent(one("TIMFileElem")), ["https://m/x"]);
    let text = |text: &str| json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } });
    assert_eq!(tencent(json!([text("a"), text("b"), text("a")])), ["aba"]);
    assert_eq!(tencent(json!([text("a"), text(" ")])), ["a "]);
}

#[test]
fn only_the_kinds_that_are_set_are_asked_about() {
    let kinds = |elements: Value| plugin(json!({ "elements": elements }));
    let voice = json!([{ "MsgType": "TIMSoundElem", "MsgContent": { "Url": "https://m/s" } }]);
    assert!(keys::<C2cBeforeSendMsg>(&kinds(json!(["file", "picture"])), elems(&voice)).is_empty());
    assert_eq!(keys::<C2cBeforeSendMsg>(&kinds(json!(["voice"])), elems(&voice)), ["https://m/s"]);
    assert!(keys::<BeforeSendSingleMsg>(&kinds(json!(["video", "text"])), content(&picture())).is_empty());
    let largest = plugin(json!({ "sizes": "largest" }));
    assert_eq!(keys::<BeforeSendSingleMsg>(&largest, content(&picture())), ["https://m/p"]);
    assert_eq!(keys::<C2cBeforeSendMsg>(&largest, elems(&image())), ["https://m/p"]);
    let without_original = json!({ "bigPicture": { "url": "" }, "snapshotPicture": { "url": "https://m/p?small" } });
    assert_eq!(keys::<BeforeSendSingleMsg>(&largest, content(&without_original)), ["https://m/p?small"]);
}

#[test]
fn what_is_hidden_in_a_message_is_found() {
    let openim = |message: Value| keys::<BeforeSendSingleMsg>(&plugin(json!({})), content(&message));
    let bundle = json!({ "title": "t", "multiMessage": [
        { "contentType": 102, "content": picture().to_string() },
        { "contentType": 104, "videoElem": { "videoUrl": "https://m/v" } },
    ] });
    assert_eq!(openim(bundle), ["https://m/p", "https://m/p?big", "https://m/p?small", "https://m/v"]);
    let quote = json!({ "text": "look", "quoteMessage": { "pictureElem": picture() } });
    assert_eq!(openim(quote).len(), 3);
    assert_eq!(openim(json!({ "SOURCEPICTURE": { "URL": "https://m/p" } })), ["https://m/p"]);

    // A member twice, escaped names, and content that says it is something else.
    let odd =
        r#"{"sourcePicture":{"url":"https://m/1","url":"https://m/2"},"sourcePicture":{"\u0075rl":"https://m/3"}}"#;
    let body = json!({ "sendID": "u1", "contentType": 101, "content": odd });
    assert_eq!(keys::<BeforeSendSingleMsg>(&plugin(json!({})), body), ["https://m/1", "https://m/2", "https://m/3"]);
    let relay = json!([{ "MsgType": "TIMRelayElem", "MsgContent": { "MsgList": [{ "MsgBody": image() }] } }]);
    assert_eq!(keys::<C2cBeforeSendMsg>(&plugin(json!({})), elems(&relay)), ["https://m/p?small", "https://m/p"]);

    // Next to deeply nested content, and inside it.
    let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(200), "]".repeat(200));
    let beside = format!(r#"{{"sourcePicture":{{"url":"https://m/p"}},"x":{}}}"#, deep("1"));
    let reply = |text: String| {
        let body = json!({ "sendID": "u1", "content": text });
        plugin(json!({})).decide_knowing::<BeforeSendSingleMsg>(body, json!({ "verdict": { "https://m/p": 0 } }))
    };
    let unknown = reply(beside);
    assert_eq!(unknown["records"][0]["elements"], json!([{ "element": "file", "said": "too_deep" }]));
    assert_eq!(reply(deep(&picture().to_string()))["records"][0]["event"], "media_unknown");
    // Not JSON.
    assert_eq!(reply("{\"sourcePicture\":".to_owned()), json!({ "verdict": "allow" }));
}

#[test]
fn what_the_judge_refuses_is_refused_and_recorded() {
    let verdict = json!({ "verdict": { "https://m/p": 0.81, "https://m/p?big": 0.1 } });
    let reply = plugin(json!({})).decide_knowing::<BeforeSendSingleMsg>(content(&picture()), verdict.clone());
    assert_eq!((&reply["verdict"], &reply["code"]), (&json!("deny"), &json!(5009)));
    assert_eq!(reply["message"], "This picture, video or text is not allowed here.");
    assert_eq!(
        reply["records"],
        json!([{
            "event": "media_refused", "platform": "openim", "command": "callbackBeforeSendSingleMsgCommand", "user": "u1",
            "elements": [{ "element": "picture", "key": "https://m/p", "said": 0.81 }],
            "at_unix_ms": 1_700_000_000_000_u64,
        }])
    );
    for (code, reply) in [
        (5009, plugin(json!({})).decide_knowing::<BeforeSendGroupMsg>(content(&picture()), verdict.clone())),
        (5009, plugin(json!({})).decide_knowing::<BeforeMsgModify>(content(&picture()), verdict.clone())),
        (120_010, plugin(json!({})).decide_knowing::<C2cBeforeSendMsg>(elems(&image()), verdict.clone())),
        (10_109, plugin(json!({})).decide_knowing::<GroupBeforeSendMsg>(elems(&image()), verdict.clone())),
    ] {
        assert_eq!(reply["code"], code);
    }
    let fine = json!({ "verdict": { "https://m/p": 0.5, "https://m/p?big": 0, "https://m/p?small": false } });
    let reply = plugin(json!({})).decide_knowing::<BeforeSendSingleMsg>(content(&picture()), fine);
    assert_eq!(reply, json!({ "verdict": "allow" }));
    // A judge of texts that gives each label a score.
    let labels = plugin(json!({ "labels": ["porn"], "elements": ["text"] }));
    let text = json!({ "verdict": { "hello": { "porn": 0.9 } } });
    let reply = labels.decide_knowing::<BeforeSendSingleMsg>(content(&json!({ "content": "hello" })), text);
    assert_eq!(reply["verdict"], "deny");
}

#[test]
fn what_the_judge_does_not_say_is_decided_by_settings() {
    let decide = |settings: Value, verdict: Value| {
        plugin(settings).decide_knowing::<C2cBeforeSendMsg>(elems(&image()), json!({ "verdict": verdict }))
    };
    let unknown = |on_unknown: &str| json!({ "on_unknown": on_unknown });
    let some = || json!({ "https://m/p": "porn", "https://m/p?small": 0.2 });
    for (verdict, said, elements) in [
        (json!("late"), "late", 2),
        (json!("failed"), "failed", 2),
        (json!("not_configured"), "not_configured", 2),
        // An answer of another form: no labels are set.
        (some(), "porn", 1),
    ] {
        assert_eq!(decide(unknown("allow"), verdict.clone()), json!({ "verdict": "allow" }));
        let reply = decide(unknown("allow_and_record"), verdict.clone());
        assert_eq!(reply["verdict"], "allow");
        assert_eq!(reply["records"][0]["event"], "media_unknown");
        assert_eq!(reply["records"][0]["elements"].as_array().unwrap().len(), elements);
        assert_eq!(reply["records"][0]["elements"][0]["said"], said);
        assert_eq!(decide(json!({}), verdict.clone()), reply, "the default");
        let reply = decide(unknown("deny"), verdict.clone());
        let message = "This cannot be checked at the moment. Please try again.";
        assert_eq!(reply, json!({ "verdict": "deny", "code": 120_010, "message": message }));
        assert_eq!(decide(unknown("fault"), verdict)["verdict"], "fail");
    }
    let reply = decide(unknown("fault"), some());
    assert_eq!(
        reply["message"],
        "C2C.CallbackBeforeSendMsg: the judge has not said enough: its answer has another form"
    );
    // The judge has no value for this key.
    assert_eq!(decide(unknown("deny"), json!({})), json!({ "verdict": "allow" }));
    assert_eq!(decide(json!({ "on_absent": "deny" }), json!({}))["verdict"], "deny");
    // A refusal wins.
    let reply = decide(unknown("fault"), json!({ "https://m/p": "?", "https://m/p?small": true }));
    assert_eq!(reply["verdict"], "deny");
}

#[test]
fn what_cannot_be_asked_about_is_unknown() {
    let text = |text: &str| json!({ "sendID": "u1", "content": json!({ "content": text }).to_string() });
    let judge = plugin(json!({ "elements": ["text"] }));
    let (fits, too_long) = ("a".repeat(KEY_BYTES_MAX), "a".repeat(KEY_BYTES_MAX + 1));
    assert_eq!(keys::<BeforeSendSingleMsg>(&judge, text(&fits)), [fits]);
    assert!(keys::<BeforeSendSingleMsg>(&judge, text(&too_long)).is_empty());
    let reply = judge.decide_knowing::<BeforeSendSingleMsg>(text(&too_long), json!({ "verdict": {} }));
    assert_eq!(
        reply["records"][0]["elements"],
        json!([{ "element": "text", "key": "a".repeat(200), "said": "too_long" }])
    );

    let pictures = |count: usize| {
        let info: Vec<Value> =
            (0..count).map(|number| json!({ "Type": 1, "URL": format!("https://m/{number}") })).collect();
        elems(&json!([{ "MsgType": "TIMImageElem", "MsgContent": { "ImageInfoArray": info } }]))
    };
    let facts = || json!({ "verdict": (0..20).map(|number| (format!("https://m/{number}"), json!(0))).collect::<serde_json::Map<_, _>>() });
    let judge = plugin(json!({}));
    assert_eq!(keys::<C2cBeforeSendMsg>(&judge, pictures(20)).len(), NEEDS_MAX);
    assert_eq!(judge.decide_knowing::<C2cBeforeSendMsg>(pictures(16), facts()), json!({ "verdict": "allow" }));
    let reply = judge.decide_knowing::<C2cBeforeSendMsg>(pictures(17), facts());
    assert_eq!(
        reply["records"][0]["elements"],
        json!([{ "element": "picture", "key": "https://m/16", "said": "too_many" }])
    );
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (settings, why) in [
        (json!({ "elements": [] }), "`elements` is empty"),
        (json!({ "elements": ["sticker"] }), "unknown variant `sticker`"),
        (json!({ "score_min": -0.1 }), "`score_min` must be a number from 0 to 1000000"),
        (json!({ "labels": ["porn", " "] }), "`labels[1]` is blank"),
        (json!({ "message": "" }), "`message` has no visible character"),
        (json!({ "on_late": "allow" }), "unknown field `on_late`"),
    ] {
        let error = TestPlugin::<JudgeMedia>::configure(settings.clone()).unwrap_err().to_string();
        assert!(error.contains(why), "{settings}: {error}");
    }
}

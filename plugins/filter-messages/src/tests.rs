//! The filter, called natively.

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
    decide::<E>(plugin, json!({ "sendID": "u1", "contentType": 101, "content": content }))
}

/// The reply without its record, which has a test of its own.
fn decide<'a, E: Event<'a>>(plugin: &TestPlugin<FilterMessages>, body: Value) -> Value {
    let mut reply = plugin.decide::<E>(body);
    reply.as_object_mut().unwrap().remove("records");
    reply
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
    assert_eq!(decide::<C2cBeforeSendMsg>(&deny(), body.clone()), denied(120_005));
    assert_eq!(decide::<GroupBeforeSendMsg>(&deny(), body), denied(10_104));
}

#[test]
fn a_refusal_is_a_strike_of_the_sender_if_that_is_set() {
    let content = r#"{"content":"get free money now"}"#;
    let sent = |settings: Value, sender: &str| {
        let plugin = TestPlugin::<FilterMessages>::configure(settings).unwrap();
        let body = json!({ "sendID": sender, "contentType": 101, "content": content });
        plugin.decide::<BeforeSendSingleMsg>(body)["updates"].take()
    };
    let strikes =
        |action: &str| json!({ "words": ["free money"], "strikes": true, "action": action, "message": "No." });
    let written = json!([
        { "fact": "strikes", "key": "u1", "add": 1 },
        { "fact": "last_strike", "key": "u1", "set": 1_700_000_000_000_u64, "ttl_ms": 86_400_000 },
    ]);
    for action in ["deny", "reply"] {
        assert_eq!(sent(strikes(action), "u1"), written, "{action}");
    }
    // OpenIM cannot mask it here, so that it is denied.
    assert_eq!(sent(strikes("mask"), "u1"), written);
    assert_eq!(sent(strikes("record"), "u1"), Value::Null);
    assert_eq!(sent(json!({ "words": ["free money"] }), "u1"), Value::Null);
    assert_eq!(sent(strikes("deny"), ""), Value::Null);
    assert_eq!(sent(strikes("deny"), &"u".repeat(KEY_BYTES_MAX + 1)), Value::Null);
    let plugin = TestPlugin::<FilterMessages>::configure(strikes("deny")).unwrap();
    let body = json!({ "From_Account": "u1", "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "free money" } }] });
    assert_eq!(plugin.decide::<C2cBeforeSendMsg>(body)["updates"], written);
}

#[test]
fn other_messages_pass() {
    let content = r#"{"content":"money for free"}"#;
    assert_eq!(openim::<BeforeSendSingleMsg>(&deny(), content), allowed());
    assert_eq!(openim::<BeforeMsgModify>(&mask(), content), allowed());
    let body = json!({ "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "who joins?" } }] });
    assert_eq!(decide::<GroupBeforeSendMsg>(&mask(), body), allowed());
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
    for content in [r#"{"clientMsgID":"free money"}"#, r#"{"content":7}"#, "{}", ""] {
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
    let unknown = json!({ "MsgType": "TIMNewElem", "MsgContent": { "Id": "free money" }, "More": 1 });
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
    assert_eq!(decide::<C2cBeforeSendMsg>(&mask(), body.clone()), reply);
    assert_eq!(decide::<GroupBeforeSendMsg>(&mask(), body), reply);
}

#[test]
fn words_come_from_a_list_or_from_lines() {
    let lines = "\u{feff}# spam\n\nfree money\r\n  免费  \n";
    let plugin = TestPlugin::configure(json!({ "words": lines, "mask_character": "＊", "action": "mask" })).unwrap();
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
    assert_eq!(refused(json!({ "words": 3 })), "`words` must be a list of texts, or one text with a word on each line");
    let nothing = "`words[1]` has no visible character; remove it, or write a word";
    assert_eq!(refused(json!({ "words": ["spam", " "] })), nothing);
    for mask in ["x", " ", "\u{200b}"] {
        let error = refused(json!({ "words": ["spam"], "mask_character": mask }));
        assert_eq!(error, "`mask_character` must be a visible sign that is no letter or digit, for example \"*\"");
    }
}

/// What must be found in OpenIM's content, for the list word `free money` or the ones below.
#[test]
fn a_word_is_found_wherever_users_read_it_on_openim() {
    let quoted = r#"{"text":"yes","quoteMessage":{"clientMsgID":"c","content":"{\"content\":\"\\u0066ree money\"}"}}"#;
    for (content, place, path) in [
        (r#"{"content":"\ud83d free money"}"#, "text", "content.content"),
        (r#"{"\ud83d":1,"content":"\u0066ree money"}"#, "text", "content.content"),
        (r#"{"con\u0074ent":"free money"}"#, "text", "content.content"),
        (
            "{\"\u{17f}\":1,\"ab\u{17f}tractLi\u{17f}t\":[\"hi\",\"free money\"]}",
            "merged",
            "content.ab\u{17f}tractLi\u{17f}t[1]",
        ),
        (r#"{"text":"free money","text":null}"#, "text", "content.text"),
        (r#"{"title":"free money","abstractList":[],"multiMessage":[]}"#, "merged", "content.title"),
        (r#"{"title":"a","abstractList":["Bo: hi","Al: free money"]}"#, "merged", "content.abstractList[1]"),
        (
            r#"{"title":"a","multiMessage":[{"textElem":{"content":"hi"}},{"textElem":{"content":"free money"}}]}"#,
            "merged",
            "content.multiMessage[1].textElem.content",
        ),
        (
            r#"{"multiMessage":[{"content":"{\"content\":\"free money\"}"}]}"#,
            "merged",
            "content.multiMessage[0].content.content",
        ),
        (
            r#"{"multiMessage":[{"mergeElem":{"multiMessage":[{"textElem":{"content":"free money"}}]}}]}"#,
            "merged",
            "content.multiMessage[0].mergeElem.multiMessage[0].textElem.content",
        ),
        (
            r#"{"text":"a","quoteMessage":{"textElem":{"content":"free money"}}}"#,
            "quoted",
            "content.quoteMessage.textElem.content",
        ),
        (quoted, "quoted", "content.quoteMessage.content.content"),
        (r#"{"text":"a","quoteMessage":{"content":"free money"}}"#, "quoted", "content.quoteMessage.content"),
        (r#"{"userID":"u","nickname":"free money"}"#, "name", "content.nickname"),
        (r#"{"description":"free money","longitude":1.5}"#, "description", "content.description"),
        (r#"{"filePath":"","fileName":"free money.pdf"}"#, "file", "content.fileName"),
        (r#"{"data":"free money","description":"","extension":""}"#, "custom", "content.data"),
        (r#"{"data":"{\"a\":[{\"b\":\"\\u0066ree money\"}]}"}"#, "custom", "content.data.a[0].b"),
        (r#"{"data":{"a":"free money"}}"#, "custom", "content.data.a"),
        (r#"{"data":"","extension":"[\"free money\"]"}"#, "custom", "content.extension[0]"),
        (r#"{"content":"{\"x\":\"free money\"}"}"#, "text", "content.content"),
    ] {
        let reply = deny().decide::<BeforeSendSingleMsg>(json!({ "sendID": "u1", "content": content }));
        assert_eq!(reply["code"], 5004, "{content}");
        let found = &reply["records"][0]["found"][0];
        assert_eq!((&found["place"], &found["path"]), (&json!(place), &json!(path)), "{content}");
    }
    let deep = |levels: usize, inner: &str| format!("{{\"a\":{}{inner}{}}}", "[".repeat(levels), "]".repeat(levels));
    for levels in [10, 100, 1000, 20_000] {
        let content = deep(levels, r#"{"content":"\u0066ree money"}"#);
        assert_eq!(openim::<BeforeSendSingleMsg>(&deny(), &content), denied(5004), "{levels}");
        let beside = content.replacen('{', r#"{"content":"\u0066ree money","#, 1);
        assert_eq!(openim::<BeforeSendSingleMsg>(&deny(), &beside), denied(5004), "{levels}");
    }
}

#[test]
fn a_word_is_found_wherever_users_read_it_on_tencent() {
    let elem = |kind: &str, content: Value| json!({ "MsgType": kind, "MsgContent": content });
    let text = |text: &str| elem("TIMTextElem", json!({ "Text": text }));
    let chat = json!({ "businessID": "chat", "message": { "sender": "u", "text": "free money" } }).to_string();
    let relay = json!({ "Title": "a", "AbstractList": ["b"], "MsgNum": 1, "CompatibleText": "c", "MsgList": [{ "From_Account": "u", "MsgBody": [text("free money")] }] });
    for (elems, place, path) in [
        (json!([7, text("free money")]), "text", "MsgBody[1].MsgContent.Text"),
        (json!([{ "MsgType": "TIMTextElem" }, null, text("free money")]), "text", "MsgBody[2].MsgContent.Text"),
        (json!([elem("TIMTextElem", json!({ "Text": 7 })), text("free money")]), "text", "MsgBody[1].MsgContent.Text"),
        (json!([elem("TIMRelayElem", json!({ "Title": "free money" }))]), "merged", "MsgBody[0].MsgContent.Title"),
        (
            json!([elem("TIMRelayElem", json!({ "AbstractList": ["a", "free money"] }))]),
            "merged",
            "MsgBody[0].MsgContent.AbstractList[1]",
        ),
        (json!([elem("TIMRelayElem", relay)]), "merged", "MsgBody[0].MsgContent.MsgList[0].MsgBody[0].MsgContent.Text"),
        (
            json!([elem("TIMFileElem", json!({ "FileName": "free money.exe" }))]),
            "file",
            "MsgBody[0].MsgContent.FileName",
        ),
        (
            json!([elem("TIMLocationElem", json!({ "Desc": "free money" }))]),
            "description",
            "MsgBody[0].MsgContent.Desc",
        ),
        (json!([elem("TIMCustomElem", json!({ "Data": chat }))]), "custom", "MsgBody[0].MsgContent.Data.message.text"),
        (json!([elem("TIMCustomElem", json!({ "Data": "free money" }))]), "custom", "MsgBody[0].MsgContent.Data"),
        (
            json!([elem("TIMCustomElem", json!({ "Data": "", "Ext": "free money" }))]),
            "custom",
            "MsgBody[0].MsgContent.Ext",
        ),
        (json!([text("free "), text("money")]), "joined", "MsgBody"),
        (json!([text("free"), elem("TIMFaceElem", json!({ "Index": 1 })), text("money")]), "joined", "MsgBody"),
    ] {
        let reply = deny().decide::<C2cBeforeSendMsg>(json!({ "MsgBody": elems }));
        assert_eq!(reply["code"], 120_005, "{elems}");
        let found = &reply["records"][0]["found"][0];
        assert_eq!((&found["place"], &found["path"]), (&json!(place), &json!(path)), "{elems}");
    }
    let cloud = json!({ "messageReply": { "messageAbstract": "free money" } }).to_string();
    let reply = decide::<GroupBeforeSendMsg>(&deny(), json!({ "MsgBody": [text("hi")], "CloudCustomData": cloud }));
    assert_eq!(reply, denied(10_104));
    let split = json!({ "MsgBody": [text("fr"), text("ee money")] });
    assert_eq!(decide::<GroupBeforeSendMsg>(&deny(), split.clone()), allowed());
    let aggressive = TestPlugin::configure(json!({ "words": ["free money"], "strictness": "aggressive" })).unwrap();
    assert_eq!(decide::<GroupBeforeSendMsg>(&aggressive, split), denied(10_104));
}

#[test]
fn what_is_no_content_is_a_fault() {
    for body in [json!({}), json!({ "content": 7 }), json!({ "content": null }), json!({ "content": ["free money"] })] {
        assert_eq!(deny().decide::<BeforeSendSingleMsg>(body.clone())["verdict"], "fail", "{body}");
    }
    for body in [json!({}), json!({ "MsgBody": 7 }), json!({ "MsgBody": "free money" }), json!({ "MsgBody": {} })] {
        assert_eq!(deny().decide::<C2cBeforeSendMsg>(body.clone())["verdict"], "fail", "{body}");
    }
}

#[test]
fn custom_text_chooses_what_counts_of_the_apps_own_data() {
    let settings = json!({ "words": ["spam"], "custom_text": ["data.text", "data.items.*.title", "ex"] });
    let plugin = TestPlugin::configure(settings).unwrap();
    let content = |data: Value| json!({ "data": data.to_string() }).to_string();
    for (data, is_hit) in [
        (json!({ "text": "spam" }), true),
        (json!({ "items": [{ "id": "spam" }, { "title": "spam" }] }), true),
        (json!({ "items": [{ "id": "spam" }], "spam": "spam" }), false),
        (json!({ "id": "spam" }), false),
    ] {
        let expected = if is_hit { denied(5004) } else { allowed() };
        assert_eq!(openim::<BeforeSendSingleMsg>(&plugin, &content(data.clone())), expected, "{data}");
    }
    assert_eq!(openim::<BeforeSendSingleMsg>(&plugin, r#"{"content":"a","ex":"spam"}"#), denied(5004));
    assert_eq!(
        refused(json!({ "words": ["spam"], "custom_text": ["data..text"] })),
        "`custom_text`: `data..text` is no path: write names with dots between, as in data.text"
    );
}

#[test]
fn each_category_has_its_own_action_and_the_strongest_counts() {
    let plugin = TestPlugin::<FilterMessages>::configure(json!({
        "words": ["spam"],
        "message": "No spam.",
        "harmless_words": ["spam sandwich"],
        "categories": [
            { "name": "rude", "words": ["darn"], "action": "mask", "strictness": "aggressive" },
            { "name": "bait", "words": "# look at these\nfree lunch", "action": "record" },
            { "name": "help", "words": ["suicide"], "action": "reply", "message": "Please call 112." },
        ],
    }))
    .unwrap();
    let reply = |text: &str| {
        plugin.decide::<BeforeMsgModify>(json!({ "sendID": "u1", "content": json!({ "content": text }).to_string() }))
    };
    let record = |action: &str, found: Value| json!([{ "event": "message_filtered", "platform": "openim", "command": "callbackBeforeMsgModifyCommand", "user": "u1", "action": action, "found": found, "at_unix_ms": 1_700_000_000_000_u64 }]);
    let found = |rule: &str, word: &str, from: usize, to: usize| json!({ "rule": rule, "word": word, "place": "text", "path": "content.content", "from": from, "to": to });
    assert_eq!(
        reply("a free lunch"),
        json!({ "verdict": "allow", "records": record("record", json!([found("bait", "free lunch", 2, 12)])) })
    );
    let changes = json!({ "content": r#"{"content":"é ****, free lunch"}"# });
    assert_eq!(
        reply("é d4rn, free lunch"),
        json!({ "verdict": "modify", "changes": changes, "records": record("mask", json!([found("bait", "free lunch", 8, 18), found("rude", "darn", 2, 6)])) })
    );
    assert_eq!(reply("suicide, darn")["code"], 5005);
    assert_eq!(reply("suicide, darn")["message"], "Please call 112.");
    assert_eq!(reply("suicide, spam")["code"], 5004);
    assert_eq!(reply("suicide, spam")["message"], "No spam.");
    assert_eq!(reply("a spam sandwich"), allowed());
    assert_eq!(reply("a spam sandwich, spam")["records"][0]["found"].as_array().unwrap().len(), 1);
    for (settings, error) in [
        (
            json!({ "categories": [{ "name": "a", "words": [] }] }),
            "`categories[0].words` has no word; remove the category, or write words",
        ),
        (
            json!({ "words": ["a"], "action": "reply" }),
            "`words` has the action \"reply\" and no `message`: write what the sender is to read",
        ),
        (
            json!({ "patterns": { "numbers": "deny", "numbers_digits_min": 2 } }),
            "`patterns.numbers_digits_min` must be at least 3: shorter numbers are in every other message",
        ),
        (
            json!({ "categories": [{ "name": " ", "words": ["a"] }] }),
            "a category's `name` has no visible character; it is written into records",
        ),
    ] {
        assert_eq!(refused(settings), error);
    }
}

#[test]
fn patterns_and_mentions_have_actions_too() {
    let settings = json!({ "patterns": { "links": "deny", "emails": "mask", "phones": "mask", "numbers": "record" }, "mentions_max": 2 });
    let plugin = TestPlugin::configure(settings).unwrap();
    let reply = |text: &str| openim::<BeforeMsgModify>(&plugin, &json!({ "content": text }).to_string());
    assert_eq!(reply("see www.example.com")["code"], 5004);
    assert_eq!(
        reply("me@example.com, +49 30 1234567")["changes"]["content"],
        r#"{"content":"**************, *** ** *******"}"#
    );
    assert_eq!(reply("QQ 12345678"), allowed());
    assert_eq!(reply("3.14159 is user.name@ at 12:30"), allowed());
    assert_eq!(reply("@ann @bob"), allowed());
    assert_eq!(reply("@ann @bob @carl")["message"], "This message mentions too many people.");
    let list = json!({ "content": "{}", "atUserList": ["a", "b", "c"] });
    let reply = plugin.decide::<BeforeSendSingleMsg>(list);
    assert_eq!(reply["code"], 5004);
    let found = json!([{ "rule": "mentions", "place": "text", "path": "", "mentioned": 3, "mentions_max": 2 }]);
    assert_eq!(reply["records"][0]["found"], found);
}

#[test]
fn masking_keeps_every_other_byte() {
    let relay = r#"[ {"MsgType":"TIMRelayElem","MsgContent":{ "Title" : "caf\u00e9 \u0066ree money\/","MsgList":[{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a 免费"}}]}]} } ,{"MsgType":"TIMCustomElem","MsgContent":{"Data":"{ \"t\":\"free money\", \"n\":1.0}"}}]"#;
    let masked = r#"[ {"MsgType":"TIMRelayElem","MsgContent":{ "Title" : "caf\u00e9 **** *****\/","MsgList":[{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a **"}}]}]} } ,{"MsgType":"TIMCustomElem","MsgContent":{"Data":"{ \"t\":\"**** *****\", \"n\":1.0}"}}]"#;
    let body = format!(r#"{{"MsgBody":{relay}}}"#);
    let envelope = plugin_sdk::testing::envelope(C2cBeforeSendMsg::COMMAND, &body);
    let callback = Callback::parse(&envelope).unwrap();
    let host = mask();
    let reply: plugin_sdk::Reply = plugin_sdk::Plugin::decide(host.plugin(), &callback).unwrap().into();
    let plugin_sdk::Verdict::Modify(changes) = reply.verdict else { panic!("{reply:?}") };
    assert_eq!(changes.get("MsgBody").unwrap().as_str(), masked);
}

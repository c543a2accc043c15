//! Our plugins that need facts, in the sandbox, with the host's own sources and a clock that tests move.

use harness::{Setup, TestHost, guests, setup};
use serde_json::{Value, json};

const SEND: &str = "callbackBeforeSendSingleMsgCommand";
const SEND_C2C: &str = "C2C.CallbackBeforeSendMsg";
const MINUTE_MS: u64 = 60_000;

fn says(user: &str, text: &str) -> Value {
    json!({ "sendID": user, "recvID": "u9", "contentType": 101, "content": json!({ "content": text }).to_string() })
}

fn says_on_tencent(user: &str, text: &str) -> Value {
    let elem = json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }]);
    json!({ "From_Account": user, "To_Account": "u9", "MsgBody": elem })
}

/// The code of a refusal; 0: it was allowed.
async fn send(host: &TestHost, user: &str, text: &str) -> i64 {
    host.openim(SEND, &says(user, text)).await["errCode"].as_i64().unwrap()
}

async fn send_on_tencent(host: &TestHost, user: &str, text: &str) -> i64 {
    host.tencent(SEND_C2C, &says_on_tencent(user, text)).await["ErrorCode"].as_i64().unwrap()
}

fn limited() -> Setup {
    let facts =
        "[[fact]]\nname = \"messages_by_user\"\nsource = \"counter\"\nwindow_ms = 60_000\ncount = \"callbacks\"\n";
    let toml = "facts = { sent = \"messages_by_user\" }\n";
    setup().tables(facts).plugin("limit-rate", guests::shipped("limit-rate"), "*", toml)
}

#[tokio::test]
async fn twenty_messages_a_minute_pass_and_the_next_one_does_when_the_first_is_a_minute_old() {
    let host = limited().start();
    for _ in 0..20 {
        assert_eq!(send(&host, "u1", "hi").await, 0);
        host.advance_clock_ms(1000);
    }
    assert_eq!(send(&host, "u1", "hi").await, 5006);
    // Other users, and commands without a limit, are not affected.
    assert_eq!(send(&host, "u2", "hi").await, 0);
    let request = json!({ "fromUserID": "u1", "toUserID": "u2", "reqMsg": "", "ex": "" });
    assert_eq!(host.openim("callbackBeforeAddFriendCommand", &request).await["errCode"], 0);
    // Both chat servers share this counter.
    assert_eq!(send_on_tencent(&host, "u1", "hi").await, 120_007);
    // 20 s after the first, 22 are counted; the first three are over 60 s old 42 s later.
    host.advance_clock_ms(42_000);
    assert_eq!(send(&host, "u1", "hi").await, 0);
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0);
}

#[tokio::test]
async fn what_is_refused_does_not_count_if_the_plugin_counts() {
    let facts = "[[fact]]\nname = \"sent\"\nsource = \"counter\"\ncount = \"updates\"\nwindow_ms = 60_000\n";
    let toml = "settings = { counting = \"allowed\", count_max = 2 }\n";
    let host = setup().tables(facts).plugin("limit-rate", guests::shipped("limit-rate"), "*", toml).start();
    for code in [0, 0, 5006, 5006, 5006] {
        assert_eq!(send(&host, "u1", "hi").await, code);
        host.advance_clock_ms(1000);
    }
    // The first one is a minute old.
    host.advance_clock_ms(MINUTE_MS - 5000);
    assert_eq!(send(&host, "u1", "hi").await, 0);
    assert_eq!(send(&host, "u1", "hi").await, 5006);
}

/// `filter-messages` writes strikes, `escalate` reads them.
fn escalating() -> Setup {
    let facts = "[[fact]]\nname = \"strikes\"\nsource = \"counter\"\ncount = \"updates\"\nwindow_ms = 86_400_000\n\
                 [[fact]]\nname = \"last_strike\"\nsource = \"counter\"\ncount = \"updates\"\nwindow_ms = 86_400_000\n";
    let filter = "settings = { words = [\"free money\"], strikes = true }\n";
    setup().tables(facts).plugin("escalate", guests::shipped("escalate"), "*", "").plugin(
        "filter-messages",
        guests::shipped("filter-messages"),
        "*",
        filter,
    )
}

#[tokio::test]
async fn the_third_refusal_within_a_day_mutes_for_an_hour() {
    let host = escalating().start();
    for _ in 0..3 {
        assert_eq!(send(&host, "u1", "free money").await, 5004);
        assert_eq!(send(&host, "u2", "hello").await, 0);
        host.advance_clock_ms(MINUTE_MS);
    }
    // A minute after the third.
    let muted = host.openim(SEND, &says("u1", "hello")).await;
    assert_eq!(muted["errMsg"], "You cannot write for another 59 minutes.");
    assert_eq!(send_on_tencent(&host, "u1", "hello").await, 120_009);
    // A refusal while muted is not a strike.
    assert_eq!(send(&host, "u1", "free money").await, 5008);
    host.advance_clock_ms(58 * MINUTE_MS);
    assert_eq!(send(&host, "u1", "hello").await, 5008);
    host.advance_clock_ms(MINUTE_MS);
    assert_eq!(send(&host, "u1", "hello").await, 0);
    // The fourth within the day mutes again.
    assert_eq!(send(&host, "u1", "free money").await, 5004);
    assert_eq!(send(&host, "u1", "hello").await, 5008);
    host.advance_clock_ms(60 * MINUTE_MS);
    assert_eq!(send(&host, "u1", "hello").await, 0);
    // A day later the strikes have expired.
    host.advance_clock_ms(24 * 60 * MINUTE_MS);
    assert_eq!(send(&host, "u1", "free money").await, 5004);
    assert_eq!(send(&host, "u1", "hello").await, 0);
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0);
}

#[tokio::test]
async fn a_filter_without_strikes_needs_no_facts() {
    let filter = "settings = { words = [\"free money\"] }\n";
    let host = setup().plugin("filter-messages", guests::shipped("filter-messages"), "*", filter).start();
    assert_eq!(send(&host, "u1", "free money").await, 5004);
}

#[tokio::test]
async fn who_is_banned_in_a_file_is_refused_with_the_reason_until_the_end() {
    let facts = "[[fact]]\nname = \"bans\"\nsource = \"file\"\npath = \"bans.json\"\nformat = \"json\"\n";
    // The clock of tests.
    let until = harness::NOW_UNIX_MS / 1000 + 60;
    let bans = json!({ "u1": "Spam.", "u2": { "until": until, "reason": "Insults." }, "u3": false }).to_string();
    let toml = "facts = { ban = \"bans\" }\n";
    let host = setup()
        .tables(facts)
        .file("bans.json", bans)
        .plugin("ban-users", guests::shipped("ban-users"), "*", toml)
        .start();
    let denied = host.openim(SEND, &says("u1", "hi")).await;
    assert_eq!((&denied["errCode"], &denied["errMsg"]), (&json!(5007), &json!("Your account is banned. Spam.")));
    let denied = host.openim(SEND, &says("u2", "hi")).await;
    let message = denied["errMsg"].as_str().unwrap();
    assert!(message.starts_with("Your account is banned until 20") && message.ends_with(" UTC. Insults."), "{message}");
    assert_eq!(send_on_tencent(&host, "u1", "hi").await, 120_008);
    assert_eq!([send(&host, "u3", "hi").await, send(&host, "u4", "hi").await], [0, 0]);
    host.advance_clock_ms(60_000);
    assert_eq!(send(&host, "u2", "hi").await, 0);
    assert_eq!(send(&host, "u1", "hi").await, 5007);
}

#[tokio::test]
async fn what_a_file_lists_is_judged_and_the_rest_is_as_the_settings_say() {
    // A file with judgements replaces the web service.
    let facts = "[[fact]]\nname = \"judged\"\nsource = \"file\"\npath = \"judged.json\"\nformat = \"json\"\n";
    let judged = json!({ "https://m/bad.png": { "nsfw": 0.97 }, "https://m/good.png": { "nsfw": 0.02 } }).to_string();
    let toml =
        "facts = { verdict = \"judged\" }\nsettings = { labels = [\"nsfw\"], on_absent = \"allow_and_record\" }\n";
    let host = setup()
        .tables(facts)
        .file("judged.json", judged)
        .plugin("judge-media", guests::shipped("judge-media"), "*", toml)
        .start();
    let picture = |name: &str| {
        let content = json!({ "sourcePicture": { "url": format!("https://m/{name}.png") } }).to_string();
        json!({ "sendID": "u1", "recvID": "u2", "contentType": 102, "content": content })
    };
    for (name, code, event) in
        [("bad", 5009, Some("media_refused")), ("good", 0, None), ("new", 0, Some("media_unknown"))]
    {
        let before = host.records().len();
        assert_eq!(host.openim(SEND, &picture(name)).await["errCode"], code, "{name}");
        let records = host.records();
        assert_eq!(records.get(before).map(|record| record["event"].as_str().unwrap()), event, "{name}");
    }
    let image = json!([{ "MsgType": "TIMImageElem", "MsgContent": { "ImageInfoArray": [{ "Type": 1, "URL": "https://m/bad.png" }] } }]);
    let body = json!({ "From_Account": "u1", "To_Account": "u2", "MsgBody": image });
    assert_eq!(host.tencent(SEND_C2C, &body).await["ErrorCode"], 120_010);
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0);
}

#[tokio::test]
async fn an_old_module_may_export_anything_as_needs() {
    for export in [r#"(func (export "needs") (param i64))"#, r#"(global (export "needs") i32 (i32.const 7))"#] {
        let source = format!(
            r#"(module
                (@custom "callgate.plugin" "{{\22abi\22:1,\22name\22:\22old\22,\22version\22:\220\22}}")
                (memory (export "memory") 2)
                (data (i32.const 2048) "{{\22verdict\22:\22deny\22}}")
                (func (export "allocate") (param i32) (result i32) (i32.const 65536))
                {{accepts}}
                {export}
                (func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0x800_0000_0012)))"#
        );
        let host = setup().plugin("old", guests::assemble("old-with-needs", &source), "*", "").start();
        assert_eq!(host.openim(SEND, &says("u1", "hi")).await["nextCode"], 1, "{export}");
        assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0, "{export}");
    }
}

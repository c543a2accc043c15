//! What users try against a word filter, through the whole service: spellings, places in a message, broken JSON.

use axum::body::Body;
use harness::{TestHost, guests, setup};
use serde_json::{Value, json};

/// A host with filter-messages for both chat servers.
fn filter(settings: &str) -> TestHost {
    let module = guests::shipped("filter-messages");
    setup().plugin("filter-messages", module, "*", &format!("settings = {settings}")).start()
}

const OPENIM: &str = "/openim/callbackBeforeSendSingleMsgCommand";
const TENCENT: &str = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg";

/// Whether each chat server is told to stop a message with this text, which is written as JSON by the caller.
async fn both(host: &TestHost, text_json: &str) -> [bool; 2] {
    let content = serde_json::to_string(&format!("{{\"content\":{text_json}}}")).unwrap();
    let openim = format!(r#"{{"sendID":"u1","contentType":101,"content":{content}}}"#);
    let tencent = format!(
        r#"{{"From_Account":"u1","MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":{text_json}}}}}]}}"#
    );
    [is_denied(host, OPENIM, openim).await, is_denied(host, TENCENT, tencent).await]
}

async fn is_denied(host: &TestHost, path: &str, body: impl Into<Body>) -> bool {
    let answer = host.post(path, body).await.body;
    [json!(5004), json!(120_005)].contains(answer.get("errCode").or(answer.get("ErrorCode")).unwrap_or(&Value::Null))
}

const LIST: &str = r#"words = ["free money", "五星红旗", "免费", "win", "admin", "cunt", "göt", "sıkıcı", "كلب"]"#;

#[tokio::test]
async fn spellings_do_not_hide_a_word_from_either_chat_server() {
    let normal = filter(&format!("{{ {LIST} }}"));
    let aggressive = filter(&format!("{{ {LIST}, strictness = \"aggressive\" }}"));
    for text in [
        "FREE Money",
        "ｆｒｅｅ money",
        "fr\u{200b}ee money",
        "f.r.e.e money",
        "f r e e money",
        "free-money",
        "free_money",
        "fr3e money",
        "frее money",
        "fréé money",
        "fre\u{301}e money",
        "freeee money",
        "𝓯𝓻𝓮𝓮 money",
        "ⓕⓡⓔⓔ money",
        "f r e e m o n e y",
        "a f r e e m o n e y",
        "五 星红旗迎风飘扬",
        "五-星-红-旗",
        "五星紅旗",
        "现在免 费的",
        "免-费",
        "免費",
        "GÖT",
        "SIKICI",
        "الكلب",
        "كـلـب",
    ] {
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(both(&normal, &json).await, [true; 2], "{text}");
        assert_eq!(both(&aggressive, &json).await, [true; 2], "{text}");
    }
    for text in ["免１费", "fr.ee money", "fr*e money", "f🔥r🔥e🔥e money"] {
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(both(&normal, &json).await, [false; 2], "{text}");
        assert_eq!(both(&aggressive, &json).await, [true; 2], "{text}");
    }
    for text in [
        "2200 read receipts, typing notices",
        "wing",
        "Scunthorpe",
        "badminton",
        "3.14159",
        "user.name@ in a sentence",
        "got it",
        "money for free",
        "免",
        "避免，费用",
    ] {
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(both(&normal, &json).await, [false; 2], "{text}");
    }
    assert_eq!(normal.metric("callgate_plugin_faults_total", &[]), 0.0);
}

#[tokio::test]
async fn half_a_surrogate_hides_nothing() {
    let host = filter(&format!("{{ {LIST} }}"));
    for text in [
        r#""\ud83d free money""#,
        r#""free money \ude00""#,
        r#""\u0066ree\u0020money\ud83d""#,
        r#""\ud83d\ud83d\ude00 free money""#,
    ] {
        assert_eq!(both(&host, text).await, [true; 2], "{text}");
    }
    for body in [
        r#"{"sendID":"u1","content":"{\"\\ud83d\":1,\"content\":\"\\u0066ree money\"}"}"#,
        r#"{"sendID":"u1","\ud83d":1,"content":"{\"content\":\"free money\"}"}"#,
        r#"{"sendID":"\ud83d","content":"{\"content\":\"free money\"}\ud83d"}"#,
        r#"{"sendID":"u1","content":"{\"content\":\"a\"}","content":"{\"content\":\"free money\"}"}"#,
        r#"{"sendID":"u1","con\u0074ent":"free money"}"#,
    ] {
        assert!(is_denied(&host, OPENIM, body).await, "{body}");
    }
    for body in [
        r#"{"MsgBody":[7,{"MsgType":"TIMTextElem","MsgContent":{"Text":"free money"}}]}"#,
        r#"{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":{"a":[1]}}},{"MsgType":"TIMTextElem","MsgContent":{"Text":"free money"}}]}"#,
        r#"{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"\ud83d"}},{"MsgType":"\ud83d","MsgContent":{"\ude00":1,"Text":"free money"}}]}"#,
        r#"{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"free "}},{"MsgType":"TIMTextElem","MsgContent":{"Text":"money"}}]}"#,
    ] {
        assert!(is_denied(&host, TENCENT, body).await, "{body}");
    }
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0);
}

#[tokio::test]
async fn a_record_says_which_rule_hit_and_where() {
    let host = filter(r#"{ categories = [{ name = "bait", words = ["free money"], action = "record" }] }"#);
    let content = json!({ "title": "Chat", "abstractList": ["Bo: hi", "Al: fr3e money!"] }).to_string();
    let body = json!({ "sendID": "u1", "contentType": 107, "content": content });
    let answer = host.openim("callbackBeforeSendSingleMsgCommand", &body).await;
    assert_eq!(answer["errCode"], 0);
    let records = host.records();
    assert_eq!(records.len(), 1);
    let found = json!([{
        "rule": "bait", "word": "free money", "place": "merged", "path": "content.abstractList[1]", "from": 4, "to": 14,
    }]);
    assert_eq!((&records[0]["event"], &records[0]["user"]), (&json!("message_filtered"), &json!("u1")));
    assert_eq!((&records[0]["action"], &records[0]["found"]), (&json!("record"), &found));
    assert!(!records[0].to_string().contains("fr3e"), "a record quotes no user");
}

#[tokio::test]
async fn a_long_message_is_searched_within_three_million_units_of_fuel() {
    let words: Vec<String> = (0..10_000).map(|number| format!("{number:04x}word")).collect();
    let host = filter(&format!("{{ words = {} }}", json!(words)));
    let text = "Shall we meet at the station on Saturday? I bring the map and some tea. ".repeat(908);
    assert!(text.len() >= 65_000);
    let body = json!({ "sendID": "u1", "content": json!({ "content": text }).to_string() });
    host.openim("callbackBeforeSendSingleMsgCommand", &body).await;
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0);
    let fuel = host.metric("callgate_plugin_fuel_total", &[]);
    assert!(fuel < 3_000_000.0, "{fuel}");
}

const PATTERNS: &str = "patterns = { links = \"deny\", emails = \"deny\", phones = \"deny\", numbers = \"deny\" }";

/// The fuel that patterns cost in a text of this unit, repeated.
async fn fuel_of_patterns(unit: &str, times: usize) -> f64 {
    let host = filter(&format!("{{ {PATTERNS} }}"));
    let body = json!({ "sendID": "u1", "content": json!({ "content": unit.repeat(times) }).to_string() });
    host.openim("callbackBeforeSendSingleMsgCommand", &body).await;
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0, "{unit}");
    host.metric("callgate_plugin_fuel_total", &[])
}

/// Of links, addresses and numbers, of their beginnings, and of what is none.
#[tokio::test]
async fn twice_as_many_beginnings_of_patterns_cost_twice_as_much() {
    for unit in [
        "éa", "a-é", "é-a.a", "é.a", "a@", "..a", "a.aa ", "п.п-", "п.рх ", "x@a.b ", "1 ", "a0", "1-1-", "(1", "1.é@",
        "中。", "㎏",
    ] {
        let times = 24 * 1024 / unit.len();
        let (one, two) = (fuel_of_patterns(unit, times / 2).await, fuel_of_patterns(unit, times).await);
        assert!(two < 2.2 * one, "{unit}: {one}, {two}");
    }
}

#[tokio::test]
async fn a_message_that_is_all_places_is_refused_and_costs_little() {
    let settings = [
        "words = [\"free\", \"免费\"]",
        "words = [\"free\", \"免费\"], harmless_words = [\"free beer\"], strictness = \"aggressive\", action = \"mask\"",
        PATTERNS,
    ];
    for settings in settings {
        let is_pattern = settings == PATTERNS;
        let texts = if is_pattern {
            ["a.com ", "a@b.cc ", "13812345678 ", "+49 30 1234567, ", "п.рф. "]
        } else {
            ["free ", "免费", "free beer ", "FREE-", "免 费。"]
        };
        for unit in texts {
            let host = filter(&format!("{{ {settings} }}"));
            let body = json!({ "sendID": "u1", "content": json!({ "content": unit.repeat(65_000 / unit.len()) }).to_string() });
            let answer = host.openim("callbackBeforeSendSingleMsgCommand", &body).await;
            assert_eq!(answer["errCode"], json!(5004), "{unit}: {answer}");
            assert_eq!(host.records()[0]["found"].as_array().map(Vec::len), Some(16));
            let fuel = host.metric("callgate_plugin_fuel_total", &[]);
            assert!(fuel < 15_000_000.0, "{unit}: {fuel}");
        }
    }
}

#[tokio::test]
async fn at_256_places_the_rest_is_not_looked_at() {
    let host = filter("{ words = [\"free\"], harmless_words = [\"free beer\"], action = \"record\" }");
    for (times, is_recorded) in [(255, false), (256, true)] {
        let body = json!({ "sendID": "u1", "content": json!({ "content": "free beer ".repeat(times) }).to_string() });
        let answer = host.openim("callbackBeforeSendSingleMsgCommand", &body).await;
        assert_eq!(answer["actionCode"], json!(0), "{answer}");
        assert_eq!(host.records().len(), usize::from(is_recorded), "{times}");
    }
    assert_eq!(host.records()[0]["found"][0]["rule"], json!("unsearched"));
}

/// Text that is all disguises, or all beginnings of listed words.
#[tokio::test]
async fn text_made_to_cost_much_costs_no_verdict() {
    let many: Vec<String> =
        (0..2000).map(|number| format!("a{number:04}b c")).chain(["aaaaaaaab".to_owned()]).collect();
    let few = ["free money", "免费", "darn"].map(str::to_owned).to_vec();
    let units = [
        "a*",
        "a.a.",
        "aaaaaaaa ",
        "a0",
        "@4",
        "a 🔥",
        "à",
        "Ｉl1|",
        "a\u{301}",
        "ß",
        "1.a",
        "a1.b@",
        "é1",
        "-a1",
        "ᖴf",
        "免",
        "f\u{3164}",
        "free mone ",
        "é@é.",
        "免1",
        "free.",
        "ff",
        "\n",
        "\u{1}",
        ".com\u{200b}\u{1}",
    ];
    for (words, rules) in [
        (&many, "strictness = \"aggressive\""),
        (&few, "strictness = \"exact\""),
        (&few, "strictness = \"normal\""),
        (&few, "strictness = \"aggressive\""),
        (&few, "match_whole_words = false"),
    ] {
        let host = filter(&format!("{{ words = {}, {rules}, action = \"record\" }}", json!(words)));
        for unit in units {
            let text = unit.repeat(24 * 1024 / json!(unit).to_string().trim_matches('"').len());
            let body = json!({ "sendID": "u1", "content": json!({ "content": text }).to_string() });
            host.openim("callbackBeforeSendSingleMsgCommand", &body).await;
            assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0, "{rules}: {unit:?}");
        }
    }
}

/// The elements of one message share what its search may cost, and are searched once more where they meet.
#[tokio::test]
async fn a_message_of_many_elements_costs_no_verdict() {
    let host = filter("{ words = [\"free money\", \"免费\", \"darn\"] }");
    for unit in ["免", "ᖴf", "1 ", "12-", "free mone ", "привет мир "] {
        for count in [2, 16, 64] {
            let text = unit.repeat(24 * 1024 / count / unit.len());
            let element = json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } });
            let body = json!({ "From_Account": "u1", "MsgBody": vec![element; count] });
            is_denied(&host, TENCENT, body.to_string()).await;
            assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0, "{count} elements of {unit}");
        }
    }
}

/// Words and links that begin in one element and end in the next one, with spaces between them or far from both ends.
#[tokio::test]
async fn what_crosses_two_elements_is_found_at_a_distance() {
    let host = filter("{ words = [\"free money\"], strictness = \"aggressive\", patterns = { links = \"deny\" } }");
    let elements = |texts: [String; 2]| {
        let element = |text: &String| json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } });
        json!({ "From_Account": "u1", "MsgBody": texts.iter().map(element).collect::<Vec<_>>() }).to_string()
    };
    let filler = "ok ".repeat(2000);
    for (gap, before, after) in [(3000, "", ""), (900, &*filler, &*filler)] {
        let texts = [format!("{before}f r{}", " ".repeat(gap)), format!("e e m o n e y {after}")];
        assert!(is_denied(&host, TENCENT, elements(texts)).await, "{gap} spaces");
    }
    let texts = [format!("{filler}see www.exam"), format!("ple.com {filler}")];
    assert!(is_denied(&host, TENCENT, elements(texts)).await);
    let texts = [format!("{filler}free"), format!("{filler}money")];
    assert!(!is_denied(&host, TENCENT, elements(texts)).await);
}

/// A text that costs too much is refused, and what is hidden after it does not matter.
#[tokio::test]
async fn what_costs_too_much_to_search_is_refused() {
    let host = filter("{ words = [\"free money\", \"免费\"], patterns = { links = \"record\" } }");
    let text = json!("免".repeat(8000)).to_string();
    assert_eq!(both(&host, &text).await, [true; 2]);
    let records = host.records();
    assert_eq!(records[0]["found"][0]["rule"], json!("unsearched"));
    let honest = json!("我们明天在车站见面，我带地图和一些茶。".repeat(150)).to_string();
    assert_eq!(both(&host, &honest).await, [false; 2]);
}

/// Harmless words count only where something is found, and the places of one text once.
#[tokio::test]
async fn places_are_counted_once() {
    let host = filter("{ words = [\"darn\"], harmless_words = [\"xx\", \"darn it\"], action = \"deny\" }");
    assert_eq!(both(&host, &json!("xx ".repeat(300) + "darn it").to_string()).await, [false; 2]);
    let elements = |texts: &[String]| {
        let element = |text: &String| json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } });
        json!({ "From_Account": "u1", "MsgBody": texts.iter().map(element).collect::<Vec<_>>() }).to_string()
    };
    for (times, denied) in [(127, false), (128, true)] {
        let texts = [1, 2].map(|_| "darn it ".repeat(times));
        assert_eq!(is_denied(&host, TENCENT, elements(&texts)).await, denied, "{times}");
    }
    assert!(!is_denied(&host, TENCENT, elements(&["darn it ".repeat(200), "ok".to_owned()])).await);
}

#[tokio::test]
async fn the_longest_list_is_configured_within_the_limits() {
    let words: Vec<String> = (0..50_000).map(|number| format!("word{number} of mine")).collect();
    let host = filter(&format!("{{ words = {} }}", json!(words)));
    assert_eq!(both(&host, "\"is word49999 of mine listed?\"").await, [true; 2]);
    assert_eq!(both(&host, "\"is word50000 of mine listed?\"").await, [false; 2]);
}

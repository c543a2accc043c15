//! Each row of the table in the README: how clients read odd JSON, and what a plugin sees of it.

use callgate_catalogue::neutral::Place;

use super::message::Message;
use crate::callback::Callback;
use crate::catalogue::Command;
use crate::events::Event as _;
use crate::object::{Object, Text};
use crate::openim::BeforeSendSingleMsg;
use crate::tencent_chat::C2cBeforeSendMsg;
use crate::testing::envelope;

/// The texts of a message, or the error; the body is JSON as it is written.
fn texts(command: &'static Command, body: &str) -> Result<Vec<(Place, String)>, String> {
    let envelope = envelope(command, body);
    let message = Message::of(&Callback::parse(&envelope).unwrap()).unwrap().expect("it is a message");
    let texts = message.texts().map_err(|error| error.to_string())?;
    Ok(texts.iter().map(|text| (text.place(), text.to_string())).collect())
}

fn openim(content: &str) -> Vec<String> {
    let body = format!(r#"{{"content":{}}}"#, serde_json::to_string(content).unwrap());
    texts(BeforeSendSingleMsg::COMMAND, &body).unwrap().into_iter().map(|(_, text)| text).collect()
}

fn tencent(elems: &str) -> Result<Vec<(Place, String)>, String> {
    texts(C2cBeforeSendMsg::COMMAND, &format!(r#"{{"MsgBody":{elems}}}"#))
}

fn text(text: &str) -> (Place, String) {
    (Place::Text, text.to_owned())
}

#[test]
fn half_a_surrogate_pair_is_a_replacement_character() {
    assert_eq!(openim(r#"{"content":"\ud83d free"}"#), ["\u{fffd} free"]);
    assert_eq!(openim(r#"{"\ud83d":1,"content":"free"}"#), ["free"]);
    let elems = r#"[{"MsgType":"TIMTextElem","\ude00":1,"MsgContent":{"Text":"free \ud83d"}}]"#;
    assert_eq!(tencent(elems), Ok(vec![text("free \u{fffd}")]));
    let object = Object::parse("demo", r#"{"\ud83d":"a\ude00","b":"c"}"#).unwrap();
    assert_eq!(object.read::<Text<'_>>("\u{fffd}").unwrap(), "a\u{fffd}");
    assert_eq!(object.read::<Text<'_>>("b").unwrap(), "c");
}

#[test]
fn of_a_member_that_is_there_twice_the_last_counts_and_both_are_texts() {
    assert_eq!(openim(r#"{"content":"one","content":"two"}"#), ["one", "two"]);
    let object = Object::parse("demo", r#"{"a":"one","a":"two"}"#).unwrap();
    assert_eq!(object.read::<Text<'_>>("a").unwrap(), "two");
    assert_eq!(openim(r#"{"text":"one","text":null}"#), ["one"]);
    let object = Object::parse("demo", r#"{"a":"one","a":null}"#).unwrap();
    assert!(object.read::<Text<'_>>("a").unwrap_err().to_string().ends_with("is missing"));
}

#[test]
fn names_are_read_as_go_folds_them() {
    assert_eq!(openim(r#"{"Content":"one","conten\u0074":"two"}"#), ["one", "two"]);
    assert_eq!(openim("{\"ab\u{17f}tractLi\u{17f}t\":[\"one\"],\"TE\u{58}T\":\"two\"}"), ["one", "two"]);
}

#[test]
fn what_is_no_text_is_seen_as_it_is_shown() {
    assert_eq!(openim(r#"{"content":42,"text":true}"#), ["42", "true"]);
    assert_eq!(openim(r#"{"content":{"text":"inner"},"title":["a",["b"]]}"#), ["inner", "a", "b"]);
    let object = Object::parse("demo", r#"{"a":42,"b":[]}"#).unwrap();
    assert!(object.read::<Text<'_>>("a").is_err() && object.read::<Text<'_>>("b").is_err());
    assert_eq!(object.read::<i32>("a"), Ok(42));
}

#[test]
fn a_broken_element_hides_no_other() {
    let good = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"good"}}"#;
    for broken in ["7", "null", "[]", "{}", r#"{"MsgType":"TIMTextElem"}"#, r#"{"MsgType":7,"MsgContent":"x"}"#] {
        assert_eq!(tencent(&format!("[{broken},{good}]")), Ok(vec![text("good")]), "{broken}");
    }
    let two = tencent(&format!("[{good},{good}]")).unwrap();
    assert_eq!(two, [text("good"), text("good"), (Place::Joined, "goodgood".to_owned())]);
}

#[test]
fn content_that_is_no_object_is_one_text() {
    for content in ["plain", "", "[\"a\"]", "{\"content\":", "{\"content\":\"a\"} b", "7"] {
        assert_eq!(openim(content), [content]);
    }
}

#[test]
fn json_that_nests_deeply_is_seen() {
    for levels in [20, 60, 200, 9000] {
        let content = format!(r#"{{"a":{}"deep"{},"content":"beside"}}"#, "[".repeat(levels), "]".repeat(levels));
        let seen = openim(&content);
        assert!(seen.contains(&"beside".to_owned()), "{levels}");
        assert_eq!(seen.contains(&"deep".to_owned()), levels > 40, "{levels}");
    }
}

#[test]
fn without_content_there_is_an_error() {
    for body in ["{}", r#"{"content":null}"#, r#"{"content":7}"#, r#"{"content":["a"]}"#] {
        assert!(texts(BeforeSendSingleMsg::COMMAND, body).is_err(), "{body}");
    }
    for elems in ["null", "7", "\"a\"", "{}"] {
        assert!(tencent(elems).is_err(), "{elems}");
    }
}

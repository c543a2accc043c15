//! Typed events against what an author would write by hand: plain serde_json into a struct of the same members.
//!
//! `cargo bench --bench events`. Both read every member of the same callback, from the body's text; the goal is a ratio
//! of at most 1.3. Native code, in turns, the median of many pairs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that cannot go on should stop")]

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;

use plugin_sdk::events::Event;
use plugin_sdk::openim::{BeforeSendSingleMsg, BeforeUpdateUserInfoEx};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "read to be measured")]
struct Message<'a> {
    #[serde(rename = "sendID", borrow)]
    send_id: Cow<'a, str>,
    #[serde(rename = "callbackCommand", borrow)]
    callback_command: Cow<'a, str>,
    #[serde(rename = "serverMsgID", borrow)]
    server_msg_id: Cow<'a, str>,
    #[serde(rename = "clientMsgID", borrow)]
    client_msg_id: Cow<'a, str>,
    #[serde(rename = "operationID", borrow)]
    operation_id: Cow<'a, str>,
    #[serde(rename = "senderPlatformID")]
    sender_platform_id: i32,
    #[serde(borrow)]
    sender_nickname: Cow<'a, str>,
    session_type: i32,
    msg_from: i32,
    content_type: i32,
    status: i32,
    send_time: i64,
    create_time: i64,
    #[serde(borrow)]
    content: Cow<'a, str>,
    seq: u32,
    at_user_list: Option<Vec<String>>,
    #[serde(rename = "faceURL", borrow)]
    face_url: Cow<'a, str>,
    #[serde(borrow)]
    ex: Cow<'a, str>,
    #[serde(rename = "recvID", borrow)]
    recv_id: Cow<'a, str>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "read to be measured")]
struct Profile<'a> {
    #[serde(rename = "callbackCommand", borrow)]
    callback_command: Cow<'a, str>,
    #[serde(rename = "userID", borrow)]
    user_id: Cow<'a, str>,
    #[serde(rename = "nickName", borrow)]
    nick_name: Option<Cow<'a, str>>,
    #[serde(rename = "faceURL", borrow)]
    face_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ex: Option<Cow<'a, str>>,
}

fn typed_message(body: &str) {
    let event = BeforeSendSingleMsg::from_body(body).unwrap();
    black_box((
        (event.send_id().unwrap(), event.server_msg_id().unwrap(), event.client_msg_id().unwrap()),
        (event.operation_id().unwrap(), event.sender_platform_id().unwrap(), event.sender_nickname().unwrap()),
        (event.session_type().unwrap(), event.msg_from().unwrap(), event.content_type().unwrap()),
        (event.status().unwrap(), event.send_time().unwrap(), event.create_time().unwrap()),
        (event.content().unwrap(), event.seq().unwrap(), event.at_user_list().unwrap()),
        (event.face_url().unwrap(), event.ex().unwrap(), event.recv_id().unwrap()),
    ));
}

fn typed_profile(body: &str) {
    let event = BeforeUpdateUserInfoEx::from_body(body).unwrap();
    black_box((event.user_id().unwrap(), event.nick_name().unwrap(), event.face_url().unwrap(), event.ex().unwrap()));
}

/// The median ratio of many pairs, each a round of one after a round of the other.
fn compare(name: &str, body: &str, typed: fn(&str), by_hand: fn(&str)) {
    const ROUNDS: usize = 401;
    const CALLS: usize = 2000;
    let time = |read: fn(&str)| {
        let started = Instant::now();
        for _ in 0..CALLS {
            read(black_box(body));
        }
        started.elapsed().as_nanos() as f64 / CALLS as f64
    };
    let mut pairs: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (time(typed), time(by_hand))).collect();
    pairs.sort_by(|one, other| (one.0 / one.1).total_cmp(&(other.0 / other.1)));
    let (typed_ns, by_hand_ns) = pairs[ROUNDS / 2];
    let ratio = typed_ns / by_hand_ns;
    let verdict = if ratio <= 1.3 { "reached" } else { "not reached" };
    println!("{name:<24} {typed_ns:>8.0} {by_hand_ns:>8.0} {ratio:>6.2} x   1.30 x  {verdict}");
}

fn main() {
    let message = r#"{"sendID":"u_alice","callbackCommand":"callbackBeforeSendSingleMsgCommand","serverMsgID":"smid-0001","clientMsgID":"cmid-0001","operationID":"op-1700000000000","senderPlatformID":2,"senderNickname":"Alice \u003c\u0026\u003e","sessionType":1,"msgFrom":100,"contentType":101,"status":1,"sendTime":1700000000000,"createTime":1700000000001,"content":"{\"content\":\"hello\"}","seq":0,"atUserList":null,"faceURL":"https://ex.com/a.png","ex":"","recvID":"u_bob"}"#;
    let profile = r#"{"callbackCommand":"callbackBeforeUpdateUserInfoExCommand","userID":"user123","nickName":"John Doe","faceURL":"http://example.com/path/to/face/image.png","ex":"Extra data"}"#;
    println!("{:<24} {:>8} {:>8} {:>8}   at most", "all members", "typed ns", "serde ns", "ratio");
    compare("a message, 18 members", message, typed_message, |body| {
        black_box(serde_json::from_str::<Message<'_>>(body).unwrap());
    });
    compare("a profile, 4 members", profile, typed_profile, |body| {
        black_box(serde_json::from_str::<Profile<'_>>(body).unwrap());
    });
}

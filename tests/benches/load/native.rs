//! What a team would write without Callgate: an axum handler for each callback, a structure for the request, the rules
//! as plain code. Here guard-profile's, in `native/messages.rs` those of filter-messages.
//!
//! They must answer as the plugins do, byte for byte; the benchmark asks both before it measures. They are written by
//! hand, not made from the plugins' crates, because those would read the envelope, which only the host needs.

#[path = "native/messages.rs"]
mod messages;

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use plugin_sdk::text;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::common::message::{MESSAGE_COMMAND, words};
use crate::common::profile::GUARDED_COMMAND;
use messages::Words;

const RESERVED: [&str; 9] =
    ["admin", "moderator", "official team", "customer service", "support", "system", "管理员", "官方", "客服"];
const HARMLESS: [&str; 2] = ["badminton", "ecosystem"];

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default, rename = "nickName")]
    nick_name: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "faceURL")]
    face_url: Option<Cow<'a, str>>,
}

/// Words as they are compared.
struct Rules {
    reserved: Vec<String>,
}

impl Rules {
    fn new() -> Self {
        let spellings = |word: &str| [text::fold(word), text::fold(word).replace(' ', "")];
        Self { reserved: RESERVED.iter().flat_map(|word| spellings(word)).collect() }
    }

    fn reserve(&self, name: &str) -> bool {
        let name = text::fold(name);
        let contains_any = |name: &str| self.reserved.iter().any(|word| name.contains(word));
        contains_any(&name) && contains_any(&HARMLESS.iter().fold(name, |name, word| name.replace(word, " ")))
    }
}

/// What the handlers look things up in, made once.
#[derive(Clone)]
struct Answers {
    rules: Arc<Rules>,
    words: Arc<Words>,
}

/// Serves until the process ends; messages are searched for so many words.
pub async fn serve(listener: TcpListener, words_listed: usize) {
    let answers = Answers { rules: Arc::new(Rules::new()), words: Arc::new(Words::new(&words(words_listed))) };
    let app = Router::new()
        .route(&format!("/openim/{GUARDED_COMMAND}"), post(answer))
        .route(&format!("/openim/{MESSAGE_COMMAND}"), post(messages::answer))
        .with_state(answers);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await.expect("serving does not end");
}

async fn answer(State(answers): State<Answers>, body: Bytes) -> Response {
    let Ok(event) = serde_json::from_slice::<Event<'_>>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    json(decide(&answers.rules, &event))
}

fn json(text: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))], text).into_response()
}

fn decide(rules: &Rules, event: &Event<'_>) -> String {
    let mut changes = String::new();
    if let Some(name) = event.nick_name.as_deref() {
        let tidied = text::tidy(name);
        if !name.is_empty() && text::is_blank(&tidied) {
            return deny(5001, "A name needs at least one visible character.");
        }
        if rules.reserve(&tidied) {
            return deny(5001, "This name is reserved. Please choose another one.");
        }
        if tidied != name {
            changes.push_str(r#","nickName":"#);
            changes.push_str(&quoted(&tidied));
        }
    }
    if let Some((scheme, rest)) = event.face_url.as_deref().and_then(|address| address.split_at_checked(7))
        && scheme.eq_ignore_ascii_case("http://")
    {
        changes.push_str(r#","faceURL":"#);
        changes.push_str(&quoted(&format!("https://{rest}")));
    }
    allow(&changes)
}

/// `changes`: members, each with a comma before it.
fn allow(changes: &str) -> String {
    format!(r#"{{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0{changes}}}"#)
}

fn deny(code: u16, message: &str) -> String {
    format!(r#"{{"actionCode":0,"errCode":{code},"errMsg":{},"errDlt":"","nextCode":1}}"#, quoted(message))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be written as JSON")
}

//! What a team would write without Callgate: one axum handler, one structure for the request, the rules as plain code.
//!
//! It must answer as guard-profile does, byte for byte; the benchmark asks both before it measures. It is written by
//! hand, not made from the plugin's crate, because that would read the envelope, which only the host needs.

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

/// Serves until the process ends.
pub async fn serve(listener: TcpListener) {
    let app = Router::new().route("/openim/{command}", post(answer)).with_state(Arc::new(Rules::new()));
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await.expect("serving does not end");
}

async fn answer(State(rules): State<Arc<Rules>>, body: Bytes) -> Response {
    let Ok(event) = serde_json::from_slice::<Event<'_>>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let json = decide(&rules, &event);
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))], json).into_response()
}

fn decide(rules: &Rules, event: &Event<'_>) -> String {
    let mut changes = String::new();
    if let Some(name) = event.nick_name.as_deref() {
        let tidied = text::tidy(name);
        if !name.is_empty() && text::is_blank(&tidied) {
            return deny("A name needs at least one visible character.");
        }
        if rules.reserve(&tidied) {
            return deny("This name is reserved. Please choose another one.");
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
    format!(r#"{{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0{changes}}}"#)
}

fn deny(message: &str) -> String {
    format!(r#"{{"actionCode":0,"errCode":5001,"errMsg":{},"errDlt":"","nextCode":1}}"#, quoted(message))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be written as JSON")
}

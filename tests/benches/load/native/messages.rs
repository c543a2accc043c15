//! filter-messages, for messages of one user to another: a structure for the request, another one for the text inside
//! of it, and the library's automaton, built once.

use std::borrow::Cow;

use aho_corasick::AhoCorasick;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use plugin_sdk::text;
use serde::Deserialize;

use super::{Answers, allow, deny, json};

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
}

/// What the user wrote, a JSON text in a JSON text. Plain text messages have `content`, quotes and mentions `text`.
#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

/// Words in one automaton, of whatever kind the library takes for so many.
pub struct Words(AhoCorasick);

impl Words {
    pub fn new(words: &[String]) -> Self {
        Self(AhoCorasick::new(words.iter().map(|word| text::fold(word))).expect("an automaton"))
    }

    /// Whether one occurs that is not just a part of a longer one.
    fn occur_in(&self, text: &str) -> bool {
        let text = text::fold(text);
        let is_part = |one: Option<char>| one.is_some_and(char::is_alphabetic);
        self.0.find_iter(&text).any(|found| {
            let (before, after) = (text.get(..found.start()), text.get(found.end()..));
            !is_part(before.and_then(|text| text.chars().next_back()))
                && !is_part(after.and_then(|text| text.chars().next()))
        })
    }
}

pub async fn answer(State(answers): State<Answers>, body: Bytes) -> Response {
    let Ok(event) = serde_json::from_slice::<Event<'_>>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let Ok(content) = serde_json::from_str::<Content<'_>>(&event.content) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut texts = content.content.iter().chain(&content.text);
    json(match texts.any(|text| answers.words.occur_in(text)) {
        true => deny(5004, "This message contains a word that is not allowed here."),
        false => allow(""),
    })
}

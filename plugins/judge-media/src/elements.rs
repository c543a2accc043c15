//! The elements of a message that a judge is asked about.

use std::collections::BTreeSet;

use plugin_sdk::neutral::{Message, Place};
use plugin_sdk::object::{Object, Raw};
use plugin_sdk::{Callback, Error, Text, text};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The kind of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Picture,
    Video,
    Voice,
    File,
    Text,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Video => "video",
            Self::Voice => "voice",
            Self::File => "file",
            Self::Text => "text",
        }
    }
}

/// One element: a URL, or a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) kind: Kind,
    pub(crate) key: String,
}

impl Element {
    /// Marks content that is nested too deeply to be examined.
    pub(crate) const NESTED: Self = Self { kind: Kind::File, key: String::new() };
}

/// The elements of a message, each once, in their order.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) elements: Vec<Element>,
    /// Whether content is nested too deeply to be examined.
    pub(crate) is_cut: bool,
    seen: BTreeSet<String>,
}

/// Deeper content is not examined: honest messages nest a dozen levels, and each level takes stack.
const DEPTH_MAX: usize = 40;

/// The context of a value during the walk.
#[derive(Clone, Copy)]
struct Inside {
    depth: usize,
    /// What a member named `url` is the URL of, and which size of it.
    url: Option<(Kind, u8)>,
}

/// The URLs of one object, with their kinds and sizes: a smaller number is a larger size.
type Urls = Vec<(Kind, u8, String)>;

impl Found {
    /// Only elements of these kinds.
    pub(crate) fn in_message<'a>(
        callback: &Callback<'a>,
        message: &Message<'a>,
        kinds: &BTreeSet<Kind>,
        all_sizes: bool,
    ) -> Result<Self, Error> {
        let mut found = Self::default();
        if kinds.iter().any(|kind| *kind != Kind::Text) {
            let body = callback.object()?;
            let mut walk = Walk { found: &mut found, kinds, all_sizes };
            let inside = Inside { depth: 0, url: None };
            // OpenIM's content is JSON in a text; Tencent's is a list of elements.
            if let Some(content) = body.raw("content").and_then(Raw::unescaped) {
                walk.text(&content, inside);
            }
            if let Some(elements) = body.raw("MsgBody") {
                walk.value(elements.get(), inside);
            }
        }
        if kinds.contains(&Kind::Text) {
            let texts = message.texts()?;
            // Text that users read as one is judged as one.
            let is_joined = texts.iter().any(|text| text.place() == Place::Joined);
            for text in &texts {
                match text.place() {
                    Place::Text if is_joined && is_element(text.path()) => {}
                    Place::Text | Place::Joined | Place::Quoted | Place::Merged => found.add(Kind::Text, text),
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    fn add(&mut self, kind: Kind, key: &str) {
        if !text::is_blank(key) && self.seen.insert(key.to_owned()) {
            self.elements.push(Element { kind, key: key.to_owned() });
        }
    }
}

/// Whether a text is joined with others: the text of an element of the message itself.
fn is_element(path: &str) -> bool {
    path.strip_prefix("MsgBody[").and_then(|rest| rest.split_once(']')).is_some_and(|(_, rest)| !rest.contains('['))
}

/// Walks through the JSON of a message. Names are compared without regard for case, because clients in Go read them so,
/// and of members with the same name each counts.
struct Walk<'w> {
    found: &'w mut Found,
    kinds: &'w BTreeSet<Kind>,
    all_sizes: bool,
}

impl Walk<'_> {
    /// A text that may be JSON.
    fn text(&mut self, text: &str, inside: Inside) {
        let is_json =
            text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if is_json {
            self.value(text.trim(), inside);
        }
    }

    fn value(&mut self, json: &str, inside: Inside) {
        if inside.depth > DEPTH_MAX {
            self.found.is_cut = true;
            return;
        }
        let inside = Inside { depth: inside.depth + 1, ..inside };
        match json.as_bytes().first() {
            Some(b'{') => {
                if let Ok(object) = Object::parse("message", json) {
                    self.object(&object, inside);
                }
            }
            Some(b'[') => {
                let elements = serde_json::from_str::<Vec<&RawValue>>(json).unwrap_or_default();
                elements.iter().for_each(|element| self.value(element.get(), inside));
            }
            _ => {}
        }
    }

    fn object(&mut self, object: &Object<'_>, inside: Inside) {
        let members: Vec<(String, Raw<'_>)> =
            object.members().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let has = |wanted: &str| members.iter().any(|(name, _)| name == wanted);
        let url_of = url_of(&members);
        let (mut urls, mut pictures) = (Urls::new(), Urls::new());
        for (name, value) in &members {
            let inner = match name.as_str() {
                "sourcepicture" => Inside { url: Some((Kind::Picture, 0)), ..inside },
                "bigpicture" => Inside { url: Some((Kind::Picture, 1)), ..inside },
                "snapshotpicture" => Inside { url: Some((Kind::Picture, 2)), ..inside },
                "imageinfoarray" => Inside { url: Some((Kind::Picture, u8::MAX)), ..inside },
                "msgcontent" => Inside { url: url_of, ..inside },
                _ => Inside { url: None, ..inside },
            };
            match (name.as_str(), inside.url) {
                ("url", Some((kind, size))) => urls.extend(url(kind, size, *value)),
                ("videourl", _) => urls.extend(url(Kind::Video, 0, *value)),
                ("snapshoturl" | "thumburl", _) => urls.extend(url(Kind::Video, 1, *value)),
                // Voice messages have a duration, and files a name.
                ("sourceurl", _) if has("duration") => urls.extend(url(Kind::Voice, 0, *value)),
                ("sourceurl", _) => urls.extend(url(Kind::File, 0, *value)),
                // The same message again, as text.
                ("content", _) => {
                    if let Some(text) = value.unescaped() {
                        self.text(&text, Inside { depth: inside.depth + 1, url: None });
                    }
                }
                ("sourcepicture" | "bigpicture" | "snapshotpicture" | "imageinfoarray", _) if !self.all_sizes => {
                    pictures.extend(sizes(value.get(), inner.url));
                }
                _ => self.value(value.get(), inner),
            }
        }
        // Of the sizes of one picture, the largest.
        pictures.sort_by_key(|(_, size, _)| *size);
        urls.extend(pictures.into_iter().next());
        for (kind, _, url) in urls.into_iter().filter(|(kind, ..)| self.kinds.contains(kind)) {
            self.found.add(kind, &url);
        }
    }
}

/// What a member `Url` in the content of one of Tencent's elements is the URL of.
fn url_of(members: &[(String, Raw<'_>)]) -> Option<(Kind, u8)> {
    let is_type = |(name, _): &&(String, Raw<'_>)| name == "msgtype";
    let kind = members.iter().rev().find(is_type).and_then(|(_, value)| value.unescaped())?;
    match &*kind {
        "TIMSoundElem" => Some((Kind::Voice, 0)),
        // An element of any other type with a URL is a file.
        _ => Some((Kind::File, 0)),
    }
}

fn url(kind: Kind, size: u8, value: Raw<'_>) -> Option<(Kind, u8, String)> {
    value.unescaped().map(Text::into_owned).filter(|url| !url.is_empty()).map(|url| (kind, size, url))
}

/// The sizes of a picture: an object with a `url`, or a list of objects with a `Type` (1 is the original) and a `URL`.
fn sizes(json: &str, of: Option<(Kind, u8)>) -> Urls {
    let Some((kind, size)) = of else { return Urls::new() };
    let objects: Vec<&RawValue> = match json.starts_with('[') {
        true => serde_json::from_str(json).unwrap_or_default(),
        false => serde_json::from_str(json).into_iter().collect(),
    };
    let mut urls = Urls::new();
    for object in objects.iter().filter_map(|json| Object::parse("picture", json.get()).ok()) {
        let number =
            |(name, value): (&str, Raw<'_>)| name.eq_ignore_ascii_case("type").then(|| value.get().parse().ok());
        let size = object.members().find_map(number).flatten().unwrap_or(size);
        let is_url = |(name, value): (&str, Raw<'_>)| {
            if name.eq_ignore_ascii_case("url") { url(kind, size, value) } else { None }
        };
        urls.extend(object.members().filter_map(is_url));
    }
    urls
}

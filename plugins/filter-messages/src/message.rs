//! Where the text stands in a message of each chat server.

use plugin_sdk::events::JsonText;
use plugin_sdk::object::Read;
use plugin_sdk::openim::{BeforeMsgModify, BeforeSendGroupMsg, BeforeSendSingleMsg};
use plugin_sdk::tencent_chat::{C2cBeforeSendMsg, Elem, GroupBeforeSendMsg, MsgElem};
use plugin_sdk::{Callback, Error, Json, Object, Text, Verdict};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

const OPENIM_DENIED: i32 = 5004;
/// The first of the app's own codes for one-to-one messages.
const C2C_DENIED: i32 = 120_001;
/// The first of the app's own codes for group messages.
const GROUP_DENIED: i32 = 10_100;
/// For the sender.
const DENIED: &str = "This message contains a word that is not allowed here.";

/// A message that waits for its verdict.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// OpenIM, in a command whose answer cannot change it.
    Fixed(Text<'a>),
    /// OpenIM, in the command whose answer can.
    Changeable(BeforeMsgModify<'a>),
    /// Tencent, one-to-one.
    C2c(C2cBeforeSendMsg<'a>),
    /// Tencent, group.
    Group(GroupBeforeSendMsg<'a>),
}

impl<'a> Message<'a> {
    /// The callback's message; `None` for other commands.
    pub(crate) fn read(callback: &Callback<'a>) -> Result<Option<Self>, Error> {
        if let Some(event) = callback.event::<BeforeSendSingleMsg<'_>>()? {
            return Ok(Some(Self::Fixed(event.content()?)));
        }
        if let Some(event) = callback.event::<BeforeSendGroupMsg<'_>>()? {
            return Ok(Some(Self::Fixed(event.content()?)));
        }
        if let Some(event) = callback.event()? {
            return Ok(Some(Self::Changeable(event)));
        }
        if let Some(event) = callback.event()? {
            return Ok(Some(Self::C2c(event)));
        }
        Ok(callback.event()?.map(Self::Group))
    }

    /// Whether one of the message's texts is a `hit`.
    pub(crate) fn any_text(&self, hit: impl Fn(&str) -> bool) -> Result<bool, Error> {
        match self {
            Self::Fixed(content) => Ok(any_content_text(content, hit)),
            Self::Changeable(event) => Ok(any_content_text(&event.content()?, hit)),
            Self::C2c(event) => any_elem_text(&event.msg_body()?, hit),
            Self::Group(event) => any_elem_text(&event.msg_body()?, hit),
        }
    }

    /// The verdict that replaces texts by what `new` makes of them (`None`: it stays); `None` if this message cannot
    /// be changed.
    pub(crate) fn with_texts(&self, new: impl Fn(&str) -> Option<String>) -> Result<Option<Verdict>, Error> {
        Ok(match self {
            Self::Fixed(_) => None,
            Self::Changeable(event) => {
                content_with_texts(&event.content()?, new)?.map(|content| event.modify().content(content).into())
            }
            Self::C2c(event) => Some(event.modify().msg_body(elems_with_texts(&event.msg_body()?, new)?).into()),
            Self::Group(event) => Some(event.modify().msg_body(elems_with_texts(&event.msg_body()?, new)?).into()),
        })
    }

    /// The verdict that stops the message.
    pub(crate) fn denied(&self) -> Verdict {
        match self {
            Self::Fixed(_) => Verdict::deny(OPENIM_DENIED, DENIED),
            Self::Changeable(event) => event.deny(OPENIM_DENIED, DENIED),
            Self::C2c(event) => event.deny(C2C_DENIED, DENIED),
            Self::Group(event) => event.deny(GROUP_DENIED, DENIED),
        }
    }
}

/// Whether a text of OpenIM's `content` is a `hit`. That is JSON text inside of a text; if it is no object, all of it
/// counts.
fn any_content_text(content: &str, hit: impl Fn(&str) -> bool) -> bool {
    match Object::parse("content", content) {
        Ok(object) => object.members().any(|(name, value)| content_text(name, value).is_some_and(|text| hit(&text))),
        Err(_) => hit(content),
    }
}

/// The content with other texts and all else as it was; `None` if it is no object: the server would refuse it.
fn content_with_texts(content: &str, new: impl Fn(&str) -> Option<String>) -> Result<Option<JsonText>, Error> {
    let Ok(object) = Object::parse("content", content) else {
        return Ok(None);
    };
    let members = object.members().map(|(name, value)| {
        let value = match content_text(name, value).and_then(|text| new(&text)) {
            Some(text) => Json::new(&text)?,
            None => Json::from(value),
        };
        Ok((name, value))
    });
    JsonText::new(&Members(members.collect::<Result<_, Error>>()?)).map(Some)
}

/// The text of a member that clients show: `content` of a text, `text` of a quote, a mention or an advanced text.
///
/// Clients are written in Go, which takes a member's name in any letter case.
fn content_text<'a>(name: &str, value: &'a RawValue) -> Option<Text<'a>> {
    let shown = ["content", "text"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if shown { Text::read(Some(value), "content").ok() } else { None }
}

fn any_elem_text(elems: &[MsgElem<'_>], hit: impl Fn(&str) -> bool) -> Result<bool, Error> {
    for elem in elems {
        if elem.text()?.is_some_and(|text| hit(&text)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn elems_with_texts(elems: &[MsgElem<'_>], new: impl Fn(&str) -> Option<String>) -> Result<Vec<Elem>, Error> {
    let elem = |elem: &MsgElem<'_>| match elem.text()?.and_then(|text| new(&text)) {
        Some(text) => Ok(elem.with_text(&text)),
        None => Ok(Elem::from(elem)),
    };
    elems.iter().map(elem).collect()
}

/// The members of a JSON object, in order; a map would drop the first of two with one name.
struct Members<'a>(Vec<(&'a str, Json)>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

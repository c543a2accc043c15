//! Who acts, and on whom or what: the members of requests that say so, for logs and for what is counted by user.

use crate::command::Command;
use crate::object::{Object, Raw, Text};

/// The members of one chat server's requests that name the acting user and what the operation is about.
///
/// A member of a member is written with a dot; of a list, its first element counts.
#[derive(Debug)]
pub struct People {
    /// Members that name the acting user. The first that is there and not empty counts.
    pub actors: &'static [&'static str],
    /// Members that name the user or the group that the operation is about, in the same way.
    pub targets: &'static [&'static str],
    /// Commands for which other members count: the command's name, its actors, its targets.
    pub exceptions: &'static [(&'static str, &'static [&'static str], &'static [&'static str])],
    /// Members that name the group, or room, in which the operation happens, in the same way.
    pub groups: &'static [&'static str],
}

/// Who acts, and on whom or what; empty where the request does not say so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// ID of the acting user.
    pub actor: String,
    /// ID of the user or the group that the operation is about.
    pub target: String,
}

impl People {
    /// A chat server whose requests name nobody.
    pub const NOBODY: Self = Self { actors: &[], targets: &[], exceptions: &[], groups: &[] };

    /// Who is named in the body of a request.
    ///
    /// ```
    /// use callgate_catalogue::openim::{self, BeforeAddFriend};
    /// use callgate_catalogue::events::Event as _;
    ///
    /// let body = r#"{"fromUserID":"mei","toUserID":"otto","reqMsg":"hi"}"#;
    /// let named = openim::PROTOCOL.people.named(BeforeAddFriend::COMMAND, body);
    /// assert_eq!((named.actor.as_str(), named.target.as_str()), ("mei", "otto"));
    /// let named = openim::PROTOCOL.people.named(BeforeAddFriend::COMMAND, "{}");
    /// assert_eq!((named.actor.as_str(), named.target.as_str()), ("", ""));
    /// ```
    #[must_use]
    pub fn named(&self, command: &Command, body: &str) -> Named {
        let Ok(body) = Object::parse("request", body) else { return Named::default() };
        let exception = self.exceptions.iter().find(|(name, ..)| *name == command.name);
        let (actors, targets) = exception.map_or((self.actors, self.targets), |(_, actors, targets)| (actors, targets));
        Named { actor: first(&body, actors), target: first(&body, targets) }
    }

    /// The subject of the operation, so that events with the same subject can be ordered: the group, or else the users
    /// that are named, sorted and joined with `|`. Empty if the request names neither.
    ///
    /// ```
    /// use callgate_catalogue::openim::{self, AfterSendSingleMsg};
    /// use callgate_catalogue::events::Event as _;
    ///
    /// let subject = |body| openim::PROTOCOL.people.subject(AfterSendSingleMsg::COMMAND, body);
    /// assert_eq!(subject(r#"{"sendID":"otto","recvID":"mei"}"#), "mei|otto");
    /// assert_eq!(subject(r#"{"sendID":"mei","recvID":"otto"}"#), "mei|otto");
    /// ```
    #[must_use]
    pub fn subject(&self, command: &Command, body: &str) -> String {
        let Ok(object) = Object::parse("request", body) else { return String::new() };
        let group = first(&object, self.groups);
        if !group.is_empty() {
            return group;
        }
        let Named { actor, target } = self.named(command, body);
        let (low, high) = if actor <= target { (actor, target) } else { (target, actor) };
        match low.is_empty() || low == high {
            true => high,
            false => low + "|" + &high,
        }
    }
}

/// The first of these members that is there and not empty.
fn first(body: &Object<'_>, paths: &[&'static str]) -> String {
    paths.iter().filter_map(|path| text(body, path)).find(|text| !text.is_empty()).unwrap_or_default()
}

fn text(body: &Object<'_>, path: &'static str) -> Option<String> {
    let Some((outer, inner)) = path.split_once('.') else {
        body.raw(path)?;
        return body.read::<Text<'_>>(path).ok().map(Text::into_owned);
    };
    let raw = body.raw(outer)?;
    let first = match Object::parse("member", raw.get()) {
        Ok(_) => raw,
        Err(_) => *body.read::<Vec<Raw<'_>>>(outer).ok()?.first()?,
    };
    text(&Object::parse("member", first.get()).ok()?, inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::PROTOCOLS;

    #[test]
    fn exceptions_name_commands_that_are_there() {
        for protocol in PROTOCOLS {
            for (name, ..) in protocol.people.exceptions {
                assert!(protocol.command(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn members_of_members_and_of_lists_are_found() {
        let people = People { actors: &["a.b", "c.d"], ..People::NOBODY };
        let command = PROTOCOLS.first().and_then(|protocol| protocol.commands.first()).unwrap();
        for (body, actor) in [
            (r#"{"a":{"b":"x"}}"#, "x"),
            (r#"{"a":[{"b":"x"},{"b":"y"}]}"#, "x"),
            (r#"{"a":[],"c":{"d":"z"}}"#, "z"),
            (r#"{"a":{"b":""},"c":{"d":"z"}}"#, "z"),
            (r#"{"a":7,"c":{"d":["z"]}}"#, ""),
            ("[]", ""),
        ] {
            assert_eq!(people.named(command, body).actor, actor, "{body}");
        }
    }
}

//! The users of a callback, and how it is refused.

use std::collections::BTreeSet;

use plugin_sdk::neutral::{Join, Neutral, RelationChange};
use plugin_sdk::{Callback, Error, Verdict};
use serde::Deserialize;

/// What banned users may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Messages,
    FriendRequests,
    Joins,
    Groups,
    Profiles,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Messages, Self::FriendRequests, Self::Joins, Self::Groups, Self::Profiles];
}

/// The users of a callback.
pub(crate) struct Who<'a> {
    form: Neutral<'a>,
    /// The acting users.
    actors: BTreeSet<String>,
    /// The other users, who join.
    others: Vec<String>,
}

impl<'a> Who<'a> {
    /// `None`: the callback is of none of these kinds, or no user is named.
    pub(crate) fn of(callback: &Callback<'a>, kinds: &BTreeSet<Kind>) -> Result<Option<Self>, Error> {
        let Some(form) = Neutral::of(callback)? else { return Ok(None) };
        let (mut actors, mut others) = (BTreeSet::new(), Vec::new());
        let mut acts = |user: Option<&str>| actors.extend(user.map(str::to_owned));
        let kind = match &form {
            Neutral::Message(message) => {
                acts(Some(&message.actor()?));
                Kind::Messages
            }
            Neutral::Relation(relation) => {
                use RelationChange::{FriendAdded, FriendAnswer, FriendRequest};
                if !matches!(relation.change(), FriendRequest | FriendAnswer | FriendAdded) {
                    return Ok(None);
                }
                relation.pairs()?.iter().for_each(|(user, _)| acts(Some(user)));
                Kind::FriendRequests
            }
            Neutral::Join(join) => {
                acts(join.actor()?.as_deref());
                others.extend(join.users()?.into_iter().map(|user| user.into_owned()));
                Kind::Joins
            }
            Neutral::Group(group) if group.is_new() => {
                acts(group.actor()?.as_deref());
                Kind::Groups
            }
            Neutral::Profile(profile) if profile.group()?.is_none() => {
                acts(profile.actor()?.as_deref());
                Kind::Profiles
            }
            Neutral::Group(_) | Neutral::Profile(_) => return Ok(None),
        };
        actors.remove("");
        let mut seen = actors.clone();
        others.retain(|user| !user.is_empty() && seen.insert(user.clone()));
        let is_meant = kinds.contains(&kind) && !(actors.is_empty() && others.is_empty());
        Ok(is_meant.then_some(Self { form, actors, others }))
    }

    /// All users: first those who act.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.actors.iter().chain(&self.others).map(String::as_str)
    }

    /// Whether this user is one of those who act.
    pub(crate) fn acts(&self, user: &str) -> bool {
        self.actors.contains(user)
    }

    pub(crate) fn deny(&self, nth: u16, message: String) -> Verdict {
        match &self.form {
            Neutral::Message(form) => form.deny(nth, message),
            Neutral::Profile(form) => form.deny(nth, message),
            Neutral::Group(form) => form.deny(nth, message),
            Neutral::Join(form) => form.deny(nth, message),
            Neutral::Relation(form) => form.deny(nth, message),
        }
    }

    /// Removes these of the other users.
    pub(crate) fn leave_out(&self, users: &[&str], nth: u16, message: String) -> Verdict {
        match &self.form {
            // No other user is left to join.
            Neutral::Join(_) if users.len() == self.others.len() => self.deny(nth, message),
            Neutral::Join(form) => Join::refuse_some(form, users, nth, message),
            _ => self.deny(nth, message),
        }
    }
}

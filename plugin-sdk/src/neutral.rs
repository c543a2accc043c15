//! One view of both platforms, for plugins that decide the same thing on each.
//!
//! [`Neutral::of`] reads a callback as a message, a profile change, a group change, a join or a change of a relation.
//! What a plugin asks for in this view is written in the callback's own platform: a denial gets a code in the range
//! that the chat server hands to its clients, and a change is only offered where the server applies it.
//!
//! ```
//! use plugin_sdk::neutral::Neutral;
//! use plugin_sdk::{Callback, Error, Verdict};
//!
//! fn decide(callback: &Callback<'_>) -> Result<Verdict, Error> {
//!     match Neutral::of(callback)? {
//!         Some(Neutral::Message(message)) if message.texts()?.iter().any(|text| text.contains("spam")) => {
//!             Ok(message.deny(4, "No spam, please."))
//!         }
//!         _ => Ok(Verdict::Allow),
//!     }
//! }
//! ```

// First, because of its macro.
#[macro_use]
mod view;
mod message;
#[cfg(test)]
mod odd;

use callgate_catalogue::neutral::{
    Creator, GroupNames, JoinNames, Pairs, ProfileNames, ProfileValue, RelationNames, Users,
};
pub use callgate_catalogue::neutral::{CustomText, Edit, Path, Place, RelationChange, Shown, Target, Visit};
pub use message::{Message, MessageText};
use view::View;

use crate::callback::Callback;
use crate::object::{FieldError, Object, Text};
use crate::verdict::Verdict;

/// A callback of either platform, by what it is about. Members are read when they are asked for.
#[derive(Debug, Clone)]
pub enum Neutral<'a> {
    /// A message, before or after it is sent.
    Message(Message<'a>),
    /// A change of a user's profile.
    Profile(Profile<'a>),
    /// A change of a group's profile.
    Group(Group<'a>),
    /// Users who join a group, or are about to.
    Join(Join<'a>),
    /// A change between users: friends, blocks.
    Relation(Relation<'a>),
}

impl<'a> Neutral<'a> {
    /// The callback in this view; `None` for commands that have no place in it.
    ///
    /// # Errors
    /// If the body is not a JSON object.
    pub fn of(callback: &Callback<'a>) -> Result<Option<Self>, FieldError> {
        if let Some(message) = Message::of(callback)? {
            return Ok(Some(Self::Message(message)));
        }
        if let Some(profile) = Profile::of(callback)? {
            return Ok(Some(Self::Profile(profile)));
        }
        if let Some(group) = Group::of(callback)? {
            return Ok(Some(Self::Group(group)));
        }
        if let Some(join) = Join::of(callback)? {
            return Ok(Some(Self::Join(join)));
        }
        Ok(Relation::of(callback)?.map(Self::Relation))
    }
}

/// A change of a user's profile, or of a member's profile in a group.
#[derive(Debug, Clone)]
pub struct Profile<'a>(View<'a, ProfileNames>);

impl<'a> Profile<'a> {
    part!(PROFILES);

    /// ID of the user, or administrator, who changes it; `None` where the platform does not say.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn actor(&self) -> Result<Option<Text<'a>>, FieldError> {
        self.0.optional(self.0.row.names.actor)
    }

    /// ID of the group, if it is the profile of a member in a group.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn group(&self) -> Result<Option<Text<'a>>, FieldError> {
        self.0.optional(self.0.row.names.group)
    }

    /// ID of the user whose profile it is.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn target(&self) -> Result<Text<'a>, FieldError> {
        self.0.body.read(self.0.row.names.target)
    }

    /// The new nickname; `None` if it stays.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn nickname(&self) -> Result<Option<Text<'a>>, FieldError> {
        self.value(&self.0.row.names.nickname)
    }

    /// The address of the new picture; `None` if it stays.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn picture(&self) -> Result<Option<Text<'a>>, FieldError> {
        self.value(&self.0.row.names.picture)
    }

    /// Goes on with another nickname or picture; `None` stays as the user wrote it. The outer `None`: this platform,
    /// or this command, cannot change a profile.
    ///
    /// ```
    /// use plugin_sdk::neutral::Profile;
    /// use plugin_sdk::{Callback, Error, Verdict, text};
    ///
    /// fn decide(callback: &Callback<'_>) -> Result<Verdict, Error> {
    ///     let Some(profile) = Profile::of(callback)? else { return Ok(Verdict::Allow) };
    ///     let Some(nickname) = profile.nickname()? else { return Ok(Verdict::Allow) };
    ///     let tidy = text::tidy(&nickname);
    ///     if tidy == nickname {
    ///         return Ok(Verdict::Allow);
    ///     }
    ///     // Tencent changes no profiles, and tells of them afterwards only.
    ///     Ok(profile.with(Some(&tidy), None).unwrap_or(Verdict::Allow))
    /// }
    /// ```
    #[must_use]
    pub fn with(&self, nickname: Option<&str>, picture: Option<&str>) -> Option<Verdict> {
        let names = &self.0.row.names;
        self.0.modify([(names.nickname.member(), nickname), (names.picture.member(), picture)])
    }

    fn value(&self, value: &ProfileValue) -> Result<Option<Text<'a>>, FieldError> {
        match *value {
            ProfileValue::Absent => Ok(None),
            ProfileValue::Member(name) => self.0.body.read(name),
            ProfileValue::Tagged { list, tag, wanted, value } => {
                let items = self.0.body.read::<Vec<Object<'a>>>(list)?;
                let is_wanted = |item: &&Object<'a>| item.read::<Text<'a>>(tag).is_ok_and(|known| known == wanted);
                items.iter().rev().find(is_wanted).map_or(Ok(None), |item| item.read(value))
            }
        }
    }
}

/// A new group, or a change of a group's profile. Official channels and topics count as groups.
#[derive(Debug, Clone)]
pub struct Group<'a>(View<'a, GroupNames>);

/// Reads a member under the name that it has in the callback's row.
macro_rules! group_texts {
    ($($(#[$doc:meta])* $method:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// If the member is not text.
        pub fn $method(&self) -> Result<Option<Text<'a>>, FieldError> {
            self.0.optional(self.0.row.names.$method)
        }
    )*};
}

impl<'a> Group<'a> {
    part!(GROUPS);

    /// Whether the group is created, not changed.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.0.row.names.is_new
    }

    /// ID of the user who creates or changes it; `None` where the platform does not say. For a new group of OpenIM this
    /// is the owner, because users can only create groups that they own; administrators can create groups for others.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn actor(&self) -> Result<Option<Text<'a>>, FieldError> {
        match self.0.row.names.actor {
            Creator::Unknown => Ok(None),
            Creator::Member(name) => self.0.optional(Some(name)),
            Creator::WithRole { list, role, wanted, user } => {
                let members = self.0.body.read_or_empty::<Vec<Object<'a>>>(list)?;
                let has_role = |member: &&Object<'a>| member.read::<i64>(role).is_ok_and(|role| role == wanted);
                members.iter().find(has_role).map(|member| member.read(user)).transpose()
            }
        }
    }

    /// ID of the group, for a topic that of its community; empty for one that is yet to be created without an ID of the
    /// app's own.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn target(&self) -> Result<Text<'a>, FieldError> {
        self.0.row.names.target.map_or(Ok(Text::Borrowed("")), |name| self.0.body.read(name))
    }

    group_texts! {
        /// The new name; `None` if it stays.
        name;
        /// The new introduction; `None` if it stays.
        introduction;
        /// The new notification; `None` if it stays.
        notification;
        /// The address of the new picture; `None` if it stays.
        picture;
    }

    /// Goes on with another name, introduction or picture; `None` stays as the user wrote it, and so does what the
    /// operation does not change. The notification cannot be changed. The outer `None`: this platform, or this
    /// command, cannot change a group.
    #[must_use]
    pub fn with(&self, name: Option<&str>, introduction: Option<&str>, picture: Option<&str>) -> Option<Verdict> {
        let names = &self.0.row.names;
        self.0.modify([(names.name, name), (names.introduction, introduction), (names.picture, picture)])
    }
}

/// Users who join a group, or are about to.
#[derive(Debug, Clone)]
pub struct Join<'a>(View<'a, JoinNames>);

impl<'a> Join<'a> {
    part!(JOINS);

    /// ID of the user who joins or invites; `None` where the platform does not say.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn actor(&self) -> Result<Option<Text<'a>>, FieldError> {
        self.0.optional(self.0.row.names.actor)
    }

    /// ID of the group.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn target(&self) -> Result<Text<'a>, FieldError> {
        self.0.body.read(self.0.row.names.target)
    }

    /// IDs of the users who join.
    ///
    /// # Errors
    /// If the member is of another type.
    pub fn users(&self) -> Result<Vec<Text<'a>>, FieldError> {
        match self.0.row.names.users {
            Users::One(name) => Ok(vec![self.0.body.read(name)?]),
            Users::Ids(name) => self.0.body.read_or_empty(name),
            Users::Objects(list, name) => {
                self.0.body.read_or_empty::<Vec<Object<'a>>>(list)?.iter().map(|user| user.read(name)).collect()
            }
        }
    }

    /// Goes on without these users. Where the platform can only take all or nobody, all are denied, with the app's code
    /// number `nth` (see [`deny`](Self::deny)) and the message.
    ///
    /// ```
    /// use plugin_sdk::neutral::Join;
    /// use plugin_sdk::{Callback, Error, Verdict};
    ///
    /// fn decide(callback: &Callback<'_>) -> Result<Verdict, Error> {
    ///     let Some(join) = Join::of(callback)? else { return Ok(Verdict::Allow) };
    ///     let users = join.users()?;
    ///     let guests: Vec<&str> = users.iter().map(|user| &**user).filter(|user| user.starts_with("guest-")).collect();
    ///     if guests.is_empty() {
    ///         return Ok(Verdict::Allow);
    ///     }
    ///     Ok(join.refuse_some(&guests, 6, "Guests cannot join groups."))
    /// }
    /// ```
    #[must_use]
    pub fn refuse_some(&self, users: &[&str], nth: u16, message: impl Into<String>) -> Verdict {
        if users.is_empty() {
            return Verdict::Allow;
        }
        if self.0.row.command.answers.refused.is_empty() {
            return self.deny(nth, message);
        }
        Verdict::RefuseSome(users.iter().map(|user| (*user).to_owned()).collect())
    }
}

/// A change between users.
#[derive(Debug, Clone)]
pub struct Relation<'a>(View<'a, RelationNames>);

impl<'a> Relation<'a> {
    part!(RELATIONS);

    /// What happens.
    #[must_use]
    pub fn change(&self) -> RelationChange {
        self.0.row.names.change
    }

    /// Who does it and to whom, by user ID.
    ///
    /// # Errors
    /// If a member is missing or of another type.
    pub fn pairs(&self) -> Result<Vec<(Text<'a>, Text<'a>)>, FieldError> {
        let body = &self.0.body;
        match self.0.row.names.pairs {
            Pairs::One(actor, target) => Ok(vec![(body.read(actor)?, body.read(target)?)]),
            Pairs::ToIds(actor, list) => {
                let actor = body.read::<Text<'a>>(actor)?;
                let users = body.read_or_empty::<Vec<Text<'a>>>(list)?;
                Ok(users.into_iter().map(|user| (actor.clone(), user)).collect())
            }
            Pairs::ToMany(actor, list, target) => {
                let actor = body.read::<Text<'a>>(actor)?;
                let users = body.read_or_empty::<Vec<Object<'a>>>(list)?;
                users.iter().map(|user| Ok((actor.clone(), user.read(target)?))).collect()
            }
            Pairs::Many(list, actor, target) => {
                let pairs = body.read_or_empty::<Vec<Object<'a>>>(list)?;
                pairs.iter().map(|pair| Ok((pair.read(actor)?, pair.read(target)?))).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use callgate_catalogue::neutral::Row;
    use callgate_catalogue::tables;

    use super::*;
    use crate::catalogue::Command;
    use crate::catalogue::PROTOCOLS;
    use crate::testing::TestPlugin;
    use crate::{Error, NoSettings, Plugin, Reply, openim, tencent_chat};
    use serde_json::{Value, json};

    /// Reports what it sees of a callback.
    struct Sees;

    impl Plugin for Sees {
        type Settings = NoSettings;

        fn configure(_: NoSettings) -> Result<Self, Error> {
            Ok(Self)
        }

        fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
            let seen = match Neutral::of(callback)? {
                Some(Neutral::Message(it)) => {
                    let texts: Vec<String> = it.texts()?.iter().map(|text| text.to_string()).collect();
                    json!([it.actor()?, format!("{:?}", it.target()?), texts, it.can_change()])
                }
                Some(Neutral::Profile(it)) => {
                    json!([it.actor()?, it.target()?, it.group()?, it.nickname()?, it.picture()?])
                }
                Some(Neutral::Group(it)) => {
                    json!([it.is_new(), it.actor()?, it.target()?, it.name()?, it.introduction()?, it.picture()?])
                }
                Some(Neutral::Join(it)) => json!([it.actor()?, it.target()?, it.users()?]),
                Some(Neutral::Relation(it)) => json!([format!("{:?}", it.change()), it.pairs()?]),
                None => Value::Null,
            };
            Reply::allow().record(&seen)
        }
    }

    fn seen<'a, E: crate::events::Event<'a>>(body: Value) -> Value {
        TestPlugin::<Sees>::configure(json!({})).unwrap().decide::<E>(body)["records"][0].take()
    }

    #[test]
    fn new_groups_are_seen_on_both_platforms() {
        let group =
            json!({ "groupID": "", "groupName": "n", "introduction": "i", "faceURL": "f", "creatorUserID": "" });
        assert_eq!(seen::<openim::BeforeCreateGroup<'_>>(group), json!([true, null, "", "n", "i", "f"]));
        let members = json!([{ "userID": "b", "roleLevel": 60 }, { "userID": "a", "roleLevel": 100 }]);
        let group = json!({ "groupID": "", "groupName": "n", "initMemberList": members });
        assert_eq!(seen::<openim::BeforeCreateGroup<'_>>(group), json!([true, "a", "", "n", null, null]));
        let group = json!({ "Operator_Account": "a", "Name": "n" });
        let alike = json!([true, "a", "", "n", null, null]);
        assert_eq!(seen::<tencent_chat::GroupBeforeCreate<'_>>(group.clone()), alike);
        assert_eq!(seen::<tencent_chat::GroupBeforeCreateTopic<'_>>(group.clone()), alike);
        assert_eq!(seen::<tencent_chat::OfficialBeforeCreate<'_>>(group), alike);
        let changed = json!({ "Official_Account": "@TOA#_1", "Operator_Account": "a", "FaceUrl": "f" });
        let seen = seen::<tencent_chat::OfficialAfterInfoChanged<'_>>(changed);
        assert_eq!(seen, json!([false, "a", "@TOA#_1", null, null, "f"]));
    }

    #[test]
    fn a_message_may_go_to_a_user_or_to_a_group() {
        let message = |user: &str, group: &str| {
            let content = json!({ "content": "hi" }).to_string();
            seen::<openim::AfterMsgSaveDB<'_>>(
                json!({ "sendID": "a", "recvID": user, "groupID": group, "content": content }),
            )
        };
        assert_eq!(message("u", ""), json!(["a", "User(\"u\")", ["hi"], false]));
        assert_eq!(message("", "g"), json!(["a", "Group(\"g\")", ["hi"], false]));
        let body = json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "hi" } }]);
        let channel =
            seen::<tencent_chat::OfficialBeforeSendMsg<'_>>(json!({ "Official_Account": "@TOA#_1", "MsgBody": body }));
        assert_eq!(channel, json!(["@TOA#_1", "Group(\"@TOA#_1\")", ["hi"], true]));
    }

    #[test]
    fn a_profile_may_be_one_in_a_group() {
        let member = json!({ "groupID": "g", "userID": "u", "nickName": "n", "faceURL": null });
        assert_eq!(seen::<openim::BeforeSetGroupMemberInfo<'_>>(member), json!([null, "u", "g", "n", null]));
        let card = json!({ "GroupId": "g", "Operator_Account": "a", "Modified_Account": "u", "NameCard": "n" });
        let card = seen::<tencent_chat::GroupAfterMemberFieldChanged<'_>>(card);
        assert_eq!(card, json!(["a", "u", "g", "n", null]));
    }

    #[test]
    fn relations_have_all_their_pairs() {
        let imported = json!({ "ownerUserID": "a", "friendUserIDs": ["b", "c"] });
        let pairs = json!([["a", "b"], ["a", "c"]]);
        assert_eq!(seen::<openim::BeforeImportFriends<'_>>(imported), json!(["FriendAdded", pairs]));
        let unfollowed = json!({ "From_Account": "a", "To_Account": ["b", "c"] });
        assert_eq!(seen::<tencent_chat::FollowAfterDelete<'_>>(unfollowed), json!(["Unfollowed", pairs]));
        let answered =
            json!({ "From_Account": "a", "ResponseFriendItem": [{ "To_Account": "b" }, { "To_Account": "c" }] });
        assert_eq!(seen::<tencent_chat::SnsPrevFriendResponse<'_>>(answered), json!(["FriendAnswer", pairs]));
    }

    #[test]
    fn the_page_lists_the_commands_of_each_form_and_none_has_two() {
        fn commands<N>(table: &'static [&'static [Row<N>]]) -> Vec<&'static Command> {
            table.iter().copied().flatten().map(|row| row.command).collect()
        }
        let forms = [
            ("Message", commands(tables::MESSAGES)),
            ("Profile", commands(tables::PROFILES)),
            ("Group", commands(tables::GROUPS)),
            ("Join", commands(tables::JOINS)),
            ("Relation", commands(tables::RELATIONS)),
        ];
        let page = include_str!("../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
        let mut all: Vec<&str> = Vec::new();
        let mut missing = String::new();
        for (form, commands) in &forms {
            let of = |protocol: &str| {
                let names = commands.iter().filter(|command| command.protocol == protocol);
                names.map(|command| format!("`{}`", command.rust_name)).collect::<Vec<_>>().join(", ")
            };
            let lists = PROTOCOLS.iter().map(|protocol| format!("`{}` {}", protocol.name, of(protocol.name)));
            let line = format!("- **{form}:** {}.\n", lists.collect::<Vec<_>>().join("; "));
            if !page.contains(line.trim_end()) {
                missing.push_str(&line);
            }
            all.extend(commands.iter().map(|command| command.name));
        }
        assert!(missing.is_empty(), "README.md needs these lines:\n{missing}");
        let count = all.len();
        assert!(page.contains(&format!("presents {count} commands")), "README.md names another number than {count}");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}

//! One view of both platforms, for plugins that decide the same thing on each.
//!
//! [`Neutral::of`] reads a callback as a message, a profile change, a group change, a join or a change of a relation.
//! What a plugin asks for in this view is written in the callback's own platform: a denial gets a code in the range
//! that the chat server hands to its clients, and a change is only offered where the server applies it.
//!
//! ```
//! use plugin_sdk::neutral::Neutral;
//! use plugin_sdk::{Callback, Error, Reply};
//!
//! fn decide(callback: &Callback<'_>) -> Result<Reply, Error> {
//!     match Neutral::of(callback)? {
//!         Some(Neutral::Message(message)) if message.texts()?.iter().any(|text| text.contains("spam")) => {
//!             Ok(message.deny(4, "No spam, please.").into())
//!         }
//!         _ => Ok(Reply::allow()),
//!     }
//! }
//! ```

use crate::callback::Callback;
use crate::catalogue::{Change, Command};
use crate::events::{Event, NewValue};
use crate::object::{FieldError, Object, Text};
use crate::plugin::Error;
use crate::tencent_chat::{Elem, MsgElem};
use crate::verdict::{Changes, Json, Verdict};
use crate::{openim, tencent_chat as tencent};

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

/// One command in a part of the view: what its members are called.
#[derive(Debug)]
struct Row<N: 'static> {
    command: &'static Command,
    names: N,
}

const fn row<N>(command: &'static Command, names: N) -> Row<N> {
    Row { command, names }
}

/// A callback as part of the view: its row, and its body.
#[derive(Debug)]
struct View<'a, N: 'static> {
    row: &'static Row<N>,
    body: Object<'a>,
}

impl<N> Clone for View<'_, N> {
    fn clone(&self) -> Self {
        Self { row: self.row, body: self.body.clone() }
    }
}

impl<'a, N> View<'a, N> {
    fn of(rows: &'static [Row<N>], callback: &Callback<'a>) -> Result<Option<Self>, FieldError> {
        let is_it = |row: &&Row<N>| {
            row.command.name == callback.command() && row.command.platform.name() == callback.platform()
        };
        match rows.iter().find(is_it) {
            Some(row) => Ok(Some(Self { row, body: Object::parse(row.command.name, callback.body())? })),
            None => Ok(None),
        }
    }

    /// A denial with the app's code number `nth`, counted from the first of the range that the platform hands to its
    /// clients. Beyond the range it is the last.
    fn deny(&self, nth: u16, message: impl Into<String>) -> Verdict {
        let codes = self.row.command.answers.deny;
        let code = codes.map(|codes| (codes.first + i32::from(nth)).min(codes.last));
        Verdict::Deny { code, message: message.into(), detail: String::new() }
    }

    /// The changes that are there; `None` if the command knows none of their names. OpenIM crashes over some values
    /// that the operation itself does not have: those are left out.
    fn modify<const T: usize>(&self, texts: [(&'static str, Option<&str>); T]) -> Option<Verdict> {
        if !texts.iter().any(|(name, _)| self.row.command.change(name).is_some_and(Change::is_settable)) {
            return None;
        }
        let mut changes = Changes::default();
        for (name, text) in texts {
            if let Some(text) = text.filter(|_| self.body.has(name)) {
                changes.set(name, Json::infallible(text));
            }
        }
        Some(if changes.is_empty() { Verdict::Allow } else { Verdict::Modify(changes) })
    }
}

/// What every part of the view can do.
macro_rules! part {
    ($part:ident, $rows:ident) => {
        /// The callback in this part of the view; `None` if it is about something else.
        ///
        /// # Errors
        /// If the body is not a JSON object.
        pub fn of(callback: &Callback<'a>) -> Result<Option<Self>, FieldError> {
            Ok(View::of($rows, callback)?.map(Self))
        }

        /// The platform's own entry for the command.
        #[must_use]
        pub fn command(&self) -> &'static Command {
            self.0.row.command
        }

        /// Stops the operation. `nth` counts the app's own codes from 0: OpenIM's begin at 5000, Tencent's at 120001
        /// (one-to-one) or 10100 (groups). `message` is what the user may read.
        #[must_use]
        pub fn deny(&self, nth: u16, message: impl Into<String>) -> Verdict {
            self.0.deny(nth, message)
        }
    };
}

/// A message, before or after it is sent.
#[derive(Debug, Clone)]
pub struct Message<'a>(View<'a, MessageNames>);

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<T> {
    /// One user, by ID.
    User(T),
    /// The members of a group, by its ID.
    Group(T),
    /// OpenIM does not say in `callbackBeforeMsgModifyCommand`.
    Unknown,
}

#[derive(Debug)]
struct MessageNames {
    actor: &'static str,
    target: Target<&'static str>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// OpenIM: JSON text inside of a text.
    Json(&'static str),
    /// Tencent: a list of elements.
    Elems(&'static str),
}

const fn openim_message(target: Target<&'static str>) -> MessageNames {
    MessageNames { actor: "sendID", target, content: Content::Json("content") }
}

const fn tencent_message(target: Target<&'static str>) -> MessageNames {
    MessageNames { actor: "From_Account", target, content: Content::Elems("MsgBody") }
}

const MESSAGES: &[Row<MessageNames>] = &[
    row(openim::BeforeSendSingleMsg::COMMAND, openim_message(Target::User("recvID"))),
    row(openim::BeforeSendGroupMsg::COMMAND, openim_message(Target::Group("groupID"))),
    row(openim::BeforeMsgModify::COMMAND, openim_message(Target::Unknown)),
    row(openim::AfterSendSingleMsg::COMMAND, openim_message(Target::User("recvID"))),
    row(openim::AfterSendGroupMsg::COMMAND, openim_message(Target::Group("groupID"))),
    row(tencent::C2cBeforeSendMsg::COMMAND, tencent_message(Target::User("To_Account"))),
    row(tencent::GroupBeforeSendMsg::COMMAND, tencent_message(Target::Group("GroupId"))),
    row(tencent::C2cAfterSendMsg::COMMAND, tencent_message(Target::User("To_Account"))),
    row(tencent::GroupAfterSendMsg::COMMAND, tencent_message(Target::Group("GroupId"))),
];

impl<'a> Message<'a> {
    part!(Message, MESSAGES);

    /// ID of the sender.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn actor(&self) -> Result<Text<'a>, FieldError> {
        self.0.body.read(self.0.row.names.actor)
    }

    /// Whom it is for.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn target(&self) -> Result<Target<Text<'a>>, FieldError> {
        match self.0.row.names.target {
            Target::User(name) => self.0.body.read(name).map(Target::User),
            Target::Group(name) => self.0.body.read(name).map(Target::Group),
            Target::Unknown => Ok(Target::Unknown),
        }
    }

    /// The texts that users read in it. OpenIM's content that is no JSON object counts as one text.
    ///
    /// # Errors
    /// If there is no content, or one of another type.
    pub fn texts(&self) -> Result<Vec<Text<'a>>, FieldError> {
        match self.0.row.names.content {
            Content::Json(name) => {
                let content = self.0.body.read::<Text<'a>>(name)?;
                Ok(match openim::Content::parse(&content) {
                    Ok(content) => content.texts().map(|text| Text::Owned(text.into_owned())).collect(),
                    Err(_) => vec![content],
                })
            }
            Content::Elems(name) => {
                let elems = self.0.body.read::<Vec<MsgElem<'a>>>(name)?;
                elems.iter().filter_map(|elem| elem.text().transpose()).collect()
            }
        }
    }

    /// Whether the answer can replace the message's content.
    #[must_use]
    pub fn can_change(&self) -> bool {
        !self.0.row.command.changes.is_empty()
    }

    /// Replaces texts by what `new` makes of them; where it gives `None`, the text stays. All else in the message
    /// stays as it came. The outer `None`: this message cannot be changed.
    ///
    /// # Errors
    /// If there is no content, or one of another type.
    pub fn with_texts(&self, new: impl Fn(&str) -> Option<String>) -> Result<Option<Verdict>, Error> {
        if !self.can_change() {
            return Ok(None);
        }
        let (name, value) = match self.0.row.names.content {
            Content::Json(name) => match openim::Content::parse(&self.0.body.read::<Text<'a>>(name)?) {
                Ok(content) => (name, content.with_texts(new)?.into_json()),
                Err(_) => return Ok(None),
            },
            Content::Elems(name) => {
                let elem = |elem: &MsgElem<'_>| match elem.text()?.and_then(|text| new(&text)) {
                    Some(text) => Ok(elem.with_text(&text)),
                    None => Ok(Elem::from(elem)),
                };
                let elems = self.0.body.read::<Vec<MsgElem<'a>>>(name)?;
                (name, elems.iter().map(elem).collect::<Result<Vec<Elem>, FieldError>>()?.into_json())
            }
        };
        let mut changes = Changes::default();
        changes.set(name, value);
        Ok(Some(Verdict::Modify(changes)))
    }
}

/// A change of a user's profile.
#[derive(Debug, Clone)]
pub struct Profile<'a>(View<'a, ProfileNames>);

#[derive(Debug)]
enum ProfileNames {
    /// Members of their own; the user is the one who acts.
    OpenIm,
    /// A list of tags and values.
    Tencent,
}

const PROFILES: &[Row<ProfileNames>] = &[
    row(openim::BeforeUpdateUserInfoEx::COMMAND, ProfileNames::OpenIm),
    row(openim::BeforeUpdateUserInfo::COMMAND, ProfileNames::OpenIm),
    row(openim::AfterUpdateUserInfoEx::COMMAND, ProfileNames::OpenIm),
    row(openim::AfterUpdateUserInfo::COMMAND, ProfileNames::OpenIm),
    row(tencent::ProfilePortraitSet::COMMAND, ProfileNames::Tencent),
];

impl<'a> Profile<'a> {
    part!(Profile, PROFILES);

    /// ID of the user, or administrator, who changes it.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn actor(&self) -> Result<Text<'a>, FieldError> {
        self.name("userID", "Operator_Account")
    }

    /// ID of the user whose profile it is.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn target(&self) -> Result<Text<'a>, FieldError> {
        self.name("userID", "From_Account")
    }

    /// The new nickname; `None` if it stays.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn nickname(&self) -> Result<Option<Text<'a>>, FieldError> {
        self.value("nickName", "Tag_Profile_IM_Nick")
    }

    /// The address of the new picture; `None` if it stays.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn picture(&self) -> Result<Option<Text<'a>>, FieldError> {
        self.value("faceURL", "Tag_Profile_IM_Image")
    }

    /// Goes on with another nickname or picture; `None` stays as the user wrote it. The outer `None`: this platform,
    /// or this command, cannot change a profile.
    ///
    /// ```
    /// use plugin_sdk::neutral::Profile;
    /// use plugin_sdk::{Callback, Error, Reply, text};
    ///
    /// fn decide(callback: &Callback<'_>) -> Result<Reply, Error> {
    ///     let Some(profile) = Profile::of(callback)? else { return Ok(Reply::allow()) };
    ///     let Some(nickname) = profile.nickname()? else { return Ok(Reply::allow()) };
    ///     let tidy = text::tidy(&nickname);
    ///     if tidy == nickname {
    ///         return Ok(Reply::allow());
    ///     }
    ///     // Tencent changes no profiles, and tells of them afterwards only.
    ///     Ok(profile.with(Some(&tidy), None).map_or_else(Reply::allow, Reply::from))
    /// }
    /// ```
    #[must_use]
    pub fn with(&self, nickname: Option<&str>, picture: Option<&str>) -> Option<Verdict> {
        self.0.modify([("nickName", nickname), ("faceURL", picture)])
    }

    fn name(&self, openim: &'static str, tencent: &'static str) -> Result<Text<'a>, FieldError> {
        match self.0.row.names {
            ProfileNames::OpenIm => self.0.body.read(openim),
            ProfileNames::Tencent => self.0.body.read(tencent),
        }
    }

    fn value(&self, openim: &'static str, tag: &str) -> Result<Option<Text<'a>>, FieldError> {
        match self.0.row.names {
            ProfileNames::OpenIm => self.0.body.read(openim),
            ProfileNames::Tencent => {
                let items = self.0.body.read::<Vec<tencent::ProfileItem<'a>>>("ProfileItem")?;
                let found = items.iter().rev().find(|item| item.tag().is_ok_and(|known| known == tag));
                found.map_or(Ok(None), |item| item.body().read("Value"))
            }
        }
    }
}

/// A change of a group's profile.
#[derive(Debug, Clone)]
pub struct Group<'a>(View<'a, GroupNames>);

#[derive(Debug)]
struct GroupNames {
    /// OpenIM does not say who acts.
    actor: Option<&'static str>,
    target: &'static str,
    name: &'static str,
    introduction: &'static str,
    notification: &'static str,
    picture: &'static str,
}

const OPENIM_GROUP: GroupNames = GroupNames {
    actor: None,
    target: "groupID",
    name: "groupName",
    introduction: "introduction",
    notification: "notification",
    picture: "faceURL",
};

const TENCENT_GROUP: GroupNames = GroupNames {
    actor: Some("Operator_Account"),
    target: "GroupId",
    name: "Name",
    introduction: "Introduction",
    notification: "Notification",
    picture: "FaceUrl",
};

const GROUPS: &[Row<GroupNames>] = &[
    row(openim::BeforeSetGroupInfoEx::COMMAND, OPENIM_GROUP),
    row(openim::BeforeSetGroupInfo::COMMAND, OPENIM_GROUP),
    row(openim::AfterSetGroupInfoEx::COMMAND, OPENIM_GROUP),
    row(openim::AfterSetGroupInfo::COMMAND, OPENIM_GROUP),
    row(tencent::GroupAfterInfoChanged::COMMAND, TENCENT_GROUP),
];

/// Reads a member under the name that it has in the callback's row.
macro_rules! group_texts {
    ($($(#[$doc:meta])* $method:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// If the member is not text.
        pub fn $method(&self) -> Result<Option<Text<'a>>, FieldError> {
            self.0.body.read(self.0.row.names.$method)
        }
    )*};
}

impl<'a> Group<'a> {
    part!(Group, GROUPS);

    /// ID of the user who changes it; `None` where the platform does not say.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn actor(&self) -> Result<Option<Text<'a>>, FieldError> {
        self.0.row.names.actor.map_or(Ok(None), |name| self.0.body.read(name))
    }

    /// ID of the group.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn target(&self) -> Result<Text<'a>, FieldError> {
        self.0.body.read(self.0.row.names.target)
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
        self.0.modify([("groupName", name), ("introduction", introduction), ("faceURL", picture)])
    }
}

/// Users who join a group, or are about to.
#[derive(Debug, Clone)]
pub struct Join<'a>(View<'a, JoinNames>);

#[derive(Debug)]
struct JoinNames {
    actor: Option<&'static str>,
    target: &'static str,
    users: Users,
}

#[derive(Debug)]
enum Users {
    /// One user ID.
    One(&'static str),
    /// A list of user IDs.
    Ids(&'static str),
    /// A list of objects with a member that is the user ID.
    Objects(&'static str, &'static str),
}

const fn join(actor: Option<&'static str>, target: &'static str, users: Users) -> JoinNames {
    JoinNames { actor, target, users }
}

const JOINS: &[Row<JoinNames>] = &[
    row(openim::BeforeJoinGroup::COMMAND, join(Some("applyID"), "groupID", Users::One("applyID"))),
    row(openim::BeforeInviteJoinGroup::COMMAND, join(None, "groupID", Users::Ids("invitedUserIDs"))),
    row(openim::BeforeMembersJoinGroup::COMMAND, join(None, "groupID", Users::Objects("memberList", "userID"))),
    row(
        tencent::GroupBeforeApplyJoinGroup::COMMAND,
        join(Some("Requestor_Account"), "GroupId", Users::One("Requestor_Account")),
    ),
    row(
        tencent::GroupBeforeInviteJoinGroup::COMMAND,
        join(Some("Operator_Account"), "GroupId", Users::Objects("DestinationMembers", "Member_Account")),
    ),
    row(
        tencent::GroupAfterNewMemberJoin::COMMAND,
        join(Some("Operator_Account"), "GroupId", Users::Objects("NewMemberList", "Member_Account")),
    ),
];

impl<'a> Join<'a> {
    part!(Join, JOINS);

    /// ID of the user who joins or invites; `None` where the platform does not say.
    ///
    /// # Errors
    /// If the member is not text.
    pub fn actor(&self) -> Result<Option<Text<'a>>, FieldError> {
        self.0.row.names.actor.map_or(Ok(None), |name| self.0.body.read(name))
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
    /// use plugin_sdk::{Callback, Error, Reply};
    ///
    /// fn decide(callback: &Callback<'_>) -> Result<Reply, Error> {
    ///     let Some(join) = Join::of(callback)? else { return Ok(Reply::allow()) };
    ///     let users = join.users()?;
    ///     let guests: Vec<&str> = users.iter().map(|user| &**user).filter(|user| user.starts_with("guest-")).collect();
    ///     if guests.is_empty() {
    ///         return Ok(Reply::allow());
    ///     }
    ///     Ok(join.refuse_some(&guests, 6, "Guests cannot join groups.").into())
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

/// What happens between users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationChange {
    /// Friendship is asked for.
    FriendRequest,
    /// They are friends now.
    FriendAdded,
    /// They are no longer friends.
    FriendRemoved,
    /// One blocks the other.
    Blocked,
    /// One no longer blocks the other.
    Unblocked,
}

#[derive(Debug)]
struct RelationNames {
    change: RelationChange,
    pairs: Pairs,
}

#[derive(Debug)]
enum Pairs {
    /// One pair: who, and whom.
    One(&'static str, &'static str),
    /// Who, and a list of objects that name whom.
    ToMany(&'static str, &'static str, &'static str),
    /// A list of objects that name both.
    Many(&'static str),
}

const fn relation(change: RelationChange, pairs: Pairs) -> RelationNames {
    RelationNames { change, pairs }
}

const RELATIONS: &[Row<RelationNames>] = &[
    row(
        openim::BeforeAddFriend::COMMAND,
        relation(RelationChange::FriendRequest, Pairs::One("fromUserID", "toUserID")),
    ),
    row(openim::AfterAddFriend::COMMAND, relation(RelationChange::FriendRequest, Pairs::One("fromUserID", "toUserID"))),
    row(
        openim::AfterDeleteFriend::COMMAND,
        relation(RelationChange::FriendRemoved, Pairs::One("ownerUserID", "friendUserID")),
    ),
    row(openim::BeforeAddBlack::COMMAND, relation(RelationChange::Blocked, Pairs::One("ownerUserID", "blackUserID"))),
    row(
        openim::AfterRemoveBlack::COMMAND,
        relation(RelationChange::Unblocked, Pairs::One("ownerUserID", "blackUserID")),
    ),
    row(
        tencent::SnsPrevFriendAdd::COMMAND,
        relation(RelationChange::FriendRequest, Pairs::ToMany("From_Account", "FriendItem", "To_Account")),
    ),
    row(tencent::SnsFriendAdd::COMMAND, relation(RelationChange::FriendAdded, Pairs::Many("PairList"))),
    row(tencent::SnsFriendDelete::COMMAND, relation(RelationChange::FriendRemoved, Pairs::Many("PairList"))),
    row(tencent::SnsBlackListAdd::COMMAND, relation(RelationChange::Blocked, Pairs::Many("PairList"))),
    row(tencent::SnsBlackListDelete::COMMAND, relation(RelationChange::Unblocked, Pairs::Many("PairList"))),
];

impl<'a> Relation<'a> {
    part!(Relation, RELATIONS);

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
            Pairs::ToMany(actor, list, target) => {
                let actor = body.read::<Text<'a>>(actor)?;
                let users = body.read_or_empty::<Vec<Object<'a>>>(list)?;
                users.iter().map(|user| Ok((actor.clone(), user.read(target)?))).collect()
            }
            Pairs::Many(list) => {
                let pairs = body.read_or_empty::<Vec<tencent::Pair<'a>>>(list)?;
                pairs.iter().map(|pair| Ok((pair.from_account()?, pair.to_account()?))).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_has(command: &Command, name: &str) {
        assert!(command.request.iter().any(|member| member.name == name), "{}: {name}", command.name);
    }

    #[test]
    fn every_name_in_the_tables_is_one_of_the_command() {
        for Row { command, names } in MESSAGES {
            assert_has(command, names.actor);
            if let Target::User(name) | Target::Group(name) = names.target {
                assert_has(command, name);
            }
            let (Content::Json(name) | Content::Elems(name)) = names.content;
            assert_has(command, name);
            assert!(command.changes.is_empty() || command.change(name).is_some(), "{}", command.name);
        }
        for Row { command, names } in GROUPS {
            for name in [names.target, names.name, names.introduction, names.notification, names.picture] {
                assert_has(command, name);
            }
            names.actor.iter().for_each(|name| assert_has(command, name));
        }
        for Row { command, names } in JOINS {
            let (Users::One(name) | Users::Ids(name) | Users::Objects(name, _)) = names.users;
            assert_has(command, name);
            assert_has(command, names.target);
            names.actor.iter().for_each(|name| assert_has(command, name));
        }
        for Row { command, names } in RELATIONS {
            match names.pairs {
                Pairs::One(one, other) | Pairs::ToMany(one, other, _) => {
                    assert_has(command, one);
                    assert_has(command, other);
                }
                Pairs::Many(list) => assert_has(command, list),
            }
        }
        for Row { command, names } in PROFILES {
            match names {
                ProfileNames::OpenIm => assert_has(command, "nickName"),
                ProfileNames::Tencent => assert_has(command, "ProfileItem"),
            }
        }
    }
}

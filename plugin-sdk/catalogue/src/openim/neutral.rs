//! OpenIM's rows of the neutral view.

use crate::command::Command;
use crate::error::Error;
use crate::events::{Event as _, NewValue as _};
use crate::neutral::{
    Content, GroupNames, JoinNames, MessageNames, Pairs, ProfileNames, ProfileValue, RelationChange, RelationNames,
    Row, Target, Users,
};
use crate::object::{FieldError, Object, Text};
use crate::verdict::Json;

use super::content::Content as MessageContent;
use super::{friend, group, message as messages, user};

pub(crate) const MESSAGES: &[Row<MessageNames>] = &[
    message(messages::BeforeSendSingleMsg::COMMAND, Target::User("recvID")),
    message(messages::BeforeSendGroupMsg::COMMAND, Target::Group("groupID")),
    message(messages::BeforeMsgModify::COMMAND, Target::Unknown),
    message(messages::AfterSendSingleMsg::COMMAND, Target::User("recvID")),
    message(messages::AfterSendGroupMsg::COMMAND, Target::Group("groupID")),
];

const fn message(command: &'static Command, target: Target<&'static str>) -> Row<MessageNames> {
    Row::new(command, MessageNames { actor: "sendID", target, content: Content { name: "content", texts, with_texts } })
}

/// Content that is not a JSON object counts as one text.
fn texts<'a>(body: &Object<'a>, name: &'static str) -> Result<Vec<Text<'a>>, FieldError> {
    let content = body.read::<Text<'a>>(name)?;
    Ok(match MessageContent::parse(&content) {
        Ok(content) => content.texts().map(|text| Text::Owned(text.into_owned())).collect(),
        Err(_) => vec![content],
    })
}

fn with_texts(
    body: &Object<'_>,
    name: &'static str,
    new: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Json>, Error> {
    match MessageContent::parse(&body.read::<Text<'_>>(name)?) {
        Ok(content) => Ok(Some(content.with_texts(new)?.into_json())),
        Err(_) => Ok(None),
    }
}

pub(crate) const PROFILES: &[Row<ProfileNames>] = &[
    profile(user::BeforeUpdateUserInfoEx::COMMAND),
    profile(user::BeforeUpdateUserInfo::COMMAND),
    profile(user::AfterUpdateUserInfoEx::COMMAND),
    profile(user::AfterUpdateUserInfo::COMMAND),
];

/// The user is the acting user.
const fn profile(command: &'static Command) -> Row<ProfileNames> {
    let names = ProfileNames {
        actor: "userID",
        target: "userID",
        nickname: ProfileValue::Member("nickName"),
        picture: ProfileValue::Member("faceURL"),
    };
    Row::new(command, names)
}

pub(crate) const GROUPS: &[Row<GroupNames>] = &[
    changed_group(group::BeforeSetGroupInfoEx::COMMAND),
    changed_group(group::BeforeSetGroupInfo::COMMAND),
    changed_group(group::AfterSetGroupInfoEx::COMMAND),
    changed_group(group::AfterSetGroupInfo::COMMAND),
];

const fn changed_group(command: &'static Command) -> Row<GroupNames> {
    let names = GroupNames {
        actor: None,
        target: "groupID",
        name: "groupName",
        introduction: "introduction",
        notification: "notification",
        picture: "faceURL",
    };
    Row::new(command, names)
}

pub(crate) const JOINS: &[Row<JoinNames>] = &[
    join(group::BeforeJoinGroup::COMMAND, Some("applyID"), Users::One("applyID")),
    join(group::BeforeInviteJoinGroup::COMMAND, None, Users::Ids("invitedUserIDs")),
    join(group::BeforeMembersJoinGroup::COMMAND, None, Users::Objects("memberList", "userID")),
];

const fn join(command: &'static Command, actor: Option<&'static str>, users: Users) -> Row<JoinNames> {
    Row::new(command, JoinNames { actor, target: "groupID", users })
}

pub(crate) const RELATIONS: &[Row<RelationNames>] = &[
    relation(friend::BeforeAddFriend::COMMAND, RelationChange::FriendRequest, "fromUserID", "toUserID"),
    relation(friend::AfterAddFriend::COMMAND, RelationChange::FriendRequest, "fromUserID", "toUserID"),
    relation(friend::AfterDeleteFriend::COMMAND, RelationChange::FriendRemoved, "ownerUserID", "friendUserID"),
    relation(friend::BeforeAddBlack::COMMAND, RelationChange::Blocked, "ownerUserID", "blackUserID"),
    relation(friend::AfterRemoveBlack::COMMAND, RelationChange::Unblocked, "ownerUserID", "blackUserID"),
];

const fn relation(
    command: &'static Command,
    change: RelationChange,
    actor: &'static str,
    target: &'static str,
) -> Row<RelationNames> {
    Row::new(command, RelationNames { change, pairs: Pairs::One(actor, target) })
}

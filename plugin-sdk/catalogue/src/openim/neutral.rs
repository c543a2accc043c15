//! OpenIM's rows of the neutral view.

use crate::command::Command;
use crate::events::Event as _;
use crate::neutral::{
    Content, Creator, CustomText, GroupNames, JoinNames, MessageNames, Pairs, Path, Place, ProfileNames, ProfileValue,
    Receiver, RelationChange, RelationNames, Row, Users, Visit,
};
use crate::object::{FieldError, Object, Text};
use crate::shown::{How, Walk};
use crate::verdict::Json;

use super::{friend, group, message as messages, user};

pub(crate) const MESSAGES: &[Row<MessageNames>] = &[
    message(messages::BeforeSendSingleMsg::COMMAND, Receiver::User("recvID")),
    message(messages::BeforeSendGroupMsg::COMMAND, Receiver::Group("groupID")),
    message(messages::BeforeMsgModify::COMMAND, Receiver::Unknown),
    message(messages::AfterSendSingleMsg::COMMAND, Receiver::User("recvID")),
    message(messages::AfterSendGroupMsg::COMMAND, Receiver::Group("groupID")),
    message(messages::AfterMsgSaveDB::COMMAND, Receiver::UserOrGroup("recvID", "groupID")),
];

const fn message(command: &'static Command, target: Receiver) -> Row<MessageNames> {
    let content = Content { name: "content", visit };
    Row::new(command, MessageNames { actor: "sendID", target, mentions: Some("atUserList"), content })
}

/// Content that is not a JSON object counts as one text.
fn visit(
    body: &Object<'_>,
    name: &'static str,
    custom: &CustomText,
    visit: &mut Visit<'_>,
) -> Result<Vec<(&'static str, Json)>, FieldError> {
    let content = body.read::<Text<'_>>(name)?;
    let new = Walk::new(shown_member, custom, visit).content(&content, How::Content(Place::Text), &Path::root(name));
    // The server refuses to send a message whose new content is no JSON object.
    let is_object = |new: &String| new.trim_ascii_start().starts_with('{') && Json::is_json(new);
    Ok(new.filter(is_object).map(|new| (name, Json::text(&new))).into_iter().collect())
}

/// The members that clients show, of the elements in `sdk_struct` of openim-sdk-core. Bundled and quoted messages have
/// the same elements again.
fn shown_member(name: &[u8]) -> How {
    match name {
        b"content" => How::Content(Place::Text),
        b"text" => How::Text(Place::Text),
        b"title" | b"abstractlist" => How::Text(Place::Merged),
        b"nickname" | b"sendernickname" | b"groupnickname" => How::Text(Place::Name),
        b"description" => How::Text(Place::Description),
        b"filename" => How::Text(Place::File),
        b"data" | b"extension" => How::Custom,
        b"quotemessage" => How::Holds(Place::Quoted),
        b"multimessage" => How::Holds(Place::Merged),
        _ => How::Hidden,
    }
}

pub(crate) const PROFILES: &[Row<ProfileNames>] = &[
    // The user is the acting user.
    profile(user::BeforeUpdateUserInfoEx::COMMAND, Some("userID"), None),
    profile(user::BeforeUpdateUserInfo::COMMAND, Some("userID"), None),
    profile(user::AfterUpdateUserInfoEx::COMMAND, Some("userID"), None),
    profile(user::AfterUpdateUserInfo::COMMAND, Some("userID"), None),
    // Administrators change those of others, and who acts is not sent.
    profile(group::BeforeSetGroupMemberInfo::COMMAND, None, Some("groupID")),
    profile(group::AfterSetGroupMemberInfo::COMMAND, None, Some("groupID")),
];

const fn profile(
    command: &'static Command,
    actor: Option<&'static str>,
    group: Option<&'static str>,
) -> Row<ProfileNames> {
    let names = ProfileNames {
        actor,
        target: "userID",
        group,
        nickname: ProfileValue::Member("nickName"),
        picture: ProfileValue::Member("faceURL"),
    };
    Row::new(command, names)
}

pub(crate) const GROUPS: &[Row<GroupNames>] = &[
    // `creatorUserID` is set only afterwards. Users can only create groups that they own; administrators, any.
    group(group::BeforeCreateGroup::COMMAND, true, OWNER),
    group(group::AfterCreateGroup::COMMAND, true, Creator::Member("creatorUserID")),
    group(group::BeforeSetGroupInfoEx::COMMAND, false, Creator::Unknown),
    group(group::BeforeSetGroupInfo::COMMAND, false, Creator::Unknown),
    group(group::AfterSetGroupInfoEx::COMMAND, false, Creator::Unknown),
    group(group::AfterSetGroupInfo::COMMAND, false, Creator::Unknown),
];

/// The owner among the first members: role 100 in the server's `pkg/common/constant`.
const OWNER: Creator = Creator::WithRole { list: "initMemberList", role: "roleLevel", wanted: 100, user: "userID" };

const fn group(command: &'static Command, is_new: bool, actor: Creator) -> Row<GroupNames> {
    let names = GroupNames {
        is_new,
        actor,
        target: Some("groupID"),
        name: Some("groupName"),
        introduction: Some("introduction"),
        notification: Some("notification"),
        picture: Some("faceURL"),
    };
    Row::new(command, names)
}

pub(crate) const JOINS: &[Row<JoinNames>] = &[
    join(group::BeforeJoinGroup::COMMAND, Some("applyID"), Users::One("applyID")),
    join(group::BeforeInviteJoinGroup::COMMAND, None, Users::Ids("invitedUserIDs")),
    join(group::BeforeMembersJoinGroup::COMMAND, None, Users::Objects("memberList", "userID")),
    // Despite its name, this member is the user who joined.
    join(group::AfterJoinGroup::COMMAND, Some("inviterUserID"), Users::One("inviterUserID")),
];

const fn join(command: &'static Command, actor: Option<&'static str>, users: Users) -> Row<JoinNames> {
    Row::new(command, JoinNames { actor, target: "groupID", users })
}

pub(crate) const RELATIONS: &[Row<RelationNames>] = &[
    relation(friend::BeforeAddFriend::COMMAND, RelationChange::FriendRequest, "fromUserID", "toUserID"),
    relation(friend::AfterAddFriend::COMMAND, RelationChange::FriendRequest, "fromUserID", "toUserID"),
    // Sent for acceptances only; the user who accepts is called `blackUserID`.
    relation(friend::BeforeAddFriendAgree::COMMAND, RelationChange::FriendAdded, "blackUserID", "fromUserID"),
    relation(friend::AfterAddFriendAgree::COMMAND, RelationChange::FriendAdded, "blackUserID", "fromUserID"),
    imported(friend::BeforeImportFriends::COMMAND),
    imported(friend::AfterImportFriends::COMMAND),
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

const fn imported(command: &'static Command) -> Row<RelationNames> {
    let pairs = Pairs::ToIds("ownerUserID", "friendUserIDs");
    Row::new(command, RelationNames { change: RelationChange::FriendAdded, pairs })
}

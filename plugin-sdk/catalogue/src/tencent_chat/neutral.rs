//! Tencent Cloud Chat's rows of the neutral view. Official channels and topics count as groups.

use crate::command::Command;
use crate::events::Event as _;
use crate::neutral::{
    Content, Creator, CustomText, GroupNames, JoinNames, MessageNames, Pairs, Path, Place, ProfileNames, ProfileValue,
    Receiver, RelationChange, RelationNames, Row, Users, Visit,
};
use crate::object::{FieldError, Object, Raw};
use crate::shown::{How, Walk};
use crate::verdict::Json;

use super::{bot, c2c, follow, group, official_channel as channel, profile, relationship};

pub(crate) const MESSAGES: &[Row<MessageNames>] = &[
    message(c2c::C2cBeforeSendMsg::COMMAND, "From_Account", TO_USER),
    message(group::GroupBeforeSendMsg::COMMAND, "From_Account", TO_GROUP),
    message(channel::OfficialBeforeSendMsg::COMMAND, CHANNEL, Receiver::Group(CHANNEL)),
    message(c2c::C2cAfterSendMsg::COMMAND, "From_Account", TO_USER),
    message(group::GroupAfterSendMsg::COMMAND, "From_Account", TO_GROUP),
    message(channel::OfficialAfterSendMsg::COMMAND, CHANNEL, Receiver::Group(CHANNEL)),
    message(group::GroupSendMsgException::COMMAND, "From_Account", TO_GROUP),
    message(c2c::C2cAfterModifyMsg::COMMAND, "Operator_Account", TO_USER),
    message(group::GroupAfterModifyMsg::COMMAND, "Operator_Account", TO_GROUP),
    message(bot::BotOnC2cMessage::COMMAND, "From_Account", TO_USER),
    message(bot::BotOnGroupMessage::COMMAND, "From_Account", TO_GROUP),
];

const TO_USER: Receiver = Receiver::User("To_Account");
const TO_GROUP: Receiver = Receiver::Group("GroupId");
const CHANNEL: &str = "Official_Account";

const fn message(command: &'static Command, actor: &'static str, target: Receiver) -> Row<MessageNames> {
    let content = Content { name: "MsgBody", visit };
    Row::new(command, MessageNames { actor, target, mentions: Some("GroupAtInfo"), content })
}

/// The member beside the elements that holds the app's own data, for example what a message answers.
const CLOUD_CUSTOM_DATA: &str = "CloudCustomData";

fn visit(
    body: &Object<'_>,
    name: &'static str,
    custom: &CustomText,
    visit: &mut Visit<'_>,
) -> Result<Vec<(&'static str, Json)>, FieldError> {
    let elems = body.read::<Raw<'_>>(name)?;
    // A broken element shows nothing, and the others are shown.
    body.read::<Vec<Raw<'_>>>(name)?;
    let (root, cloud) = (Path::root(name), Path::root(CLOUD_CUSTOM_DATA));
    let mut changes = Vec::new();
    if let Some(new) = Walk::new(shown_member, custom, visit).json(elems, &root).filter(|new| Json::is_json(new)) {
        changes.push((name, Json::from_text(new)));
    }
    if let Some(data) = body.raw(CLOUD_CUSTOM_DATA).and_then(Raw::unescaped)
        && let Some(new) = Walk::new(shown_member, custom, visit).content(&data, How::Custom, &cloud)
    {
        changes.push((CLOUD_CUSTOM_DATA, Json::text(&new)));
    }
    Ok(changes)
}

/// The members that clients show: those of the elements on Tencent's page about message formats, document 1047/33527,
/// and of merged messages (`TIMRelayElem`) as Tencent's SDKs read them.
fn shown_member(name: &[u8]) -> How {
    match name {
        b"text" | b"markdown" => How::Text(Place::Text),
        b"title" | b"abstractlist" => How::Text(Place::Merged),
        b"compatibletext" => How::Text(Place::Text),
        b"desc" => How::Text(Place::Description),
        b"filename" => How::Text(Place::File),
        b"data" | b"ext" => How::Custom,
        b"msglist" => How::Holds(Place::Merged),
        _ => How::Hidden,
    }
}

pub(crate) const PROFILES: &[Row<ProfileNames>] = &[
    Row::new(
        profile::ProfilePortraitSet::COMMAND,
        ProfileNames {
            actor: Some("Operator_Account"),
            target: "From_Account",
            group: None,
            nickname: tagged("Tag_Profile_IM_Nick"),
            picture: tagged("Tag_Profile_IM_Image"),
        },
    ),
    Row::new(
        group::GroupAfterMemberFieldChanged::COMMAND,
        ProfileNames {
            actor: Some("Operator_Account"),
            target: "Modified_Account",
            group: Some("GroupId"),
            nickname: ProfileValue::Member("NameCard"),
            picture: ProfileValue::Absent,
        },
    ),
];

const fn tagged(wanted: &'static str) -> ProfileValue {
    ProfileValue::Tagged { list: "ProfileItem", tag: "Tag", wanted, value: "Value" }
}

pub(crate) const GROUPS: &[Row<GroupNames>] = &[
    new_group(group::GroupBeforeCreate::COMMAND, None),
    new_group(group::GroupBeforeCreateTopic::COMMAND, None),
    new_group(channel::OfficialBeforeCreate::COMMAND, None),
    new_group(group::GroupAfterCreate::COMMAND, Some("GroupId")),
    new_group(group::GroupAfterCreateTopic::COMMAND, Some("GroupId")),
    new_group(channel::OfficialAfterCreate::COMMAND, Some(CHANNEL)),
    changed_group(group::GroupAfterInfoChanged::COMMAND, "GroupId", Some("Notification")),
    changed_group(group::GroupAfterTopicInfoChanged::COMMAND, "GroupId", Some("Notification")),
    changed_group(channel::OfficialAfterInfoChanged::COMMAND, CHANNEL, None),
];

const fn new_group(command: &'static Command, target: Option<&'static str>) -> Row<GroupNames> {
    let names = GroupNames {
        is_new: true,
        actor: Creator::Member("Operator_Account"),
        target,
        name: Some("Name"),
        introduction: None,
        notification: None,
        picture: None,
    };
    Row::new(command, names)
}

const fn changed_group(
    command: &'static Command,
    target: &'static str,
    notification: Option<&'static str>,
) -> Row<GroupNames> {
    let names = GroupNames {
        is_new: false,
        actor: Creator::Member("Operator_Account"),
        target: Some(target),
        name: Some("Name"),
        introduction: Some("Introduction"),
        notification,
        picture: Some("FaceUrl"),
    };
    Row::new(command, names)
}

pub(crate) const JOINS: &[Row<JoinNames>] = &[
    Row::new(
        group::GroupBeforeApplyJoinGroup::COMMAND,
        JoinNames { actor: Some("Requestor_Account"), target: "GroupId", users: Users::One("Requestor_Account") },
    ),
    join(group::GroupBeforeInviteJoinGroup::COMMAND, "GroupId", "DestinationMembers", "Member_Account"),
    join(group::GroupAfterNewMemberJoin::COMMAND, "GroupId", "NewMemberList", "Member_Account"),
    join(channel::OfficialBeforeAddSubscriber::COMMAND, CHANNEL, "SubscribeAccountList", "Subscriber_Account"),
    join(channel::OfficialAfterAddSubscriber::COMMAND, CHANNEL, "SubscribeAccountList", "Subscriber_Account"),
];

const fn join(
    command: &'static Command,
    target: &'static str,
    list: &'static str,
    user: &'static str,
) -> Row<JoinNames> {
    Row::new(command, JoinNames { actor: Some("Operator_Account"), target, users: Users::Objects(list, user) })
}

pub(crate) const RELATIONS: &[Row<RelationNames>] = &[
    to_many(relationship::SnsPrevFriendAdd::COMMAND, RelationChange::FriendRequest, "FriendItem"),
    to_many(relationship::SnsPrevFriendResponse::COMMAND, RelationChange::FriendAnswer, "ResponseFriendItem"),
    relation(relationship::SnsFriendAdd::COMMAND, RelationChange::FriendAdded),
    relation(relationship::SnsFriendDelete::COMMAND, RelationChange::FriendRemoved),
    relation(relationship::SnsBlackListAdd::COMMAND, RelationChange::Blocked),
    relation(relationship::SnsBlackListDelete::COMMAND, RelationChange::Unblocked),
    to_many(follow::FollowAfterAdd::COMMAND, RelationChange::Followed, "FollowList"),
    Row::new(
        follow::FollowAfterDelete::COMMAND,
        RelationNames { change: RelationChange::Unfollowed, pairs: Pairs::ToIds("From_Account", "To_Account") },
    ),
];

const fn to_many(command: &'static Command, change: RelationChange, list: &'static str) -> Row<RelationNames> {
    Row::new(command, RelationNames { change, pairs: Pairs::ToMany("From_Account", list, "To_Account") })
}

const fn relation(command: &'static Command, change: RelationChange) -> Row<RelationNames> {
    Row::new(command, RelationNames { change, pairs: Pairs::Many("PairList", "From_Account", "To_Account") })
}

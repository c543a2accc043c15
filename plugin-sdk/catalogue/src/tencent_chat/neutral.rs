//! Tencent Cloud Chat's rows of the neutral view. Official channels and topics count as groups.

use crate::command::Command;
use crate::error::Error;
use crate::events::{Event as _, NewValue as _};
use crate::neutral::{
    Content, GroupNames, JoinNames, MessageNames, Pairs, ProfileNames, ProfileValue, Receiver, RelationChange,
    RelationNames, Row, Users,
};
use crate::object::{FieldError, Object, Text};
use crate::verdict::Json;

use super::elem::{Elem, MsgElem};
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
    Row::new(command, MessageNames { actor, target, content: Content { name: "MsgBody", texts, with_texts } })
}

fn texts<'a>(body: &Object<'a>, name: &'static str) -> Result<Vec<Text<'a>>, FieldError> {
    let elems = body.read::<Vec<MsgElem<'a>>>(name)?;
    elems.iter().filter_map(|elem| elem.text().transpose()).collect()
}

fn with_texts(
    body: &Object<'_>,
    name: &'static str,
    new: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Json>, Error> {
    let elem = |elem: &MsgElem<'_>| match elem.text()?.and_then(|text| new(&text)) {
        Some(text) => Ok(elem.with_text(&text)),
        None => Ok(Elem::from(elem)),
    };
    let elems = body.read::<Vec<MsgElem<'_>>>(name)?;
    Ok(Some(elems.iter().map(elem).collect::<Result<Vec<Elem>, FieldError>>()?.into_json()))
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
        actor: Some("Operator_Account"),
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
        actor: Some("Operator_Account"),
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

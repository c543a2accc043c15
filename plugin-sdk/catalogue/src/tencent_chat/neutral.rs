//! Tencent Cloud Chat's rows of the neutral view.

use crate::command::Command;
use crate::error::Error;
use crate::events::{Event as _, NewValue as _};
use crate::neutral::{
    Content, GroupNames, JoinNames, MessageNames, Pairs, ProfileNames, ProfileValue, RelationChange, RelationNames,
    Row, Target, Users,
};
use crate::object::{FieldError, Object, Text};
use crate::verdict::Json;

use super::elem::{Elem, MsgElem};
use super::{c2c, group, profile, relationship};

pub(crate) const MESSAGES: &[Row<MessageNames>] = &[
    message(c2c::C2cBeforeSendMsg::COMMAND, Target::User("To_Account")),
    message(group::GroupBeforeSendMsg::COMMAND, Target::Group("GroupId")),
    message(c2c::C2cAfterSendMsg::COMMAND, Target::User("To_Account")),
    message(group::GroupAfterSendMsg::COMMAND, Target::Group("GroupId")),
];

const fn message(command: &'static Command, target: Target<&'static str>) -> Row<MessageNames> {
    let content = Content { name: "MsgBody", texts, with_texts };
    Row::new(command, MessageNames { actor: "From_Account", target, content })
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

pub(crate) const PROFILES: &[Row<ProfileNames>] = &[Row::new(
    profile::ProfilePortraitSet::COMMAND,
    ProfileNames {
        actor: "Operator_Account",
        target: "From_Account",
        nickname: tagged("Tag_Profile_IM_Nick"),
        picture: tagged("Tag_Profile_IM_Image"),
    },
)];

const fn tagged(wanted: &'static str) -> ProfileValue {
    ProfileValue::Tagged { list: "ProfileItem", tag: "Tag", wanted, value: "Value" }
}

pub(crate) const GROUPS: &[Row<GroupNames>] = &[Row::new(
    group::GroupAfterInfoChanged::COMMAND,
    GroupNames {
        actor: Some("Operator_Account"),
        target: "GroupId",
        name: "Name",
        introduction: "Introduction",
        notification: "Notification",
        picture: "FaceUrl",
    },
)];

pub(crate) const JOINS: &[Row<JoinNames>] = &[
    join(group::GroupBeforeApplyJoinGroup::COMMAND, "Requestor_Account", Users::One("Requestor_Account")),
    join(
        group::GroupBeforeInviteJoinGroup::COMMAND,
        "Operator_Account",
        Users::Objects("DestinationMembers", "Member_Account"),
    ),
    join(
        group::GroupAfterNewMemberJoin::COMMAND,
        "Operator_Account",
        Users::Objects("NewMemberList", "Member_Account"),
    ),
];

const fn join(command: &'static Command, actor: &'static str, users: Users) -> Row<JoinNames> {
    Row::new(command, JoinNames { actor: Some(actor), target: "GroupId", users })
}

pub(crate) const RELATIONS: &[Row<RelationNames>] = &[
    Row::new(
        relationship::SnsPrevFriendAdd::COMMAND,
        RelationNames {
            change: RelationChange::FriendRequest,
            pairs: Pairs::ToMany("From_Account", "FriendItem", "To_Account"),
        },
    ),
    relation(relationship::SnsFriendAdd::COMMAND, RelationChange::FriendAdded),
    relation(relationship::SnsFriendDelete::COMMAND, RelationChange::FriendRemoved),
    relation(relationship::SnsBlackListAdd::COMMAND, RelationChange::Blocked),
    relation(relationship::SnsBlackListDelete::COMMAND, RelationChange::Unblocked),
];

const fn relation(command: &'static Command, change: RelationChange) -> Row<RelationNames> {
    Row::new(command, RelationNames { change, pairs: Pairs::Many("PairList", "From_Account", "To_Account") })
}
